"""One line of a benchmark: a figure, what it is compared with, and whether the target holds."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Result:
    """``ratio`` compares ``value`` with ``baseline`` within the run; ``holds`` is None where no target is set."""

    name: str
    store: str
    value: float
    unit: str
    baseline: float | None = None
    ratio: float | None = None
    target: str | None = None
    holds: bool | None = None


def timed(work: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def median(values: list[float]) -> float:
    return statistics.median(values)


def show(results: list[Result]) -> None:
    table = Table(box=None, pad_edge=False)
    for column in ("measured", "store", "value", "unit", "baseline", "ratio", "target", "holds"):
        table.add_column(column, justify="right" if column in ("value", "baseline", "ratio") else "left")
    for each in results:
        holds = {True: "yes", False: "no", None: ""}[each.holds]
        table.add_row(
            each.name, each.store, _plain(each.value), each.unit, _plain(each.baseline), _plain(each.ratio, 2),
            each.target or "", holds,
        )  # fmt: skip
    Console(width=150).print(table)


def write(results: list[Result], file: Path) -> None:
    file.write_text(json.dumps([asdict(each) for each in results], indent=2) + "\n", encoding="utf-8")


def _plain(value: float | None, digits: int = 0) -> str:
    if value is None:
        return ""
    return f"{value:,.{digits}f}" if value >= 100 or digits else f"{value:.2f}"
