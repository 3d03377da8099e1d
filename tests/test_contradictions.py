"""Contradictions: what each rule finds, what it leaves alone, and the events behind it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from tests.conftest import TODAY, Vertikal
from tests.readers import Reader
from tests.terminal import Terminal
from tests.test_claims import claim, retract
from tests.test_cohorts import define, include
from vertikal.read_models.contradictions import names

ORDER = "2020-09-04"
DONE = {"value": 1, "unit": "семинар"}


def adopt(vertical: Vertikal, act: str | None = ORDER, code: str = "rm") -> None:
    period = {"start": "2020-08-01", "end": "2021-08-31"}
    data: dict[str, Any] = {"roadmap": code, "owner": "gorodets", "title": "ДК", "period": period}
    vertical.send("roadmap.adopted", "gorodets", data | ({"act": {"number": "400", "date": act}} if act else {}))


def plan(vertical: Vertikal, activity: str = "a1", kind: str = "month", start: str = "2020-10-01", **more: Any) -> int:
    """An activity of two schools, planned on 1 September 2020."""
    timing = {"raw": "по плану", "kind": kind, "start": start, "end": max(start, "2020-10-31")}
    data = {"roadmap": "rm", "activity": activity, "number": "1", "title": f"Семинар {activity}", "timing": timing}
    return vertical.send(
        "activity.planned", "gorodets", {**data, "responsible": [], "organisations": ["s1", "s2"], **more}
    )


def done(
    vertical: Vertikal, on: str, school: str = "s1", activity: str = "a1", told: str | None = None, **more: Any
) -> int:
    data = {"roadmap": "rm", "activity": activity, "organisation": school, "completed_on": on, **more}
    return vertical.send("activity.completed", school, data, time=f"{told or on}T10:00:00+03:00")


def rename(vertical: Vertikal, code: str, name: str) -> int:
    return vertical.send("organisation.renamed", code, {"code": code, "name": name, "valid_from": "2020-01-01"})


@contextmanager
def statements(vertical: Vertikal) -> Iterator[list[str]]:
    """What is asked of the database meanwhile."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(vertical.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(vertical.engine, "before_cursor_execute", note)


def last(vertical: Vertikal) -> str:
    return f"e{vertical._ids}"


@pytest.fixture
def region(client: FlaskClient, vertical: Vertikal) -> Reader:
    return Reader(client, vertical.token("obr", "region"))


@pytest.fixture
def ordered(vertical: Vertikal) -> Vertikal:
    """A road map of gorodets that an order of 4 September 2020 adopts."""
    adopt(vertical)
    return vertical


def found(reader: Reader, kind: str, **query: Any) -> list[dict[str, Any]]:
    asked = "&".join(f"{name}={value}" for name, value in {"as_of": TODAY, "kind": kind, **query}.items())
    items: list[dict[str, Any]] = reader.json(f"/v1/contradictions?{asked}")["items"]
    assert {item["kind"] for item in items} <= {kind}
    return items


def figures(reader: Reader, kind: str, **query: Any) -> list[dict[str, Any]]:
    return [item["figures"] for item in found(reader, kind, **query)]


def ids(item: dict[str, Any]) -> list[str]:
    return [event["event_id"] for event in item["events"]]


# counted_listed


def test_seven_schools_counted_and_two_listed_contradict(region: Reader, vertical: Vertikal) -> None:
    define(vertical, "c1")
    include(vertical, "c1", "s1")
    first = last(vertical)
    include(vertical, "c1", "s2")
    second = last(vertical)
    include(vertical, "c1", "s3", since="2021-06-02")
    position = claim(vertical, "cl", {"cohort": "c1"}, counted=7)
    assert found(region, "counted_listed") == [
        {
            "kind": "counted_listed",
            "version": 1,
            "about": {"claim": "cl", "cohort": "c1"},
            "organisation": "gorodets",
            "text": "указано 7, а на 2021-06-01 в группе «c1» школ: 2",
            "figures": {"counted": 7, "members": 2},
            "events": [
                {"event_id": first, "position": position - 3},
                {"event_id": second, "position": position - 2},
                {"event_id": last(vertical), "position": position},
            ],
        }
    ]


def test_a_count_that_is_right_contradicts_nothing(region: Reader, vertical: Vertikal) -> None:
    define(vertical, "c1")
    include(vertical, "c1", "s1")
    claim(vertical, "right", {"cohort": "c1"}, counted=1)
    claim(vertical, "silent", {"cohort": "c1"})
    claim(vertical, "people", {"cohort": "c1", "indicator": "trained_managers"}, counted=5)
    assert found(region, "counted_listed") == []


def test_members_are_those_known_at_the_moment_that_one_asks_about(region: Reader, vertical: Vertikal) -> None:
    define(vertical, "c1")
    include(vertical, "c1", "s1")
    told = claim(vertical, "cl", {"cohort": "c1"}, counted=2)
    include(vertical, "c1", "s2")
    assert figures(region, "counted_listed", known_at=told) == [{"counted": 2, "members": 1}]
    assert figures(region, "counted_listed") == []


def test_activities_counted_are_held_against_those_wholly_done(region: Reader, ordered: Vertikal) -> None:
    for activity in ("a1", "a2"):
        plan(ordered, activity)
    for school in ("s1", "s2"):
        done(ordered, "2020-10-10", school)
    done(ordered, "2020-10-10", "s1", "a2")
    done(ordered, "2021-06-02", "s2", "a2")
    claim(ordered, "two", {"roadmap": "rm"}, counted=2)
    claim(ordered, "one", {"roadmap": "rm"}, counted=1)
    (item,) = found(region, "counted_listed")
    assert (item["about"]["claim"], item["figures"]) == ("two", {"counted": 2, "done": 1})
    assert item["text"] == "указано 2, а на 2021-06-01 полностью выполнено мероприятий: 1"
    assert len(item["events"]) == 3


# before_order


@pytest.mark.parametrize(
    ("kind", "start", "before"),
    [
        ("day", "2020-09-03", True),
        ("day", "2020-09-04", False),
        ("range", "2020-09-03", True),
        ("month", "2020-08-01", True),
        ("month", "2020-09-01", False),
        ("month_range", "2020-08-01", True),
        ("quarter", "2020-04-01", True),
        ("quarter", "2020-07-01", False),
        ("half", "2020-01-01", True),
        ("plan", "2020-08-01", False),
        ("recurring", "2020-08-01", False),
        ("year", "2020-01-01", False),
        ("year_range", "2020-01-01", False),
        ("school_year", "2019-09-01", False),
    ],
)
def test_what_is_planned_wholly_before_the_order_contradicts_it(
    region: Reader, ordered: Vertikal, kind: str, start: str, before: bool
) -> None:
    plan(ordered, kind=kind, start=start)
    expected = [{"ordered": ORDER, "planned": start}] if before else []
    assert figures(region, "before_order") == expected


def test_the_events_before_an_order_are_the_order_and_the_plan(region: Reader, ordered: Vertikal) -> None:
    adopted = last(ordered)
    plan(ordered, start="2020-08-01")
    (item,) = found(region, "before_order")
    assert (item["organisation"], item["about"]) == ("gorodets", {"roadmap": "rm", "activity": "a1"})
    assert ids(item) == [adopted, last(ordered)]


def test_a_mark_from_before_the_order_contradicts_it_where_it_was_made(region: Reader, ordered: Vertikal) -> None:
    plan(ordered, kind="plan", start="2020-08-01")
    done(ordered, "2020-09-03", "s2")
    early = last(ordered)
    done(ordered, "2020-09-04", "s1")
    (item,) = found(region, "before_order")
    assert (item["organisation"], item["figures"]) == ("s2", {"ordered": ORDER, "marked": "2020-09-03"})
    assert ids(item)[1:] == [early]


def test_a_road_map_without_an_order_contradicts_none(region: Reader, vertical: Vertikal) -> None:
    adopt(vertical, act=None)
    plan(vertical, start="2020-08-01")
    assert found(region, "before_order") == []


# claim_without_events


def test_a_claim_that_nothing_supports_is_shown(region: Reader, ordered: Vertikal) -> None:
    plan(ordered)
    done(ordered, "2020-10-10")
    claim(ordered, "supported", {"roadmap": "rm"}, on="2020-10-10")
    claim(ordered, "bare", {"roadmap": "rm"}, on="2020-10-09")
    (item,) = found(region, "claim_without_events")
    assert (item["about"], ids(item)) == ({"claim": "bare", "roadmap": "rm"}, [last(ordered)])
    assert item["text"] == "утверждение не подтверждено событиями: «Утверждение bare»"


# two_names


@pytest.mark.parametrize(
    ("one", "other", "confidence"),
    [
        ("МБОУ «СШ № 7» г. Тверь", "МОУ СШ №7 город Тверь", "1.00"),
        ("Школа посёлка Берёзовый", "ШКОЛА ПОСЕЛКА БЕРЕЗОВЫЙ", "1.00"),
        ("МБОУ Лицей № 5", "Муниципальное бюджетное общеобразовательное учреждение «Лицей № 5»", "1.00"),
        ("Гимназия № 10", "Гимнозия № 10", "0.88"),
        ("Школа Подгорная", "Школа Погорная", "0.93"),
        ("Луговская", "Лугавская", "0.89"),
        ("Луговская СШ", "Лугавский СШ", None),
        ("СШ № 1", "СШ № 2", None),
        ("СШ № 1", "СОШ № 1", None),
        ("СШ № 7", "СШ № 17", None),
        ("Школа", "Лицей", None),
    ],
)
def test_names_are_compared_by_what_is_left_of_them(one: str, other: str, confidence: str | None) -> None:
    alike = list(names.alike({"s1": one, "s2": other}))
    assert alike == ([("s1", "s2", confidence)] if confidence else [])


def test_two_names_of_one_school_are_proposed_to_the_parent_and_never_merged(
    region: Reader, vertical: Vertikal
) -> None:
    rename(vertical, "s1", "МБОУ «Луговская»")
    first = last(vertical)
    rename(vertical, "s2", "Лугавская")
    rename(vertical, "s3", "Луговская")
    (item,) = found(region, "two_names")
    assert (item["organisation"], item["about"]["organisations"]) == ("gorodets", ["s1", "s2"])
    assert (item["confidence"], item["proposal"]) == ("0.89", names.proposal_of("s2", "s1"))
    assert ids(item) == ["e4", "e5", first, f"e{vertical._ids - 1}"]
    assert {node["code"] for node in region.json("/v1/organisations?limit=9")["items"]} >= {"s1", "s2"}


def test_a_pair_that_people_decided_about_is_left_out_unless_asked_for(region: Reader, vertical: Vertikal) -> None:
    known = [rename(vertical, code, "Луговская") for code in ("s1", "s2")][-1]
    data = {"proposal": names.proposal_of("s1", "s2"), "rule": "two_names", "version": 1, "organisation": "gorodets"}
    vertical.send("proposal.declined", "gorodets", data | {"reason": "две школы"}, time="2021-01-10T10:00:00+03:00")
    assert found(region, "two_names") == []
    assert [item["decided"] for item in found(region, "two_names", decided="true")] == ["declined"]
    assert [item["decided"] for item in found(region, "two_names", known_at=known)] == [None]
    assert [item["decided"] for item in found(region, "two_names", as_of="2021-01-09")] == [None]
    retract(vertical, last(vertical))
    assert [item["decided"] for item in found(region, "two_names")] == [None]


def test_a_school_that_is_closed_is_compared_no_more(region: Reader, vertical: Vertikal) -> None:
    for code in ("s1", "s2"):
        rename(vertical, code, "Луговская")
    vertical.send("organisation.closed", "s2", {"code": "s2", "valid_from": "2021-07-01"})
    assert len(found(region, "two_names", as_of="2021-06-30")) == 1
    assert found(region, "two_names", as_of="2021-07-01") == []


# percent_without_denominator


@pytest.mark.parametrize(
    ("unit", "more", "bare"),
    [
        ("% учителей", {}, True),
        ("Доля педагогов", {}, True),
        ("процент", {}, True),
        ("% учителей", {"numerator": 20, "denominator": 40}, False),
        ("учителей", {}, False),
    ],
)
def test_a_share_of_nobody_knows_what_is_shown(
    region: Reader, ordered: Vertikal, unit: str, more: dict[str, Any], bare: bool
) -> None:
    amount = {"text": "Половина", "value": 50, "unit": unit, **more}
    plan(ordered, expected={**amount, "comparator": ">="})
    planned = last(ordered)
    done(ordered, "2020-10-10", result=amount)
    items = found(region, "percent_without_denominator")
    expected = [("gorodets", [planned]), ("s1", [last(ordered)])] if bare else []
    assert [(item["organisation"], ids(item)) for item in items] == expected
    assert all(item["figures"] == {"value": 50, "unit": unit} for item in items)


def test_a_result_without_a_unit_is_no_share(region: Reader, ordered: Vertikal) -> None:
    plan(ordered, expected={"text": "Положительная динамика"})
    done(ordered, "2020-10-10", result={"text": "50 %"})
    assert found(region, "percent_without_denominator") == []


# plan_called_done


def test_an_activity_done_before_its_plan_begins_contradicts_it(region: Reader, ordered: Vertikal) -> None:
    plan(ordered, start="2020-10-01")
    planned = last(ordered)
    done(ordered, "2020-10-01", "s2")
    done(ordered, "2020-09-30", "s1")
    (item,) = found(region, "plan_called_done")
    assert (item["organisation"], item["figures"]) == ("s1", {"completed": "2020-09-30", "start": "2020-10-01"})
    assert ids(item) == [planned, last(ordered)]


def test_the_plan_is_that_which_was_in_force_when_it_was_done(region: Reader, ordered: Vertikal) -> None:
    plan(ordered, start="2020-10-01")
    done(ordered, "2020-10-10")
    timing = {"raw": "ноябрь", "kind": "month", "start": "2020-11-01", "end": "2020-11-30"}
    data = {"roadmap": "rm", "activity": "a1", "timing": timing}
    ordered.send("activity.rescheduled", "gorodets", data, time="2020-10-20T10:00:00+03:00")
    assert found(region, "plan_called_done") == []
    done(ordered, "2020-10-25", "s2")
    assert figures(region, "plan_called_done") == [{"completed": "2020-10-25", "start": "2020-11-01"}]


def test_a_mark_dated_after_it_was_told_is_a_plan(region: Reader, ordered: Vertikal) -> None:
    plan(ordered, start="2020-10-01")
    done(ordered, "2020-10-10", "s1", told="2020-10-09")
    done(ordered, "2020-10-10", "s2", told="2020-10-10")
    assert figures(region, "plan_called_done", as_of="2020-10-09") == [
        {"completed": "2020-10-10", "told": "2020-10-09"}
    ]
    assert figures(region, "plan_called_done", as_of="2020-10-08") == []
    assert [item["organisation"] for item in found(region, "plan_called_done")] == ["s1"]


def test_a_claim_that_all_is_done_contradicts_a_plan_that_is_still_ahead(region: Reader, ordered: Vertikal) -> None:
    plan(ordered, "a1", start="2020-10-01")
    plan(ordered, "a2", "day", start="2021-06-02")
    ahead = last(ordered)
    claim(ordered, "all", {"roadmap": "rm"})
    claimed = last(ordered)
    claim(ordered, "two", {"roadmap": "rm"}, counted=2)
    claim(ordered, "one", {"roadmap": "rm"}, counted=1)
    claim(ordered, "later", {"roadmap": "rm"}, on="2021-06-02")
    first, second = found(region, "plan_called_done")
    assert (first["about"]["claim"], first["figures"]) == ("all", {"activities": 2, "ahead": 2})
    assert (second["about"]["claim"], second["figures"]) == ("two", {"activities": 2, "ahead": 2, "counted": 2})
    assert ids(first) == [ahead, claimed]


def test_what_was_done_early_or_cancelled_is_not_ahead(region: Reader, ordered: Vertikal) -> None:
    plan(ordered, "a1", "day", start="2021-06-02")
    done(ordered, "2021-05-20", "s1")
    claim(ordered, "c", {"roadmap": "rm"})
    assert [each["ahead"] for each in figures(region, "plan_called_done") if "ahead" in each] == [1]
    data = {"roadmap": "rm", "activity": "a1", "on": "2021-05-25", "reason": "приказ"}
    ordered.send("activity.cancelled", "gorodets", data)
    assert [each for each in figures(region, "plan_called_done") if "ahead" in each] == []


# Asking


def everything(vertical: Vertikal) -> None:
    """An activity planned before the order and done before its plan, in a share, and a claim with a wrong count."""
    plan(vertical, start="2020-08-01", expected={"text": "Половина", "value": 50, "unit": "%"})
    done(vertical, "2020-07-20")
    claim(vertical, "c", {"roadmap": "rm"}, on="2020-07-10", counted=3)


def test_all_kinds_are_listed_page_by_page(region: Reader, ordered: Vertikal) -> None:
    everything(ordered)
    kinds = [item["kind"] for item in region.pages(f"/v1/contradictions?as_of={TODAY}", 2)]
    assert kinds == [
        "before_order",
        "before_order",
        "claim_without_events",
        "counted_listed",
        "percent_without_denominator",
        "plan_called_done",
    ]


def test_a_plan_that_is_retracted_contradicts_nothing(region: Reader, ordered: Vertikal) -> None:
    known = plan(ordered, start="2020-08-01")
    planned = last(ordered)
    done(ordered, "2020-07-20")
    retract(ordered, planned)
    assert found(region, "before_order") == []
    assert len(found(region, "before_order", known_at=known)) == 1


def test_readers_see_the_contradictions_of_their_own_subtree(
    client: FlaskClient, region: Reader, ordered: Vertikal
) -> None:
    everything(ordered)
    school, other = (Reader(client, ordered.token(code, "school")) for code in ("s1", "s3"))
    asked = f"/v1/contradictions?as_of={TODAY}"
    assert {item["organisation"] for item in school.json(asked)["items"]} == {"s1"}
    assert other.json(asked)["items"] == []
    assert school.get(f"{asked}&organisation=gorodets").status_code == 403
    assert [item["organisation"] for item in found(region, "before_order", organisation="s1")] == ["s1"]


@pytest.mark.parametrize("path", ["/v1/contradictions", "/v1/claims"])
def test_no_more_is_asked_of_the_database_for_many_road_maps_and_cohorts_than_for_one(
    region: Reader, ordered: Vertikal, path: str
) -> None:
    def asked_by(first: int, last: int) -> int:
        for number in range(first, last):
            roadmap, cohort = f"rm{number}", f"c{number}"
            adopt(ordered, code=roadmap)
            plan(ordered, start="2020-08-01", roadmap=roadmap)
            define(ordered, cohort)
            include(ordered, cohort, "s1")
            claim(ordered, f"of-{roadmap}", {"roadmap": roadmap}, counted=3)
            claim(ordered, f"of-{cohort}", {"cohort": cohort}, counted=3)
        with statements(ordered) as seen:
            items = region.json(f"{path}?as_of={TODAY}")["items"]
        assert len(items) >= 2 * last
        return len(seen)

    asked_by(0, 1)  # what is read once and kept, such as the tree
    assert asked_by(1, 2) == asked_by(2, 6)


def test_an_unknown_kind_is_refused(region: Reader) -> None:
    assert region.get("/v1/contradictions?kind=nonsense").status_code == 400


def test_the_command_shows_what_the_api_answers(region: Reader, ordered: Vertikal, terminal: Terminal) -> None:
    everything(ordered)
    words = ("contradictions", "--organisation", "gorodets", "--as-of", TODAY)
    items = region.json(f"/v1/contradictions?as_of={TODAY}&organisation=gorodets")["items"]
    assert terminal.json(*words, "--json") == {"items": items}
    shown = terminal.run(*words, "--limit", "1").stdout
    assert "before_order: gorodets: мероприятие запланировано с 2020-08-01, а приказ издан 2020-09-04" in shown
    assert "показано 1 из 6" in shown
    assert "не найдено" in terminal.run("contradictions", "--organisation", "chemal").stdout
    assert "не зарегистрирована" in terminal.run("contradictions", "--organisation", "x", code=1).stderr
