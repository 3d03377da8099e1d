"""What must hold when everything is over, whatever was killed on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from tests.torture.doors import Entry
from vertikal.services.intake import ACCEPTED, DUPLICATE

ACKNOWLEDGED = "what was acknowledged is in the log, at the position that was told"
NOTHING_ELSE = "the log holds nothing but what was acknowledged"
ONCE = "every (source, id) is in the log once"
GAPLESS = "positions are 1, 2, 3 … without a gap"
ORDER = "what a sender sent after an acknowledgement stands behind it"
READER = "a reader sees every event once, in order"
VALID = "every valid event is accepted in the end"
SOUND = "head, times and tree are those of the events"
FIGURES = "the figures are those of a refold"
UNBROKEN = "no process ends by itself or contradicts itself"
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """What a sender was told of an event."""

    source: str
    id: str
    status: str
    position: int | None


@dataclass(frozen=True)
class Violation:
    """A claim that does not hold: in how many cases, and the first of them."""

    claim: str
    count: int
    first: tuple[str, ...]

    def __str__(self) -> str:
        return "\n    ".join((f"VIOLATED in {self.count}: {self.claim}", *self.first))


@dataclass
class Observed:
    """What is left of a run. ``answers``: of each sender in their order; the last three are findings in words."""

    answers: dict[str, list[Answer]]
    log: list[Entry]
    seen: list[Entry]
    unsound: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)


def judge(observed: Observed) -> list[Violation]:
    """Every claim that does not hold."""
    found = (
        (ACKNOWLEDGED, _unkept(observed)),
        (NOTHING_ELSE, _unasked(observed)),
        (ONCE, _repeated(observed)),
        (GAPLESS, _gaps(observed)),
        (ORDER, _disordered(observed)),
        (READER, unseen(observed)),
        (VALID, (f"{each}" for each in _answers(observed) if each.status not in (ACCEPTED, DUPLICATE))),
        (SOUND, observed.unsound),
        (FIGURES, observed.differing),
        (UNBROKEN, observed.broken),
    )
    return [violation for claim, cases in found if (violation := _violation(claim, cases)) is not None]


def _violation(claim: str, cases: Iterable[str]) -> Violation | None:
    listed = list(cases)
    return Violation(claim, len(listed), tuple(listed[:SHOWN])) if listed else None


def _answers(observed: Observed) -> Iterator[Answer]:
    for answers in observed.answers.values():
        yield from answers


def _unkept(observed: Observed) -> Iterator[str]:
    log = set(observed.log)
    for each in _answers(observed):
        if each.position is not None and Entry(each.position, each.source, each.id) not in log:
            yield f"{each.id} was acknowledged at {each.position}"


def _unasked(observed: Observed) -> Iterator[str]:
    acknowledged = {(each.source, each.id) for each in _answers(observed) if each.position is not None}
    for entry in observed.log:
        if (entry.source, entry.id) not in acknowledged:
            yield f"{entry.id} stands at {entry.position}"


def _repeated(observed: Observed) -> Iterator[str]:
    counted = Counter((entry.source, entry.id) for entry in observed.log)
    return (f"{id_} stands {count} times" for (_, id_), count in counted.items() if count > 1)


def _gaps(observed: Observed) -> Iterator[str]:
    for before, after in pairwise([0, *(entry.position for entry in observed.log)]):
        if after != before + 1:
            yield f"{before} is followed by {after}"


def _disordered(observed: Observed) -> Iterator[str]:
    for sender, answers in observed.answers.items():
        told = [each for each in answers if each.position is not None]
        for before, after in pairwise(told):
            if (after.position or 0) <= (before.position or 0):
                yield f"{sender}: {before.id} at {before.position}, then {after.id} at {after.position}"


def unseen(observed: Observed) -> Iterator[str]:
    """What the reader missed, saw twice or out of order."""
    log, seen = Counter(observed.log), Counter(observed.seen)
    yield from (f"never seen: {entry}" for entry in (log - seen).elements())
    yield from (f"seen too often: {entry}" for entry in (seen - log).elements())
    for before, after in pairwise(observed.seen):
        if after.position <= before.position:
            yield f"{after.position} was seen after {before.position}"
