"""Closed epochs: an early ``known_at`` is read from a few sums, and says what all postings say. On both databases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from tests import test_ledger
from tests.conftest import Vertikal
from tests.readers import head
from tests.refold import Amounts, refold, rolled_up
from tests.test_ledger import Step, histories, play, recorded
from vertikal.events.database import reading, writing
from vertikal.projections import building, closings, sums
from vertikal.projections.book import Book
from vertikal.projections.questions import Question
from vertikal.projections.tables import VOLUMES, accounts, volumes
from vertikal.read_models import INDICATORS, periods
from vertikal.read_models.indicator import Part
from vertikal.services import projector
from vertikal.services.access import Party

fresh = test_ledger.fresh
ASKED = ("trained_teachers", "roadmap_overdue", "roadmap_done", "below_minimum")
DAYS = ("2020-06-01", "2021-12-31")
BRIEF = settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
held = VOLUMES["a"]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Epochs so small that a short log has several levels of them."""
    sized(monkeypatch, epoch=3, merged=2)


def sized(monkeypatch: pytest.MonkeyPatch, epoch: int, merged: int) -> None:
    for module in (closings, building):
        monkeypatch.setattr(module, "EPOCH", epoch)
    monkeypatch.setattr(closings, "MERGED", merged)


# Arithmetic


@given(position=st.integers(0, 10**13))
def test_runs_cover_the_positions_of_whole_epochs_once_each_by_fifteen_epochs_a_level_at_most(position: int) -> None:
    found, covered = closings.runs(position)
    assert covered == position // closings.EPOCH * closings.EPOCH
    assert all(0 < behind - first <= 15 for _, first, behind in found)
    assert len({level for level, *_ in found}) == len(found)
    width = {level: closings.EPOCH * closings.MERGED**level for level, *_ in found}
    spans = sorted((first * width[level], behind * width[level]) for level, first, behind in found)
    edges = [0, *(end for _, end in spans)]
    assert [start for start, _ in spans] == edges[:-1]
    assert edges[-1] == covered


@given(count=st.integers(0, 700))
def test_closing_one_epoch_after_another_makes_what_a_rebuild_makes_level_by_level(count: int) -> None:
    one_by_one = [made for number in range(count) for made in closings.completed(number)]
    at_once = [made for level in closings.levels(count * closings.EPOCH) for made in level]
    assert sorted(one_by_one) == sorted(at_once)


@given(position=st.integers(0, 10**7))
def test_every_epoch_of_a_run_is_one_that_was_made(position: int) -> None:
    made = {level: len(numbers) for level, numbers in enumerate(closings.levels(position))}
    for level, first, behind in closings.runs(position)[0]:
        assert 0 <= first < behind <= made[level]


# What is known at a position


def check(store: Vertikal, known_at: int, asked: tuple[str, ...] = ASKED, days: tuple[str, ...] = DAYS) -> None:
    """The promise: each part of a figure is at every place what a refold of the log up to ``known_at`` holds there."""
    amounts = rolled_up(refold(recorded(store), known_at))
    with reading(store.engine) as connection:
        ledger = Book().open(connection)
        for question in questions(asked, days, known_at):
            for _, parts in question.sides():
                for part in parts:
                    found = sums.by_place(ledger, question, part, ledger.places.values())
                    by_path = {ledger.places[id_].path: amount for id_, amount in found.items() if amount}
                    assert by_path == meant(amounts, question, part), (known_at, question.as_of, part.measure.name)


def questions(asked: tuple[str, ...], days: tuple[str, ...], known_at: int) -> Iterator[Question]:
    for code in asked:
        for as_of in days:
            yield Question(INDICATORS[code], "obr", periods.parse("ever"), as_of, known_at)


def meant(amounts: Amounts, question: Question, part: Part) -> dict[str, int]:
    """What a part of a figure sums at each place, of amounts at every place."""
    asked, totals = part.reading(question.period, question.as_of), defaultdict[str, int](int)
    for (path, measure, values, date), amount in amounts.items():
        named = dict(zip(part.measure.dimensions, values, strict=True)) if measure == part.measure.name else None
        if named is None or not (asked.start or "") <= date <= asked.end:
            continue
        if all(named[name] in values_ for name, values_ in part.only.items()) and (
            asked.accepts is None or asked.accepts(named)
        ):
            totals[path] += amount
    return {path: total for path, total in totals.items() if total}


@pytest.mark.usefixtures("small")
@BRIEF
@given(history=histories, batch=st.integers(1, 12))
def test_every_figure_at_every_known_at_is_what_a_refold_of_the_log_up_to_there_gives(
    fresh: Callable[[], AbstractContextManager[Vertikal]], history: list[Step], batch: int
) -> None:
    with fresh() as store:
        play(store, history, batch)
        assert closed(store) == head(store) // 3 * 3
        for known_at in range(head(store) + 1):
            check(store, known_at)


@pytest.mark.usefixtures("small")
@BRIEF
@given(history=histories, order=st.randoms(use_true_random=False))
def test_epochs_may_be_made_late_and_in_any_order(
    fresh: Callable[[], AbstractContextManager[Vertikal]], history: list[Step], order: Random
) -> None:
    with fresh() as store:
        play(store, history, 5)
        made = rows(store)
        with writing(store.engine) as connection:
            connection.execute(delete(held.closings))
            for level in closings.levels(head(store)):
                for epoch in order.sample(level, len(level)):
                    closings.make(connection, held, *epoch)
        assert rows(store) == made


@pytest.mark.usefixtures("small")
def test_figures_do_not_wait_for_epochs_that_are_not_closed_yet(
    vertical: Vertikal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projector, "close_epochs", lambda *_: None)
    facts(vertical, 14)
    assert closed(vertical) < head(vertical) - 3
    for known_at in range(head(vertical) + 1):
        check(vertical, known_at)


def test_of_two_who_close_the_same_epoch_one_does(vertical: Vertikal, monkeypatch: pytest.MonkeyPatch) -> None:
    facts(vertical, 2)
    sized(monkeypatch, 8, 2)
    for expected in (8, 8):
        with writing(vertical.engine) as connection:
            closings.close(connection, held)
        assert closed(vertical) == expected


# Late facts


@pytest.mark.usefixtures("small")
def test_facts_dated_years_before_their_position_are_known_from_their_position_on_only(vertical: Vertikal) -> None:
    """A report of 2012 that arrives behind all others changes every day since 2012, and nothing known before it."""
    facts(vertical, 9)
    before, days = head(vertical), ("2012-02-29", "2012-09-01", "2020-10-10")
    then = [vertical.figure("trained_teachers", "obr", as_of=on)[1] or 0 for on in days]
    late = report(vertical, "s3", 7, "2012-03-01")
    facts(vertical, 12)
    found = [
        [vertical.figure("trained_teachers", "obr", as_of=on, known_at=at)[1] for on in days] for at in (before, late)
    ]
    assert found == [then, [0, 7, then[2] + 7]]
    for known_at in range(head(vertical) + 1):
        check(vertical, known_at, ("trained_teachers",), ("2012-02-29", "2012-03-01", "2020-10-10", "2023-06-01"))


@pytest.mark.usefixtures("small")
def test_a_move_that_is_told_years_late_is_known_from_its_position_on_only(vertical: Vertikal) -> None:
    report(vertical, "s1", 20, "2013-09-01")
    before = facts(vertical, 8)
    held_before = vertical.figure("trained_teachers", "chemal", as_of="2016-01-01")[1] or 0
    told = vertical.send("organisation.moved", "s1", {"code": "s1", "parent": "chemal", "valid_from": "2015-01-01"})
    facts(vertical, 12)
    known = [vertical.figure("trained_teachers", "chemal", as_of="2016-01-01", known_at=at)[1] for at in (before, told)]
    assert known == [held_before, held_before + 20]
    for known_at in range(head(vertical) + 1):
        check(vertical, known_at, ("trained_teachers",), ("2014-12-31", "2015-01-01", "2023-06-01"))


# What it costs


def read_rows(store: Vertikal, known_at: int) -> tuple[int, int]:
    """How many rows of closed epochs, and of postings, a figure above the schools is summed from."""
    with reading(store.engine) as connection:
        ledger = Book().open(connection)
        counted = defaultdict[bool, int](int)
        for source in sums._sources(ledger, known_at, leaf=False, summary=False):
            count = select(func.count()).select_from(source.rows).where(*source.within)
            counted[source.rows is held.closings] += connection.execute(count).scalar_one()
    return counted[True], counted[False]


def test_what_an_early_known_at_reads_does_not_depend_on_the_length_of_the_log(
    vertical: Vertikal, monkeypatch: pytest.MonkeyPatch
) -> None:
    sized(monkeypatch, epoch=8, merged=4)
    facts(vertical, 60)
    read = [read_rows(vertical, known_at) for known_at in range(60)]
    facts(vertical, 540)
    assert [read_rows(vertical, known_at) for known_at in range(60)] == read


def test_what_a_known_at_reads_is_the_sums_of_its_epochs_and_the_postings_of_less_than_one(
    vertical: Vertikal, monkeypatch: pytest.MonkeyPatch
) -> None:
    sized(monkeypatch, epoch=8, merged=4)
    facts(vertical, 300)
    per_event, per_epoch = most(vertical, by_epoch=False), most(vertical, by_epoch=True)
    for known_at in range(0, head(vertical), 7):
        summed, behind = read_rows(vertical, known_at)
        epochs = sum(behind_ - first for _, first, behind_ in closings.runs(known_at)[0])
        assert behind <= 7 * per_event
        assert summed <= epochs * per_epoch


def test_without_closed_epochs_it_does(vertical: Vertikal, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: an early position then costs all the postings before it."""
    sized(monkeypatch, epoch=10_000, merged=4)
    facts(vertical, 60)
    read = [read_rows(vertical, known_at) for known_at in (20, 40, 60)]
    assert [summed for summed, _ in read] == [0, 0, 0]
    assert read[0][1] < read[1][1] < read[2][1]


def test_the_database_does_no_more_work_for_it_in_a_log_of_six_hundred_than_of_sixty(
    vertical: Vertikal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted in instructions of SQLite's machine: the work of a query to the last step, whatever the clock says."""
    if vertical.engine.dialect.name != "sqlite":
        pytest.skip("only SQLite counts its instructions")
    sized(monkeypatch, epoch=8, merged=4)
    facts(vertical, 60)
    work = instructions(vertical, 50)
    facts(vertical, 540)
    assert instructions(vertical, 50) < 1.2 * work


def instructions(store: Vertikal, known_at: int) -> int:
    """What a sum above the schools costs SQLite."""
    measure = INDICATORS["trained_teachers"].denominator[0]
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    with reading(store.engine) as connection:
        ledger = Book().open(connection)
        question = next(questions(("trained_teachers",), ("2023-06-01",), known_at))
        machine = connection.connection.driver_connection
        assert machine is not None
        machine.set_progress_handler(step, 1)
        sums.by_place(ledger, question, measure, ledger.holding("obr"))
        machine.set_progress_handler(None, 0)
    return steps


# Controls of the check


@pytest.mark.usefixtures("small")
def test_the_check_notices_a_wrong_amount_in_an_epoch(vertical: Vertikal) -> None:
    facts(vertical, 20)
    check(vertical, 14)
    with writing(vertical.engine) as connection:
        wrong = a_row(connection, closings.runs(14)[0][-1])
        connection.execute(update(held.closings).where(*wrong).values(amount=held.closings.c.amount + 1))
    with pytest.raises(AssertionError):
        check(vertical, 14)


@pytest.mark.usefixtures("small")
def test_the_check_notices_an_epoch_that_is_left_out(vertical: Vertikal) -> None:
    facts(vertical, 20)
    level, first, _ = closings.runs(14)[0][-1]
    with writing(vertical.engine) as connection:
        epoch = (held.closings.c.level == level, held.closings.c.epoch == first)
        assert connection.execute(delete(held.closings).where(*epoch)).rowcount > 0
    with pytest.raises(AssertionError):
        check(vertical, 14)


@pytest.mark.usefixtures("small")
def test_the_check_notices_postings_that_are_not_read(vertical: Vertikal, monkeypatch: pytest.MonkeyPatch) -> None:
    facts(vertical, 20)
    monkeypatch.setattr(sums, "runs", lambda closed: (closings.runs(closed)[0], closed))
    with pytest.raises(AssertionError):
        check(vertical, 14)


# Facts and rows


def facts(store: Vertikal, count: int) -> int:
    """So many staff reports and courses, of all schools and of a municipality, on ever other days; the head."""
    sent = []
    for number in range(count):
        school, on = ("s1", "s2", "s9", "gorodets")[number % 4], f"2020-{number % 11 + 1:02}-{number % 28 + 1:02}"
        if number % 3:
            data = {"organisation": school, "on": on, "teachers": number % 40 + 1, "managers": number % 5}
            sent.append(store.event("staff.reported", school, data))
        else:
            data = {"person": f"p{number % 7}", "role": "teacher", "organisation": "s3", "programme": "П",
                    "provider": "iro", "hours": 8, "finished_on": on}  # fmt: skip
            sent.append(store.event("course.finished", "s3", data, source="/m/chemal"))
    for part in (("staff.reported", Party("obr", "region")), ("course.finished", Party("chemal", "municipality"))):
        store.accept(*(event for event in sent if event["type"] == part[0]), party=part[1])
    return head(store)


def report(store: Vertikal, organisation: str, teachers: int, on: str) -> int:
    data = {"organisation": organisation, "on": on, "teachers": teachers, "managers": 1}
    return store.send("staff.reported", organisation, data)


def most(store: Vertikal, *, by_epoch: bool) -> int:
    """The most rows that one event posted above the schools, or that one epoch was summed to."""
    table = held.closings
    key = (table.c.level, table.c.epoch) if by_epoch else (held.postings.c.position,)
    source = select(*key) if by_epoch else closings.rolled_up(held)[2].add_columns(*key)
    counted = source.add_columns(func.count().label("count")).group_by(*key).subquery()
    with reading(store.engine) as connection:
        return int(connection.execute(select(func.max(counted.c["count"]))).scalar_one())


def closed(store: Vertikal) -> int:
    with reading(store.engine) as connection:
        return int(connection.execute(select(volumes.c.closed).where(volumes.c.name == "a")).scalar_one())


def rows(store: Vertikal) -> list[tuple[int, ...]]:
    with reading(store.engine) as connection:
        return [tuple(row) for row in connection.execute(select(held.closings).order_by(*held.closings.primary_key))]


def a_row(connection: Connection, run: closings.Run) -> list[ColumnElement[bool]]:
    """What finds one row of a run of epochs, of a measure that is asked for."""
    level, first, _ = run
    table = held.closings
    staff = INDICATORS["trained_teachers"].denominator[0].measure
    account = select(accounts.c.id).where(accounts.c.measure == staff.name)
    within = (table.c.level == level, table.c.epoch == first, table.c.account.in_(account))
    row = connection.execute(select(table).where(*within).limit(1)).one()
    return [column == value for column, value in zip(table.columns, row, strict=True)]
