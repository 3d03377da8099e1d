"""The history of a management cycle: who knew, recommended and decided what, when.

It is the events of the cycle; the answers to its recommendations and all decisions on them; plans and marks of the
activities that it decided on or assessed; the proposals that led to any of these; what the cycle before brought, and
the opening of the next; and the retractions of any of these. Where they stand is read from the read models, not looked
for in the log.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..contracts.catalogue import CATALOGUE
from ..events import log, registry
from ..projections import entities
from ..projections.book import Opened
from .refusals import Refusal

Event = Mapping[str, Any]


def of_cycle(ledger: Opened, code: str, until: int) -> list[int]:
    """The positions of the history of a cycle up to one of them. Raises a 404 for a cycle that was never opened."""
    history = _History(ledger, until)
    own = history.add("cycles", [code])
    if not any(event["type"] == "cycle.opened" for event in own):
        raise Refusal(404, f"управленческий цикл «{code[:64]}» не найден")
    history.add("recommendations", _named(own, "recommendation"))
    history.add("activities", _named(own, "activity"))
    for closing in (event["data"] for event in own if event["type"] == "cycle.closed"):
        if closing["cycle"] != code:
            history.add("cycles", [closing["cycle"]], "effectiveness.assessed")
        elif "next" in closing:
            history.add("cycles", [closing["next"]], "cycle.opened")
    history.add_proposals()
    return history.positions()


def details(event: Event) -> Iterator[str]:
    """What stands behind a step, line by line: what was known, what it rests on, what it sets going."""
    data = CATALOGUE.upcast(event)["data"]
    match event["type"]:
        case "indicator.adopted":
            target = data.get("target")
            plan = f"; план {target['comparator']} {target['value']}, срок {target['by']}" if target else ""
            yield f"метод: {data['method']}{plan}"
        case "analysis.published":
            for finding in data["findings"]:
                yield f"вывод {finding['finding']}: {finding['text']}"
                yield from (f"    {_cited(figure)}" for figure in finding["figures"])
        case "recommendation.issued":
            yield f"по выводу {data['finding']}" + (f", срок {data['due']}" if "due" in data else "")
        case "recommendation.answered" if data.get("text"):
            yield data["text"]
        case "decision.taken":
            yield f"по рекомендациям: {', '.join(data['recommendations'])}; {_activities(data)}"
        case "effectiveness.assessed":
            yield _activities(data)
            yield from (_cited(figure) for figure in data.get("figures", ()))


class _History:
    """Events up to a position, by their own."""

    def __init__(self, ledger: Opened, until: int) -> None:
        self._ledger = ledger
        self._until = until
        self._found: dict[int, Event] = {}

    def add(self, model: str, keys: Iterable[str], type_: str | None = None) -> list[Event]:
        """The events of some entities, taken back or not; of one type only, if that is asked for."""
        stored = entities.positions(self._ledger, model, keys)
        read = log.read_at(
            self._ledger.connection, {at for each in stored.values() for at in each if at <= self._until}
        )
        said = {at: CATALOGUE.upcast(recorded.event) for at, recorded in read.items()}
        found = {at: event for at, event in said.items() if type_ is None or event["type"] == type_}
        self._found |= found
        return [found[at] for at in sorted(found)]

    def add_proposals(self) -> None:
        """What people made of the proposals that were adopted by these events, or are their causes."""
        known = self._found.values()
        causes = log.find(
            self._ledger.connection,
            ((event["source"], event["causationid"]) for event in known if "causationid" in event),
        )
        caused = {recorded.event["data"].get("proposal") for recorded in causes.values()}
        ids = {event["id"] for event in known}
        judged = entities.states(self._ledger, "proposals", "", self._until)
        adopted = {each.data["proposal"] for one in judged for each in one.outcomes if each.data.get("event") in ids}
        self.add("proposals", (caused | adopted) - {None})

    def positions(self) -> list[int]:
        """All of them and their retractions, in the order of the log."""
        undoing = registry.retractions_of(self._ledger.connection, self._found)
        return sorted({*self._found, *(each.by for each in undoing if each.by <= self._until)})


def _named(events: Iterable[Event], kind: str) -> set[str]:
    """The codes of a kind that these events declare or refer to."""
    return {code for event in events for code in CATALOGUE.newest[event["type"]].named(kind, event["data"])}


def _activities(data: Mapping[str, Any]) -> str:
    return "мероприятия: " + (", ".join(f"{each['roadmap']}/{each['activity']}" for each in data["activities"]) or "—")


def _cited(figure: Mapping[str, Any]) -> str:
    """A figure as it was known when it was cited."""
    known_at = figure["known_at"]
    known = f"позицию {known_at}" if isinstance(known_at, int) else known_at
    asked = f"{figure['indicator']} · {figure['organisation']} · {figure['period']}"
    sides = f"{figure['numerator']} / {figure['denominator']}"
    return f"{asked} · на {figure['as_of']}, известно на {known}: {sides}"
