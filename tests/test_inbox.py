"""The inbox: what each rule puts before whom, since when, and what people make of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import test_ledger
from tests.conftest import TODAY, Vertikal
from tests.terminal import Terminal
from tests.test_cycles import ACTIVITY, adopt, answer, get, open_, record, retract, tell, told
from tests.test_figures import mark, plan, result
from tests.test_ledger import PROPERTY, Step, histories, play
from tests.test_reporting import employ, expect
from vertikal.events import log
from vertikal.events.database import reading
from vertikal.projections.book import Book
from vertikal.services import inbox, projector
from vertikal.services.access import Party

__all__ = ["told"]
fresh = test_ledger.fresh
REGION = Party("obr", "region")
YEAR = {"start": "2020-09-01", "end": "2030-08-31"}
AS_OF = "2021-06-30"


def awaiting(
    vertical: Vertikal, organisation: str = "obr", rule: str | None = None, as_of: str = AS_OF, known_at: int = 0
) -> list[dict[str, Any]]:
    """What awaits an organisation and those below it."""
    with reading(vertical.engine) as connection:
        ledger = Book().open(connection)
        found = inbox.awaiting(ledger, organisation, as_of, known_at or ledger.position)
    return [each for each in found if rule in (None, each["rule"])]


def one(vertical: Vertikal, rule: str, **asked: Any) -> dict[str, Any]:
    (found,) = awaiting(vertical, rule=rule, **asked)
    return found


def cohort(vertical: Vertikal, code: str = "c1", owner: str = "gorodets") -> None:
    vertical.send("cohort.defined", owner, {"cohort": code, "title": "ШНОР", "kind": "shnor", "owner": owner,
                                            "period": YEAR})  # fmt: skip


def low(vertical: Vertikal, school: str = "s1", below: int = 8, **more: Any) -> None:
    """A result of which 40 per cent lie below the minimum."""
    result(vertical, school, 20, below, **{"year": "2020/2021", "held_on": "2021-04-10", **more})


def crossed(vertical: Vertikal, school: str = "s1") -> None:
    """Two low procedures in a year, one of them low the year before as well."""
    low(vertical, school)
    low(vertical, school, subject="Русский язык")
    low(vertical, school, year="2019/2020", held_on="2020-04-10")


def post(client: FlaskClient, vertical: Vertikal, code: str, what: str, of: Party = REGION, **body: Any) -> Any:
    header = {"Authorization": f"Bearer {vertical.token(of.organisation, of.role)}"}
    answered = client.post(f"/v1/inbox/{code}/{what}", headers=header, json=body)
    projector.catch_up(vertical.engine)
    return answered


# What the rules see


def test_an_empty_inbox_is_an_answer(vertical: Vertikal) -> None:
    assert awaiting(vertical) == []


def test_a_school_that_meets_the_rule_is_put_before_its_municipality_with_its_results(vertical: Vertikal) -> None:
    cohort(vertical)
    crossed(vertical)
    found = one(vertical, "threshold_crossed")
    assert (found["organisation"], found["role"], found["about"]) == (
        "gorodets",
        "municipality",
        {"school": "s1", "year": "2020/2021"},
    )
    assert found["figures"]["meets"] == {"all": True, "any": True}
    assert found["since"] == "2021-04-10"
    assert len(found["events"]) == 3
    assert found["event"]["data"] | {"basis": ""} == {"cohort": "c1", "school": "s1", "from": AS_OF, "basis": ""}


def test_a_school_that_is_in_a_cohort_of_low_results_is_not_proposed_again(vertical: Vertikal) -> None:
    cohort(vertical)
    crossed(vertical)
    vertical.send("school.included", "s1", {"cohort": "c1", "school": "s1", "from": "2021-05-01"})
    assert awaiting(vertical, rule="threshold_crossed") == []
    assert awaiting(vertical, rule="threshold_crossed", as_of="2021-04-30")


def test_both_readings_are_more_urgent_than_one(vertical: Vertikal) -> None:
    crossed(vertical, "s1")
    low(vertical, "s2")
    low(vertical, "s2", subject="Русский язык")
    first, second = awaiting(vertical, rule="threshold_crossed")
    assert [each["about"]["school"] for each in (first, second)] == ["s1", "s2"]
    assert first["urgency"] > second["urgency"]


def test_an_appeal_that_lowers_the_share_takes_the_proposal_away_and_it_stays_known(vertical: Vertikal) -> None:
    crossed(vertical)
    before = vertical.ask("below_minimum", "obr")["known_at"]["position"]
    corrected = {"school": "s1", "procedure": "vpr", "grade": 5, "participants": 20, "below_minimum": 2}
    for subject in ("math", "Русский язык"):
        vertical.send("assessment.corrected", "s1", {**corrected, "subject": subject, "year": "2020/2021",
                                                     "reason": "appeal"})  # fmt: skip
    assert awaiting(vertical, rule="threshold_crossed") == []
    assert one(vertical, "threshold_crossed", known_at=before)


def test_an_overdue_activity_stands_with_each_target_from_the_day_after_its_end(vertical: Vertikal) -> None:
    plan(vertical, end="2020-10-31")
    assert awaiting(vertical, rule="activity_overdue", as_of="2020-10-31") == []
    found = awaiting(vertical, rule="activity_overdue", as_of="2020-11-01")
    assert [(each["organisation"], each["since"]) for each in found] == [("s1", "2020-11-01"), ("s2", "2020-11-01")]
    assert found[0]["event"] is None
    assert found[0]["settles"] == ["activity.completed", "activity.not_held"]


def test_the_owner_of_a_road_map_is_offered_a_later_deadline(vertical: Vertikal) -> None:
    plan(vertical, end="2020-10-31", targets=())
    found = one(vertical, "activity_overdue", as_of="2020-11-10")
    assert (found["organisation"], found["event"]["type"]) == ("gorodets", "activity.rescheduled")
    assert found["event"]["data"]["timing"]["end"] == "2020-12-10"


def test_a_done_mark_ends_it_and_a_deadline_that_is_near_is_told_before(vertical: Vertikal) -> None:
    plan(vertical, end="2020-10-31", targets=("s1",))
    assert awaiting(vertical, as_of="2020-10-16") == []
    assert one(vertical, "activity_due", as_of="2020-10-17")["figures"]["days"] == 14
    mark(vertical, "completed", "s1", "2020-10-20")
    assert awaiting(vertical, as_of="2020-10-20") == awaiting(vertical, as_of="2020-11-20") == []


def test_the_longer_something_waits_the_more_urgent_it_is(vertical: Vertikal) -> None:
    plan(vertical, end="2020-10-31", targets=("s1",))
    early, late = (one(vertical, "activity_overdue", as_of=day) for day in ("2020-11-01", "2020-12-01"))
    assert early["proposal"] == late["proposal"]
    assert early["urgency"] < late["urgency"]


def test_a_result_below_what_was_expected_is_a_missed_target(vertical: Vertikal) -> None:
    vertical.send("roadmap.adopted", "gorodets", {"roadmap": "rm", "owner": "gorodets", "title": "ДК", "period": YEAR})
    expected = {"text": "Обучить 12 чел.", "value": "12", "unit": "people", "comparator": ">="}
    timing = {"raw": "", "kind": "missing"}
    vertical.send("activity.planned", "gorodets", {**ACTIVITY, "number": "1", "title": "Обучение", "timing": timing,
                                                   "responsible": [], "expected": expected})  # fmt: skip
    done = {**ACTIVITY, "organisation": "gorodets", "completed_on": "2020-12-01"}
    vertical.send(
        "activity.completed", "gorodets", {**done, "result": {"text": "Обучено 9 чел.", "value": "9", "unit": "people"}}
    )
    found = one(vertical, "target_missed")
    assert (found["since"], found["figures"]["result"]["value"]) == ("2020-12-01", "9")


def test_an_indicator_below_its_target_awaits_its_cycle_from_the_day_after_the_term(vertical: Vertikal) -> None:
    open_(vertical, "cy")
    tell(vertical, "goal.set", "2020-09-04", goal="g1", text="Снизить долю")
    adopt(vertical, "visited", target={"value": "0.8", "comparator": ">=", "by": "2021-05-31"})
    record(vertical, 5, 10)
    assert awaiting(vertical, rule="target_missed", as_of="2021-05-31") == []
    found = one(vertical, "target_missed", as_of="2021-06-01")
    assert (found["organisation"], found["figures"]["value"]) == ("gorodets", "0.5")
    assert found["event"]["data"]["findings"][0]["figures"][0]["numerator"] == 5


def test_a_target_is_judged_by_the_figure_at_its_term(vertical: Vertikal) -> None:
    open_(vertical, "cy")
    tell(vertical, "goal.set", "2020-09-04", goal="g1", text="Снизить долю")
    adopt(vertical, "visited", target={"value": "0.5", "comparator": ">=", "by": "2020-12-31"})
    record(vertical, 6, 10, "2020-12-20")
    record(vertical, 1, 10, "2021-03-20")
    assert awaiting(vertical, rule="target_missed") == []


def test_a_school_whose_latest_results_are_fine_is_not_proposed_for_older_ones(vertical: Vertikal) -> None:
    low(vertical, year="2019/2020", held_on="2020-04-10")
    low(vertical, year="2019/2020", held_on="2020-04-11", subject="Русский язык")
    assert awaiting(vertical, rule="threshold_crossed")
    low(vertical, below=0, subject="Физика")
    low(vertical, below=0, subject="Химия")
    assert awaiting(vertical, rule="threshold_crossed") == []


def test_where_the_parent_is_closed_the_next_one_above_is_asked(vertical: Vertikal) -> None:
    crossed(vertical)
    vertical.send("organisation.closed", "gorodets", {"code": "gorodets", "valid_from": "2021-05-01"})
    assert one(vertical, "threshold_crossed")["organisation"] == "obr"


def test_a_silent_school_is_asked_first_and_its_municipality_after_thirty_days(vertical: Vertikal) -> None:
    expect(vertical, ["s1", "s2"], due="2020-10-05")
    employ(vertical, "s2")
    assert awaiting(vertical, as_of="2020-10-05") == []
    assert one(vertical, "report_silent", as_of="2020-10-06")["organisation"] == "s1"
    late = one(vertical, "report_silent", as_of="2020-11-05")
    assert (late["organisation"], late["about"]["organisation"]) == ("gorodets", "s1")


def test_a_claim_without_events_awaits_whoever_made_it(vertical: Vertikal) -> None:
    claim = {"claim": "c1", "organisation": "gorodets", "text": "Всё выполнено", "about": {}, "on": "2021-06-01"}
    vertical.send("claim.made", "gorodets", claim)
    assert one(vertical, "claim_unsupported")["figures"]["supported_by"] == 0


def test_an_unanswered_recommendation_goes_one_level_up_after_thirty_days(
    vertical: Vertikal, told: dict[str, str]
) -> None:
    found = awaiting(vertical, rule="recommendation_unanswered", as_of="2021-01-06")
    assert [each["organisation"] for each in found] == ["s1", "s2"]
    assert found[0]["event"]["data"] == {"recommendation": "r1", "organisation": "s1", "answer": "accepted"}
    answer(vertical, "s1", "2021-01-06")
    late = one(vertical, "recommendation_unanswered", as_of="2021-01-07")
    assert late["event"] is None  # nobody answers in the name of another
    assert (late["organisation"], late["about"]["organisation"], late["figures"]["escalated"]) == (
        "gorodets",
        "s2",
        True,
    )


def test_an_accepted_recommendation_without_a_decision_goes_one_level_up_after_thirty_days(
    vertical: Vertikal, told: dict[str, str]
) -> None:
    retract(vertical, told["decision"])
    answer(vertical, "s1", "2020-12-10")
    assert one(vertical, "recommendation_undecided", as_of="2020-12-20")["organisation"] == "s1"
    assert one(vertical, "recommendation_undecided", as_of="2021-01-20")["organisation"] == "gorodets"


def test_a_broken_link_of_an_open_cycle_is_named(vertical: Vertikal, told: dict[str, str]) -> None:
    before = {each["about"]["code"] for each in awaiting(vertical, rule="chain_broken")}
    retract(vertical, told["goal"])
    after = {each["about"]["code"] for each in awaiting(vertical, rule="chain_broken")}
    assert after - before == {"visited"}


def test_two_names_are_put_before_the_parent_and_never_merged(vertical: Vertikal) -> None:
    for code, name in (("x1", "МБОУ СОШ № 7 г. Бор"), ("x2", "СОШ №7 города Бор")):
        vertical.send("organisation.registered", code, {"code": code, "kind": "school", "name": name,
                                                        "parent": "chemal", "valid_from": "2019-09-01"})  # fmt: skip
    found = one(vertical, "two_names")
    assert (found["organisation"], found["about"]) == ("chemal", {"organisations": ["x1", "x2"]})
    assert found["event"] is None


# Who sees what, in which order


def test_the_most_urgent_comes_first_and_a_school_sees_its_own(vertical: Vertikal) -> None:
    crossed(vertical)
    plan(vertical, end="2020-10-31")
    order = [each["urgency"] for each in awaiting(vertical)]
    assert order == sorted(order, reverse=True)
    assert {each["organisation"] for each in awaiting(vertical, "s2")} == {"s2"}


def test_a_closed_school_is_asked_nothing(vertical: Vertikal) -> None:
    plan(vertical, end="2020-10-31", targets=("s1",))
    vertical.send("organisation.closed", "s1", {"code": "s1", "valid_from": "2020-12-01"})
    assert awaiting(vertical, as_of="2020-11-30")
    assert awaiting(vertical, as_of="2020-12-01") == []


def test_the_inbox_is_paged_in_the_order_of_urgency(client: FlaskClient, vertical: Vertikal) -> None:
    crossed(vertical)
    plan(vertical, end="2020-10-31")
    whole = get(client, vertical, "inbox", as_of=AS_OF)
    first = get(client, vertical, "inbox", as_of=AS_OF, limit=2)
    rest = get(client, vertical, "inbox", as_of=AS_OF, limit=2, cursor=first["next"])
    assert (whole["total"], first["items"] + rest["items"]) == (3, whole["items"])
    assert (whole["next"], rest["next"]) == (None, None)


def test_no_item_is_lost_between_pages_where_one_code_begins_like_another(
    client: FlaskClient, vertical: Vertikal
) -> None:
    for code in ("s1-a", "s1.b"):
        vertical.register(code, "school", "gorodets")
    plan(vertical, end="2020-10-31", targets=("s1", "s1-a", "s1.b"))
    asked: dict[str, Any] = {"limit": 1, "rule": "activity_overdue"}
    pages = [get(client, vertical, "inbox", **asked)]
    while pages[-1]["next"] is not None:
        pages.append(get(client, vertical, "inbox", **asked, cursor=pages[-1]["next"]))
    assert sorted(each["organisation"] for page in pages for each in page["items"]) == ["s1", "s1-a", "s1.b"]


def test_the_inbox_is_narrowed_by_owner_role_and_rule(client: FlaskClient, vertical: Vertikal) -> None:
    crossed(vertical)
    plan(vertical, end="2020-10-31")

    def rules(**query: Any) -> list[str]:
        return [each["rule"] for each in get(client, vertical, "inbox", as_of=AS_OF, **query)["items"]]

    assert rules(organisation="gorodets", own="true") == ["threshold_crossed"]
    assert rules(role="school") == ["activity_overdue", "activity_overdue"]
    assert rules(rule="threshold_crossed") == ["threshold_crossed"]
    assert "rule" in get(client, vertical, "inbox", code=400, rule="чужое")["errors"]


def test_a_reader_does_not_see_the_inbox_of_others(client: FlaskClient, vertical: Vertikal) -> None:
    get(client, vertical, "inbox", of="gorodets", organisation="chemal", code=403)


# What people make of it


def test_adopting_writes_the_adoption_and_the_drafted_event_with_its_cause(
    client: FlaskClient, vertical: Vertikal
) -> None:
    cohort(vertical)
    crossed(vertical)
    found = get(client, vertical, "inbox")["items"][0]
    answered = post(client, vertical, found["proposal"], "adopt", actor="Начальник отдела")
    assert answered.status_code == 201
    assert [each["type"] for each in answered.json["events"]] == ["proposal.adopted", "school.included"]
    with reading(vertical.engine) as connection:
        adopted, included = (
            each.event for each in log.read_at(connection, [e["position"] for e in answered.json["events"]]).values()
        )
    assert included["causationid"] == adopted["id"]
    assert adopted["data"]["event"] == included["id"]
    assert (adopted["actor"], adopted["data"]["rule"]) == ("Начальник отдела", "threshold_crossed")
    assert get(client, vertical, "inbox")["items"] == []


def test_adopting_twice_writes_nothing_new(client: FlaskClient, vertical: Vertikal) -> None:
    cohort(vertical)
    crossed(vertical)
    code = get(client, vertical, "inbox")["items"][0]["proposal"]
    first, second = (post(client, vertical, code, "adopt") for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json["events"] == []


def test_two_people_who_adopt_at_once_adopt_once(client: FlaskClient, vertical: Vertikal) -> None:
    cohort(vertical)
    crossed(vertical)
    code = get(client, vertical, "inbox")["items"][0]["proposal"]
    header = [
        {"Authorization": f"Bearer {vertical.token(*of)}"} for of in (("obr", "region"), ("gorodets", "municipality"))
    ]
    answered = [client.post(f"/v1/inbox/{code}/adopt", headers=each, json={}) for each in header]  # nothing projected
    assert [each.status_code for each in answered] == [201, 200]


@pytest.mark.parametrize("what", ["adopt", "decline"])
def test_an_adoption_that_was_taken_back_leaves_the_proposal_open_again(
    client: FlaskClient, vertical: Vertikal, what: str
) -> None:
    plan(vertical, end="2020-10-31", targets=("s1",))
    code = one(vertical, "activity_overdue", as_of=TODAY)["proposal"]
    written = post(client, vertical, code, what, reason="нет").json["events"] if what == "decline" else post(
        client, vertical, code, what
    ).json["events"]  # fmt: skip
    assert awaiting(vertical, as_of="2030-01-01") == []
    source = {"source": "/vertikal/obr", "id": written[0]["id"], "reason": "ошибка"}
    vertical.send("event.retracted", "obr", source)
    assert [each["proposal"] for each in awaiting(vertical, as_of="2030-01-01")] == [code]
    assert post(client, vertical, code, "adopt").status_code == 201


def test_what_was_declined_stays_declined_until_its_figures_change(client: FlaskClient, vertical: Vertikal) -> None:
    crossed(vertical)
    code = get(client, vertical, "inbox")["items"][0]["proposal"]
    assert post(client, vertical, code, "decline", reason="Школа закрывается").status_code == 201
    assert awaiting(vertical, rule="threshold_crossed", as_of="2030-01-01") == []
    low(vertical, subject="Физика")
    (again,) = awaiting(vertical, rule="threshold_crossed", as_of="2021-12-31")
    assert again["proposal"] != code


def test_what_was_postponed_comes_back_on_its_day(client: FlaskClient, vertical: Vertikal) -> None:
    plan(vertical, end="2020-10-31", targets=("s1",))
    code = get(client, vertical, "inbox")["items"][0]["proposal"]
    assert post(client, vertical, code, "postpone", reason="Каникулы", until="2030-09-01").status_code == 201
    assert awaiting(vertical, as_of="2030-08-31") == []
    assert [each["proposal"] for each in awaiting(vertical, as_of="2030-09-01")] == [code]
    assert post(client, vertical, code, "postpone", reason="Каникулы", until="2020-01-01").status_code == 422


def test_a_person_may_write_another_event_than_the_drafted_one(client: FlaskClient, vertical: Vertikal) -> None:
    plan(vertical, end="2020-10-31", targets=("s1",))
    code = get(client, vertical, "inbox")["items"][0]["proposal"]
    data = {"roadmap": "rm", "activity": "a1", "organisation": "s1", "on": "2020-12-01", "organised": False}
    answered = post(client, vertical, code, "adopt", event={"type": "activity.not_held", "data": data})
    assert answered.status_code == 201, answered.json
    assert vertical.figure("roadmap_overdue", "s1") == (1, 1)
    assert get(client, vertical, "inbox")["items"] == []  # a negative result is an answer


def test_an_event_that_has_nothing_to_do_with_the_proposal_is_refused(client: FlaskClient, vertical: Vertikal) -> None:
    plan(vertical, end="2020-10-31", targets=("s1",))
    code = get(client, vertical, "inbox")["items"][0]["proposal"]
    data = {"organisation": "s1", "on": "2020-12-01", "teachers": 1, "managers": 1}
    refused = post(client, vertical, code, "adopt", event={"type": "staff.reported", "data": data})
    assert (refused.status_code, list(refused.json["errors"])) == (422, ["event.type"])


def test_a_school_cannot_judge_in_the_name_of_whoever_is_above_it(client: FlaskClient, vertical: Vertikal) -> None:
    crossed(vertical)
    found = get(client, vertical, "inbox", of="gorodets")["items"][0]
    said = {"proposal": found["proposal"], "rule": found["rule"], "version": 1, "organisation": "s1"}
    for type_, more in (("proposal.declined", {"reason": "нет"}), ("proposal.adopted", {})):
        vertical.send(type_, "s1", {**said, **more}, party=Party("s1", "school"), source="/schools/s1")
    assert [each["proposal"] for each in awaiting(vertical, "gorodets")] == [found["proposal"]]
    assert post(client, vertical, found["proposal"], "adopt", Party("gorodets", "municipality")).status_code == 201


def test_what_was_adopted_a_moment_ago_cannot_be_declined(client: FlaskClient, vertical: Vertikal) -> None:
    crossed(vertical)
    code = get(client, vertical, "inbox")["items"][0]["proposal"]
    header = {"Authorization": f"Bearer {vertical.token('obr', 'region')}"}
    answered = [
        client.post(f"/v1/inbox/{code}/{what}", headers=header, json={"reason": "нет"} if what == "decline" else {})
        for what in ("adopt", "decline")  # nothing is projected between them
    ]
    assert [each.status_code for each in answered] == [201, 409]


def test_what_was_postponed_may_still_be_adopted(client: FlaskClient, vertical: Vertikal) -> None:
    crossed(vertical)
    code = get(client, vertical, "inbox")["items"][0]["proposal"]
    assert post(client, vertical, code, "postpone", reason="Каникулы", until="2040-09-01").status_code == 201
    assert post(client, vertical, code, "adopt").status_code == 201


def test_an_event_that_the_log_refuses_leaves_the_proposal_open(client: FlaskClient, vertical: Vertikal) -> None:
    plan(vertical, end="2020-10-31", targets=("s1",))
    code = get(client, vertical, "inbox")["items"][0]["proposal"]
    refused = post(client, vertical, code, "adopt", event={"type": "activity.not_held", "data": {}})
    assert refused.status_code == 422
    assert any("activity.not_held: data.roadmap" in path for path in refused.json["errors"])
    assert get(client, vertical, "inbox")["items"][0]["proposal"] == code


def test_only_those_above_may_judge_and_an_auditor_may_not(client: FlaskClient, vertical: Vertikal) -> None:
    plan(vertical, end="2020-10-31", targets=("s1",))
    code = get(client, vertical, "inbox")["items"][0]["proposal"]
    assert post(client, vertical, code, "adopt", Party("obr", "auditor")).status_code == 403
    assert post(client, vertical, code, "adopt", Party("chemal", "municipality")).status_code == 404
    assert post(client, vertical, code, "adopt", Party("s1", "school")).status_code == 201


# The same proposals again


def test_a_rebuild_proposes_the_same_and_never_what_was_judged(
    client: FlaskClient, vertical: Vertikal, terminal: Terminal
) -> None:
    crossed(vertical)
    plan(vertical, end="2020-10-31")
    declined = get(client, vertical, "inbox", as_of=AS_OF)["items"][0]["proposal"]
    post(client, vertical, declined, "decline", reason="нет")
    before = awaiting(vertical, as_of=TODAY)
    terminal.run("rebuild")
    assert awaiting(vertical, as_of=TODAY) == before


def test_the_command_line_shows_adopts_and_says_what_it_wrote(vertical: Vertikal, terminal: Terminal) -> None:
    plan(vertical, end="2020-10-31", targets=("s1",))
    items = terminal.json("inbox", "--organisation", "obr")["items"]
    assert items == awaiting(vertical, as_of=vertical.settings.today())
    shown = terminal.run("inbox", "--organisation", "obr").stdout
    assert items[0]["proposal"] in shown
    who = ("--organisation", "s1", "--role", "school")
    code = items[0]["proposal"]
    assert "proposal.adopted" in terminal.run("inbox", "adopt", code, *who).stdout
    projector.catch_up(vertical.engine)
    assert terminal.json("inbox", "adopt", code, *who)["events"] == []
    assert "ничего не ждёт решения" in terminal.run("inbox", "--organisation", "obr").stdout


# Always


@settings(PROPERTY, max_examples=12)
@given(history=histories, day=st.dates(date(2020, 1, 1), date(2022, 12, 31)))
def test_proposals_of_any_history_are_unique_ordered_and_found_again_from_events_they_name(
    fresh: Callable[[], AbstractContextManager[Vertikal]], history: list[Step], day: date
) -> None:
    with fresh() as store:
        play(store, history, 100)
        found = awaiting(store, as_of=day.isoformat())
        again = awaiting(store, as_of=day.isoformat())
        parts = [each for code in ("gorodets", "chemal") for each in awaiting(store, code, as_of=day.isoformat())]
    assert found == again
    codes = [each["proposal"] for each in found]
    assert len(set(codes)) == len(codes)
    assert [each["urgency"] for each in found] == sorted((each["urgency"] for each in found), reverse=True)
    assert {each["proposal"] for each in parts} <= set(codes)
    assert all(each["events"] and each["since"] <= day.isoformat() for each in found)
