"""``make bench``: every measurement on SQLite and on a PostgreSQL of its own (fsync on), a table and results.json."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from tests.postgresql import postgresql

from benchmarks import append, group, projection, queries
from benchmarks.results import Result, show, write

PARTS = ("append", "group", "projection", "queries")
FILE = Path(__file__).parent / "results.json"


def main() -> None:
    """All measurements, or those named on the command line (append, group, projection, queries)."""
    wanted = set(sys.argv[1:]) or set(PARTS)
    print(f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} processors")
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="vertikal-bench-") as folder, postgresql(durable=True) as server:
        for name, urls in (("SQLite", _files(Path(folder))), ("PostgreSQL", _databases(server))):
            for each, measure in (
                ("append", lambda name, urls: append.measure(name, urls(), urls())),
                ("group", lambda name, urls: group.measure(name, urls(), urls())),
                ("projection", lambda name, urls: projection.measure(name, urls())),
                ("queries", queries.measure),
            ):
                if each in wanted:
                    print(f"measuring {each} on {name} …", flush=True)
                    results += measure(name, urls)
    show(results)
    if wanted == set(PARTS):
        write(results, FILE)


def _files(folder: Path) -> Callable[[], str]:
    numbers = count()
    return lambda: f"sqlite:///{folder / str(next(numbers))}.db"


def _databases(server: str) -> Callable[[], str]:
    admin = create_engine(make_url(server).set(drivername="postgresql+psycopg2"), isolation_level="AUTOCOMMIT")
    numbers = count()

    def make() -> str:
        name = f"bench_{next(numbers)}"
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        return make_url(server).set(drivername="postgresql", database=name).render_as_string(hide_password=False)

    return make


if __name__ == "__main__":
    main()
