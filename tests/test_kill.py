"""Whenever a projector or a rebuild is stopped, at any step, what goes on after it ends at the same figures."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, update

from tests import killing
from tests.conftest import Vertikal
from tests.faults import Faults, Killed, at_every_step
from tests.held import check
from tests.killing import Reckless, commit, kill_after, rebuild
from tests.ledgers import posted
from tests.refold import refold
from tests.test_ledger import Step, tell
from vertikal.events import log
from vertikal.events.database import reading, writing
from vertikal.projections import book, building, closings, comparing
from vertikal.projections.engine import Engine
from vertikal.projections.tables import VOLUMES, Volume, volumes
from vertikal.projections.tables import building as steps
from vertikal.sample import region
from vertikal.services import demo, projector, rebuilding

EPOCH, MERGED, BATCH = 4, 2, 9
PERIOD = {"start": "2020-09-01", "end": "2020-12-15"}
RESULT = {"school": "s1", "procedure": "vpr", "subject": "math", "grade": 5, "year": "2020/2021"}
COURSE = {"role": "teacher", "programme": "Программа", "provider": "iro", "hours": 72, "finished_on": "2020-09-15"}


def staff(school: str, on: str, teachers: int) -> Step:
    return "staff.reported", school, {"organisation": school, "on": on, "teachers": teachers, "managers": 1}


HISTORY: list[Step] = [
    staff("gorodets", "2020-05-15", 30),
    staff("s1", "2020-05-15", 20),
    ("course.finished", "s1", {**COURSE, "person": "p1", "organisation": "s1"}),
    (
        "activity.completed",
        "s1",
        {"roadmap": "rm", "activity": "a1", "organisation": "s1", "completed_on": "2020-09-01"},
    ),
    ("organisation.moved", "s1", {"code": "s1", "parent": "chemal", "valid_from": "2020-12-15"}),
    ("event.retracted", "obr", {"back": 4}),
    ("course.finished", "s3", {**COURSE, "person": "p1", "organisation": "s3", "finished_on": "2020-12-15"}),
    (
        "courses.reported",
        "s2",
        {"report": "r1", "organisation": "s2", "role": "teacher", "people": 4, "period": PERIOD},
    ),
    ("assessment.imported", "s1", {**RESULT, "participants": 20, "below_minimum": 5, "held_on": "2020-09-15"}),
    ("organisation.closed", "s3", {"code": "s3", "valid_from": "2021-05-15"}),
    staff("s2", "2021-05-15", 7),
]


@pytest.fixture
def told(store: Vertikal, monkeypatch: pytest.MonkeyPatch) -> Vertikal:
    """A log that nobody has projected; its epochs are short."""
    monkeypatch.setattr(closings, "EPOCH", EPOCH)
    monkeypatch.setattr(closings, "MERGED", MERGED)
    tell(store, HISTORY)
    return store


# The projector


def test_a_projector_that_fails_at_any_call_leaves_what_a_fresh_one_completes(told: Vertikal) -> None:
    faults = Faults(told.engine)
    failed = at_every_step(faults, lambda: projector.catch_up(told.engine, BATCH), lambda: cursors(told))
    assert failed > 100
    check(told)


def test_a_projector_whose_batch_failed_at_any_call_goes_on_by_itself(told: Vertikal) -> None:
    faults, fold = Faults(told.engine), Engine()
    at_every_step(faults, lambda: project_all(told, fold), lambda: cursors(told))
    projector.catch_up(told.engine)
    check(told)


def test_with_a_cursor_committed_apart_from_the_postings_they_would_differ(
    told: Vertikal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the two above."""
    fold = Engine.fold
    monkeypatch.setattr(Engine, "fold", lambda engine, *given: apart(partial(fold, engine))(*given))
    faults = Faults(told.engine)
    at_every_step(faults, lambda: projector.catch_up(told.engine, BATCH), lambda: cursors(told))
    with pytest.raises(AssertionError):
        check(told)


def test_with_epochs_noted_apart_from_their_rows_closings_would_be_missing(
    told: Vertikal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another control: of what is checked about closed epochs."""
    monkeypatch.setattr(closings, "close", note_and_close)
    faults = Faults(told.engine)
    at_every_step(faults, lambda: projector.catch_up(told.engine, BATCH), lambda: cursors(told))
    with pytest.raises(AssertionError):
        check(told)


def test_epochs_that_a_killed_projector_left_open_are_closed_by_the_next(told: Vertikal) -> None:
    """Also where no more events come."""
    while projector.project(told.engine, Engine(), BATCH):
        with writing(told.engine) as connection:
            connection.execute(update(volumes).values(closed=0))
            connection.execute(VOLUMES["a"].closings.delete())
    projector.catch_up(told.engine)
    check(told)


def test_a_projector_killed_at_random_moments_while_events_arrive_equals_a_refold(sampled: Sampled) -> None:
    reckless = Reckless(sampled.url, seconds_max=0.2)
    sampled.record(reckless.look)
    sampled.wait(reckless.look)
    reckless.end()
    assert reckless.killed >= 5
    projector.catch_up(sampled.store.engine)
    assert sampled.is_sound()


def test_killed_at_random_moments_a_cursor_committed_apart_loses_postings(sampled: Sampled) -> None:
    """The control."""
    sampled.record(lambda: None)
    reckless = Reckless(sampled.url, seconds_max=0.2, apart=True)
    sampled.wait(reckless.look)
    reckless.end()
    assert not sampled.is_sound()


# The rebuild


def test_a_rebuild_that_fails_at_any_call_goes_on_to_the_same_digest(told: Vertikal, rebuilder: Rebuilder) -> None:
    undisturbed = rebuilder.whole()
    rebuilder.discard()
    projector.catch_up(told.engine)
    faults = Faults(told.engine)
    failed = at_every_step(faults, rebuilder.run_unless_done, lambda: steps_done(told))
    assert failed > 100
    rebuilt = rebuilder.finish()
    assert (rebuilt.digest, rebuilt.differences) == (undisturbed.digest, [])
    check(told, "b")


def test_with_its_steps_noted_apart_a_rebuild_would_differ(
    told: Vertikal, rebuilder: Rebuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""
    projector.catch_up(told.engine)

    def once(connection: Connection, step: str, work: Callable[[], None]) -> bool:
        if step in building.done(connection):
            return False
        connection.execute(insert(steps).values(step=step))
        commit(connection)
        work()
        return True

    monkeypatch.setattr(building, "once", once)
    at_every_step(Faults(told.engine), rebuilder.run_unless_done, lambda: steps_done(told))
    assert rebuilder.finish().differences


def test_a_catching_up_and_swap_that_fail_at_any_call_leave_one_volume_live(
    told: Vertikal, rebuilder: Rebuilder
) -> None:
    projector.catch_up(told.engine)
    rebuilder.run()
    told.submit(told.event(*staff("s1", "2021-05-15", 9), time="2021-12-20T10:00:00+03:00"))
    projector.catch_up(told.engine)

    def finish_once() -> None:
        if live(told) == "a":
            rebuilder.finish(swap=True)

    at_every_step(Faults(told.engine), finish_once, lambda: cursors(told))
    assert live(told) == "b"
    check(told, "b")


def test_what_a_killed_worker_left_unfinished_is_not_read(
    told: Vertikal, rebuilder: Rebuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    projector.catch_up(told.engine)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", write_half)
        with pytest.raises(Killed):
            rebuilder.run()
    monkeypatch.setattr(os, "getpid", lambda: 1)  # its work is done again by another process
    assert rebuilder.whole().differences == []


def test_a_rebuild_killed_at_a_random_moment_goes_on_to_the_same_digest(sampled: Sampled, tmp_path: Path) -> None:
    sampled.record(lambda: None)
    projector.catch_up(sampled.store.engine)
    first = rebuild(sampled.url, tmp_path / "work")
    assert kill_after(first, lambda: bool(steps_done(sampled.store)), random.uniform(0.0, 0.6))
    assert rebuild(sampled.url, tmp_path / "work").wait() == 0
    rebuilt = rebuilding.finish(sampled.url, quiet, accept=False, swap=False)
    with reading(sampled.store.engine) as connection:
        undisturbed = comparing.digest(connection, VOLUMES["a"])
    assert (rebuilt.position, rebuilt.digest, rebuilt.differences) == (*undisturbed, [])


def write_half(file: Path, content: bytes) -> None:
    with file.open("wb") as opened:
        opened.write(content[: len(content) // 2])
    raise Killed


def quiet(*_: Any) -> None:
    """Nobody is told of progress."""


class Rebuilder:
    """A rebuild of a database by this process."""

    def __init__(self, store: Vertikal, folder: Path) -> None:
        self._store, self._url, self._folder = store, store.settings.database_url, folder

    def run(self) -> None:
        rebuilding.run(self._url, self._folder, (), 1, quiet)

    def run_unless_done(self) -> None:
        """A rebuild that was killed behind its last commit is complete; another would begin anew."""
        if not isinstance(steps_done(self._store), int):
            self.run()

    def finish(self, *, swap: bool = False) -> rebuilding.Rebuilt:
        return rebuilding.finish(self._url, quiet, accept=False, swap=swap)

    def discard(self) -> None:
        """As if there had never been a rebuild."""
        with writing(self._store.engine) as connection:
            connection.execute(update(volumes).where(volumes.c.live == 0).values(position=0))

    def whole(self) -> rebuilding.Rebuilt:
        self.run()
        return self.finish()


@pytest.fixture
def rebuilder(told: Vertikal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rebuilder:
    """Goes through the engine of the test, in small steps."""
    monkeypatch.setattr(rebuilding, "connect", lambda _: told.engine)
    monkeypatch.setattr(rebuilding, "_engine", lambda _: told.engine)
    monkeypatch.setattr(rebuilding, "SCATTERED", 12)
    monkeypatch.setattr(building, "PARTITION_EVENTS", 12)
    for module in (closings, building):
        monkeypatch.setattr(module, "EPOCH", 2 * EPOCH)
    return Rebuilder(told, tmp_path / "work")


def steps_done(store: Vertikal) -> Any:
    """The steps of a rebuild that are done; behind the last, the position of the volume that it made."""
    with reading(store.engine) as connection:
        done = building.done(connection)
        return done or book.held(connection, book.resting(connection)) or done


def live(store: Vertikal) -> str:
    with reading(store.engine) as connection:
        return book.live(connection).name


# A log of the sample region


EVENTS = 2_000


class Sampled:
    """A Vertikal that the first events of the sample region go into."""

    def __init__(self, store: Vertikal) -> None:
        self.store, self.url = store, store.settings.database_url

    def record(self, look: Callable[[], None]) -> None:
        sample = islice(region("small"), EVENTS)
        demo.record(self.store.engine, self.store.settings, sample, lambda _: look())

    def wait(self, look: Callable[[], None]) -> None:
        """Wait until the figures hold the log."""
        while projector.behind(self.store.engine):
            look()
            time.sleep(0.01)

    def is_sound(self) -> bool:
        """Whether postings are those of a refold, now and earlier, and balances those of a rebuild."""
        with reading(self.store.engine) as connection:
            events = log.read(connection, 0, EVENTS)
        positions = (len(events) // 3, len(events))
        return all(posted(self.store.engine, position) == refold(events, position) for position in positions)


@pytest.fixture
def sampled(store: Vertikal, monkeypatch: pytest.MonkeyPatch) -> Sampled:
    monkeypatch.setattr(closings, "EPOCH", killing.EPOCH)
    monkeypatch.setattr(closings, "MERGED", killing.MERGED)
    return Sampled(store)


def project_all(store: Vertikal, fold: Engine) -> None:
    while projector.project(store.engine, fold, BATCH):
        pass


def apart(work: Callable[..., None]) -> Callable[..., None]:
    """The work, with what comes before it committed apart."""

    def done(connection: Connection, *given: Any) -> None:
        commit(connection)
        work(connection, *given)

    return done


def note_and_close(connection: Connection, volume: Volume) -> None:
    """An epoch closed with a mistake: that it is, is committed before its rows."""
    this = volumes.c.name == volume.name
    closed = connection.execute(select(volumes.c.closed).where(this)).scalar_one()
    connection.execute(update(volumes).where(this).values(closed=closed + closings.EPOCH))
    commit(connection)
    for level, number in closings.completed(closed // closings.EPOCH):
        closings.make(connection, volume, level, number)


def cursors(store: Vertikal) -> Any:
    with reading(store.engine) as connection:
        return connection.execute(select(volumes.c.name, volumes.c.live, volumes.c.position, volumes.c.closed)).all()
