"""The door of the log for every transport: check, lock, judge, write, commit.

Everything that needs no lock (contracts, cited figures, canonical bytes, digests) is done before the head is locked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from ..contracts.catalogue import CATALOGUE, Errors
from ..contracts.contract import Contract
from ..events import log, registry, sealing
from ..events.database import writing
from ..events.sealing import MasterKey
from ..projections.organisations import Tree, read_tree
from .access import Party
from .admission import Admission
from .evidence import Evidence
from .grouping import Group
from .secrets import Sealing, Secret

Known = dict[log.Identity, tuple[int, Mapping[str, Any]]]  # position and event of what the log holds
ACCEPTED, DUPLICATE, CONFLICT, REJECTED = "accepted", "duplicate", "conflict", "rejected"
BATCH_MAX = 1_000
OTHER_CONTENT = "под этим идентификатором уже принято событие с другим содержанием"


@dataclass
class Outcome:
    """What became of one event; ``id`` is None where none could be read."""

    id: str | None
    status: str
    position: int | None = None
    errors: Errors = field(default_factory=dict)

    def settle(self, status: str, position: int | None = None, errors: Errors | None = None) -> None:
        self.status, self.position, self.errors = status, position, errors or {}


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
    """An event that keeps its contract, and who sent it. ``secret``: the personal data that came with it.

    ``evidence``: what is wrong with the figures that it cites.
    """

    party: Party
    contract: Contract
    prepared: log.Prepared
    outcome: Outcome
    secret: Secret | None
    evidence: Errors

    @property
    def retracts(self) -> bool:
        return self.contract.type == "event.retracted"


@dataclass
class _Submission:
    """What one call brought, and what became of it."""

    outcomes: list[Outcome]
    checked: list[_Checked]
    head: int = 0
    error: Exception | None = None

    def __len__(self) -> int:
        return len(self.checked)


class Intake:
    """Takes events into one database; ``clock`` tells the time of recording, ``master`` unlocks the persons' keys.

    Cited figures are held against the ledger, which needs somebody to project; not so where ``cites_freely``.
    Callers on several threads share transactions: the lock of the head and the commit are paid once for all of them.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Callable[[], datetime],
        timezone: ZoneInfo,
        master: MasterKey | None = None,
        *,
        cites_freely: bool = False,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._timezone = timezone
        self._tree: tuple[int, Tree] = (-1, Tree({}))
        self._sealing = Sealing(engine, clock, master)
        self._evidence = None if cites_freely else Evidence(engine, lambda: self._day(clock()))
        self._group = Group(self._commit_together, BATCH_MAX)

    def submit(self, party: Party, events: Sequence[Any], *, atomic: bool = False, dry_run: bool = False) -> Answer:
        """Take what can be taken, in order. ``atomic``: all or nothing. ``dry_run``: say what would happen."""
        submission = self._submission(party, events, for_good=not dry_run)
        if atomic or dry_run:
            return self._try(submission, atomic=atomic, dry_run=dry_run)
        self._group.join(submission)
        if submission.error is not None:
            raise submission.error
        return Answer(submission.head, submission.outcomes)

    def submit_along(
        self, parts: Sequence[tuple[Party, Sequence[Any]]], along: Callable[[Connection, list[Answer]], None]
    ) -> list[Answer]:
        """Take the events of several parties, in order, in one transaction of their own.

        ``along`` writes into it what belongs to them, once all is decided; what it raises takes everything back.
        """
        submissions = [self._submission(party, events, for_good=True) for party, events in parts]
        with writing(self._engine) as connection:
            head = self._take(connection, [item for submission in submissions for item in submission.checked])
            answers = [Answer(head.position, submission.outcomes) for submission in submissions]
            along(connection, answers)
        return answers

    def _submission(self, party: Party, events: Sequence[Any], *, for_good: bool) -> _Submission:
        """What needs no lock. Raises a 413 or a 503 where cited figures cannot be held against the ledger."""
        verdicts = [CATALOGUE.check(event) for event in events]
        evidence: Sequence[Errors] = [{}] * len(events)
        if self._evidence is not None:
            evidence = self._evidence.judge(party, events, [contract for contract, _ in verdicts])
        secrets = self._sealing.secrets(verdicts, events, for_good=for_good)
        checks = [
            _check(party, event, *verdict, secret, wrong)
            for event, verdict, secret, wrong in zip(events, verdicts, secrets, evidence, strict=True)
        ]
        return _Submission([outcome for outcome, _ in checks], [passed for _, passed in checks if passed])

    def _commit_together(self, submissions: Sequence[_Submission]) -> None:
        """One transaction for all. What one of them breaks does not fail the others; a database that fails does."""
        try:
            self._commit(submissions)
        except SQLAlchemyError:
            raise
        except Exception as error:
            if len(submissions) == 1:
                submissions[0].error = error
                return
            for submission in submissions:
                self._commit_together([submission])

    def _commit(self, submissions: Sequence[_Submission]) -> None:
        with writing(self._engine) as connection:
            head = self._take(connection, [item for submission in submissions for item in submission.checked])
        for submission in submissions:
            submission.head = head.position

    def _try(self, submission: _Submission, *, atomic: bool, dry_run: bool) -> Answer:
        """In a transaction of its own, which is rolled back if need be."""
        outcomes = submission.outcomes
        with writing(self._engine) as connection:
            head = self._take(connection, submission.checked)
            answer = Answer(head.position, outcomes)
            if dry_run or (atomic and answer.refused):
                connection.rollback()
                before = head.position - answer.accepted
                answer = Answer(before, _withdrawn(outcomes, before) if atomic and answer.refused else outcomes)
        for outcome in answer.results:
            if outcome.position is not None and outcome.position > answer.head:
                outcome.position = None  # a dry run took no position
        return answer

    def _take(self, connection: Connection, checked: list[_Checked]) -> log.Head:
        head = log.lock(connection)
        found = log.find(connection, (item.prepared.identity for item in checked))
        known: Known = {identity: (recorded.position, recorded.event) for identity, recorded in found.items()}
        now = self._clock()
        for number, run in enumerate(_runs(checked)):
            tree = read_tree(connection) if number else self._tree_at(connection, head)
            head = self._take_run(connection, run, known, tree, head, now)
        return head

    def _take_run(
        self, connection: Connection, run: list[_Checked], known: Known, tree: Tree, head: log.Head, now: datetime
    ) -> log.Head:
        fresh = [(item.contract, item.prepared.event) for item in run if item.prepared.identity not in known]
        admission = Admission(connection, tree, self._day(now), fresh)
        accepted: list[_Checked] = []
        declared: list[registry.Declared] = []
        for item in run:
            position = head.position + len(accepted) + 1
            if _decide(admission, known, item, position):
                accepted.append(item)
                declared += admission.admit(item.party, item.contract, item.prepared.event, position)
        after = log.write(connection, head, [item.prepared for item in accepted], now)
        registry.record(connection, declared)
        registry.bind_sources(connection, admission.bound)
        for position, item in enumerate(accepted, head.position + 1):
            if item.retracts:
                target, stands = log.retracted_by(connection, item.prepared.event)
                registry.retract(connection, target.position, position, stands=stands)
            elif item.contract.type == "person.forgotten":
                sealing.destroy_key(connection, item.prepared.event["data"]["person"])
        return after

    def _day(self, now: datetime) -> str:
        return now.astimezone(self._timezone).date().isoformat()

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


def _decide(admission: Admission, known: Known, item: _Checked, position: int) -> bool:
    """Settle the outcome of one event; whether it enters the log at ``position``."""
    outcome, prepared, event = item.outcome, item.prepared, item.prepared.event
    if prepared.identity in known:
        before, stored = known[prepared.identity]
        if log.said_alike(prepared, stored) and (item.secret is None or item.secret.is_in(stored)):
            outcome.settle(DUPLICATE, before)
        else:
            outcome.settle(CONFLICT, errors={"id": [OTHER_CONTENT]})
        return False
    errors = item.evidence | admission.judge(item.party, item.contract, event)
    version = None if errors else admission.version_differs(event)
    if version is not None:
        message = f"у «{event['subject']}» событий: {version}, ожидалось {event['expectedversion']}"
        outcome.settle(CONFLICT, errors={"expectedversion": [message]})
        return False
    if errors:
        outcome.settle(REJECTED, errors=errors)
        return False
    known[prepared.identity] = (position, event)
    outcome.settle(ACCEPTED, position)
    return True


def _check(
    party: Party, event: Any, contract: Contract | None, errors: Errors, secret: Secret | None, evidence: Errors
) -> tuple[Outcome, _Checked | None]:
    """What is known of an event before the log is asked, with its canonical bytes."""
    id_ = event.get("id") if isinstance(event, dict) else None
    outcome = Outcome(id_ if isinstance(id_, str) else None, REJECTED, errors=errors)
    if contract is None:
        return outcome, None
    try:
        prepared = log.prepare(secret.sealed(event) if secret else event, contract.path)
    except ValueError as error:
        outcome.errors = {"": [f"событие нельзя записать в каноническом виде: {error}"]}
        return outcome, None
    return outcome, _Checked(party, contract, prepared, outcome, secret, evidence)


def _withdrawn(outcomes: list[Outcome], head: int) -> list[Outcome]:
    """With ``atomic`` the good events of a bad batch are not taken either, nor second copies of them; all say so."""
    reason = {"": ["не принято: в пакете есть отклонённые события, а запрошено «всё или ничего» (atomic)"]}
    return [
        Outcome(outcome.id, REJECTED, errors=reason) if (outcome.position or 0) > head else outcome
        for outcome in outcomes
    ]
