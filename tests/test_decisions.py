"""Decisions: when they are executed, and whose recommendations they may rest on; figures and cycles say the same."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import test_ledger
from tests.conftest import Vertikal
from tests.test_cycles import ACTIVITY, complete, decide, get, head, open_, plan, recommend, retract, tell
from tests.test_ledger import PROPERTY, Step, cycle, mark, play, retractions
from vertikal.events.database import reading
from vertikal.projections.book import Book
from vertikal.services import cycles
from vertikal.services.refusals import Refusal

fresh = test_ledger.fresh
SECOND = {"roadmap": "rm", "activity": "a2"}
NONE = {"indicator": "contest_entries", "organisation": "obr", "period": "ever", "as_of": "2020-11-01", "known_at": 1,
        "numerator": 0, "denominator": 0}  # fmt: skip
FOUND = [{"finding": "f1", "text": "Конкурсов нет", "figures": [NONE]}]


@pytest.fixture
def decided(vertical: Vertikal) -> dict[str, str]:
    """A decision of gorodets on an activity of s1 and s2 and on one of its own; the ids of the events."""
    ids = {"own": plan(vertical), "opening": open_(vertical, "cy")}
    ids["of schools"] = add(vertical, "a2", ["s1", "s2"])
    ids["decision"] = take(vertical, activities=[ACTIVITY, SECOND])
    return ids


def add(vertical: Vertikal, activity: str, targets: list[str]) -> str:
    what: dict[str, Any] = {"roadmap": "rm", "activity": activity, "number": "2", "title": "М", "responsible": []}
    timing = {"raw": "", "kind": "missing"}
    vertical.send("activity.planned", "gorodets", {**what, "timing": timing, "organisations": targets})
    return f"e{vertical._ids}"


def take(vertical: Vertikal, on: str = "2021-02-07", **more: Any) -> str:
    """A decision that rests on nothing: it is executed all the same."""
    return decide(vertical, on, **{"recommendations": [], **more})


def done(vertical: Vertikal, activity: str, of: str, on: str) -> str:
    data = {"roadmap": "rm", "activity": activity, "organisation": of, "completed_on": on}
    vertical.send("activity.completed", of, data)
    return f"e{vertical._ids}"


def all_done(vertical: Vertikal) -> str:
    """The id of the last of the marks."""
    done(vertical, "a1", "gorodets", "2021-03-01")
    done(vertical, "a2", "s1", "2021-01-10")
    return done(vertical, "a2", "s2", "2021-04-01")


def cancel(vertical: Vertikal, activity: str, on: str) -> None:
    data = {"roadmap": "rm", "activity": activity, "on": on, "reason": "Нет средств"}
    vertical.send("activity.cancelled", "gorodets", data)


def executed(vertical: Vertikal, organisation: str = "gorodets", **query: Any) -> tuple[int, int | None]:
    return vertical.figure("decisions_executed", organisation, **query)


# Executed


@pytest.mark.usefixtures("decided")
def test_a_decision_is_executed_on_the_day_on_which_the_last_target_of_its_activities_is_done(
    vertical: Vertikal,
) -> None:
    known = head(vertical)
    all_done(vertical)
    days = {"2021-02-06": (0, 0), "2021-02-07": (0, 1), "2021-03-31": (0, 1), "2021-04-01": (1, 1)}
    assert {day: executed(vertical, as_of=day) for day in days} == days
    assert executed(vertical, known_at=known) == (0, 1)


@pytest.mark.usefixtures("decided")
def test_decisions_are_counted_where_they_were_taken_and_above(vertical: Vertikal) -> None:
    all_done(vertical)
    open_(vertical, "cz", of="s1")
    take(vertical, cycle="cz")
    assert [executed(vertical, code) for code in ("obr", "gorodets", "s1", "s2", "chemal")] == [
        (2, 2),
        (2, 2),
        (1, 1),
        (0, 0),
        (0, 0),
    ]
    rows = vertical.ask("decisions_executed", "obr", by="municipality")["rows"]
    assert {row["key"]: row["numerator"] for row in rows if row["denominator"]} == {"gorodets": 2}
    assert sum(each["delta"] for each in vertical.postings("decisions_executed", "obr")) == 4


@pytest.mark.parametrize("what", ["own", "of schools", "mark"])
def test_a_decision_is_not_executed_any_more_where_a_plan_or_a_mark_is_taken_back(
    vertical: Vertikal, decided: dict[str, str], what: str
) -> None:
    decided["mark"] = all_done(vertical)
    known = retract(vertical, decided[what]) - 1
    assert executed(vertical) == (0, 1)
    assert executed(vertical, known_at=known) == (1, 1)
    retract(vertical, f"e{vertical._ids}")
    assert executed(vertical) == (1, 1)


def test_a_decision_that_was_taken_back_counts_on_neither_side(vertical: Vertikal, decided: dict[str, str]) -> None:
    all_done(vertical)
    known = retract(vertical, decided["decision"]) - 1
    assert (executed(vertical), executed(vertical, known_at=known)) == ((0, 0), (1, 1))
    retract(vertical, f"e{vertical._ids}")
    assert executed(vertical) == (1, 1)


@pytest.mark.usefixtures("decided")
def test_what_was_cancelled_is_left_out(vertical: Vertikal) -> None:
    done(vertical, "a1", "gorodets", "2021-03-01")
    cancel(vertical, "a2", "2021-05-01")
    assert [executed(vertical, as_of=day) for day in ("2021-04-30", "2021-05-01")] == [(0, 1), (1, 1)]


@pytest.mark.usefixtures("decided")
def test_a_decision_with_nothing_done_is_not_executed(vertical: Vertikal) -> None:
    """All that it names was cancelled, or it names nothing."""
    take(vertical, decision="d2", activities=[])
    cancel(vertical, "a1", "2021-05-01")
    cancel(vertical, "a2", "2021-05-01")
    assert executed(vertical) == (0, 2)


@pytest.mark.usefixtures("decided")
def test_a_decision_that_was_taken_again_waits_for_what_it_names_now(vertical: Vertikal) -> None:
    done(vertical, "a1", "gorodets", "2021-03-01")
    take(vertical, "2021-03-15", activities=[ACTIVITY])
    take(vertical, "2021-06-15", activities=[SECOND])
    days = {"2021-03-14": (0, 1), "2021-03-15": (1, 1), "2021-06-14": (1, 1), "2021-06-15": (0, 1)}
    assert {day: executed(vertical, as_of=day) for day in days} == days


# On a recommendation of others


@pytest.fixture
def carried(vertical: Vertikal) -> dict[str, str]:
    """A recommendation of the region to gorodets and s1, on which both decide in cycles of their own."""
    plan(vertical)
    ids = {"opening": open_(vertical, "cr", of="obr")}
    analysis = {"cycle": "cr", "analysis": "an1", "findings": FOUND}
    ids["analysis"] = tell(vertical, "analysis.published", "2020-11-08", "obr", **analysis)
    to = ["gorodets", "s1"]
    ids["recommendation"] = recommend(vertical, cycle="cr", addressees=to)
    for cycle_, of in (("cy", "gorodets"), ("cz", "s1"), ("cx", "s2")):
        open_(vertical, cycle_, of=of)
        decide(vertical, cycle=cycle_)
    return ids


def founded(client: FlaskClient, vertical: Vertikal, **query: Any) -> list[str]:
    """The cycles whose decision is sound; each has the figure of what is shown."""
    found = []
    for cycle_, of in (("cy", "gorodets"), ("cz", "s1"), ("cx", "s2")):
        shown = get(client, vertical, f"cycles/{cycle_}", **query)
        found += [of] if complete(shown) == ["measures", "decisions"] else []
        assert (shown["broken"] == []) == (of in found)
    return found


@pytest.mark.usefixtures("carried")
def test_a_decision_may_rest_on_a_recommendation_of_others_that_is_addressed_to_its_organisation(
    client: FlaskClient, vertical: Vertikal
) -> None:
    assert founded(client, vertical) == ["gorodets", "s1"]
    broken = get(client, vertical, "cycles/cx")["broken"]
    assert broken[0]["reason"] == "рекомендация «r1» не дана этой организации, отозвана или не обоснована"
    assert [vertical.figure("cycle_completeness", code) for code in ("s1", "s2", "gorodets")] == [
        (2, 9),
        (0, 9),
        (4, 27),
    ]


@pytest.mark.parametrize("what", ["recommendation", "analysis", "opening"])
def test_a_decision_has_no_ground_any_more_where_the_recommendation_of_others_does_not_stand(
    client: FlaskClient, vertical: Vertikal, carried: dict[str, str], what: str
) -> None:
    """It was taken back, or what founds it in the cycle in which it was issued."""
    known = retract(vertical, carried[what]) - 1
    assert founded(client, vertical) == []
    assert vertical.figure("cycle_completeness", "gorodets") == (0, 27)
    assert founded(client, vertical, known_at=known) == ["gorodets", "s1"]
    assert vertical.figure("cycle_completeness", "gorodets", known_at=known) == (4, 27)


@pytest.mark.usefixtures("carried")
def test_a_recommendation_says_who_decided_on_it(client: FlaskClient, vertical: Vertikal) -> None:
    item = get(client, vertical, "recommendations")["items"][0]
    assert [(each["organisation"], each["cycle"], each["decision"], each["on"]) for each in item["decisions"]] == [
        (of, cycle_, "d1", "2021-02-07") for cycle_, of in (("cy", "gorodets"), ("cz", "s1"), ("cx", "s2"))
    ]
    assert get(client, vertical, "recommendations", as_of="2021-02-06")["items"][0]["decisions"] == []
    seen = get(client, vertical, "recommendations", of="s1")["items"][0]
    assert (seen["decided"], [each["organisation"] for each in seen["decisions"]]) == (True, ["s1"])


# Always


@settings(PROPERTY, max_examples=15)
@given(history=st.lists(st.one_of(cycle(), cycle(), cycle(), mark(), retractions), min_size=8, max_size=20))
def test_the_completeness_of_a_cycle_is_that_of_its_figure_by_both_clocks(
    fresh: Callable[[], AbstractContextManager[Vertikal]], history: list[Step]
) -> None:
    with fresh() as store:
        play(store, history, 7)
        with reading(store.engine) as connection:
            last = Book().open(connection).position
        for known_at in range(10, last + 1, 3):
            for as_of in ("2021-04-30", "2021-12-31"):
                for code, of in (("cy", "s1"), ("cy3", "s3")):
                    shown = completeness(store, code, as_of, known_at)
                    if shown is not None:
                        assert store.figure("cycle_completeness", of, as_of=as_of, known_at=known_at) == shown


def completeness(store: Vertikal, code: str, as_of: str, known_at: int) -> tuple[int, int] | None:
    """What a cycle that is open shows."""
    with reading(store.engine) as connection:
        ledger = Book().open(connection)
        try:
            shown = cycles.detail(ledger, code, as_of, known_at)
        except Refusal:
            return None
    both = shown["completeness"]["numerator"], shown["completeness"]["denominator"]
    return both if shown["open"] else None
