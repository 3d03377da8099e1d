"""The projector: follows the log and keeps the ledger up to it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ..events import log
from ..events.database import reading, writing
from ..projections import closings
from ..projections.book import held, live
from ..projections.engine import CursorMoved, require_own_models
from ..projections.engine import Engine as Fold
from ..projections.tables import Volume

BATCH = 5_000
POLL_S = 0.1
UNAVAILABLE = (OperationalError, InterfaceError, PoolTimeoutError)
logger = structlog.get_logger()


def project(engine: Engine, fold: Fold, limit: int = BATCH) -> int:
    """Apply the next events, at most ``limit``; how many there were."""
    try:
        with writing(engine) as connection:
            events = log.read(connection, fold.held(connection), limit)
            if events:
                fold.apply(connection, events)
        if events:
            close_epochs(engine, fold.volume)
        return len(events)
    except CursorMoved:
        fold.forget()
        return 0
    except BaseException:
        fold.forget()
        raise


def close_epochs(engine: Engine, volume: Volume) -> None:
    """Close the epochs that the volume holds whole: each in a transaction of its own, behind the figures."""
    with reading(engine) as connection:
        due = closings.due(connection, volume)
    for _ in range(due):
        with writing(engine) as connection:
            closings.close(connection, volume)


def catch_up(engine: Engine, batch: int = BATCH, progress: Callable[[int], None] | None = None) -> int:
    """Apply everything there is; how many events that was. Raises ``OtherModels``."""
    begin(engine)
    fold, total = Fold(), 0
    while (count := project(engine, fold, batch)) or behind(engine):
        total += count
        if progress is not None:
            progress(count)
    return total


def begin(engine: Engine) -> None:
    """Close what a stopped projector left open. Raises ``OtherModels``, even where nothing is to be applied."""
    with reading(engine) as connection:
        require_own_models(connection)
        volume = live(connection)
    close_epochs(engine, volume)


def follow(engine: Engine, stop: threading.Event) -> None:
    """Apply events as they come, until ``stop``; a database that is away is waited for."""
    fold, wait = Fold(), POLL_S
    while not stop.is_set():
        try:
            lag, wait = behind(engine), POLL_S
            if lag and project(engine, fold):
                continue
        except UNAVAILABLE as error:
            wait = min(wait * 2, 10.0)
            logger.warning("database unavailable, trying again", seconds=wait, error=str(error))
        stop.wait(wait)


def behind(engine: Engine) -> int:
    """How many events of the log the ledger does not hold yet."""
    with reading(engine) as connection:
        return log.read_head(connection).position - held(connection)


def wait_for(engine: Engine, position: int, seconds: float) -> bool:
    """Whether the ledger reached a position in time."""
    deadline = time.monotonic() + seconds
    while True:
        with reading(engine) as connection:
            if held(connection) >= position:
                return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.02)
