"""What changed a figure between two moments of knowledge, in the process and over HTTP. On both databases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import chain
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import test_ledger
from tests.conftest import TODAY, Vertikal
from tests.readers import ON, TEACHERS, Reader, employ, problem, teach
from tests.sayings import GORODETS, REGION, said
from tests.test_ledger import Step, histories, play, recorded
from vertikal.events.database import reading
from vertikal.projections import provenance
from vertikal.services import changes

fresh, often = test_ledger.fresh, test_ledger.often
SIDES = ("numerator", "denominator")
Change = dict[str, Any]


def changed(
    store: Vertikal, indicator: str, organisation: str, since: int, until: int, limit: int = 3, **more: str
) -> tuple[list[Change], Change, Change]:
    """All changes of a window, through the pages of the API's cursor, and the figures that they lead from and to."""
    window = {"organisation": organisation, "as_of": TODAY, "known_from": str(since), "known_to": str(until), **more}
    items, cursor = [], None
    with reading(store.engine) as connection:
        ledger = store.book.open(connection)
        asked = changes.ask(ledger, indicator, window, TODAY)
        while True:
            page = changes.answer(ledger, asked, cursor, limit)
            items += page["items"]
            cursor = page["next"]
            if cursor is None:
                return items, page["from"], page["to"]
            assert len(page["items"]) == limit


def sums(items: list[Change]) -> dict[str, int]:
    return {side: sum(item["delta"] for item in items if item["side"] == side) for side in SIDES}


def check(store: Vertikal, indicator: str, organisation: str, as_of: str, since: int, until: int) -> list[Change]:
    """The promise of a window: its changes are the difference of two figures, event by event, and none is nothing."""
    items, before, after = changed(store, indicator, organisation, since, until, as_of=as_of)
    asked = [store.figure(indicator, organisation, as_of=as_of, known_at=known_at) for known_at in (since, until)]
    assert [(each["numerator"], each["denominator"]) for each in (before, after)] == asked
    assert sums(items) == {side: after[side] - before[side] for side in SIDES}
    nets: defaultdict[tuple[int, str], int] = defaultdict(int)
    for item in items:
        assert since < item["position"] <= until
        nets[item["position"], item["side"]] += item["delta"]
    assert all(nets.values())
    keys = [(item["position"], SIDES.index(item["side"])) for item in items]
    assert keys == sorted(keys)
    return items


def test_the_changes_of_a_window_sum_to_the_difference_of_its_two_figures(
    fresh: Callable[[], AbstractContextManager[Vertikal]], often: settings
) -> None:
    @often
    @given(history=histories, cuts=st.tuples(st.floats(0, 1), st.floats(0, 1)))
    def check_windows(history: list[Step], cuts: tuple[float, float]) -> None:
        with fresh() as store:
            check_history(store, history, cuts)

    check_windows()


def check_history(store: Vertikal, history: list[Step], cuts: tuple[float, float]) -> None:
    play(store, history, 1_000)
    head = len(recorded(store))
    since, until = sorted(round(cut * head) for cut in cuts)
    for indicator in ("trained_teachers", "roadmap_overdue", "roadmap_done", "below_minimum"):
        for organisation in ("obr", "gorodets", "s1"):
            for as_of in ("2020-06-01", "2021-12-31"):
                check(store, indicator, organisation, as_of, since, until)
    each = [check(store, "trained_teachers", "gorodets", TODAY, step - 1, step) for step in range(1, head + 1)]
    assert [*chain(*each)] == check(store, "trained_teachers", "gorodets", TODAY, 0, head)


def test_the_check_notices_a_change_that_is_left_out(vertical: Vertikal, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the property above."""
    employ(vertical, 30)
    since = employ(vertical, 33)
    until = employ(vertical, 35)
    assert check(vertical, "trained_teachers", "obr", TODAY, since, until)
    monkeypatch.setattr(provenance, "_slices", lambda *_: iter(()))
    with pytest.raises(AssertionError):
        check(vertical, "trained_teachers", "obr", TODAY, since, until)


@pytest.mark.parametrize("width", [1, 2, 5_000])
@pytest.mark.parametrize("breadth", [0, 10_000])
def test_how_a_window_is_read_does_not_change_what_is_found(
    vertical: Vertikal, monkeypatch: pytest.MonkeyPatch, width: int, breadth: int
) -> None:
    """By position or by account, in one slice or in many, a page at a time."""
    employ(vertical)
    teach(vertical, 3)
    until = teach_and_take_back(vertical)
    expected, *_ = changed(vertical, "trained_teachers", "obr", 7, until, 1_000)
    monkeypatch.setattr(provenance, "SLICE", width)
    monkeypatch.setattr(provenance, "_breadth", lambda *_: breadth)
    for limit in (1, 2, 1_000):
        assert changed(vertical, "trained_teachers", "obr", 7, until, limit)[0] == expected
    assert len(expected) == 6


def teach_and_take_back(vertical: Vertikal) -> int:
    course = said(vertical, GORODETS, "course.finished", person="p", role="teacher", finished_on="2021-03-01")
    vertical.accept(course, party=GORODETS)
    return take_back(vertical, course)


def take_back(vertical: Vertikal, event: Change) -> int:
    data = {"source": event["source"], "id": event["id"], "reason": "ошибка"}
    return vertical.send("event.retracted", "obr", data)


# What is listed


def test_a_retraction_names_itself(vertical: Vertikal) -> None:
    until = teach_and_take_back(vertical)
    items, *_ = changed(vertical, "trained_teachers", "obr", until - 1, until)
    assert [(item["type"], item["position"], item["delta"]) for item in items] == [("event.retracted", until, -1)]
    assert items[0]["source"] == "/regions/obr"


def test_a_correction_is_listed_with_what_it_adds_and_takes(vertical: Vertikal) -> None:
    vertical.accept(said(vertical, GORODETS, "assessment.imported"), party=GORODETS)
    more = {"participants": 20, "marks": {"2": 4, "3": 10, "4": 4, "5": 2}, "below_minimum": 4, "reason": "appeal"}
    until = vertical.accept(said(vertical, REGION, "assessment.corrected", **more))
    items, before, after = changed(vertical, "below_minimum", "obr", until - 1, until)
    assert [(item["type"], item["side"], item["delta"]) for item in items] == [
        ("assessment.corrected", "numerator", -2)
    ]
    assert (before["value"], after["value"]) == ("0.3", "0.2")


def test_a_move_inside_the_region_changes_the_municipalities_and_not_the_region(vertical: Vertikal) -> None:
    employ(vertical, 30)
    until = vertical.send("organisation.moved", "s1", {"code": "s1", "parent": "chemal", "valid_from": "2021-01-01"})
    window = ("trained_teachers", "obr", until - 1, until)
    assert changed(vertical, *window)[0] == []
    for organisation, delta in (("gorodets", -30), ("chemal", 30)):
        items, *_ = changed(vertical, "trained_teachers", organisation, until - 1, until)
        assert [(item["type"], item["side"], item["delta"]) for item in items] == [
            ("organisation.moved", "denominator", delta)
        ]


def test_an_event_whose_postings_cancel_out_is_no_change(vertical: Vertikal) -> None:
    """A second course of the same year moves a person from school to school: once in the municipality, as before."""
    teach(vertical, 1, "s1")
    again = said(vertical, GORODETS, "course.finished", organisation="s2", person="s1-0", role="teacher",
                 finished_on="2020-12-20")  # fmt: skip
    until = vertical.accept(again, party=GORODETS)
    assert changed(vertical, "trained_teachers", "gorodets", until - 1, until)[0] == []
    assert sums(changed(vertical, "trained_teachers", "s2", until - 1, until)[0])["numerator"] == 1


# Over HTTP


@pytest.fixture
def region(client: FlaskClient, vertical: Vertikal) -> Reader:
    return Reader(client, vertical.token("obr", "region"))


CHANGES = f"{TEACHERS}/changes?organisation=obr&{ON}"


def test_the_answer_holds_the_changes_between_two_figures(region: Reader, vertical: Vertikal) -> None:
    since = employ(vertical)
    teach(vertical, 2)
    answer = region.json(f"{CHANGES}&known_from={since}&period=2020")
    first = answer["items"][0]
    postings = region.json(f"{TEACHERS}/postings?organisation=obr&{ON}&period=2020")
    assert first == next(item for item in postings["items"] if item["position"] == since + 1)
    assert answer.keys() == {"items", "next", "from", "to"}
    assert answer["next"] is None
    assert [answer["from"][name] for name in ("position", "numerator", "denominator", "value")] == [since, 0, 30, "0"]
    assert [answer["to"][name] for name in ("position", "numerator", "denominator", "value")] == [
        since + 2, 2, 30, "0.066667"
    ]  # fmt: skip
    assert answer["from"]["time"] < answer["to"]["time"]


def test_a_window_is_given_in_positions_or_times_and_pages_by_cursor(region: Reader, vertical: Vertikal) -> None:
    since = employ(vertical)
    teach(vertical, 5)
    whole = region.json(f"{CHANGES}&known_from={since}")
    time = whole["from"]["time"]
    assert region.json(f"{CHANGES}&known_from={time}&known_to={whole['to']['time']}") == whole
    first = region.json(f"{CHANGES}&known_from={since}&limit=2")
    rest = region.json(f"{CHANGES}&known_from={since}&limit=1000&cursor={first['next']}")
    assert first["items"] + rest["items"] == whole["items"]
    assert len(whole["items"]) == 5


def test_a_window_that_holds_nothing_is_empty(region: Reader, vertical: Vertikal) -> None:
    answer = region.json(f"{CHANGES}&known_from={employ(vertical)}")
    assert (answer["items"], answer["next"]) == ([], None)
    assert answer["from"] == answer["to"]


@pytest.mark.parametrize(
    ("window", "field"),
    [
        ("", "known_from"),
        ("known_from=", "known_from"),
        ("known_from=5&known_to=4", "known_from"),
        ("known_from=99", "known_from"),
        ("known_from=1&known_to=99", "known_to"),
        ("known_from=yesterday", "known_from"),
        ("known_from=1&known_at=3", "known_at"),
        ("known_from=1&cursor=x", "cursor"),
        ("known_from=1&limit=0", "limit"),
        ("known_from=1&colour=red", "colour"),
        ("known_from=1&period=x", "period"),
    ],
)
def test_400_a_window_that_cannot_be_read_names_the_parameter(region: Reader, window: str, field: str) -> None:
    assert field in problem(region.get(f"{CHANGES}&{window}"), 400)["errors"]


def test_every_wrong_parameter_is_named_at_once(region: Reader) -> None:
    errors = problem(region.get(f"{CHANGES}&known_from=x&known_to=99&period=y"), 400)["errors"]
    assert errors.keys() == {"known_from", "known_to", "period"}


def test_changes_are_seen_by_those_who_see_the_postings(client: FlaskClient, vertical: Vertikal) -> None:
    gorodets = Reader(client, vertical.token("gorodets", "municipality"))
    path = f"{TEACHERS}/changes?{ON}&known_from=1&organisation="
    assert gorodets.json(path + "s1")["items"] == []
    for organisation in ("obr", "chemal", "s3"):
        problem(gorodets.get(path + organisation), 403)
    problem(gorodets.get(path + "nowhere"), 404)
    assert client.get(path + "s1").status_code == 401
