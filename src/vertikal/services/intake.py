"""The door of the log for every transport: check, lock, judge, write.

Everything that needs no lock (contracts, canonical bytes, digests) is done before the head is locked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine

from ..contracts.catalogue import CATALOGUE, Errors
from ..contracts.contract import Contract
from ..events import log, registry
from ..events.database import writing
from ..projections.organisations import Tree, read_tree
from .access import Party
from .admission import Admission

ACCEPTED, DUPLICATE, CONFLICT, REJECTED = "accepted", "duplicate", "conflict", "rejected"
BATCH_MAX = 1_000


@dataclass
class Outcome:
    """What became of one event; ``id`` is None where none could be read."""

    id: str | None
    status: str
    position: int | None = None
    errors: Errors = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What became of a batch, in its order; ``head`` is the last position of the log."""

    head: int
    results: list[Outcome]

    def count(self, *statuses: str) -> int:
        return sum(outcome.status in statuses for outcome in self.results)

    @property
    def accepted(self) -> int:
        return self.count(ACCEPTED)

    @property
    def refused(self) -> int:
        return self.count(CONFLICT, REJECTED)


@dataclass(frozen=True)
class _Checked:
    contract: Contract
    prepared: log.Prepared
    outcome: Outcome

    @property
    def retracts(self) -> bool:
        return self.contract.type == "event.retracted"


class Intake:
    """Takes events into one database; ``clock`` tells the time of recording."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime], timezone: ZoneInfo) -> None:
        self._engine = engine
        self._clock = clock
        self._timezone = timezone
        self._tree: tuple[int, Tree] = (-1, Tree({}))

    def submit(self, party: Party, events: Sequence[Any], *, atomic: bool = False, dry_run: bool = False) -> Answer:
        """Take what can be taken, in order. ``atomic``: all or nothing. ``dry_run``: say what would happen."""
        outcomes: list[Outcome] = []
        checked: list[_Checked] = []
        for event in events:
            outcome, passed = _check(event)
            outcomes.append(outcome)
            if passed is not None:
                checked.append(passed)
        with writing(self._engine) as connection:
            head = self._take(connection, party, checked)
            answer = Answer(head.position, outcomes)
            if dry_run or (atomic and answer.refused):
                connection.rollback()
                before = head.position - answer.accepted
                answer = Answer(before, _withdrawn(outcomes, before) if atomic and answer.refused else outcomes)
        for outcome in answer.results:
            if outcome.position is not None and outcome.position > answer.head:
                outcome.position = None  # a dry run took no position
        return answer

    def _take(self, connection: Connection, party: Party, checked: list[_Checked]) -> log.Head:
        head = log.lock(connection)
        known = log.find(connection, (item.prepared.identity for item in checked))
        now = self._clock()
        for number, run in enumerate(_runs(checked)):
            tree = read_tree(connection) if number else self._tree_at(connection, head)
            head = self._take_run(connection, party, run, known, tree, head, now)
        return head

    def _take_run(
        self,
        connection: Connection,
        party: Party,
        run: list[_Checked],
        known: dict[log.Identity, tuple[int, bytes]],
        tree: Tree,
        head: log.Head,
        now: datetime,
    ) -> log.Head:
        fresh = [(item.contract, item.prepared.event) for item in run if item.prepared.identity not in known]
        today = now.astimezone(self._timezone).date().isoformat()
        admission = Admission(connection, party, tree, today, fresh)
        accepted: list[_Checked] = []
        declared: list[registry.Declared] = []
        for item in run:
            position = head.position + len(accepted) + 1
            if self._decide(admission, known, item, position):
                accepted.append(item)
                declared += admission.admit(item.contract, dict(item.prepared.event), position)
        after = log.write(connection, head, [item.prepared for item in accepted], now)
        registry.record(connection, declared)
        registry.bind_sources(connection, admission.bound)
        for position, item in enumerate(accepted, head.position + 1):
            if item.retracts:
                target, stands = log.retracted_by(connection, item.prepared.event)
                registry.retract(connection, target.position, position, stands=stands)
        return after

    def _decide(
        self, admission: Admission, known: dict[log.Identity, tuple[int, bytes]], item: _Checked, position: int
    ) -> bool:
        """Settle the outcome of one event; whether it enters the log at ``position``."""
        outcome, prepared = item.outcome, item.prepared
        if prepared.identity in known:
            outcome.position, digest = known[prepared.identity]
            if digest == prepared.digest:
                outcome.status = DUPLICATE
            else:
                outcome.status, outcome.position = CONFLICT, None
                outcome.errors = {"id": ["под этим идентификатором уже принято событие с другим содержанием"]}
            return False
        errors = admission.judge(item.contract, prepared.event)
        if errors:
            outcome.status, outcome.errors = REJECTED, errors
            return False
        version = admission.version_differs(prepared.event)
        if version is not None:
            message = (
                f"у «{prepared.event['subject']}» событий: {version}, ожидалось {prepared.event['expectedversion']}"
            )
            outcome.status, outcome.errors = CONFLICT, {"expectedversion": [message]}
            return False
        known[prepared.identity] = (position, prepared.digest)
        outcome.status, outcome.position = ACCEPTED, position
        return True

    def _tree_at(self, connection: Connection, head: log.Head) -> Tree:
        if self._tree[0] != head.organisations:
            self._tree = (head.organisations, read_tree(connection))
        return self._tree[1]


def _runs(checked: list[_Checked]) -> Iterator[list[_Checked]]:
    """The batch cut behind its retractions, so that what they take back is gone for those behind; at least one run."""
    start = 0
    for end in range(1, len(checked)):
        if checked[end - 1].retracts and not checked[end].retracts:
            yield checked[start:end]
            start = end
    yield checked[start:]


def _check(event: Any) -> tuple[Outcome, _Checked | None]:
    """The contract's verdict on one event, and its canonical bytes."""
    contract, errors = CATALOGUE.check(event)
    id_ = event.get("id") if isinstance(event, dict) else None
    outcome = Outcome(id_ if isinstance(id_, str) else None, REJECTED, errors=errors)
    if contract is None:
        return outcome, None
    try:
        return outcome, _Checked(contract, log.prepare(event, contract.path), outcome)
    except ValueError as error:
        outcome.errors = {"": [f"событие нельзя записать в каноническом виде: {error}"]}
        return outcome, None


def _withdrawn(outcomes: list[Outcome], head: int) -> list[Outcome]:
    """With ``atomic`` the good events of a bad batch are not taken either, nor second copies of them; all say so."""
    reason = {"": ["не принято: в пакете есть отклонённые события, а запрошено «всё или ничего» (atomic)"]}
    return [
        Outcome(outcome.id, REJECTED, errors=reason) if (outcome.position or 0) > head else outcome
        for outcome in outcomes
    ]
