"""What the log has named: organisations, road maps, activities …, so that references are checked where they arrive.

The rows are written in the transaction of the events that declare them, so under the lock of the head the registry
says exactly what the log says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Column, Connection, insert, select, tuple_, update

from ..contracts.contract import Contract
from . import bulk
from .canonical import canonical_of_contract
from .tables import declarations, retractions, sources

Reference = tuple[str, str]
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Declared:
    """Something that an event of the log has named."""

    kind: str
    code: str
    position: int
    owner: str | None
    detail: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Retraction:
    """The event at ``by`` took back the one at ``target``, or (``stands``) brought it back."""

    by: int
    target: int
    stands: bool


def declared_by(contract: Contract, event: Mapping[str, Any], position: int) -> list[Declared]:
    """What an event names. Every event about an organisation declares it, for the tree is folded from these rows."""
    data = event["data"]
    named = [
        Declared(
            name.kind,
            code,
            position,
            data[name.owner] if name.owner else event["subject"],
            _detail(name.kind, event),
        )
        for name in contract.declares
        for code, _ in name.codes(data)
    ]
    if contract.person is not None and "sealed" in data:
        named.append(Declared("person", data[contract.person], position, event["subject"], None))
    return named


def find(connection: Connection, references: Iterable[Reference]) -> dict[Reference, Declared]:
    """Those of the references that stand (declared and not retracted); of several, the last."""
    codes: dict[str, list[str]] = {}
    for kind, code in dict.fromkeys(references):
        codes.setdefault(kind, []).append(code)
    found: dict[Reference, Declared] = {}
    for kind, wanted in codes.items():
        for start in range(0, len(wanted), CHUNK):
            statement = _STANDING.where(
                declarations.c.kind == kind, declarations.c.code.in_(wanted[start : start + CHUNK])
            )
            found |= {(row.kind, row.code): _declared(row) for row in connection.execute(statement)}
    return found


def owners(connection: Connection, things: Iterable[Reference]) -> dict[Reference, list[tuple[int, str]]]:
    """(position, owner) of every declaration of each thing, in the order of the log, retracted ones too."""
    found: dict[Reference, list[tuple[int, str]]] = {thing: [] for thing in things}
    wanted = sorted(found)
    columns = (declarations.c.kind, declarations.c.code, declarations.c.position, declarations.c.owner)
    for start in range(0, len(wanted), CHUNK):
        named = tuple_(declarations.c.kind, declarations.c.code).in_(wanted[start : start + CHUNK])
        for kind, code, position, owner in connection.execute(select(*columns).where(named)):
            found[kind, code].append((position, owner))
    return {thing: sorted(declared) for thing, declared in found.items()}


def all_owners(connection: Connection, kinds: Iterable[str]) -> dict[Reference, list[tuple[int, str]]]:
    """(position, owner) of every declaration of every thing of these kinds, as ``owners`` gives them."""
    columns = (declarations.c.kind, declarations.c.code, declarations.c.position, declarations.c.owner)
    statement = select(*columns).where(declarations.c.kind.in_(sorted(set(kinds)))).order_by(declarations.c.position)
    found: dict[Reference, list[tuple[int, str]]] = {}
    for kind, code, position, owner in connection.execute(statement):
        found.setdefault((kind, code), []).append((position, owner))
    return found


def organisations(connection: Connection, known_at: int | None = None) -> list[Declared]:
    """Every declaration about organisations, in the order of the log, that stands as known at a position."""
    if known_at is None:
        return [_declared(row) for row in connection.execute(_STANDING.where(declarations.c.kind == "organisation"))]
    statement = select(*_COLUMNS).where(declarations.c.kind == "organisation", declarations.c.position <= known_at)
    declared = [_declared(row) for row in connection.execute(statement.order_by(declarations.c.position))]
    gone = undone(connection, (item.position for item in declared), known_at)
    return [item for item in declared if item.position not in gone]


def told_of_organisations(connection: Connection) -> list[tuple[int, str, str]]:
    """(position, code, type) of every event about an organisation, in the order of the log, retracted ones too."""
    said = select(declarations.c.position, declarations.c.code, declarations.c.detail)
    said = said.where(declarations.c.kind == "organisation").order_by(declarations.c.position)
    rows = connection.execute(said)
    return [(position, code, orjson.loads(bytes(detail))["type"]) for position, code, detail in rows]


def turns(connection: Connection) -> list[int]:
    """The positions, in order, of all events that may have changed what is known of organisations."""
    told = select(declarations.c.position).where(declarations.c.kind == "organisation")
    undoing = select(retractions.c.by).where(retractions.c.target.in_(told))
    return sorted({*connection.execute(told).scalars(), *connection.execute(undoing).scalars()})


def record(connection: Connection, declared: Sequence[Declared]) -> None:
    rows = [
        (item.kind, item.code, item.position, item.owner, item.detail and canonical_of_contract(item.detail), 0)
        for item in {(item.kind, item.code, item.position): item for item in declared}.values()
    ]
    bulk.insert(connection, declarations, rows)


def retract(connection: Connection, target: int, by: int, *, stands: bool) -> None:
    """Note that the event at ``by`` undid the one at ``target``, with what that declared, or restored it."""
    connection.execute(insert(retractions).values(by=by, target=target, stands=int(stands)))
    declared = update(declarations).where(declarations.c.position == target)
    connection.execute(declared.values(retracted=int(not stands)))


def undone(connection: Connection, positions: Iterable[int], known_at: int | None = None) -> set[int]:
    """Those of the positions whose events are retracted, as known at a position: the last word on each counts."""
    return {at for at, last in last_words(connection, positions, known_at).items() if not last.stands}


def last_words(connection: Connection, positions: Iterable[int], known_at: int | None = None) -> dict[int, Retraction]:
    """The last retraction of the event at each of the positions, where there was any, as known at a position."""
    return {each.target: each for each in _retractions(connection, retractions.c.target, positions, known_at)}


def retractions_of(connection: Connection, positions: Iterable[int]) -> list[Retraction]:
    """Every retraction of the events at the positions, those of retractions among them."""
    return list(_retractions(connection, retractions.c.target, positions, None))


def retractions_at(connection: Connection, positions: Iterable[int]) -> dict[int, Retraction]:
    """The retractions that stand at the positions themselves."""
    return {each.by: each for each in _retractions(connection, retractions.c.by, positions, None)}


def _retractions(
    connection: Connection, column: Column[int], positions: Iterable[int], known_at: int | None
) -> Iterator[Retraction]:
    wanted = sorted(set(positions))
    for start in range(0, len(wanted), CHUNK):
        statement = select(retractions.c.by, retractions.c.target, retractions.c.stands).order_by(retractions.c.by)
        statement = statement.where(column.in_(wanted[start : start + CHUNK]))
        if known_at is not None:
            statement = statement.where(retractions.c.by <= known_at)
        yield from (Retraction(by, target, bool(stands)) for by, target, stands in connection.execute(statement))


def owners_of_sources(connection: Connection, wanted: Iterable[str]) -> dict[str, str]:
    """Which organisation each known source is bound to."""
    statement = select(sources.c.source, sources.c.organisation).where(sources.c.source.in_(set(wanted)))
    return dict(iter(connection.execute(statement)))


def bind_sources(connection: Connection, bound: dict[str, str]) -> None:
    if bound:
        connection.execute(insert(sources), [{"source": s, "organisation": o} for s, o in bound.items()])


_COLUMNS = (
    declarations.c.kind,
    declarations.c.code,
    declarations.c.position,
    declarations.c.owner,
    declarations.c.detail,
)
_STANDING = select(*_COLUMNS).where(declarations.c.retracted == 0).order_by(declarations.c.position)


def _detail(kind: str, event: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a check needs beyond the name: the tree is folded from its events, marks are held against targets, answers
    against addressees."""
    if kind == "organisation":
        return {"type": event["type"], "data": event["data"]}
    if kind == "activity":
        return {"organisations": event["data"].get("organisations")}
    return {"organisations": event["data"]["addressees"]} if kind == "recommendation" else None


def _declared(row: Any) -> Declared:
    detail = orjson.loads(bytes(row.detail)) if row.detail is not None else None
    return Declared(row.kind, row.code, row.position, row.owner, detail)
