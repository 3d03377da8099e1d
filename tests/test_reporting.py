"""Reporting: what was expected by a day, what came, and who is silent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.conftest import TODAY, Vertikal
from tests.readers import Reader
from tests.test_figures import course, result
from vertikal.services.access import Party

SEPTEMBER = {"start": "2020-09-01", "end": "2020-09-30"}
BOTH = ("reporting_completeness", "reporting_timeliness")


def expect(
    vertical: Vertikal,
    organisations: Sequence[str],
    type_: str = "staff.reported",
    due: str = "2020-10-05",
    **more: Any,
) -> int:
    source, party = more.pop("source", "/regions/obr"), more.pop("party", Party("obr", "region"))
    data = {"expectation": "ex1", "organisations": list(organisations), "type": type_, "period": SEPTEMBER, "due": due}
    return vertical.send("reporting.expected", party.organisation, data | more, source=source, party=party)


def employ(vertical: Vertikal, school: str, on: str = "2020-09-20", told: str = "2020-09-21") -> int:
    data = {"organisation": school, "on": on, "teachers": 20, "managers": 2}
    return vertical.send("staff.reported", school, data, time=f"{told}T10:00:00+03:00")


def retract(vertical: Vertikal, event_id: str) -> int:
    return vertical.send("event.retracted", "obr", {"source": "/regions/obr", "id": event_id, "reason": "ошибка"})


def both(vertical: Vertikal, organisation: str, **given: Any) -> list[tuple[int, int | None]]:
    return [vertical.figure(code, organisation, **given) for code in BOTH]


@pytest.fixture
def region(client: FlaskClient, vertical: Vertikal) -> Reader:
    return Reader(client, vertical.token("obr", "region"))


def listed(reader: Reader, **query: Any) -> list[dict[str, Any]]:
    asked = "&".join(f"{name}={value}" for name, value in {"as_of": TODAY, **query}.items())
    items: list[dict[str, Any]] = reader.json(f"/v1/reporting?{asked}")["items"]
    return items


# Figures


def test_each_organisation_listed_is_expected_once_and_counts_where_it_stands(vertical: Vertikal) -> None:
    expect(vertical, ["s1", "s2", "s3", "s1"])
    employ(vertical, "s1")
    employ(vertical, "s3")
    assert vertical.figure("reporting_completeness", "obr") == (2, 3)
    assert vertical.figure("reporting_completeness", "gorodets") == (1, 2)
    assert vertical.figure("reporting_completeness", "s2") == (0, 1)


def test_a_report_is_expected_from_its_due_day_on(vertical: Vertikal) -> None:
    expect(vertical, ["s1"], due="2020-10-05")
    assert vertical.figure("reporting_completeness", "obr", as_of="2020-10-04") == (0, 0)
    assert vertical.figure("reporting_completeness", "obr", as_of="2020-10-05") == (0, 1)


def test_received_is_a_fact_of_the_type_about_the_organisation_dated_in_the_period(vertical: Vertikal) -> None:
    expect(vertical, ["s1", "s2", "s3"])
    employ(vertical, "s1", on="2020-08-31")
    employ(vertical, "s2", on="2020-10-01")
    employ(vertical, "s3", on="2020-09-30")
    assert vertical.figure("reporting_completeness", "obr") == (1, 3)
    assert vertical.figure("reporting_completeness", "s3") == (1, 1)


def test_timely_is_one_whose_time_is_not_after_the_due_day(vertical: Vertikal) -> None:
    expect(vertical, ["s1", "s2"], due="2020-10-05")
    employ(vertical, "s1", told="2020-10-05")
    employ(vertical, "s2", told="2020-10-06")
    assert both(vertical, "obr") == [(2, 2), (1, 2)]


def test_of_several_facts_one_in_time_is_enough(vertical: Vertikal) -> None:
    expect(vertical, ["s1"])
    employ(vertical, "s1", told="2020-10-20")
    employ(vertical, "s1", told="2020-09-21")
    assert both(vertical, "s1") == [(1, 1), (1, 1)]


def test_it_does_not_matter_whether_the_fact_or_the_expectation_came_first(vertical: Vertikal) -> None:
    employ(vertical, "s1")
    expect(vertical, ["s1"])
    assert both(vertical, "s1") == [(1, 1), (1, 1)]


def test_what_comes_later_is_not_in_figures_as_known_before(vertical: Vertikal) -> None:
    silent = expect(vertical, ["s1"])
    employ(vertical, "s1", told="2020-10-20")
    assert both(vertical, "s1", known_at=silent) == [(0, 1), (0, 1)]
    assert both(vertical, "s1") == [(1, 1), (0, 1)]


def test_a_fact_that_is_retracted_was_not_received(vertical: Vertikal) -> None:
    expect(vertical, ["s1"])
    known = employ(vertical, "s1")
    retract(vertical, f"e{vertical._ids}")
    assert both(vertical, "s1") == [(0, 1), (0, 1)]
    assert both(vertical, "s1", known_at=known) == [(1, 1), (1, 1)]


def test_an_expectation_that_is_retracted_is_no_longer_expected(vertical: Vertikal) -> None:
    employ(vertical, "s1")
    expect(vertical, ["s1"])
    retract(vertical, f"e{vertical._ids}")
    assert both(vertical, "s1") == [(0, 0), (0, 0)]


def test_an_expectation_said_again_moves_the_day_for_those_it_lists(vertical: Vertikal) -> None:
    expect(vertical, ["s1", "s2"], due="2020-10-05")
    expect(vertical, ["s1"], due="2020-10-12")
    employ(vertical, "s1", told="2020-10-12")
    employ(vertical, "s2", told="2020-10-12")
    assert vertical.figure("reporting_timeliness", "obr") == (1, 2)
    assert vertical.figure("reporting_completeness", "obr", as_of="2020-10-11") == (1, 1)


def test_the_same_code_of_another_source_is_another_expectation(vertical: Vertikal) -> None:
    expect(vertical, ["s1"])
    expect(vertical, ["s1"], source="/m/gorodets", party=Party("gorodets", "municipality"))
    assert vertical.figure("reporting_completeness", "s1") == (0, 2)


def test_reports_are_broken_down_by_type(vertical: Vertikal) -> None:
    expect(vertical, ["s1", "s2"])
    year = {"start": "2021-03-01", "end": "2021-03-31"}
    expect(vertical, ["s1"], "assessment.imported", due="2021-04-01", expectation="ex2", period=year)
    employ(vertical, "s1")
    result(vertical, "s1")
    rows = vertical.ask("reporting_completeness", "obr", by="type")["rows"]
    assert [(row["key"], row["numerator"], row["denominator"]) for row in rows] == [
        ("assessment.imported", 1, 1),
        ("staff.reported", 1, 2),
    ]


def test_reports_are_narrowed_to_a_type(region: Reader, vertical: Vertikal) -> None:
    expect(vertical, ["s1", "s2"])
    expect(vertical, ["s1"], "assessment.imported")
    employ(vertical, "s1")
    assert both(vertical, "obr", type="staff.reported") == [(1, 2), (1, 2)]
    assert both(vertical, "obr", type="assessment.imported") == [(0, 1), (0, 1)]
    asked = f"/v1/indicators/reporting_completeness?organisation=obr&as_of={TODAY}&type=staff.reported"
    assert region.json(asked)["value"] == "0.5"


def test_a_road_map_may_be_expected_and_is_received_when_it_is_adopted(vertical: Vertikal) -> None:
    expect(vertical, ["s1", "s2"], "roadmap.adopted")
    plan = {"roadmap": "rm", "owner": "s1", "title": "План школы", "period": SEPTEMBER}
    vertical.send("roadmap.adopted", "s1", plan, time="2020-09-10T10:00:00+03:00")
    assert both(vertical, "obr") == [(1, 2), (1, 2)]


def test_what_is_expected_of_a_type_that_is_not_tracked_is_no_part_of_a_figure(vertical: Vertikal) -> None:
    expect(vertical, ["s1"], "course.finished")
    course(vertical, "p1", "s1", "2020-09-15")
    assert both(vertical, "s1") == [(0, 0), (0, 0)]


def test_a_report_counts_in_the_period_that_its_due_day_lies_in(vertical: Vertikal) -> None:
    expect(vertical, ["s1"], due="2020-10-05")
    employ(vertical, "s1")
    asked = {"2020-09": (0, 0), "2020-10": (1, 1), "2020/2021": (1, 1)}
    assert {period: vertical.figure("reporting_completeness", "s1", period=period) for period in asked} == asked


# The list


def test_the_list_says_who_is_silent_since_when(region: Reader, vertical: Vertikal) -> None:
    expect(vertical, ["s1"])
    employ(vertical, "s1", on="2020-08-31")
    assert listed(region) == [
        {
            "organisation": "s1",
            "expectation": "ex1",
            "source": "/regions/obr",
            "type": "staff.reported",
            "period": SEPTEMBER,
            "due": "2020-10-05",
            "since": "2020-10-06",
            "tracked": True,
            "received": False,
            "timely": False,
            "last": "2020-08-31",
        }
    ]


def test_the_list_can_be_narrowed_to_the_silent(region: Reader, vertical: Vertikal) -> None:
    expect(vertical, ["s1", "s2", "s3"])
    employ(vertical, "s1", told="2020-10-20")
    found = [(each["organisation"], each["received"], each["timely"]) for each in listed(region)]
    assert found == [("s1", True, False), ("s2", False, False), ("s3", False, False)]
    assert [each["organisation"] for each in listed(region, silent="true")] == ["s2", "s3"]
    assert [each["organisation"] for each in listed(region, silent="true", organisation="gorodets")] == ["s2"]


def test_a_type_that_is_not_tracked_is_listed_without_an_answer(region: Reader, vertical: Vertikal) -> None:
    expect(vertical, ["s1"], "course.finished")
    (item,) = listed(region)
    assert (item["tracked"], item["received"], item["timely"]) == (False, None, None)
    assert listed(region, silent="true") == []


def test_the_list_obeys_both_clocks(region: Reader, vertical: Vertikal) -> None:
    silent = expect(vertical, ["s1"])
    employ(vertical, "s1")
    assert listed(region, as_of="2020-10-04") == []
    assert listed(region, known_at=silent - 1) == []
    assert [each["received"] for each in (*listed(region, known_at=silent), *listed(region))] == [False, True]


def test_the_list_shows_the_readers_own_subtree_page_by_page(
    client: FlaskClient, region: Reader, vertical: Vertikal
) -> None:
    expect(vertical, ["s1", "s2", "s3"])
    pages = region.pages(f"/v1/reporting?as_of={TODAY}", 2)
    assert [each["organisation"] for each in pages] == ["s1", "s2", "s3"]
    school = Reader(client, vertical.token("s2", "school"))
    assert [each["organisation"] for each in listed(school)] == ["s2"]
    assert school.get("/v1/reporting?organisation=s1").status_code == 403
