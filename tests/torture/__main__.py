"""``make torture``: both databases for a while, each with its controls; exit code 1 where a claim does not hold."""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from tests.postgresql import Server, postgresql_server
from tests.torture.controls import CONTROLS, failed_as_it_must
from tests.torture.plan import Plan
from tests.torture.run import Report, torture

STORES = ("sqlite", "postgresql")
WRITERS, SENDERS, SHARED = 3, 4, 2
CONTROL_S, SERVER_STOPPED_EVERY_S = 20.0, 60.0


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="for each database")
    parser.add_argument("--store", action="append", choices=STORES, help="one database only; may be repeated")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    given = parser.parse_args()
    print(f"seed {given.seed}")
    held = [_tortured(store, given.seed, given.seconds) for store in given.store or STORES]
    return 0 if all(held) else 1


def _tortured(store: str, seed: int, seconds: float) -> bool:
    """The log itself must hold, its controls must not."""
    with _databases(store) as (databases, server):
        every = SERVER_STOPPED_EVERY_S if server else 0.0
        with tempfile.TemporaryDirectory(prefix="vertikal-torture-") as folder:
            plan = Plan(next(databases), folder, seed, "intake", WRITERS, SENDERS, SHARED, server_stopped_every=every)
            holds = not _shown(store, torture(plan, seconds, server, _show)).violations
        for door in CONTROLS[store]:
            with tempfile.TemporaryDirectory(prefix="vertikal-torture-") as folder:
                control = Plan(next(databases), folder, seed, door)
                report = _shown(store, torture(control, min(seconds, CONTROL_S), None, _show))
            holds &= failed_as_it_must(door, report.claims)
    return holds


def _shown(store: str, report: Report) -> Report:
    print(f"{store}, {report}", flush=True)
    return report


def _show(progress: str) -> None:
    print(f"  {time.strftime('%H:%M:%S')} {progress}", flush=True)


@contextmanager
def _databases(store: str) -> Iterator[tuple[Iterator[str], Server | None]]:
    """Fresh databases, and the server that they are on."""
    if store == "sqlite":
        with tempfile.TemporaryDirectory(prefix="vertikal-torture-") as folder:
            yield (f"sqlite:///{Path(folder) / str(number)}.db" for number in range(10)), None
    else:
        with postgresql_server(durable=True) as server:
            yield _made(server.url), server


def _made(server: str) -> Iterator[str]:
    url = make_url(server)
    admin = create_engine(url.set(drivername="postgresql+psycopg2"), isolation_level="AUTOCOMMIT", pool_pre_ping=True)
    for number in range(10):
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE torture_{number}"))
        yield url.set(database=f"torture_{number}").render_as_string(hide_password=False)


if __name__ == "__main__":
    sys.exit(main())
