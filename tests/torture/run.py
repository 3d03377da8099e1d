"""A run: start everything, break things for a while, let everything come to rest, judge."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

from tests.postgresql import Server
from tests.torture.controls import DOORS
from tests.torture.facts import REGION, setting
from tests.torture.journal import Journal
from tests.torture.oracle import Observed, Violation, judge, unseen
from tests.torture.plan import Plan
from tests.torture.processes import PATIENCE_S, Processes
from tests.torture.witness import answered, faults, observe
from tests.torture.writers import ANSWER
from vertikal.events.database import connect
from vertikal.services.intake import DUPLICATE

POLL_S, PROGRESS_EVERY_S, DOWN_S = 0.05, 10.0, 0.5
Show = Callable[[str], None]


@dataclass
class Report:
    """What a run did, and every claim that did not hold."""

    plan: Plan
    events: int
    counted: Counter[str]
    violations: list[Violation]

    @property
    def claims(self) -> set[str]:
        return {violation.claim for violation in self.violations}

    def __str__(self) -> str:
        counted = ", ".join(f"{name}: {count}" for name, count in sorted(self.counted.items()))
        title = f"{self.plan.door}, seed {self.plan.seed}: {self.events} events; {counted}"
        return "\n  ".join((title, *(map(str, self.violations) if self.violations else ("everything holds",))))


def torture(
    plan: Plan,
    seconds: float,
    server: Server | None = None,
    show: Show = lambda _: None,
    then: Callable[[], None] = lambda: None,
) -> Report:
    """Torture an empty database.

    ``server``: stopped at once and started again, if the plan says so. ``then``: done when the tables are made.
    """
    engine = connect(plan.url)
    _prepare(plan, engine)
    then()
    with Processes(plan, with_projector=DOORS[plan.door](engine).production) as processes:
        chaos = Chaos(plan, processes, server)
        chaos.rage(seconds, show)
        show("coming to rest")
        processes.finish(engine)
    show("judging")
    observed = observe(plan, engine, processes.broken)
    engine.dispose()
    return Report(plan, len(observed.log), _counted(plan, chaos, observed), judge(observed))


def _prepare(plan: Plan, engine: Engine) -> None:
    """The tables, and the region on which everything happens."""
    door = DOORS[plan.door](engine)
    door.make()
    answers = zip(setting(), door.submit(REGION, setting()), strict=True)
    lines = [(ANSWER, event["source"], event["id"], told.status, told.position) for event, told in answers]
    Journal(plan.path("sent-setting")).add(lines)


def _counted(plan: Plan, chaos: Chaos, observed: Observed) -> Counter[str]:
    answers = [each for answers in observed.answers.values() for each in answers]
    duplicates = sum(each.status == DUPLICATE for each in answers)
    told = {"acknowledgements": len(answers), "of them duplicates": duplicates}
    return Counter(told) + chaos.done + faults(plan) + Counter({"never seen by the reader": _missed(observed)})


def _missed(observed: Observed) -> int:
    return sum(case.startswith("never seen") for case in unseen(observed))


class Chaos:
    """Breaks things from outside, each kind at its own random times. ``done`` counts them."""

    def __init__(self, plan: Plan, processes: Processes, server: Server | None) -> None:
        self.done: Counter[str] = Counter()
        self._plan, self._processes, self._server = plan, processes, server
        self._dice, self._answered = plan.dice("chaos"), answered(plan)
        self._database = create_engine(connect(plan.url).url, poolclass=NullPool)
        kinds: list[tuple[str, float, Callable[[], bool]]] = []
        kinds.append(("writers killed", plan.writer_killed_every, self._kill_writer))
        if processes.projectors:
            kinds.append(("projectors killed", plan.projector_killed_every, self._kill_projector))
        if self._database.dialect.name == "postgresql":
            kinds.append(("connections killed", plan.connection_killed_every, self._kill_connection))
        if server is not None:
            kinds.append(("servers stopped", plan.server_stopped_every, self._stop_server))
        self._kinds = [kind for kind in kinds if kind[1]]

    def rage(self, seconds: float, show: Show) -> None:
        """Go on for so long, and on a slow machine until it was a torture."""
        begun, shown = time.monotonic(), time.monotonic()
        due = {name: begun + self._pause(every) for name, every, _ in self._kinds}
        end = begun + seconds
        while (now := time.monotonic()) < end or (now < end + PATIENCE_S and not self._was_enough()):
            for name, every, strike in self._kinds:
                if now >= due[name] and strike():
                    self.done[name] += 1
                    due[name] = time.monotonic() + self._pause(every)
            self._processes.look_after()
            if now - shown >= PROGRESS_EVERY_S:
                shown = now
                show(f"{now - begun:.0f} s, " + ", ".join(f"{name}: {count}" for name, count in self.done.items()))
            time.sleep(POLL_S)

    def _was_enough(self) -> bool:
        """Whether everything was done often enough, and enough was acknowledged meanwhile."""
        plan, done = self._plan, [self.done[name] for name, _, _ in self._kinds]
        return min(done, default=plan.strikes_min) >= plan.strikes_min and answered(plan) >= plan.answers_min

    def _pause(self, every: float) -> float:
        return every * self._dice.uniform(0.5, 1.5)

    def _kill_writer(self) -> bool:
        return self._dice.choice(self._processes.writers).strike()

    def _kill_projector(self) -> bool:
        return any(child.strike() for child in self._processes.projectors)

    def _kill_connection(self) -> bool:
        """Terminate the backend of any process of the run, more often one that is at work."""
        others = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        busy = " AND state <> 'idle'" if self._dice.random() < 0.7 else ""
        try:
            with self._database.connect() as connection:
                pids = sorted(connection.execute(text(others + busy)).scalars())
                kill = text("SELECT pg_terminate_backend(:pid)")
                return bool(pids and connection.execute(kill, {"pid": self._dice.choice(pids)}).scalar())
        except DBAPIError:
            return False

    def _stop_server(self) -> bool:
        """At a moment at which something has just been acknowledged."""
        assert self._server is not None
        before, self._answered = self._answered, answered(self._plan)
        if self._answered == before:
            return False
        self._server.stop_immediately()
        time.sleep(DOWN_S)
        self._server.start()
        return True
