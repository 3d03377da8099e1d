"""What a read model is: three pure functions over the events of one entity. The engine does the rest.

    keys(event)          the entities whose states the event changes; none: not ours
    evolve(state, event) an entity's next state; ``state`` is None before its first event
    measures(state)      what the state is worth: {(organisation, measure, dimensions, date): amount}

An event arrives in the newest version of its contract. Where only the owner of something may say it (a road map, a
cycle), the engine adds ``event["owner"]``, the organisation that the log names as that owner.

A model may name measures among its types: it then folds their postings, each once for every organisation that holds it
(``organisation``, ``holder``, ``measure``, ``dimensions``, ``date``, ``amount``). Such a model takes no events.

A model of events may *hear* measures instead: ``hearing(measure, dimensions)`` says which of its entities a posting is
for, and under which topic its amount is added up there. ``measures(state, heard)`` then takes the sums, too. They are
kept apart from the state, which a retraction makes anew. A sum knows no order: the postings of one event may come in
any.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import msgspec

Event = Mapping[str, Any]
Cell = tuple[str, str, tuple[str, ...], str]  # organisation, measure, values of its dimensions, date
Cells = dict[Cell, int]
Keys = tuple[str, ...]
Sums = Mapping[str, Mapping[str, int]]  # by topic: amounts by date


class Kind(Enum):
    """How amounts behave when an organisation changes its parent or closes."""

    FLOW = "flow"  # belongs to the parent of the date of the fact, and stays there
    STOCK = "stock"  # moves with the organisation and ends with it


@dataclass(frozen=True)
class Measure:
    """What is posted. Above the schools, balances are also kept in summaries by the dimensions in ``kept`` alone."""

    name: str
    kind: Kind
    dimensions: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()

    @property
    def summarised(self) -> bool:
        return self.kept != self.dimensions


@dataclass(frozen=True)
class Model:
    """A read model as the engine sees it; ``state`` is the type its states are stored as.

    Whoever changes what it makes of events counts ``version`` up; the ledger is then made anew by ``vertikal rebuild``.
    """

    name: str
    types: tuple[str, ...]
    state: type[msgspec.Struct]
    keys: Callable[[Event], Keys]
    evolve: Callable[[Any, Event], Any]
    measures: Callable[..., Cells]
    posts: tuple[Measure, ...] = ()
    version: int = 1
    hears: tuple[Measure, ...] = ()
    hearing: Callable[[str, tuple[str, ...]], tuple[str, str] | None] = lambda _measure, _values: None

    @property
    def stored_as(self) -> str:
        """Its name in a volume; entities of another version are never read as its own."""
        return f"{self.name}.{self.version}"

    def worth(self, state: Any, heard: Sums) -> Cells:
        """What a state is worth, with what was heard beside it; nothing where there is no state."""
        if state is None:
            return {}
        return self.measures(state, heard) if self.hears else self.measures(state)

    def feeds(self, other: Model) -> bool:
        """Whether another read model depends on what this one posts."""
        return any(measure in other.hears or measure.name in other.types for measure in self.posts)


def steps(dates: Iterable[str], value: Callable[[str], int]) -> dict[str, int]:
    """A quantity that changes on ``dates`` as postings: the difference on each date to the day before.

    >>> steps(["2021-01-01", "2021-02-01"], lambda date: 5 if date < "2021-02-01" else 3)
    {'2021-01-01': 5, '2021-02-01': -2}
    """
    found, before = {}, 0
    for date in sorted(set(dates)):
        now = value(date)
        if now != before:
            found[date] = now - before
        before = now
    return found


def add(cells: Cells, cell: Cell, amount: int) -> None:
    """Add to a cell; a cell that comes to nothing is not there."""
    total = cells.get(cell, 0) + amount
    if total:
        cells[cell] = total
    else:
        cells.pop(cell, None)
