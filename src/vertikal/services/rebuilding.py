"""``vertikal rebuild``: the figures made anew beside the live ones, by several processes, compared, and swapped in."""

from __future__ import annotations

import fcntl
import gc
import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path

from platformdirs import user_cache_path
from sqlalchemy import Connection, Engine, update
from sqlalchemy.exc import IntegrityError

from ..events.database import connect, reading, take_all, writing
from ..projections import book, building, closings, comparing, rebuild
from ..projections.building import Plan
from ..projections.comparing import Difference
from ..projections.engine import Engine as Fold
from ..projections.rebuild import Past
from ..projections.tables import volumes
from ..read_models import MODELS
from . import projector
from .refusals import Refusal

SCATTERED = 20_000  # positions laid out at once
CLOSED = 16  # epochs of the lowest level closed at once; those that merge others are large enough
DIFFERENCES_SHOWN = 20
Progress = Callable[[str, int, int], None]  # what is done, how many of it now, of how many
Step = Callable[[Engine], int]  # done by any process; how many things that were


@dataclass(frozen=True)
class Rebuilt:
    """What came out: its digest at ``position``, how it compares with the live volume, whether it is that now."""

    position: int
    digest: str
    compared_at: int
    differences: list[Difference]
    swapped: bool


@dataclass(frozen=True)
class Workers:
    """Processes that do steps with connections of their own; without a pool of them, this process does the steps."""

    url: str
    pool: ProcessPoolExecutor | None

    def do(self, steps: Sequence[Step], title: str, of: int, progress: Progress) -> None:
        """Do the steps in any order; the first that fails ends it."""
        if self.pool is None or len(steps) == 1:
            for step in steps:
                progress(title, step(_engine(self.url)), of)
            return
        for done in as_completed([self.pool.submit(_do, step, self.url) for step in steps]):
            progress(title, done.result(), of)


def run(url: str, folder: Path, names: Sequence[str], workers: int, progress: Progress) -> None:
    """Build the resting volume from the log: the named read models and those of other versions, or all.

    An interrupted rebuild goes on, unless it was to make fewer read models. ``folder`` holds events by entity while it
    works. Raises ``Refusal``.
    """
    engine = _engine(url)
    with _alone(folder):
        with writing(engine, snapshot=True) as connection:
            chosen = _chosen([*names, *building.outdated(connection)] if names else ())
            plan = building.unfinished(connection)
            if plan is None or not set(chosen) <= set(plan.chosen):
                shutil.rmtree(folder / "lines", ignore_errors=True)
                plan = building.begin(connection, chosen)
        with _pool(workers) as pool:
            _build(engine, plan, folder / "lines", Workers(url, pool), progress)
        shutil.rmtree(folder, ignore_errors=True)


def finish(url: str, progress: Progress, *, accept: bool, swap: bool = True) -> Rebuilt:
    """Bring the resting volume up to the log, compare it with the live one, and swap them unless they differ.

    ``accept``: swap all the same. Raises ``Refusal`` where there is nothing to swap to.
    """
    engine = _engine(url)
    with reading(engine) as connection:
        volume = book.resting(connection)
        if building.unfinished(connection) is not None or not book.held(connection, volume):
            raise Refusal(409, "второго тома показателей нет: выполните vertikal rebuild до конца")
    fold = Fold(volume.name)
    while count := projector.project(engine, fold):
        progress("events since then", count, 0)
    with reading(engine) as connection:
        take_all(connection)
        compared_at, found = comparing.differences(connection, book.live(connection), volume, DIFFERENCES_SHOWN)
        position, digest = comparing.digest(connection, volume)
    swapped = swap and (accept or not found)
    with writing(engine) as connection:
        noted = update(volumes).where(volumes.c.name == volume.name)
        connection.execute(noted.values(digest=digest, digest_position=position))
        if swapped:
            building.swap(connection)
    return Rebuilt(position, digest, compared_at, found, swapped)


def folder_of(url: str) -> Path:
    """Where a rebuild of this database keeps its work."""
    return user_cache_path("vertikal") / f"rebuild-{hashlib.sha256(url.encode()).hexdigest()[:16]}"


def _chosen(names: Sequence[str]) -> tuple[str, ...]:
    try:
        return rebuild.choose(names)
    except KeyError as error:
        known = ", ".join(model.name for model in MODELS)
        raise Refusal(404, f"модель {error} неизвестна; известны: {known}") from error


def _build(engine: Engine, plan: Plan, lines: Path, workers: Workers, progress: Progress) -> None:
    with reading(engine) as connection:
        done = building.done(connection)
    if not {"keys", "fed"} <= done:
        scattering = [partial(_scatter, plan, lines, at) for at in range(0, plan.position, SCATTERED)]
        workers.do(scattering, "events by entity", plan.position, progress)
        folding = [partial(_fold_partition, plan, lines, number) for number in range(plan.partitions)]
        workers.do(folding, "partitions folded", plan.partitions, progress)
        _once(engine, "keys", lambda connection: building.index(connection, plan, "postings"))
        _once(engine, "fed", lambda connection: _fold_fed(connection, plan, lines))
        _tidy(engine, plan, "postings")
    past = _past(engine, plan.position)
    _once(engine, "replanted", lambda connection: rebuild.replant(connection, plan.of, past, plan.chosen))
    for level, epochs in enumerate(closings.levels(plan.position)):
        at_once = 1 if level else CLOSED
        starts = range(0, len(epochs), at_once)
        closing = [partial(_close, plan, level, first, min(at_once, len(epochs) - first)) for first in starts]
        workers.do(closing, "epochs closed", len(epochs), progress)
        _tidy(engine, plan, "closings")  # so that the next level finds its epochs
    _once(engine, "balances", lambda connection: rebuild.balance(connection, plan.of, plan.position))
    with writing(engine) as connection:
        take_all(connection)
        building.index(connection, plan, "closings", "balances")
        building.complete(connection, plan)
    _tidy(engine, plan, "balances")


def _tidy(engine: Engine, plan: Plan, *names: str) -> None:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        building.tidy(connection, plan, *names)


def _once(engine: Engine, step: str, work: Callable[[Connection], None]) -> int:
    """Do a step in a transaction that notes it. Of two processes that do the same, one does."""
    try:
        with writing(engine) as connection:
            take_all(connection)
            return int(building.once(connection, step, partial(work, connection)))
    except IntegrityError:
        with reading(engine) as connection:
            if step not in building.done(connection):
                raise  # nobody was faster: the rows themselves collide
        return 0


def _scatter(plan: Plan, lines: Path, after: int, engine: Engine) -> int:
    """Lay out the events of some positions, in files by partition; whoever finds the folder finds all of them."""
    until = min(after + SCATTERED, plan.position)
    target = lines / f"{after:019}"
    if target.exists():
        return until - after
    with reading(engine) as connection:
        past = _past(engine, plan.position)
        found = rebuild.scatter(connection, past, after, until, plan.partitions, plan.chosen)
    unready = lines.with_name(f"{target.name}.{os.getpid()}")  # not among the lines: it stays where a worker is killed
    shutil.rmtree(unready, ignore_errors=True)
    unready.mkdir(parents=True)
    lines.mkdir(exist_ok=True)
    for partition, some in found.items():
        (unready / str(partition)).write_bytes(b"\n".join(some) + b"\n")
    unready.rename(target)
    return until - after


def _lines(lines: Path, partition: int) -> list[bytes]:
    files = sorted(lines.glob(f"*/{partition}"))
    return [line for file in files for line in file.read_bytes().splitlines()]


def _fold_fed(connection: Connection, plan: Plan, lines: Path) -> None:
    if any(model.name in plan.chosen for model in rebuild.FED):
        rebuild.fold_fed(connection, plan.of, _lines(lines, rebuild.FED_LINES), plan.chosen)


def _fold_partition(plan: Plan, lines: Path, number: int, engine: Engine) -> int:
    step = f"partition {number}"
    with reading(engine) as connection:
        if step in building.done(connection):
            return 1
        folded = rebuild.fold_partition(connection, plan.of, _past(engine, plan.position), _lines(lines, number))
    _once(engine, step, folded.write)
    return 1


def _close(plan: Plan, level: int, first: int, count: int, engine: Engine) -> int:
    closing = partial(closings.make, volume=plan.of, level=level, first=first, count=count)
    _once(engine, f"epochs {level}.{first}", closing)
    return count


@contextmanager
def _pool(count: int) -> Iterator[ProcessPoolExecutor | None]:
    """Processes that begin when there are steps for them, and end with the rebuild; none for one worker."""
    if count == 1:
        yield None
        return
    pool = ProcessPoolExecutor(count, get_context("spawn"), _begin_worker, (os.getpid(),))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


# In any of the processes


def _do(step: Step, url: str) -> int:
    return step(_engine(url))


def _begin_worker(parent: int) -> None:
    """A worker makes no cycles worth collecting, and ends with the process that began it, however that ends."""
    gc.disable()
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


@cache
def _engine(url: str) -> Engine:
    return connect(url)


@cache
def _past(engine: Engine, position: int) -> Past:
    with reading(engine) as connection:
        return Past(connection, position)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Raises ``Refusal`` while another rebuild of this database is under way on this machine."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Refusal(409, "перестройка этой базы уже идёт") from error
        yield
