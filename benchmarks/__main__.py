"""``make bench``: every measurement on SQLite and on a PostgreSQL of its own (fsync on), a table and results.json."""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import count
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from tests.postgresql import postgresql

from benchmarks import append, archive, flips, group, kafka, latency, library, projection, projectors, queries, rebuild
from benchmarks.logs import SIZES, Logs, Urls
from benchmarks.results import Result, show, write

Measure = Callable[[str, Logs, str], list[Result]]
STORES = ("SQLite", "PostgreSQL")
PARTS: dict[str, Measure] = {
    "append": lambda name, logs, _: append.measure(name, logs.fresh),
    "group": lambda name, logs, _: group.measure(name, logs.fresh(), logs.fresh()),
    "projection": lambda name, logs, _: projection.measure(name, logs.fresh()),
    "rebuild": rebuild.measure,
    "library": library.measure,
    "queries": queries.measure,
    "latency": latency.measure,
    "kafka": kafka.measure,
    "projectors": projectors.measure,
    "archive": lambda name, logs, _: archive.measure(name, logs.fresh),
}
SIZED = ("rebuild", "library", "queries")
FILE = Path(__file__).parent / "results.json"


def main() -> None:
    """All measurements, or those named on the command line; ``flips`` only if it is named, for it measures nothing."""
    given = _arguments()
    wanted = set(given.parts) or set(PARTS)
    print(f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} processors")
    results: list[Result] = []
    with ExitStack() as stack:
        files = _files(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vertikal-bench-"))))
        if "flips" in wanted:
            show(flips.measure("SQLite", files()))
        for name in given.store if wanted & PARTS.keys() else ():
            urls = files if name == "SQLite" else _databases(stack.enter_context(postgresql(durable=True)))
            for measured in _measure(wanted, name, Logs(urls), given.size):
                results += measured
                write(measured, FILE)  # at once: a part that fails takes no other with it
    if results:
        show(results)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; flips. Default: all but flips")
    parser.add_argument("--size", choices=SIZES, default="region", help=f"of the log of {', '.join(SIZED)}")
    parser.add_argument("--store", choices=STORES, action="append", help="Default: both")
    given = parser.parse_args()
    if unknown := set(given.parts) - PARTS.keys() - {"flips"}:
        parser.error(f"no such measurement: {', '.join(sorted(unknown))}")
    given.store = given.store or STORES
    return given


def _measure(wanted: set[str], name: str, logs: Logs, size: str) -> Iterator[list[Result]]:
    for part, measure in PARTS.items():
        if part in wanted:
            print(f"measuring {part} on {name} …", flush=True)
            run = size if part in SIZED else ""
            yield [replace(each, part=part, size=run) for each in measure(name, logs, size)]


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
