"""One type of event in one version: its schema, who may send it, what it names and what else must hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from marshmallow import Schema

Data = Mapping[str, Any]
SchemaClass = type[Schema]
ANYONE = ("school", "municipality", "region", "institute")
OWNERS = ("school", "municipality", "region")


@dataclass(frozen=True)
class Name:
    """A code of some kind that ``data`` carries.

    The code is one field, or several joined with ``/``: an activity is named by its road map and itself. A path goes
    into lists with ``[]``: ``findings[].finding``. ``owner`` is the field that tells whose it is (absent: the event's
    subject). ``unique`` names cannot be declared twice, the others only by those who speak for the owner.
    """

    kind: str
    path: tuple[str, ...]
    owner: str | None = None
    unique: bool = False

    def codes(self, data: Data) -> Iterable[tuple[str, str]]:
        """Every (code, field path) of this name in ``data``; nothing where an optional field is absent."""
        if not self._plain:
            return self._codes_in_lists(data)
        last = self.path[-1]
        if last not in data:
            return ()
        if len(self.path) == 1:
            return ((data[last], last),)
        return (("/".join([str(data[part]) for part in self.path]), last),)

    def _codes_in_lists(self, data: Data) -> Iterator[tuple[str, str]]:
        if len(self.path) == 1 and self.path[0].endswith("[]") and "." not in self.path[0]:
            field = self.path[0][:-2]
            yield from ((code, f"{field}[{number}]") for number, code in enumerate(data.get(field, ())))
            return
        columns = [list(walk(data, path)) for path in self.path]
        for number, (where, last) in enumerate(columns[-1]):
            outer = (column[number if len(column) > 1 else 0][1] for column in columns[:-1])
            yield "/".join([*(str(part) for part in outer), str(last)]), where

    @cached_property
    def _plain(self) -> bool:
        """Whether every path is a field of ``data`` itself: nearly all are, and these are looked up at once."""
        return not any("[]" in path or "." in path for path in self.path)


def name(kind: str, *path: str, owner: str | None = None, unique: bool = False) -> Name:
    """``name("activity", "roadmap", "activity")``; the path of a plain name is its kind."""
    return Name(kind, path or (kind,), owner, unique)


SCHOOL = name("organisation", "school")
"""An organisation that must be a school."""


@dataclass(frozen=True)
class Rule:
    """What a schema cannot say: ``broken`` is asked only when all of ``fields`` are themselves in order."""

    fields: tuple[str, ...]
    at: str
    message: str
    broken: Callable[[Data], bool]


@dataclass(frozen=True)
class Contract:
    """A published version of a type.

    ``subject``: the field that the event's ``subject`` must repeat. ``date``: the field with the date of the fact
    (absent: the local date of ``time``). ``of``: the kind of thing whose owner alone may say this, ``below``: or
    anybody under that owner. ``person``: the field with the pseudonym of whom ``personal`` tells. ``upcast`` turns the
    data of the version before into this one's.
    """

    type: str
    title: str
    schema: SchemaClass
    senders: tuple[str, ...]
    version: int = 1
    subject: str | None = None
    date: str | None = None
    refers: tuple[Name, ...] = ()
    declares: tuple[Name, ...] = ()
    of: str | None = None
    below: bool = False
    person: str | None = None
    rules: tuple[Rule, ...] = ()
    upcast: Callable[[dict[str, Any]], dict[str, Any]] | None = None

    @property
    def path(self) -> str:
        return f"/contracts/{self.type}/{self.version}"

    def fact_date(self, event: Mapping[str, Any]) -> str:
        """The day on which the fact is true, ``YYYY-MM-DD``."""
        if self.date is not None:
            data = event["data"]
            if self.date in data:
                return str(data[self.date])
            for _, value in walk(data, self.date):
                return str(value)
        return str(event["time"][:10])

    def named(self, kind: str, data: Data) -> Iterator[str]:
        """The codes of a kind that an event refers to or declares."""
        for each in (*self.refers, *self.declares):
            if each.kind == kind:
                yield from (code for code, _ in each.codes(data))


def walk(data: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The (path, value) pairs at ``path``; ``[]`` goes through a list, absent fields yield nothing."""
    head, _, rest = path.partition("[]")
    value = data
    for step in head.split("."):
        if not isinstance(value, Mapping) or step not in value:
            return
        value = value[step]
    if len(head) == len(path):
        yield path, value
        return
    for number, item in enumerate(value):
        here = f"{head}[{number}]"
        if not rest:
            yield here, item
        else:
            for inner, found in walk(item, rest.removeprefix(".")):
                yield f"{here}.{inner}", found


def ordered(first: str, second: str) -> Rule:
    """``second`` must not lie before ``first``; either may be absent."""

    def broken(data: Data) -> bool:
        starts, ends = list(walk(data, first)), list(walk(data, second))
        return bool(starts and ends) and ends[0][1] < starts[0][1]

    fields = tuple(path.partition(".")[0] for path in (first, second))
    return Rule(fields, second, "конец раньше начала", broken)
