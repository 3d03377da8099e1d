"""Correction and retraction, worked out by hand where the tree has turned meanwhile. On both databases.

Every example ends with both volumes alike: what the engine posted step by step is what a rebuild makes of the log.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import Vertikal
from tests.test_conservation import made_anew
from tests.test_figures import course, mark, plan, result, staff
from vertikal.projections import building
from vertikal.services import rebuilding

KEY = {"school": "s1", "procedure": "vpr", "subject": "math", "grade": 5, "year": "2020/2021"}
UNITS = ("gorodets", "chemal", "obr")


@pytest.fixture(autouse=True)
def alike(vertical: Vertikal, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Behind each example: a rebuild in several partitions and chunks differs in nothing."""
    yield
    monkeypatch.setattr(building, "PARTITION_EVENTS", 3)
    monkeypatch.setattr(rebuilding, "SCATTERED", 4)
    made_anew(vertical)


def move(vertical: Vertikal, parent: str, on: str, code: str = "s1") -> int:
    return vertical.send("organisation.moved", code, {"code": code, "parent": parent, "valid_from": on})


def retract(vertical: Vertikal, id_: str, source: str = "/regions/obr") -> int:
    return vertical.send("event.retracted", "obr", {"source": source, "id": id_, "reason": "ошибка"})


def last(vertical: Vertikal) -> str:
    return f"e{vertical._ids}"


def at(vertical: Vertikal, indicator: str, **asked: Any) -> dict[str, tuple[int, int | None]]:
    """A figure at both municipalities and the region."""
    return {code: vertical.figure(indicator, code, **asked) for code in UNITS}


# Flows


def test_a_result_corrected_after_its_school_moved_is_corrected_where_it_was_held(vertical: Vertikal) -> None:
    """Held on 15 March 2021 under gorodets; the school moves on 1 April; the appeal arrives when it is chemal's."""
    held = result(vertical)
    moved = move(vertical, "chemal", "2021-04-01")
    scores = {"participants": 20, "below_minimum": 4, "reason": "appeal"}
    vertical.send("assessment.corrected", "s1", {**KEY, **scores})
    assert at(vertical, "below_minimum") == {"gorodets": (4, 20), "chemal": (0, 0), "obr": (4, 20)}
    for known_at in (held, moved):
        assert at(vertical, "below_minimum", known_at=known_at)["gorodets"] == (5, 20)


def test_a_result_of_a_school_whose_move_is_told_late_goes_where_the_school_was_on_its_day(vertical: Vertikal) -> None:
    """The move of 1 March is told after the result of 15 March and its withdrawal after that."""
    held = result(vertical)
    moved = move(vertical, "chemal", "2021-03-01")
    assert at(vertical, "below_minimum") == {"gorodets": (0, 0), "chemal": (5, 20), "obr": (5, 20)}
    assert at(vertical, "below_minimum", known_at=held) == {"gorodets": (5, 20), "chemal": (0, 0), "obr": (5, 20)}
    vertical.send("assessment.withdrawn", "s1", {**KEY, "reason": "ошибка протокола"})
    assert at(vertical, "below_minimum") == {"gorodets": (0, 0), "chemal": (0, 0), "obr": (0, 0)}
    assert at(vertical, "below_minimum", known_at=moved)["chemal"] == (5, 20)


def test_a_result_that_is_imported_anew_behind_a_retraction_takes_the_parent_of_its_new_day(vertical: Vertikal) -> None:
    result(vertical)
    imported = last(vertical)
    move(vertical, "chemal", "2021-04-01")
    retract(vertical, imported)
    result(vertical, held_on="2021-04-15", below=2)
    assert at(vertical, "below_minimum") == {"gorodets": (0, 0), "chemal": (2, 20), "obr": (2, 20)}


# Stocks


def test_a_staff_report_corrected_after_a_move_is_corrected_on_both_sides_of_it(vertical: Vertikal) -> None:
    """20 teachers on 1 September; moved on 1 February; the report of September is said anew: 23."""
    staff(vertical, "s1", 20)
    move(vertical, "chemal", "2021-02-01")
    staff(vertical, "s1", 23)
    before, after = at(vertical, "trained_teachers", as_of="2021-01-31"), at(vertical, "trained_teachers")
    assert before == {"gorodets": (0, 23), "chemal": (0, 0), "obr": (0, 23)}
    assert after == {"gorodets": (0, 0), "chemal": (0, 23), "obr": (0, 23)}


def test_a_staff_report_retracted_after_a_move_leaves_neither_municipality_anything(vertical: Vertikal) -> None:
    staff(vertical, "s1", 20)
    reported = last(vertical)
    moved = move(vertical, "chemal", "2021-02-01")
    undone = retract(vertical, reported)
    for as_of in ("2021-01-31", "2023-06-01"):
        assert set(at(vertical, "trained_teachers", as_of=as_of).values()) == {(0, 0)}
    assert at(vertical, "trained_teachers", known_at=moved)["chemal"] == (0, 20)
    retract(vertical, last(vertical))
    assert at(vertical, "trained_teachers") == {"gorodets": (0, 0), "chemal": (0, 20), "obr": (0, 20)}
    assert at(vertical, "trained_teachers", known_at=undone)["obr"] == (0, 0)


def test_the_municipalitys_own_report_returns_when_the_last_school_that_reported_has_left(vertical: Vertikal) -> None:
    """300 of the municipality give way to 20 of s1, and stand again from the day on which s1 goes to chemal."""
    staff(vertical, "gorodets", 300)
    staff(vertical, "s1", 20)
    move(vertical, "chemal", "2021-02-01")
    moved = last(vertical)
    assert at(vertical, "trained_teachers", as_of="2021-01-31")["gorodets"] == (0, 20)
    assert at(vertical, "trained_teachers") == {"gorodets": (0, 300), "chemal": (0, 20), "obr": (0, 320)}
    retract(vertical, moved)
    assert at(vertical, "trained_teachers") == {"gorodets": (0, 20), "chemal": (0, 0), "obr": (0, 20)}


# The tree itself


def test_a_retracted_move_brings_stocks_home_and_the_flow_that_came_between(vertical: Vertikal) -> None:
    """Moved on 1 February, a course on 1 March counts at chemal; the move was a mistake: all is gorodets's again."""
    staff(vertical, "s1", 20)
    move(vertical, "chemal", "2021-02-01")
    moved = last(vertical)
    told = course(vertical, "p1", "s1", "2021-03-01")
    assert at(vertical, "trained_teachers") == {"gorodets": (0, 0), "chemal": (1, 20), "obr": (1, 20)}
    retract(vertical, moved)
    assert at(vertical, "trained_teachers") == {"gorodets": (1, 20), "chemal": (0, 0), "obr": (1, 20)}
    assert at(vertical, "trained_teachers", known_at=told)["chemal"] == (1, 20)
    retract(vertical, last(vertical))
    assert at(vertical, "trained_teachers") == {"gorodets": (0, 0), "chemal": (1, 20), "obr": (1, 20)}


def test_the_first_of_two_moves_retracted_leaves_the_second(vertical: Vertikal) -> None:
    staff(vertical, "s1", 20)
    move(vertical, "chemal", "2021-02-01")
    first = last(vertical)
    move(vertical, "obr", "2021-06-01")
    assert at(vertical, "trained_teachers", as_of="2021-03-01")["chemal"] == (0, 20)
    retract(vertical, first)
    assert at(vertical, "trained_teachers", as_of="2021-03-01")["gorodets"] == (0, 20)
    assert at(vertical, "trained_teachers") == {"gorodets": (0, 0), "chemal": (0, 0), "obr": (0, 20)}


def test_a_move_of_the_same_day_told_again_replaces_the_first_and_its_retraction_restores_that(
    vertical: Vertikal,
) -> None:
    staff(vertical, "s1", 20)
    move(vertical, "chemal", "2021-02-01")
    move(vertical, "obr", "2021-02-01")
    again = last(vertical)
    assert at(vertical, "trained_teachers") == {"gorodets": (0, 0), "chemal": (0, 0), "obr": (0, 20)}
    retract(vertical, again)
    assert at(vertical, "trained_teachers") == {"gorodets": (0, 0), "chemal": (0, 20), "obr": (0, 20)}


def test_a_retracted_merger_gives_the_schools_their_stocks_back(vertical: Vertikal) -> None:
    """s1 and s2 end in s9; nothing passes to it by itself, and nothing stays there when the merger was a mistake."""
    staff(vertical, "s1", 20)
    staff(vertical, "s2", 10)
    course(vertical, "p1", "s1", "2020-12-18")
    data = {"codes": ["s1", "s2"], "into": "s9", "valid_from": "2021-02-01"}
    merged = vertical.send("organisation.merged", "s9", data)
    merger = last(vertical)
    assert at(vertical, "trained_teachers", as_of="2021-01-31")["gorodets"] == (1, 30)
    assert at(vertical, "trained_teachers") == {"gorodets": (1, 0), "chemal": (0, 0), "obr": (1, 0)}
    assert vertical.figure("trained_teachers", "s9") == (0, 0)
    retract(vertical, merger)
    assert at(vertical, "trained_teachers") == {"gorodets": (1, 30), "chemal": (0, 0), "obr": (1, 30)}
    assert at(vertical, "trained_teachers", known_at=merged)["obr"] == (1, 0)


# Plans and marks


def test_a_retracted_plan_takes_its_marks_along_and_its_return_brings_them_back(vertical: Vertikal) -> None:
    plan(vertical)
    planned = last(vertical)
    mark(vertical, "completed", "s1", "2020-10-20")
    moved = move(vertical, "chemal", "2021-02-01")
    assert at(vertical, "roadmap_done") == {"gorodets": (0, 1), "chemal": (1, 1), "obr": (1, 2)}
    retract(vertical, planned)
    assert set(at(vertical, "roadmap_done").values()) == {(0, 0)}
    assert at(vertical, "roadmap_done", known_at=moved)["chemal"] == (1, 1)
    retract(vertical, last(vertical))
    assert at(vertical, "roadmap_done") == {"gorodets": (0, 1), "chemal": (1, 1), "obr": (1, 2)}


def test_a_retracted_mark_of_a_school_that_moved_is_overdue_where_the_school_is_now(vertical: Vertikal) -> None:
    plan(vertical)
    mark(vertical, "completed", "s1", "2020-10-20")
    done = last(vertical)
    move(vertical, "chemal", "2021-02-01")
    retract(vertical, done)
    assert at(vertical, "roadmap_overdue", as_of="2021-01-31") == {"gorodets": (2, 2), "chemal": (0, 0), "obr": (2, 2)}
    assert at(vertical, "roadmap_overdue") == {"gorodets": (1, 1), "chemal": (1, 1), "obr": (2, 2)}
