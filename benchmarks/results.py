"""One line of a benchmark: a figure, what it is compared with, and whether the target holds."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Result:
    """``ratio`` compares ``value`` with ``baseline`` within the run; ``holds`` is None where no target is set.

    ``part`` and ``size``: what was run. ``detail``: what the figure is made of; it is written and not shown.
    """

    name: str
    store: str
    value: float
    unit: str
    baseline: float | None = None
    ratio: float | None = None
    target: str | None = None
    holds: bool | None = None
    part: str = ""
    size: str = ""
    detail: Mapping[str, Any] | None = None


def timed(work: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def median(values: list[float]) -> float:
    return statistics.median(values)


def percentile(values: list[float], share: float) -> float:
    """The value that a share of all does not exceed."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


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
    """Write results in the place of those of the same part, store and size; what else the file has stays."""
    rows = [asdict(each) for each in results]
    measured = {_run(row) for row in rows}
    kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    rows = [row for row in kept if _run(row) not in measured] + rows
    file.write_text(json.dumps(rows, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _run(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return row.get("part", ""), row["store"], row.get("size", "")


def _plain(value: float | None, digits: int = 0) -> str:
    if value is None:
        return ""
    return f"{value:,.{digits}f}" if value >= 100 or digits else f"{value:.2f}"
