"""The figures that an event cites are held against the ledger before it is taken.

A figure at fixed clocks never changes, so this needs no lock: what is found before holds when the event is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine

from ..contracts.catalogue import Errors
from ..contracts.contract import Contract
from ..events import log
from ..events.database import reading
from ..projections import entities
from ..projections.book import Book, Opened
from ..read_models.cycle_states import Cycle
from . import cited, moments, projector, queries
from .access import Party, Sight
from .cited import Cited, Held
from .refusals import Refusal

WAIT_S = 5.0
FIGURES_MAX = 1_000  # in one call; each is a question to the ledger
Event = Mapping[str, Any]
Positions = Mapping[int | str, int | str]  # of each ``known_at``, or in Russian why it has none
OUT_OF_SIGHT = "приведённое значение сверить нельзя: организация вне подчинения «{sender}» (получено: «{code}»)"
HIDDEN = "приведённое значение сверить нельзя: вне подчинения отправителя значения меньше пяти человек скрыты"
NOTHING_HELD = (
    "показателя нет в каталоге, и в мониторинге цикла «{cycle}» его значений для этой организации на {as_of} по "
    "сведениям на позицию {known_at} нет (получено: «{code}»)"
)


class Evidence:
    """Recomputes cited figures; ``today`` tells the day by which it is judged who sees what."""

    def __init__(self, engine: Engine, today: Callable[[], str]) -> None:
        self._engine = engine
        self._today = today
        self._book = Book()

    def judge(self, party: Party, events: Sequence[Any], contracts: Sequence[Contract | None]) -> list[Errors]:
        """What is wrong with the figures of each event, by field path, in Russian, naming what the ledger holds.

        What the log has taken already is not judged again. Raises a 413 for too many figures, and a 503 where some are
        cited as known at a position that the ledger does not hold in time.
        """
        found: list[Errors] = [{} for _ in events]
        citing = {
            number: event
            for number, (event, contract) in enumerate(zip(events, contracts, strict=True))
            if contract is not None and contract.type in cited.CITING
        }
        if citing:
            with reading(self._engine) as connection:
                citing = _fresh(connection, citing)
                _require_few(citing.values())
                positions = _positions(connection, citing.values())
            self._wait_for(max((at for at in positions.values() if isinstance(at, int)), default=0))
            with reading(self._engine) as connection:
                comparison = _Comparison(self._book.open(connection), party, self._today(), positions)
                for number, event in citing.items():
                    found[number] = comparison.errors(event)
        return found

    def _wait_for(self, position: int) -> None:
        """Raises a 503."""
        if not projector.wait_for(self._engine, position, WAIT_S):
            detail = f"позиция {position} ещё не учтена в показателях, сверить приведённые значения нельзя"
            raise Refusal(503, detail, headers={"Retry-After": "1"})


class _Comparison:
    """Cited figures beside those of one state of the ledger; each is computed once."""

    def __init__(self, ledger: Opened, party: Party, today: str, positions: Positions) -> None:
        self._ledger = ledger
        self._party = party
        self._today = today
        self._positions = positions
        self._cycles: dict[tuple[str, int], Cycle | None] = {}
        self._held: dict[tuple[Any, ...], Held | Errors] = {}

    def errors(self, event: Event) -> Errors:
        errors: Errors = {}
        for path, figure in cited.figures_of(event):
            known_at = self._positions[figure["known_at"]]
            found = (
                {"known_at": [known_at]} if isinstance(known_at, str) else self._differences(event, figure, known_at)
            )
            errors |= {f"{path}.{field}": messages for field, messages in found.items()}
        return errors

    def _differences(self, event: Event, figure: Cited, known_at: int) -> Errors:
        """What is wrong with one figure, by field."""
        cycle, named = event["data"]["cycle"], ("indicator", "organisation", "period", "as_of")
        key = (cycle, known_at, *(figure[name] for name in named))
        if key not in self._held:
            self._held[key] = self._find(cycle, figure, known_at)
        held = self._held[key]
        if not isinstance(held, Held):
            return held
        return {side: [f"{_told(held, known_at)} (получено: «{figure[side]}»)"] for side in held.differs(figure)}

    def _find(self, cycle: str, figure: Cited, known_at: int) -> Held | Errors:
        """What is held of a figure, or why it cannot be said; the reason tells nothing of what is held."""
        organisation = figure["organisation"]
        try:
            seen = self._sight(organisation, known_at)
            if seen is Sight.NOTHING:
                message = OUT_OF_SIGHT.format(sender=self._party.organisation, code=organisation)
                return {"organisation": [message]}
            hide_small = seen is Sight.TOTALS
            held = cited.held(self._ledger, figure, self._cycle(cycle, known_at), known_at, hide_small=hide_small)
        except Refusal as refusal:
            return refusal.errors or {"organisation": [refusal.detail]}
        if held is None:
            more = {"cycle": cycle, "as_of": figure["as_of"], "known_at": known_at, "code": figure["indicator"]}
            return {"indicator": [NOTHING_HELD.format(**more)]}
        return {"numerator": [HIDDEN]} if held.hidden else held

    def _sight(self, organisation: str, known_at: int) -> Sight:
        tree = queries.tree_with(self._ledger, organisation, known_at)
        return self._party.sight(tree, organisation, self._today)

    def _cycle(self, code: str, known_at: int) -> Cycle | None:
        """The cycle as known at a position, for its monitoring; None for one that the sender may not see."""
        if (code, known_at) not in self._cycles:
            found: Cycle | None = entities.state(self._ledger, "cycles", code, known_at)
            owner = found.organisation if found else None
            ours = owner is not None and self._sight(owner, known_at) is Sight.ALL
            self._cycles[code, known_at] = found if ours else None
        return self._cycles[code, known_at]


def _fresh(connection: Connection, citing: Mapping[int, Event]) -> dict[int, Event]:
    """Those that the log does not hold: whatever it holds is a duplicate or a conflict."""
    taken = log.find(connection, ((event["source"], event["id"]) for event in citing.values()))
    return {number: event for number, event in citing.items() if (event["source"], event["id"]) not in taken}


def _require_few(events: Iterable[Event]) -> None:
    """Raises a 413."""
    count = sum(1 for event in events for _ in cited.figures_of(event))
    if count > FIGURES_MAX:
        detail = f"в пакете {count} приведённых значений, допускается не больше {FIGURES_MAX}: разделите пакет"
        raise Refusal(413, detail)


def _positions(connection: Connection, events: Iterable[Event]) -> Positions:
    """What ``known_at`` means, settled once: behind a time other positions may come while this one is waited for."""
    head, found = log.read_head(connection).position, dict[int | str, int | str]()
    for moment in {figure["known_at"] for event in events for _, figure in cited.figures_of(event)}:
        try:
            found[moment] = moments.position(connection, head, str(moment))
        except ValueError as error:
            found[moment] = str(error)
    return found


def _told(held: Held, known_at: int) -> str:
    """What the ledger holds, in Russian."""
    numerator, denominator = held.shown["numerator"], held.shown["denominator"]
    if denominator is None:
        return f"по сведениям на позицию {known_at}: {numerator}, знаменателя у показателя нет (указывается 1)"
    return f"по сведениям на позицию {known_at}: числитель {numerator}, знаменатель {denominator}"
