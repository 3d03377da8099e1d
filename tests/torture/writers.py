"""A process that writes: a thread for each of its streams, one intake for all of them.

A stream sends its next events only when the last ones were acknowledged. What may not have arrived is sent again, also
by the process that takes the place of a killed one.
"""

from __future__ import annotations

import random
import threading
import time
import traceback
from typing import Any

from sqlalchemy.exc import DBAPIError

from tests.torture.controls import DOORS
from tests.torture.doors import Door
from tests.torture.facts import event_of, party_of, unknown_place
from tests.torture.faults import Mistake, injure
from tests.torture.journal import Journal, lines_of
from tests.torture.plan import STOP_WRITING, Plan
from vertikal.events.database import connect
from vertikal.services.intake import DUPLICATE, REJECTED, Outcome

BATCH_MAX, PAUSE_S = 12, 0.02
SHARE_DRY, SHARE_ATOMIC, SHARE_SPOILT, SHARE_TWICE = 0.04, 0.1, 0.03, 0.05
ANSWER, UNKNOWN, WRONG = "answer", "unknown", "wrong"  # the first word of a journal's line


class Sender:
    """Sends one stream from one process."""

    def __init__(self, plan: Plan, door: Door, writer: int, stream: str, dice: random.Random) -> None:
        self._plan, self._door, self._stream, self._dice = plan, door, stream, dice
        self._party = party_of(plan, stream)
        path = plan.path(f"sent-{writer}-{stream}")
        self._next = sum(line[0] == ANSWER for line in lines_of(path))
        self._journal = Journal(path)

    def run(self) -> None:
        """Send until the run ends. An error that nothing here foresees is written down for the oracle."""
        try:
            self._send()
        except Exception:
            self._journal.add([(WRONG, traceback.format_exc())])

    def _send(self) -> None:
        """First as many events as a process before this one may have left without an answer."""
        size = BATCH_MAX
        while True:
            numbers = range(self._next, self._next + size)
            batch = [event_of(self._plan, self._stream, number) for number in numbers]
            self._rehearse(batch)
            self._acknowledge(batch, self._insist(batch))
            self._next += size
            if self._plan.ends(STOP_WRITING):
                return
            size = self._dice.randint(1, BATCH_MAX)
            if self._stream == "reorganiser":
                time.sleep(self._dice.random() * 2 * self._plan.reorganised_every)

    def _insist(self, batch: list[dict[str, Any]]) -> list[Outcome]:
        """Send until there is an answer; sometimes the answer is lost on its way."""
        twice = [*batch, batch[0]] if self._dice.random() < SHARE_TWICE else batch
        while True:
            try:
                outcomes = self._door.submit(self._party, twice, atomic=self._dice.random() < SHARE_ATOMIC)
                if self._dice.random() >= self._plan.forgotten:
                    return outcomes
            except (DBAPIError, Mistake):
                time.sleep(PAUSE_S)
            self._journal.add([(UNKNOWN,)])

    def _acknowledge(self, batch: list[dict[str, Any]], outcomes: list[Outcome]) -> None:
        pairs = zip(batch, outcomes, strict=False)
        self._journal.add([(ANSWER, each["source"], each["id"], o.status, o.position, o.errors) for each, o in pairs])
        for again in outcomes[len(batch) :]:
            if (again.status, again.position) != (DUPLICATE, outcomes[0].position):
                self._journal.add([(WRONG, f"the second copy of {again.id} in a batch: {again}")])

    def _rehearse(self, batch: list[dict[str, Any]]) -> None:
        """Sometimes first what must leave no trace: a dry run, or a batch that falls as a whole."""
        if not self._door.production:
            return
        try:
            if self._dice.random() < SHARE_DRY:
                self._door.submit(self._party, batch, dry_run=True)
            if self._dice.random() < SHARE_SPOILT:
                spoilt = self._door.submit(self._party, [*batch, unknown_place(batch[0])], atomic=True)
                if any(outcome.status not in (REJECTED, DUPLICATE) for outcome in spoilt):
                    self._journal.add([(WRONG, f"of a batch that had to fall was taken: {spoilt}")])
        except (DBAPIError, Mistake):
            time.sleep(PAUSE_S)


def main(plan: Plan, writer: int, life: int) -> None:
    """Send all streams of a process. ``life``: how many processes were in this place before."""
    engine, faults = connect(plan.url), Journal(plan.path(f"faults-{writer}"))
    injure(engine, plan, plan.dice("faults", writer, life), lambda kind: faults.add([(kind,)]))
    door = DOORS[plan.door](engine)
    senders = [
        Sender(plan, door, writer, stream, plan.dice("sender", writer, stream, life))
        for stream in plan.streams_of(writer)
    ]
    threads = [threading.Thread(target=sender.run) for sender in senders]
    for thread in threads:
        thread.start()
    print("ready", flush=True)
    for thread in threads:
        thread.join()
