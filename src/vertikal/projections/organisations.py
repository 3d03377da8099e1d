"""The tree of organisations in time: who belonged to whom on a date.

Facts dated before an organisation's first ``valid_from`` belong to its first parent. A closed or merged organisation
ends on that day; nothing passes to a survivor by itself.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection

from ..events import registry

Dated = tuple[str, str]  # (valid from, value)


@dataclass(frozen=True, slots=True)
class Organisation:
    """One organisation with its history; the tuples are ordered by date."""

    code: str
    kind: str
    registered: str
    names: tuple[Dated, ...]
    parents: tuple[Dated, ...] = ()
    identifiers: Mapping[str, str] = field(default_factory=dict)
    ended: str | None = None
    into: str | None = None

    def name(self, on: str) -> str:
        return _value(self.names, on) or self.code

    def parent(self, on: str) -> str | None:
        return _value(self.parents, on)

    def stands(self, on: str) -> bool:
        return self.registered <= on and (self.ended is None or on < self.ended)


def evolve(organisation: Organisation | None, code: str, type_: str, data: Mapping[str, Any]) -> Organisation | None:
    """The organisation ``code`` after an event about it; None before it is registered."""
    if type_ == "organisation.registered":
        start = data["valid_from"]
        parents = ((start, data["parent"]),) if "parent" in data else ()
        return Organisation(code, data["kind"], start, ((start, data["name"]),), parents, data.get("identifiers", {}))
    if organisation is None:
        return None
    match type_:
        case "organisation.renamed":
            return replace(organisation, names=_dated(organisation.names, data["valid_from"], data["name"]))
        case "organisation.moved":
            return replace(organisation, parents=_dated(organisation.parents, data["valid_from"], data["parent"]))
        case "organisation.closed":
            return replace(organisation, ended=data["valid_from"])
        case "organisation.merged" if code != data["into"]:
            return replace(organisation, ended=data["valid_from"], into=data["into"])
    return organisation


@dataclass(frozen=True)
class Tree:
    """All organisations as the log knows them at one position."""

    nodes: Mapping[str, Organisation]

    @classmethod
    def of(cls, declarations: Iterable[tuple[str, str, Mapping[str, Any]]]) -> Tree:
        """The tree after these (code, event type, event data), in the order of the log."""
        nodes: dict[str, Organisation] = {}
        for code, type_, data in declarations:
            after = evolve(nodes.get(code), code, type_, data)
            if after is not None:
                nodes[code] = after
        return cls(nodes)

    def after(self, type_: str, data: Mapping[str, Any]) -> Tree:
        """The tree after one more event about its organisations."""
        changed = {}
        for code in data.get("codes", [data.get("code")]):
            node = evolve(self.nodes.get(code), code, type_, data)
            if node is not None:
                changed[code] = node
        return Tree({**self.nodes, **changed})

    def path(self, code: str, on: str) -> tuple[str, ...]:
        """The codes from the root down to ``code`` on a date; a code nobody registered is its own root."""
        path = [code]
        while (node := self.nodes.get(path[-1])) and (parent := node.parent(on)) and parent not in path:
            path.append(parent)
        return tuple(reversed(path))

    def within(self, code: str, root: str, on: str) -> bool:
        """Whether ``code`` lies in the subtree of ``root`` (which is part of it) on a date."""
        return root in self.path(code, on)

    def turns(self, code: str) -> list[str]:
        """The dates on which the path of ``code`` may change, in order."""
        dates: set[str] = set()
        seen: set[str] = set()
        waiting = [code]
        while waiting:
            node = self.nodes.get(waiting.pop())
            if node is not None and node.code not in seen:
                seen.add(node.code)
                dates.update(start for start, _ in node.parents[1:])
                waiting.extend(parent for _, parent in node.parents)
        return sorted(dates)

    def children(self, code: str, on: str) -> list[Organisation]:
        """What stands directly below on a date: registered by then, and not closed or merged yet."""
        return [node for node in self.nodes.values() if node.parent(on) == code and node.stands(on)]

    def under(self, code: str) -> Iterator[str]:
        """Every code that was ever in the subtree of ``code``, itself included."""
        below: dict[str, list[str]] = {}
        for node in self.nodes.values():
            for _, parent in node.parents:
                below.setdefault(parent, []).append(node.code)
        found, waiting = {code}, [code]
        while waiting:
            inner = [child for child in below.get(waiting.pop(), ()) if child not in found]
            found.update(inner)
            waiting.extend(inner)
        yield from sorted(found)


def read_tree(connection: Connection, known_at: int | None = None) -> Tree:
    """The tree as known at a position of the log; None: as known now."""
    declared = registry.organisations(connection, known_at)
    return Tree.of((item.code, item.detail["type"], item.detail["data"]) for item in declared if item.detail)


class Trees:
    """The trees of a range of positions (after, until]; it turns at few of them.

    Organisations that come later in the range may be in a tree already: nothing is said of them before they come.
    """

    def __init__(self, connection: Connection, after: int, until: int) -> None:
        self.turns = [position for position in _turning(connection) if after < position <= until]
        ends = [*(position - 1 for position in self.turns), until]
        self._trees = [read_tree(connection, end) for end in ends]

    def at(self, position: int) -> Tree:
        """The tree as known at a position."""
        return self._trees[bisect_right(self.turns, position)]


def _turning(connection: Connection) -> list[int]:
    """The positions at which what stands may move: all about organisations but renamings and first registrations."""
    seen: set[str] = set()
    quiet: set[int] = set()
    for position, code, type_ in registry.told_of_organisations(connection):
        first = type_ == "organisation.registered" and code not in seen
        seen.add(code)
        if first or type_ == "organisation.renamed":
            quiet.add(position)
    return [position for position in registry.turns(connection) if position not in quiet]


def _value(dated: tuple[Dated, ...], on: str) -> str | None:
    current = dated[0][1] if dated else None
    for start, value in dated:
        if start > on:
            break
        current = value
    return current


def _dated(dated: tuple[Dated, ...], start: str, value: str) -> tuple[Dated, ...]:
    """With one more entry; a later entry of the same date replaces the earlier."""
    kept = [entry for entry in dated if entry[0] != start]
    return tuple(sorted([*kept, (start, value)]))
