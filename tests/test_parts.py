"""Figures that several processes folded are those of one projector, however the log is parted. On both databases."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update
from sqlalchemy.exc import OperationalError, ProgrammingError

from tests import test_decisions, test_ledger
from tests.conftest import Vertikal
from tests.readers import head
from tests.sayings import GORODETS, said
from tests.test_closings import check, sized
from tests.test_cycles import ACTIVITY
from tests.test_ledger import Step, cycle, histories, mark, retractions, tell
from tests.test_rebuild import alike, build, finish, sometimes
from vertikal.events import database, log
from vertikal.events.database import connect, reading, writing
from vertikal.events.log import Recorded
from vertikal.projections import blocked, book, building, comparing, parts
from vertikal.projections.engine import CursorMoved
from vertikal.projections.engine import Engine as Fold
from vertikal.projections.parts import STAGED, Missing, Settler, Stager, Window
from vertikal.projections.tables import VOLUMES
from vertikal.projections.tables import parts as table
from vertikal.read_models import MODELS
from vertikal.services import projector
from vertikal.services.access import Party

fresh = test_ledger.fresh
carried = test_decisions.carried
cycles = st.lists(st.one_of(cycle(), cycle(), cycle(), mark(), retractions), min_size=8, max_size=20)
BRIEF = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several windows, and several levels of epochs, in a log of a few dozen events."""
    sized(monkeypatch, epoch=4, merged=2)
    monkeypatch.setattr(parts, "WINDOW", 7)


class Team:
    """Processes that each fold some parts; the first one leads. ``part_of`` says whose an event is."""

    def __init__(self, store: Vertikal, count: int, part_of: Callable[[int], int]) -> None:
        self.store, self.count, self.part_of = store, count, part_of
        self.stagers = [Stager() for _ in range(count)]
        self.settler = Settler()

    def log(self) -> list[Recorded]:
        with reading(self.store.engine) as connection:
            return log.read(connection, 0, 10_000)

    def open(self, *reached: int) -> Window | None:
        """Open a window; every part has everything at hand unless it is said otherwise."""
        with writing(self.store.engine) as connection:
            at_hand = reached or [head(self.store)] * self.count
            parts.announce(connection, dict(enumerate(at_hand)))
            return parts.open_window(connection, self.count)

    def stage(self, opened: Window, *which: int) -> None:
        """Stage these parts, by one process."""
        within = [each for each in self.log() if opened.base < each.position <= opened.until]
        given = {part: [each for each in within if self.part_of(each.position) == part] for part in which}
        try:
            with writing(self.store.engine) as connection:
                self.stagers[which[0]].stage(connection, opened, given)
        except BaseException:
            self.stagers[which[0]].forget()
            raise

    def settle(self) -> bool:
        try:
            with writing(self.store.engine) as connection:
                settled = self.settler.settle(connection, self.count)
        except BaseException:
            self.settler.forget()
            raise
        if settled:
            projector.close_epochs(self.store.engine, self.settler.volume)
        return settled

    def project(self) -> None:
        """Window by window, up to the end of the log."""
        while (opened := self.open()) is not None:
            for part in range(self.count):
                self.stage(opened, part)
            assert self.settle()
        with reading(self.store.engine) as connection:
            for each in STAGED:
                assert connection.execute(select(func.count()).select_from(each)).scalar() == 0


def by_turns(count: int) -> Callable[[int], int]:
    return lambda position: position % count


def at_random(count: int, seed: int) -> Callable[[int], int]:
    rng, drawn = Random(seed), dict[int, int]()
    return lambda position: drawn.setdefault(position, rng.randrange(count))


def held(store: Vertikal) -> int:
    with reading(store.engine) as connection:
        return book.held(connection)


def compare_with_one_projector(store: Vertikal) -> None:
    """Fold everything again, by one engine into the other volume."""
    fold = Fold("b")
    while projector.project(store.engine, fold):
        pass
    alike(store)
    with reading(store.engine) as connection:
        assert comparing.differences(connection, VOLUMES["a"], VOLUMES["b"], 5) == (head(store), [])


@BRIEF
@given(history=histories, count=st.integers(1, 3), seed=st.integers(0, 1_000))
def test_however_the_log_is_parted_the_figures_are_those_of_one_projector(
    fresh: Callable[[], AbstractContextManager[Vertikal]], history: list[Step], count: int, seed: int
) -> None:
    with fresh() as store:
        tell(store, history)
        Team(store, count, at_random(count, seed)).project()
        compare_with_one_projector(store)
        for known_at in range(0, head(store), 9):
            check(store, known_at)


@BRIEF
@given(history=cycles, seed=st.integers(0, 1_000))
def test_what_entities_hear_of_each_other_they_hear_when_it_is_settled(
    fresh: Callable[[], AbstractContextManager[Vertikal]], history: list[Step], seed: int
) -> None:
    with fresh() as store:
        tell(store, history)
        Team(store, 2, at_random(2, seed)).project()
        compare_with_one_projector(store)


@BRIEF
@given(history=histories, seed=st.integers(0, 1_000))
def test_an_entity_that_stands_still_in_a_part_stands_still_in_the_figures(
    fresh: Callable[[], AbstractContextManager[Vertikal]], history: list[Step], seed: int
) -> None:
    """Blocked by the same events, at the same organisations, and released by the same retractions."""
    with pytest.MonkeyPatch.context() as patched, fresh() as store:
        for name in ("results", "people", "activities"):
            model = next(each for each in MODELS if each.name == name)
            patched.setitem(model.__dict__, "evolve", partial(sometimes, model.evolve))
        tell(store, history)
        Team(store, 2, at_random(2, seed)).project()
        compare_with_one_projector(store)


# One entity in two parts


def project_and_compare(vertical: Vertikal) -> None:
    Team(vertical, 2, by_turns(2)).project()
    compare_with_one_projector(vertical)


def test_an_entity_that_two_parts_have_changed_is_folded_again_in_the_order_of_the_log(vertical: Vertikal) -> None:
    """Every other event about a person is another part's."""
    teach(vertical)
    project_and_compare(vertical)


def test_without_folding_it_again_it_would_be_counted_as_each_part_saw_it(
    vertical: Vertikal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the test above; PostgreSQL even refuses to take one entity twice."""
    monkeypatch.setattr(Stager, "mend", lambda *_: None)
    teach(vertical)
    with pytest.raises((AssertionError, ProgrammingError)):
        project_and_compare(vertical)


def test_a_plan_that_was_taken_back_and_given_to_another_is_the_new_owners(vertical: Vertikal) -> None:
    """A process that knew the first owner asks again in each window."""
    team = Team(vertical, 2, by_turns(2))
    plan = {"roadmap": "rm", "title": "ДК", "period": {"start": "2020-01-01", "end": "2021-12-31"}}
    accept(vertical, vertical.event("roadmap.adopted", "obr", {**plan, "owner": "obr"}))
    adoption = {"source": "/regions/obr", "id": f"e{vertical._ids}", "reason": "ошибка"}
    accept(vertical, activity(vertical, "a1", "obr"), activity(vertical, "a2", "obr"))
    team.project()
    accept(vertical, vertical.event("event.retracted", "obr", adoption))
    accept(vertical, vertical.event("roadmap.adopted", "gorodets", {**plan, "owner": "gorodets"}))
    accept(vertical, activity(vertical, "a3", "gorodets"), activity(vertical, "a4", "gorodets"))
    team.project()
    compare_with_one_projector(vertical)


@pytest.mark.usefixtures("carried")
def test_a_decision_hears_of_an_activity_that_a_part_has_marked(vertical: Vertikal) -> None:
    done = {**ACTIVITY, "organisation": "gorodets", "completed_on": "2021-03-01"}
    accept(vertical, vertical.event("activity.completed", "gorodets", done))
    project_and_compare(vertical)


def test_an_entity_is_released_when_what_blocked_it_is_taken_back(
    vertical: Vertikal, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = next(each for each in MODELS if each.name == "people")
    monkeypatch.setitem(people.__dict__, "evolve", lambda *_: 1 / 0)
    team = Team(vertical, 2, by_turns(2))
    accept(vertical, said(vertical, GORODETS, "course.finished", person="p1"), party=GORODETS)
    course = {"source": "/gorodets/municipality", "id": f"e{vertical._ids}", "reason": "ошибка"}
    team.project()
    assert blocked_of(vertical) == 1
    accept(vertical, said(vertical, GORODETS, "event.retracted", **course), party=GORODETS)
    team.project()
    assert blocked_of(vertical) == 0


def blocked_of(vertical: Vertikal) -> int:
    with reading(vertical.engine) as connection:
        return blocked.count(connection, VOLUMES["a"])


def accept(vertical: Vertikal, *events: dict[str, Any], party: Party | None = None) -> None:
    """Send events, and do not project them."""
    answer = vertical.submit(*events, party=party)
    assert answer.refused == 0, [each.errors for each in answer.results]


def teach(vertical: Vertikal) -> None:
    """Three courses of one person, the last of them taken back."""
    for on in ("2020-12-18", "2019-12-18", "2021-12-18"):
        accept(vertical, said(vertical, GORODETS, "course.finished", person="p1", finished_on=on), party=GORODETS)
    last = {"source": "/gorodets/municipality", "id": f"e{vertical._ids}", "reason": "ошибка"}
    accept(vertical, said(vertical, GORODETS, "event.retracted", **last), party=GORODETS)


def activity(vertical: Vertikal, code: str, subject: str) -> dict[str, Any]:
    what: dict[str, Any] = {"roadmap": "rm", "activity": code, "number": "2", "title": "М", "responsible": []}
    return vertical.event("activity.planned", subject, {**what, "timing": {"raw": "", "kind": "missing"}})


# Windows


def report(vertical: Vertikal) -> None:
    """Six events that are not projected."""
    for number in range(6):
        of = ("s1", "s3")[number % 2]
        staff = {"organisation": of, "on": f"2020-09-0{number + 1}", "teachers": 20 + number, "managers": 1}
        vertical.submit(vertical.event("staff.reported", of, staff))


def test_a_window_reaches_only_as_far_as_every_part_is_at_hand(vertical: Vertikal) -> None:
    report(vertical)
    assert Team(vertical, 2, by_turns(2)).open(held(vertical) + 3, held(vertical) + 1) == Window(
        "a", held(vertical), held(vertical) + 1
    )


def test_while_a_part_has_nothing_at_hand_no_window_is_opened(vertical: Vertikal) -> None:
    report(vertical)
    assert Team(vertical, 3, by_turns(3)).open(head(vertical), head(vertical)) is None


def test_figures_move_when_all_parts_are_staged_and_not_before(vertical: Vertikal) -> None:
    report(vertical)
    team, before = Team(vertical, 2, by_turns(2)), held(vertical)
    opened = team.open()
    assert opened is not None
    team.stage(opened, 0)
    assert (team.settle(), held(vertical)) == (False, before)
    team.stage(opened, 1)
    assert (team.settle(), held(vertical)) == (True, opened.until)


def test_a_part_that_was_staged_is_not_staged_again(vertical: Vertikal) -> None:
    report(vertical)
    team = Team(vertical, 2, by_turns(2))
    opened = team.open()
    assert opened is not None
    team.stage(opened, 0)
    with pytest.raises(CursorMoved):
        team.stage(opened, 0, 1)
    team.stage(opened, 1)
    assert team.settle()
    compare_with_one_projector(vertical)


def test_who_stages_for_a_window_that_is_settled_stages_nothing(vertical: Vertikal) -> None:
    report(vertical)
    team = Team(vertical, 1, by_turns(1))
    late = team.open()
    assert late is not None
    team.stage(late, 0)
    team.settle()
    with pytest.raises(CursorMoved):
        team.stage(late, 0)


def test_a_part_that_lacks_an_event_keeps_the_window_from_being_settled(vertical: Vertikal) -> None:
    report(vertical)
    team, before = Team(vertical, 2, by_turns(2)), held(vertical)
    opened = team.open()
    assert opened is not None
    team.stage(opened, 0)
    with writing(vertical.engine) as connection:
        connection.execute(update(table).values(checksum=table.c.checksum - 1))
    team.stage(opened, 1)
    with pytest.raises(Missing):
        team.settle()
    assert held(vertical) == before


def test_an_event_too_few_and_another_too_many_are_found_out(vertical: Vertikal) -> None:
    report(vertical)
    team = Team(vertical, 2, by_turns(2))
    opened = team.open()
    assert opened is not None
    within = [each for each in team.log() if opened.base < each.position <= opened.until]
    for part, some in enumerate((within[:3], within[2:5])):
        with writing(vertical.engine) as connection:
            team.stagers[part].stage(connection, opened, {part: some})
    with pytest.raises(Missing):
        team.settle()


def test_what_the_log_does_not_hold_so_is_no_event_of_a_part(vertical: Vertikal) -> None:
    report(vertical)
    team = Team(vertical, 1, by_turns(1))
    opened = team.open()
    assert opened is not None
    within = [each for each in team.log() if opened.base < each.position <= opened.until]
    forged = [replace(each, leaf=each.leaf.replace(b'"teachers":2', b'"teachers":9')) for each in within]
    with writing(vertical.engine) as connection:
        team.stagers[0].stage(connection, opened, {0: [*forged, *within]})
    assert team.settle()
    compare_with_one_projector(vertical)


def test_a_rebuild_that_is_swapped_in_throws_away_what_was_staged(vertical: Vertikal) -> None:
    report(vertical)
    projector.catch_up(vertical.engine)
    build(vertical)
    finish(vertical, swap=False)
    report(vertical)
    team = Team(vertical, 1, by_turns(1))
    opened = team.open()
    assert opened is not None
    team.stage(opened, 0)
    with writing(vertical.engine) as connection:
        building.swap(connection)
        assert parts.look(connection).window is None
    assert not team.settle()
    team.project()
    assert held(vertical) == head(vertical)


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_who_is_frozen_while_staging_keeps_the_others_waiting_for_a_limited_time(
    vertical: Vertikal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "IDLE_MAX_S", 1)
    report(vertical)
    team = Team(vertical, 1, by_turns(1))
    opened = team.open()
    assert opened is not None
    frozen = connect(vertical.settings.database_url, "projector")
    with frozen.connect() as connection:
        Stager().stage(connection, opened, {0: []})
        with writing(vertical.engine) as other:
            parts.close_window(other)  # returns, though the window was held
        with pytest.raises(OperationalError):
            connection.execute(select(1))
    frozen.dispose()


def test_a_process_keeps_no_tree_that_is_past(vertical: Vertikal) -> None:
    team = Team(vertical, 1, by_turns(1))
    for _ in range(5):
        teach(vertical)
        team.project()
    assert len(team.stagers[0]._ledger._settled_in) <= 2


def test_a_window_that_was_given_up_is_opened_anew(vertical: Vertikal) -> None:
    report(vertical)
    team = Team(vertical, 2, by_turns(2))
    opened = team.open()
    assert opened is not None
    team.stage(opened, 0)
    with writing(vertical.engine) as connection:
        parts.close_window(connection)
    team.project()
    compare_with_one_projector(vertical)


def test_when_another_projector_was_faster_what_was_staged_is_thrown_away(vertical: Vertikal) -> None:
    report(vertical)
    team = Team(vertical, 2, by_turns(2))
    opened = team.open()
    assert opened is not None
    for part in range(2):
        team.stage(opened, part)
    projector.project(vertical.engine, Fold(), 2)
    assert not team.settle()
    team.project()
    compare_with_one_projector(vertical)
