"""The log read again by those who ask who did what, and when: what is asked for, and the events that answer it.

Organisations, types and positions are asked of the database, all else of each event as it goes by. So a page is read
out of so many events at most, and says how far it came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy import Connection, Engine

from ..contracts.catalogue import CATALOGUE
from ..events import log, registry
from ..events.database import reading
from ..projections.book import Opened
from ..read_models import periods
from ..read_models.periods import Period
from . import moments, queries
from .queries import Errors
from .refusals import Refusal

CHUNK = 1_000
READ_MAX = 20_000  # events that a page is looked for in


@dataclass(frozen=True)
class Selection:
    """Events behind ``after`` and up to ``until`` of which everything that is asked for holds.

    ``positions``: of these alone, in their order. ``subjects`` and ``type`` are columns of the log. ``within`` says of
    a subject and a date whether the organisation asked for was above it. ``roadmap`` and ``person`` are also those of
    what a retraction takes back.
    """

    after: int
    until: int
    subjects: Sequence[str] | None = None
    type: str | None = None
    within: Callable[[str, str], bool] | None = None
    actor: str | None = None
    roadmap: str | None = None
    person: str | None = None
    period: Period | None = None
    positions: Sequence[int] | None = None

    @property
    def decoded(self) -> bool:
        """Whether events must be looked into."""
        asked = (self.within, self.actor, self.roadmap, self.person, self.period, self.positions)
        return any(each is not None for each in asked)


@dataclass(frozen=True)
class Entry:
    """An event of the log; ``about`` is what it takes back or brings back in the end, for a retraction."""

    position: int
    recorded_at: str
    event: Mapping[str, Any]
    about: tuple[int, Mapping[str, Any]] | None = None

    @classmethod
    def of(cls, recorded: log.Recorded, about: log.Recorded | None = None) -> Entry:
        leaf = orjson.loads(recorded.leaf)
        concerned = (about.position, about.event) if about else None
        return cls(recorded.position, leaf["recorded_at"], leaf["event"], concerned)

    @property
    def date(self) -> str:
        """The date of the fact."""
        return CATALOGUE.newest[self.event["type"]].fact_date(CATALOGUE.upcast(self.event))

    def line(self) -> bytes:
        """The event as a line of NDJSON, position and time of recording beside its attributes."""
        flat = {"position": self.position, "recorded_at": self.recorded_at, **self.event}
        return orjson.dumps(flat, option=orjson.OPT_APPEND_NEWLINE)


@dataclass(frozen=True)
class Page:
    """Events that were asked for; none that is missing stands at ``read_to`` or before."""

    entries: list[Entry]
    read_to: int


def ask(connection: Connection, head: int, given: Mapping[str, Any]) -> Selection:
    """What request parameters ask for, but for organisations. Raises ``Refusal`` naming each that is wrong."""
    errors: Errors = {}
    period = queries.read(errors, "period", lambda: periods.parse(given.get("period")))
    known_from = queries.read(errors, "known_from", lambda: _moment(connection, head, given.get("known_from"), 0))
    known_to = queries.read(errors, "known_to", lambda: _moment(connection, head, given.get("known_to"), head))
    if known_from is not None and known_to is not None and known_from > known_to:
        errors["known_from"] = [f"начало позже конца: позиция {known_from} больше {known_to}"]
    if errors or period is None or known_from is None or known_to is None:
        raise Refusal(400, "параметры запроса не приняты", errors=errors)
    said = {name: given.get(name) or None for name in ("type", "actor", "roadmap", "person")}
    return Selection(known_from, known_to, period=None if period.kind == periods.EVER else period, **said)


def in_subtree(chosen: Selection, ledger: Opened, root: str, today: str) -> Selection:
    """Narrowed to organisations that stood under ``root`` on the date of the fact, or do so today."""
    tree = ledger.tree(chosen.until)
    if root not in tree.nodes:
        raise Refusal(404, f"организация «{root[:64]}» не зарегистрирована")

    def within(subject: str, on: str) -> bool:
        return tree.within(subject, root, on) or tree.within(subject, root, today)

    return replace(chosen, subjects=list(tree.under(root)), within=within)


def read(connection: Connection, chosen: Selection, limit: int) -> Page:
    """Up to ``limit`` events, looked for among the next ``READ_MAX`` that the database finds."""
    found: list[Entry] = []
    after, left = chosen.after, READ_MAX
    while after < chosen.until and len(found) < limit and left > 0:
        size = CHUNK if chosen.decoded else limit
        rows = _rows(connection, chosen, after, size)
        found += [entry for entry in _entries(connection, rows) if _matches(chosen, entry)]
        after = rows[-1].position if len(rows) == size else chosen.until
        left -= size
    if len(found) > limit:
        return Page(found[:limit], found[limit - 1].position)
    return Page(found, after)


def pages(engine: Engine, chosen: Selection, advance: Callable[[int], None]) -> Iterator[Page]:
    """All of it, page by page, each in a transaction of its own: what was read stays as it was.

    ``advance`` is told how many positions were gone through.
    """
    after = chosen.after
    while after < chosen.until:
        with reading(engine) as connection:
            page = read(connection, replace(chosen, after=after), CHUNK)
        yield page
        advance(page.read_to - after)
        after = page.read_to


def _rows(connection: Connection, chosen: Selection, after: int, size: int) -> list[log.Recorded]:
    if chosen.positions is None:
        return log.read(connection, after, size, chosen.subjects, chosen.type and [chosen.type], chosen.until)
    wanted = [at for at in chosen.positions if after < at <= chosen.until][:size]
    found = log.read_at(connection, wanted)
    return [found[at] for at in wanted]


def _entries(connection: Connection, rows: Sequence[log.Recorded]) -> Iterator[Entry]:
    """The events with what they take back: any of them may be a retraction."""
    taken = registry.retractions_at(connection, (row.position for row in rows))
    targets = log.read_at(connection, (each.target for each in taken.values()))
    for row in rows:
        yield Entry.of(row, targets[taken[row.position].target] if row.position in taken else None)


def _matches(chosen: Selection, entry: Entry) -> bool:
    if not chosen.decoded:
        return True
    event, (_, about) = entry.event, entry.about or (0, entry.event)
    on = entry.date
    return (
        (chosen.type is None or event["type"] == chosen.type)
        and (chosen.subjects is None or event["subject"] in chosen.subjects)
        and (chosen.actor is None or event.get("actor") == chosen.actor)
        and (chosen.period is None or chosen.period.start <= on <= chosen.period.end)
        and (chosen.within is None or chosen.within(event["subject"], on))
        and (chosen.roadmap is None or chosen.roadmap in _roadmaps(about))
        and (chosen.person is None or chosen.person in _persons(about))
    )


def _roadmaps(event: Mapping[str, Any]) -> set[str]:
    """The road maps that an event is about, by themselves or by their activities."""
    contract, data = CATALOGUE.newest[event["type"]], CATALOGUE.upcast(event)["data"]
    activities = (code.partition("/")[0] for code in contract.named("activity", data))
    return {*contract.named("roadmap", data), *activities}


def _persons(event: Mapping[str, Any]) -> set[str]:
    """The pseudonyms that an event is about."""
    contract, data = CATALOGUE.newest[event["type"]], CATALOGUE.upcast(event)["data"]
    named = {data[contract.person]} if contract.person in data else set()
    return {*contract.named("forgotten", data), *named}


def _moment(connection: Connection, head: int, text: str | None, otherwise: int) -> int:
    return moments.position(connection, head, text) if text else otherwise
