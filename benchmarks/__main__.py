"""``make bench``: every measurement on SQLite and on a PostgreSQL of its own (fsync on), a table and results.json."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from tests.postgresql import postgresql

from benchmarks import append, archive, flips, group, projection, queries
from benchmarks.results import Result, show, write

Urls = Callable[[], str]
PARTS: dict[str, Callable[[str, Urls], list[Result]]] = {
    "append": append.measure,
    "group": lambda name, urls: group.measure(name, urls(), urls()),
    "projection": lambda name, urls: projection.measure(name, urls()),
    "queries": queries.measure,
    "archive": archive.measure,
}
FILE = Path(__file__).parent / "results.json"


def main() -> None:
    """All measurements, or those named on the command line; ``flips`` only if it is named, for it measures nothing."""
    wanted = set(sys.argv[1:]) or set(PARTS)
    if unknown := wanted - PARTS.keys() - {"flips"}:
        sys.exit(f"no such measurement: {', '.join(sorted(unknown))}")
    print(f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} processors")
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="vertikal-bench-") as folder:
        files = _files(Path(folder))
        if "flips" in wanted:
            results += flips.measure("SQLite", files())
        if wanted & PARTS.keys():
            with postgresql(durable=True) as server:
                for name, urls in (("SQLite", files), ("PostgreSQL", _databases(server))):
                    results += _measure(wanted, name, urls)
    show(results)
    if wanted == set(PARTS):
        write(results, FILE)


def _measure(wanted: set[str], name: str, urls: Urls) -> Iterator[Result]:
    for part, measure in PARTS.items():
        if part in wanted:
            print(f"measuring {part} on {name} …", flush=True)
            yield from measure(name, urls)


def _files(folder: Path) -> Urls:
    numbers = count()
    return lambda: f"sqlite:///{folder / str(next(numbers))}.db"


def _databases(server: str) -> Urls:
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
