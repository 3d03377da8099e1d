"""Claims of reports: what supports them, as of a date and as known at a position."""

from __future__ import annotations

from timeit import repeat
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.conftest import TODAY, Vertikal
from tests.readers import Reader
from tests.test_figures import mark, plan
from vertikal.read_models import claims

ROADMAP = {"roadmap": "rm"}


def claim(
    vertical: Vertikal, code: str, about: dict[str, str], on: str = "2021-06-01", by: str = "gorodets", **more: Any
) -> int:
    data = {"claim": code, "organisation": by, "text": f"Утверждение {code}", "about": about, "on": on, **more}
    return vertical.send("claim.made", by, data)


def retract(vertical: Vertikal, event_id: str) -> int:
    return vertical.send("event.retracted", "obr", {"source": "/regions/obr", "id": event_id, "reason": "ошибка"})


def open_cycle(vertical: Vertikal) -> None:
    period = {"start": "2020-09-01", "end": "2021-08-31"}
    data = {"cycle": "cy", "organisation": "gorodets", "direction": "shnor", "period": period}
    vertical.send("cycle.opened", "gorodets", data)


def assess(vertical: Vertikal, on: str) -> int:
    data = {
        "cycle": "cy",
        "effectiveness": f"ef-{on}",
        "activities": [],
        "outcome": "effective",
        "text": "Доля выросла",
    }
    return vertical.send("effectiveness.assessed", "gorodets", data, time=f"{on}T10:00:00+03:00")


@pytest.fixture
def marked(vertical: Vertikal) -> Vertikal:
    """A road map of gorodets with one activity at two schools, done at s1 on 1 December 2020."""
    plan(vertical)
    mark(vertical, "completed", "s1", "2020-12-01")
    return vertical


@pytest.fixture
def region(client: FlaskClient, vertical: Vertikal) -> Reader:
    return Reader(client, vertical.token("obr", "region"))


def listed(reader: Reader, **query: Any) -> list[dict[str, Any]]:
    asked = "&".join(f"{name}={value}" for name, value in {"as_of": TODAY, **query}.items())
    items: list[dict[str, Any]] = reader.json(f"/v1/claims?{asked}")["items"]
    return items


# Figures


def test_a_claim_about_a_road_map_is_supported_by_the_done_marks_up_to_its_date(marked: Vertikal) -> None:
    claim(marked, "before", ROADMAP, on="2020-11-30")
    claim(marked, "then", ROADMAP, on="2020-12-01")
    claim(marked, "after", ROADMAP, on="2021-06-01")
    assert marked.figure("evidence_share", "gorodets") == (2, 3)
    assert marked.figure("evidence_share", "obr") == (2, 3)
    assert marked.figure("evidence_share", "chemal") == (0, 0)


def test_only_done_marks_support_a_claim(vertical: Vertikal) -> None:
    plan(vertical)
    mark(vertical, "partly_completed", "s1", "2020-12-01")
    mark(vertical, "not_held", "s2", "2020-12-01")
    claim(vertical, "c", ROADMAP)
    assert vertical.figure("evidence_share", "gorodets") == (0, 1)


def test_a_mark_that_comes_later_supports_the_claim_from_then_on(vertical: Vertikal) -> None:
    plan(vertical)
    told = claim(vertical, "c", ROADMAP, on="2020-12-31")
    mark(vertical, "completed", "s1", "2020-12-01")
    assert vertical.figure("evidence_share", "gorodets", known_at=told) == (0, 1)
    assert vertical.figure("evidence_share", "gorodets") == (1, 1)


def test_a_claim_counts_in_the_period_of_its_date(marked: Vertikal) -> None:
    claim(marked, "c", ROADMAP, on="2021-06-01")
    asked = {"2020": (0, 0), "2021": (1, 1), "2020/2021": (1, 1)}
    assert {period: marked.figure("evidence_share", "gorodets", period=period) for period in asked} == asked
    assert marked.figure("evidence_share", "gorodets", as_of="2021-05-31") == (0, 0)


def test_a_mark_that_is_retracted_supports_no_more(marked: Vertikal) -> None:
    done = f"e{marked._ids}"
    known = claim(marked, "c", ROADMAP)
    retract(marked, done)
    assert marked.figure("evidence_share", "gorodets") == (0, 1)
    assert marked.figure("evidence_share", "gorodets", known_at=known) == (1, 1)


def test_a_done_mark_that_a_later_mark_replaces_still_counts(marked: Vertikal) -> None:
    mark(marked, "not_held", "s1", "2021-01-15")
    claim(marked, "c", ROADMAP)
    assert marked.figure("evidence_share", "gorodets") == (1, 1)


def test_a_claim_that_is_retracted_is_no_claim(marked: Vertikal) -> None:
    claim(marked, "c", ROADMAP)
    retract(marked, f"e{marked._ids}")
    assert marked.figure("evidence_share", "gorodets") == (0, 0)


def test_a_claim_about_a_cycle_is_supported_by_its_assessments_of_effectiveness(vertical: Vertikal) -> None:
    open_cycle(vertical)
    claim(vertical, "early", {"cycle": "cy"}, on="2021-05-31")
    claim(vertical, "late", {"cycle": "cy"}, on="2021-06-01")
    assess(vertical, "2021-06-01")
    assert vertical.figure("evidence_share", "gorodets") == (1, 2)


def test_with_a_road_map_the_cycle_supports_nothing(vertical: Vertikal) -> None:
    plan(vertical)
    open_cycle(vertical)
    assess(vertical, "2020-12-01")
    claim(vertical, "c", {"roadmap": "rm", "cycle": "cy"})
    assert vertical.figure("evidence_share", "gorodets") == (0, 1)


def test_a_claim_about_neither_has_no_evidence(marked: Vertikal) -> None:
    claim(marked, "c", {})
    assert marked.figure("evidence_share", "gorodets") == (0, 1)


def test_the_same_code_replaces_a_claim_and_is_another_claim_of_another_organisation(marked: Vertikal) -> None:
    claim(marked, "c", ROADMAP, on="2020-11-01")
    claim(marked, "c", ROADMAP, on="2020-12-31")
    claim(marked, "c", ROADMAP, on="2020-11-01", by="s1")
    assert marked.figure("evidence_share", "gorodets") == (1, 2)
    assert marked.figure("evidence_share", "s1") == (0, 1)


def test_claims_are_narrowed_and_broken_down_by_road_map(marked: Vertikal) -> None:
    claim(marked, "c", ROADMAP)
    claim(marked, "d", {})
    assert marked.figure("evidence_share", "obr", roadmap="rm") == (1, 1)
    rows = marked.ask("evidence_share", "obr", by="roadmap")["rows"]
    assert [(row["key"], row["numerator"], row["denominator"]) for row in rows] == [("", 0, 1), ("rm", 1, 1)]


def test_the_postings_of_the_share_name_the_claim_or_the_mark_that_came_later(vertical: Vertikal) -> None:
    plan(vertical)
    claim(vertical, "c", ROADMAP)
    claimed = f"e{vertical._ids}"
    mark(vertical, "completed", "s1", "2020-12-01")
    items = vertical.postings("evidence_share", "gorodets")
    assert [(item["side"], item["event_id"], item["date"]) for item in items] == [
        ("numerator", f"e{vertical._ids}", "2021-06-01"),
        ("denominator", claimed, "2021-06-01"),
    ]


# The list


def test_claims_are_listed_with_their_evidence_and_contradictions(region: Reader, marked: Vertikal) -> None:
    claim(marked, "c", ROADMAP, counted=1)
    assert listed(region) == [
        {
            "claim": "c",
            "organisation": "gorodets",
            "text": "Утверждение c",
            "about": ROADMAP,
            "counted": 1,
            "on": "2021-06-01",
            "supported_by": 1,
            "contradictions": ["counted_listed"],
            "event_id": f"e{marked._ids}",
        }
    ]


def test_the_list_counts_the_events_up_to_the_date_of_the_claim(region: Reader, marked: Vertikal) -> None:
    mark(marked, "completed", "s2", "2020-12-05")
    mark(marked, "completed", "s2", "2021-06-02")
    claim(marked, "c", ROADMAP)
    assert listed(region)[0]["supported_by"] == 2


def test_the_list_obeys_both_clocks(region: Reader, vertical: Vertikal) -> None:
    plan(vertical)
    told = claim(vertical, "c", ROADMAP)
    mark(vertical, "completed", "s1", "2020-12-01")
    assert listed(region, as_of="2021-05-31") == []
    assert listed(region, known_at=told - 1) == []
    assert [each["supported_by"] for each in (*listed(region, known_at=told), *listed(region))] == [0, 1]


def test_the_list_shows_the_claims_of_the_readers_own_subtree_page_by_page(
    client: FlaskClient, region: Reader, marked: Vertikal
) -> None:
    for by in ("gorodets", "s1", "chemal"):
        claim(marked, "c", {}, by=by)
    assert [each["organisation"] for each in region.pages(f"/v1/claims?as_of={TODAY}", 1)] == [
        "chemal",
        "gorodets",
        "s1",
    ]
    assert [each["organisation"] for each in listed(region, organisation="gorodets")] == ["gorodets", "s1"]
    school = Reader(client, marked.token("s1", "school"))
    assert [each["organisation"] for each in listed(school)] == ["s1"]
    assert school.get("/v1/claims?organisation=gorodets").status_code == 403


# The cost


def test_a_mark_on_a_road_map_without_claims_costs_microseconds() -> None:
    data = {"roadmap": "rm", "activity": "a1", "organisation": "s1", "completed_on": "2020-12-01"}
    event = {"type": "activity.completed", "id": "e1", "time": "2020-12-02T10:00:00+03:00", "data": data}
    many = claims.Evidence(events={f"2020-{month:02}-{day:02}": 1 for month in range(1, 13) for day in range(1, 29)})

    def fold() -> None:
        claims.measures(claims.evolve(many, event))

    assert min(repeat(fold, number=200, repeat=5)) / 200 < 100e-6
