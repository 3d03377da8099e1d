"""Codes that people need not invent: the next of a goal, an analysis and its findings, a decision … of a cycle."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count
from typing import Any

from sqlalchemy import Connection

from ..events import log, registry

Data = dict[str, Any]
OF_ALL_CYCLES = "recommendation"  # its codes are the log's; all others are those of a cycle
CYCLE_MAX = 52  # of the cycle's code in that of a recommendation, which has room for 64 signs


def is_open(data: Mapping[str, Any], field: str | None) -> bool:
    """Whether the code in ``field``, or that of a finding, was left out."""
    return field is not None and (field not in data or any("finding" not in each for each in _findings(data)))


def numbered(connection: Connection, type_: str, field: str | None, subject: str, data: Data) -> Data:
    """The data of an event of a cycle, about an organisation, with codes where they were left out.

    They are numbers that nobody has used in the cycle before, not even in events that were taken back: what rests on
    those must not come to rest on something else.
    """
    if field is None or not is_open(data, field):
        return data
    cycle = data["cycle"]
    rows = log.read(connection, 0, log.POSITION_MAX, [subject], [type_])
    said = [before for row in rows if (before := row.event["data"]).get("cycle") == cycle]
    used = [each["finding"] for before in (*said, data) for each in _findings(before) if "finding" in each]

    def code() -> str:
        prefix = f"{cycle[:CYCLE_MAX]}-rec-" if field == OF_ALL_CYCLES else f"{field}-"
        return _next(connection, field, cycle, prefix, (before[field] for before in said))

    def finding(_: int) -> str:
        used.append(_next(connection, "finding", cycle, "", used))
        return str(used[-1])

    return _filled(data, field, code, finding)


def numbered_as(data: Data, field: str | None, stored: Mapping[str, Any]) -> Data:
    """The data with the codes of what was said before; where that has none, they stay open."""
    codes = [each["finding"] for each in _findings(stored)]
    if field is None or field not in stored or len(codes) < sum(1 for _ in _findings(data)):
        return data
    return _filled(data, field, lambda: str(stored[field]), lambda number: str(codes[number]))


def _filled(data: Data, field: str, code: Callable[[], str], finding: Callable[[int], str]) -> Data:
    if field not in data:
        data = {**data, field: code()}
    if any("finding" not in each for each in _findings(data)):
        findings = [
            {"finding": finding(number), **each} if isinstance(each, dict) and "finding" not in each else each
            for number, each in enumerate(data["findings"])
        ]
        data = {**data, "findings": findings}
    return data


def _findings(data: Mapping[str, Any]) -> Iterator[Data]:
    """The findings of an analysis; what is none is for the contract to refuse."""
    findings = data.get("findings")
    if isinstance(findings, list):
        yield from (each for each in findings if isinstance(each, dict))


def _next(connection: Connection, kind: str, cycle: str, prefix: str, used: Iterable[Any]) -> str:
    """The number behind all that were used with a prefix, of codes that the log does not know."""
    rests = (code.removeprefix(prefix) for code in used if isinstance(code, str) and code.startswith(prefix))
    first = 1 + max((int(rest) for rest in rests if rest.isascii() and rest.isdecimal()), default=0)
    codes = (f"{prefix}{number}" for number in count(first))
    return next(code for code in codes if not _declared(connection, kind, cycle, code))


def _declared(connection: Connection, kind: str, cycle: str, code: str) -> bool:
    """Whether anybody has used a code, be it in an event about another organisation."""
    thing = (kind, code if kind == OF_ALL_CYCLES else f"{cycle}/{code}")
    return bool(registry.owners(connection, [thing])[thing])
