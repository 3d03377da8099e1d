"""Evidence: the figures that an analysis cites are those of the ledger, and stay what they were when it was told."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.conftest import Vertikal
from tests.sayings import CHEMAL, GORODETS, INSTITUTE, REGION, S1
from tests.terminal import Terminal
from tests.test_cycles import ACTIVITY, cite, get, open_, plan, record, retract, tell
from tests.test_figures import course, posts, result, staff
from vertikal.events.database import reading
from vertikal.events.log import read_head
from vertikal.services import evidence, projector
from vertikal.services.access import Party
from vertikal.services.intake import ACCEPTED, CONFLICT, DUPLICATE, REJECTED, Intake, Outcome
from vertikal.services.refusals import Refusal

YEAR_END = "2021-08-31"
FIRST = "data.findings[0].figures[0]"


@pytest.fixture
def world(vertical: Vertikal) -> Vertikal:
    """The cycle cy of gorodets; 5 of 20 below the minimum at s1."""
    open_(vertical, "cy")
    result(vertical, "s1")
    return vertical


def head(vertical: Vertikal) -> int:
    with reading(vertical.engine) as connection:
        return read_head(connection).position


def below(vertical: Vertikal, numerator: Any = 5, denominator: Any = 20, **more: Any) -> dict[str, Any]:
    """The share of gorodets below the minimum, as known now."""
    known_at = more.pop("known_at", head(vertical))
    return cite("below_minimum", numerator, denominator, known_at, **{"as_of": YEAR_END, **more})


def analysis(vertical: Vertikal, *figures: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An analysis of cy with one finding that cites these figures."""
    findings = [{"finding": "f1", "text": "Нужна помощь", "figures": list(figures)}]
    data = {"cycle": "cy", "analysis": "an1", "findings": findings}
    return vertical.event("analysis.published", "gorodets", data, **{"source": "/analysts", **more})


def publish(vertical: Vertikal, *figures: dict[str, Any], party: Party = GORODETS) -> Outcome:
    """What becomes of an analysis with these figures; what is taken is counted, too."""
    event = analysis(vertical, *figures, source=f"/{party.organisation}/analysts")
    outcome = vertical.submit(event, party=party).results[0]
    projector.catch_up(vertical.engine)
    return outcome


def refused(vertical: Vertikal, *figures: dict[str, Any], party: Party = GORODETS) -> dict[str, list[str]]:
    """Why an analysis with these figures is refused; nothing of it is written."""
    before = head(vertical)
    outcome = publish(vertical, *figures, party=party)
    assert (outcome.status, outcome.position, head(vertical)) == (REJECTED, None, before)
    return outcome.errors


# What the ledger holds


def test_a_figure_that_the_ledger_holds_is_taken_however_its_numbers_are_written(world: Vertikal) -> None:
    for numerator, denominator in ((5, 20), ("5", "20.0"), ("5.000", 20)):
        assert publish(world, below(world, numerator, denominator)).status == ACCEPTED


def test_a_false_figure_refuses_the_analysis_over_http_and_says_what_the_ledger_holds(
    client: FlaskClient, world: Vertikal
) -> None:
    before = head(world)
    event = analysis(world, below(world), below(world, 6, "20.5"))
    header = {"Authorization": f"Bearer {world.token('gorodets', 'municipality')}"}
    answer = client.post("/v1/events", json=event, headers=header)
    body = answer.json or {}
    assert (answer.status_code, body["results"][0]["errors"]) == (422, {
        "data.findings[0].figures[1].numerator": [
            f"по сведениям на позицию {before}: числитель 5, знаменатель 20 (получено: «6»)"
        ],
        "data.findings[0].figures[1].denominator": [
            f"по сведениям на позицию {before}: числитель 5, знаменатель 20 (получено: «20.5»)"
        ],
    })  # fmt: skip
    assert head(world) == before


def test_it_is_this_check_that_refuses_a_false_figure(world: Vertikal) -> None:
    event = analysis(world, below(world, 6))
    freely = Intake(world.engine, world.clock, world.settings.timezone, cites_freely=True)
    assert world.submit(event, party=GORODETS).results[0].status == REJECTED
    assert freely.submit(GORODETS, [event]).results[0].status == ACCEPTED


def test_a_figure_holds_as_it_was_known_though_the_ledger_has_changed_since(world: Vertikal) -> None:
    then = head(world)
    at = world.clock.time.isoformat()
    result(world, "s2", 30, 9)
    assert publish(world, below(world, 14, 50)).status == ACCEPTED
    assert publish(world, below(world, 5, 20, known_at=then)).status == ACCEPTED
    assert publish(world, below(world, 5, 20, known_at=at)).status == ACCEPTED
    assert f"на позицию {then}: числитель 5, знаменатель 20" in str(refused(world, below(world, 14, 50, known_at=then)))
    assert f"{FIRST}.numerator" in refused(world, below(world, 14, 50, as_of="2021-03-14"))


def test_no_data_may_be_cited_as_what_it_is(world: Vertikal) -> None:
    assert publish(world, below(world, 0, 0, organisation="s2")).status == ACCEPTED
    assert f"{FIRST}.denominator" in refused(world, below(world, 0, 20, organisation="s2"))


def test_a_count_is_cited_with_the_denominator_one_or_none(world: Vertikal) -> None:
    data = {"entry": "e", "organisation": "s1", "contest": "К", "level": "region", "people": 7, "on": "2021-02-01"}
    world.send("contest.entered", "s1", data, party=GORODETS, source="/m/gorodets")
    for denominator in (1, "1.0", 0):
        figure = cite("contest_entries", 7, denominator, head(world), as_of=YEAR_END)
        assert publish(world, figure).status == ACCEPTED
    assert refused(world, cite("contest_entries", 7, 7, head(world), as_of=YEAR_END)) == {
        f"{FIRST}.denominator": [
            f"по сведениям на позицию {head(world)}: 7, знаменателя у показателя нет (указывается 1) (получено: «7»)"
        ]
    }


def test_an_amount_with_decimals_is_compared_exactly(world: Vertikal) -> None:
    posts(world, "s1", "12.5", "13")
    assert publish(world, cite("staffing", "12.50", 13, head(world))).status == ACCEPTED
    found = refused(world, cite("staffing", "12.500001", "13", head(world)))
    assert "числитель 12.5, знаменатель 13 (получено: «12.500001»)" in found[f"{FIRST}.numerator"][0]


def test_the_figures_of_an_assessment_of_effectiveness_are_checked_as_well(world: Vertikal) -> None:
    plan(world)
    data = {"cycle": "cy", "effectiveness": "ef1", "activities": [ACTIVITY], "outcome": "partly", "text": "Есть рост"}
    false = world.event("effectiveness.assessed", "gorodets", {**data, "figures": [below(world), below(world, 4)]})
    assert list(world.submit(false).results[0].errors) == ["data.figures[1].numerator"]
    world.accept(world.event("effectiveness.assessed", "gorodets", {**data, "figures": [below(world)]}))
    world.accept(world.event("effectiveness.assessed", "gorodets", data))


# Questions without an answer


def test_a_figure_that_cannot_be_asked_for_is_refused_at_the_field_that_is_wrong(world: Vertikal) -> None:
    people = cite("trained_teachers", 0, 0, head(world), period="2021-03")
    found = refused(world, below(world, period="прошлый год"), people, below(world, organisation="nobody"))
    assert list(found) == [
        "data.findings[0].figures[0].period",
        "data.findings[0].figures[1].period",
        "data.findings[0].figures[2].organisation",
    ]
    assert "не распознан" in found["data.findings[0].figures[0].period"][0]
    assert "не рассчитывается" in found["data.findings[0].figures[1].period"][0]


def test_what_is_not_known_yet_cannot_be_cited(world: Vertikal) -> None:
    last = head(world)
    assert refused(world, below(world, known_at=last + 1)) == {
        f"{FIRST}.known_at": [f"позиция {last + 1} дальше конца журнала ({last})"]
    }
    found = refused(world, below(world, known_at="2199-01-01T00:00:00Z"))
    assert "ещё не наступило" in found[f"{FIRST}.known_at"][0]


def test_a_figure_that_is_not_counted_yet_is_waited_for(world: Vertikal) -> None:
    key = {"school": "s2", "procedure": "vpr", "subject": "math", "grade": 5, "year": "2020/2021"}
    scores = {"held_on": "2021-03-15", "participants": 30, "below_minimum": 9}
    event = world.event("assessment.imported", "s2", key | scores)
    assert world.submit(event).accepted == 1

    def project_later() -> None:
        time.sleep(0.3)
        projector.catch_up(world.engine)

    later = threading.Thread(target=project_later)
    later.start()
    outcome = publish(world, below(world, 14, 50))
    later.join()
    assert outcome.status == ACCEPTED


def test_where_nobody_counts_the_sender_is_asked_to_try_again(
    client: FlaskClient, world: Vertikal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "WAIT_S", 0.1)
    world.submit(world.event("goal.set", "gorodets", {"cycle": "cy", "goal": "g1", "text": "Снизить"}))
    event = analysis(world, below(world))
    header = {"Authorization": f"Bearer {world.token('gorodets', 'municipality')}"}
    answer = client.post("/v1/events", json=event, headers=header)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert f"позиция {head(world)} ещё не учтена" in answer.text
    projector.catch_up(world.engine)
    assert client.post("/v1/events", json=event, headers=header).status_code == 201


def test_more_figures_than_can_be_asked_for_in_one_call_are_refused(world: Vertikal) -> None:
    event = analysis(world, *([below(world)] * 501))
    other = analysis(world, *([below(world)] * 500))
    with pytest.raises(Refusal, match="1001 приведённых значений") as refusal:
        world.submit(event, other, party=GORODETS)
    assert refusal.value.status == 413
    assert world.submit(event, party=GORODETS).accepted == 1


# Sending again, batches, transports


def test_what_the_log_holds_is_a_duplicate_or_a_conflict_and_is_not_checked_again(
    world: Vertikal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evidence, "WAIT_S", 0.1)
    world.submit(world.event("goal.set", "gorodets", {"cycle": "cy", "goal": "g1", "text": "Снизить"}))
    event = analysis(world, below(world))
    with pytest.raises(Refusal):
        world.submit(event, party=GORODETS)
    projector.catch_up(world.engine)
    assert world.submit(event, event, party=GORODETS).count(ACCEPTED, DUPLICATE) == 2
    uncounted = {**event, "data": analysis(world, below(world, 6))["data"]}
    found = world.submit(event, uncounted, party=GORODETS).results
    assert [outcome.status for outcome in found] == [DUPLICATE, CONFLICT]
    assert list(found[1].errors) == ["id"]


def test_a_false_analysis_does_not_take_a_good_event_of_its_batch_with_it(world: Vertikal) -> None:
    goal = world.event("goal.set", "gorodets", {"cycle": "cy", "goal": "g1", "text": "Снизить"})
    false = analysis(world, below(world, 6))
    for dry_run in (True, False):
        answer = world.submit(goal, false, dry_run=dry_run)
        assert [outcome.status for outcome in answer.results] == [ACCEPTED, REJECTED]
        assert list(answer.results[1].errors) == [f"{FIRST}.numerator"]


def test_with_atomic_a_false_analysis_refuses_the_batch(world: Vertikal) -> None:
    goal = world.event("goal.set", "gorodets", {"cycle": "cy", "goal": "g1", "text": "Снизить"})
    before = head(world)
    answer = world.submit(goal, analysis(world, below(world, 6)), atomic=True)
    assert (answer.refused, head(world)) == (2, before)


def test_the_command_line_refuses_a_false_analysis_as_http_does(
    world: Vertikal, terminal: Terminal, tmp_path: Path
) -> None:
    for numerator, code, rejected in ((6, 1, 1), (5, 0, 0)):
        file = tmp_path / f"{numerator}.json"
        file.write_text(json.dumps(analysis(world, below(world, numerator))))
        words = ("push", str(file), "--organisation", "gorodets", "--role", "municipality")
        assert terminal.json(*words, code=code)["rejected"] == rejected


# Who may cite what


def test_a_figure_out_of_sight_is_refused_and_nothing_of_it_is_told(world: Vertikal) -> None:
    result(world, "s3", 31, 17)
    for organisation in ("s3", "chemal"):
        for numbers in ((17, 31), (18, 31)):
            found = refused(world, below(world, *numbers, organisation=organisation))
            message = "приведённое значение сверить нельзя: организация вне подчинения «gorodets»"
            assert found == {f"{FIRST}.organisation": [f"{message} (получено: «{organisation}»)"]}
    assert publish(world, below(world, 17, 31, organisation="s3"), party=REGION).status == ACCEPTED


def test_the_totals_of_the_parent_may_be_cited_where_they_are_not_hidden(world: Vertikal) -> None:
    result(world, "s3", 40, 20)
    staff(world, "s3", 40)
    course(world, "p1", "s1", "2020-10-01")
    assert publish(world, below(world, 25, 60, organisation="obr")).status == ACCEPTED
    assert "числитель 25, знаменатель 60" in str(refused(world, below(world, 24, 60, organisation="obr")))
    for numerator in (1, 2):
        figure = cite("trained_teachers", numerator, 40, head(world), organisation="obr")
        (message,) = refused(world, figure)[f"{FIRST}.numerator"]
        assert message.startswith("приведённое значение сверить нельзя")
    assert publish(world, cite("trained_teachers", 1, 40, head(world), organisation="obr"), party=REGION).status == (
        ACCEPTED
    )


def test_a_school_cites_itself_and_the_totals_above_it(world: Vertikal) -> None:
    open_(world, "own", of="s1")
    for organisation, status in (("s1", ACCEPTED), ("gorodets", ACCEPTED), ("s2", REJECTED), ("obr", REJECTED)):
        numbers = (0, 0) if organisation == "s2" else (5, 20)
        event = analysis(world, below(world, *numbers, organisation=organisation))
        event = {**event, "subject": "s1", "source": "/s1", "data": {**event["data"], "cycle": "own"}}
        assert world.submit(event, party=S1).results[0].status == status
        projector.catch_up(world.engine)


# Indicators of a cycle's own


def test_an_indicator_outside_the_catalogue_is_held_against_the_monitoring_of_the_cycle(world: Vertikal) -> None:
    for school, numerator in (("s1", "2.5"), ("s2", 3)):
        record(world, numerator, 10, of=school)
    before = head(world)
    record(world, 9, 10, "2020-11-01", of="s1")
    for numerator, denominator, more in (
        (12, 20, {}),
        ("5.5", 20, {"known_at": before}),
        ("5.5", 20, {"as_of": "2020-10-31"}),
        (9, 10, {"organisation": "s1"}),
        ("2.5", 10, {"organisation": "s1", "period": "2020-10"}),
    ):
        figure = cite("visited", numerator, denominator, head(world)) | more
        assert publish(world, figure).status == ACCEPTED
    assert (
        "числитель 12, знаменатель 20" in refused(world, cite("visited", 13, 20, head(world)))[f"{FIRST}.numerator"][0]
    )


def test_an_indicator_that_nobody_knows_and_nobody_recorded_is_refused(world: Vertikal) -> None:
    found = refused(world, cite("visited", 5, 10, head(world)))
    assert list(found) == [f"{FIRST}.indicator"]
    for words in ("показателя нет в каталоге", "цикла «cy»", "на 2020-11-08", "нет (получено: «visited»)"):
        assert words in found[f"{FIRST}.indicator"][0]
    record(world, 5, 10)
    assert f"{FIRST}.indicator" in refused(world, cite("visited", 5, 10, head(world), as_of="2020-10-07"))
    assert f"{FIRST}.indicator" in refused(world, cite("visited", 5, 10, head(world), organisation="s2"))
    assert f"{FIRST}.period" in refused(world, cite("visited", 5, 10, head(world), period="осень"))


def test_the_monitoring_of_a_cycle_out_of_sight_is_not_told(world: Vertikal) -> None:
    record(world, 5, 10)
    found = refused(world, cite("visited", 4, 10, head(world), organisation="obr"), party=CHEMAL)
    assert "нет (получено: «visited»)" in found[f"{FIRST}.indicator"][0]
    assert "числитель" not in str(found)


# Then and now


def shown(client: FlaskClient, world: Vertikal, of: str = "gorodets", **query: Any) -> list[tuple[Any, Any, Any]]:
    """What the figures of the cycle's findings were, are, and whether they changed."""
    findings = get(client, world, "cycles/cy", of=of, **query)["findings"]
    return [(each["then"], each["now"], each["changed"]) for finding in findings for each in finding["figures"]]


def sides(numerator: Any, denominator: Any, value: str | None) -> dict[str, Any]:
    return {"numerator": numerator, "denominator": denominator, "value": value}


def test_a_finding_shows_its_figures_then_and_now_and_the_event_is_never_rewritten(
    client: FlaskClient, world: Vertikal
) -> None:
    known_at = head(world)
    event = analysis(world, below(world, "5.0"), time="2021-09-10T10:00:00+03:00")
    world.accept(event, party=GORODETS)
    path = f"log/{head(world)}/leaf"
    header = {"Authorization": f"Bearer {world.token('obr', 'auditor')}"}
    leaf, published = client.get(f"/v1/{path}", headers=header).data, head(world)
    assert shown(client, world) == [(sides(5, 20, "0.25"), sides(5, 20, "0.25"), False)]
    key = {"school": "s1", "procedure": "vpr", "subject": "math", "grade": 5, "year": "2020/2021"}
    scores = {"participants": 20, "below_minimum": 2, "reason": "appeal"}
    world.send("assessment.corrected", "s1", {**key, **scores})
    assert get(client, world, "cycles/cy", of="gorodets")["findings"] == [
        {
            "analysis": "an1",
            "finding": "f1",
            "text": "Нужна помощь",
            "on": "2021-09-10",
            "event_id": event["id"],
            "figures": [
                {
                    "indicator": "below_minimum",
                    "organisation": "gorodets",
                    "period": "2020/2021",
                    "as_of": YEAR_END,
                    "known_at": known_at,
                    "then": sides(5, 20, "0.25"),
                    "now": sides(2, 20, "0.1"),
                    "changed": True,
                }
            ],
        }
    ]
    assert shown(client, world, known_at=published) == [(sides(5, 20, "0.25"), sides(5, 20, "0.25"), False)]
    assert shown(client, world, as_of="2021-09-09") == []
    assert client.get(f"/v1/{path}", headers=header).data == leaf


def test_counts_and_amounts_with_decimals_are_shown_as_figures_are(client: FlaskClient, world: Vertikal) -> None:
    posts(world, "s1", "12.5", "13")
    assert publish(world, cite("staffing", "12.5", 13, head(world))).status == ACCEPTED
    world.accept(analysis(world, cite("contest_entries", 0, 1, head(world)), cite("staffing", "12.5", 13, head(world))))
    count, amounts = sides(0, None, None), sides("12.5", "13", "0.961538")
    assert shown(client, world) == [(count, count, False), (amounts, amounts, False)]


def test_the_finding_of_an_own_indicator_shows_that_its_record_was_taken_back(
    client: FlaskClient, world: Vertikal
) -> None:
    id_ = record(world, 5, 10)
    world.accept(analysis(world, cite("visited", 5, 10, head(world))))
    assert shown(client, world) == [(sides(5, 10, "0.5"), sides(5, 10, "0.5"), False)]
    record(world, 6, 10, "2020-11-01")
    assert shown(client, world) == [(sides(5, 10, "0.5"), sides(6, 10, "0.6"), True)]
    retract(world, id_)
    retract(world, f"e{world._ids - 1}")
    assert shown(client, world) == [(sides(5, 10, "0.5"), sides(None, None, None), True)]


def test_now_is_told_only_to_those_who_may_see_it(client: FlaskClient, world: Vertikal) -> None:
    world.accept(analysis(world, below(world, organisation="s1")))
    both = (sides(5, 20, "0.25"), sides(5, 20, "0.25"), False)
    assert shown(client, world) == [both]
    world.send("organisation.moved", "s1", {"code": "s1", "parent": "chemal", "valid_from": "2022-01-01"})
    assert shown(client, world) == [(sides(5, 20, "0.25"), None, None)]
    assert shown(client, world, of="obr") == [both]


def test_a_total_of_the_parent_that_became_small_is_not_told_now(client: FlaskClient, world: Vertikal) -> None:
    staff(world, "s3", 40)
    world.accept(analysis(world, cite("trained_teachers", 0, 40, head(world), organisation="obr")))
    assert shown(client, world)[0][1:] == (sides(0, 40, "0"), False)
    course(world, "p1", "s1", "2020-10-01")
    assert shown(client, world)[0][1:] == (None, None)
    assert shown(client, world, of="obr")[0][1:] == (sides(1, 40, "0.025"), True)


def test_a_figure_that_can_no_longer_be_asked_for_has_no_now(client: FlaskClient, world: Vertikal) -> None:
    world.register("s7", "school", "gorodets")
    registration = f"e{world._ids}"
    world.accept(analysis(world, below(world, 0, 0, organisation="s7")))
    assert shown(client, world)[0][1] == sides(0, 0, None)
    retract(world, registration)
    assert shown(client, world) == [(sides(0, 0, None), None, None)]


def test_a_finding_said_again_in_its_analysis_is_shown_as_said_last(client: FlaskClient, world: Vertikal) -> None:
    for numerator, known_at in ((5, head(world)), (14, result(world, "s2", 20, 9))):
        denominator = 20 if numerator == 5 else 40
        world.accept(analysis(world, below(world, numerator, denominator, known_at=known_at)))
    tell(world, "analysis.published", "2021-09-10", analysis="an2", findings=[])
    assert [then["numerator"] for then, _, _ in shown(client, world)] == [14]


def test_the_figures_of_an_institute_are_seen_with_its_parent_s_eyes(world: Vertikal) -> None:
    """Its role refuses its analyses; the true figure of a school that is not below it is no second reason."""
    world.register("niro", "institute", "obr")
    assert list(refused(world, below(world, organisation="s1"), party=INSTITUTE)) == ["type"]
