"""The log under torture, in short; ``make torture`` does the same for ten minutes on each database.

Each run has a seed of its own, which a failure prints. Every claim of the oracle is shown to fail where it must.
"""

from __future__ import annotations

import os
import secrets
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text, update

from tests.conftest import Vertikal
from tests.postgresql import Server, postgresql_server
from tests.torture import oracle
from tests.torture.controls import failed_as_it_must
from tests.torture.doors import Entry
from tests.torture.journal import Journal
from tests.torture.oracle import Answer, Observed, judge
from tests.torture.plan import Plan
from tests.torture.processes import Processes
from tests.torture.run import Report, torture
from tests.torture.witness import differing, observe, unsound
from tests.torture.writers import UNKNOWN, WRONG
from vertikal.events.database import connect, writing
from vertikal.events.tables import events, head
from vertikal.projections.tables import VOLUMES
from vertikal.services.intake import ACCEPTED, REJECTED

SECONDS, CONTROL_S = 4.0, 2.0


@pytest.fixture
def folder(tmp_path: Path) -> str:
    made = tmp_path / "torture"
    made.mkdir()
    return str(made)


def planned(url: str, folder: str) -> Plan:
    return Plan(url, folder, seed(), writer_killed_every=1.5, projector_killed_every=1.5)


def seed() -> int:
    return secrets.randbelow(1_000_000)


def test_nothing_is_lost_doubled_or_reordered_whatever_is_killed(database_url: str, folder: str) -> None:
    report = torture(planned(database_url, folder), SECONDS)
    assert not report.violations, report
    assert report.counted["writers killed"], report
    assert report.counted["projectors killed"], report
    assert 0 < report.counted["of them duplicates"] < report.counted["acknowledgements"], report


@pytest.mark.parametrize(
    ("databases", "door"),
    [("postgresql", "sequence"), ("postgresql", "xmin"), ("sqlite", "counting")],
    indirect=["databases"],
)
def test_control_with_positions_of_another_making_there_are_gaps_and_a_reader_loses_events(
    database_url: str, folder: str, door: str
) -> None:
    often_broken = replace(planned(database_url, folder), door=door, broken=0.2, writer_killed_every=0)
    report = torture(often_broken, CONTROL_S)
    assert failed_as_it_must(door, report.claims), report
    assert report.counted["never seen by the reader"], report


# A server that stops at once


def test_what_was_acknowledged_survives_an_immediate_shutdown_and_the_rest_is_settled_by_sending_it_again(
    folder: str,
) -> None:
    with postgresql_server(durable=True) as server:
        report = torture(replace(planned(server.url, folder), server_stopped_every=2.0), SECONDS, server)
    assert not report.violations, report
    assert report.counted["servers stopped"], report
    assert report.counted[UNKNOWN], report


def test_control_a_server_that_acknowledges_before_it_has_written_loses_events(tmp_path: Path) -> None:
    """It may write in time by chance: it is enough that one of a few runs loses what was acknowledged."""
    reports = []
    for number in range(4):
        folder = tmp_path / str(number)
        folder.mkdir()
        reports.append(report_of_early_acknowledgements(str(folder)))
        if oracle.ACKNOWLEDGED in reports[-1].claims:
            return
    pytest.fail(f"nothing was lost: {reports}")


def report_of_early_acknowledgements(folder: str) -> Report:
    with postgresql_server(durable=True) as server:
        plan = Plan(server.url, folder, seed(), "intake", writer_killed_every=0, projector_killed_every=0,
                    connection_killed_every=0, server_stopped_every=1.0, strikes_min=3)  # fmt: skip
        return torture(plan, CONTROL_S, server, then=lambda: acknowledge_early(server))


def acknowledge_early(server: Server) -> None:
    """Commits answer at once, and what they said is written to the disk seconds later."""
    engine = create_engine(connect(server.url).url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for setting in ("synchronous_commit = off", "wal_writer_delay = '10s'", "wal_writer_flush_after = '1GB'"):
            connection.execute(text(f"ALTER SYSTEM SET {setting}"))
        connection.execute(text("SELECT pg_reload_conf()"))
    engine.dispose()


# The oracle


def sound() -> Observed:
    """Two senders, three events, everything in order."""
    log = [Entry(1, "/a", "a1"), Entry(2, "/b", "b1"), Entry(3, "/a", "a2")]
    answers = {
        "a": [Answer("/a", "a1", ACCEPTED, 1), Answer("/a", "a2", ACCEPTED, 3)],
        "b": [Answer("/b", "b1", ACCEPTED, 2)],
    }
    return Observed(answers, log, list(log))


def lose(observed: Observed) -> None:
    del observed.log[2], observed.seen[2]


def move(observed: Observed) -> None:
    observed.answers["b"][0] = Answer("/b", "b1", ACCEPTED, 1)


def invent(observed: Observed) -> None:
    for entries in (observed.log, observed.seen):
        entries.append(Entry(4, "/a", "a3"))


def double(observed: Observed) -> None:
    for entries in (observed.log, observed.seen):
        entries.append(Entry(4, "/a", "a2"))


def leave_out(observed: Observed) -> None:
    for entries in (observed.log, observed.seen):
        entries[2] = Entry(4, "/a", "a2")
    observed.answers["a"][1] = Answer("/a", "a2", ACCEPTED, 4)


def reorder(observed: Observed) -> None:
    observed.answers["a"].reverse()


def see_twice(observed: Observed) -> None:
    observed.seen.append(observed.seen[-1])


def see_late(observed: Observed) -> None:
    observed.seen.reverse()


def overlook(observed: Observed) -> None:
    del observed.seen[1]


def refuse(observed: Observed) -> None:
    observed.answers["b"].append(Answer("/b", "b2", REJECTED, None))


def test_the_oracle_finds_nothing_where_nothing_is_wrong() -> None:
    assert judge(sound()) == []


@pytest.mark.parametrize(
    ("harm", "claim"),
    [
        (lose, oracle.ACKNOWLEDGED),
        (move, oracle.ACKNOWLEDGED),
        (invent, oracle.NOTHING_ELSE),
        (double, oracle.ONCE),
        (leave_out, oracle.GAPLESS),
        (reorder, oracle.ORDER),
        (see_twice, oracle.READER),
        (see_late, oracle.READER),
        (overlook, oracle.READER),
        (refuse, oracle.VALID),
    ],
)
def test_the_oracle_finds_each_harm_and_no_other(harm: Callable[[Observed], None], claim: str) -> None:
    observed = sound()
    harm(observed)
    assert [violation.claim for violation in judge(observed)] == [claim]


def test_figures_that_are_not_those_of_a_refold_are_noticed(vertical: Vertikal, database_url: str, folder: str) -> None:
    vertical.send("staff.reported", "s1", {"organisation": "s1", "on": "2020-09-01", "teachers": 5, "managers": 1})
    plan = planned(database_url, folder)
    assert list(differing(plan, vertical.engine)) == []
    with writing(vertical.engine) as connection:
        postings = VOLUMES["a"].postings
        connection.execute(postings.delete().where(postings.c.amount == 5))
    assert any("0 instead of 5" in difference for difference in differing(plan, vertical.engine))


def test_a_head_a_tree_and_times_that_are_not_those_of_the_events_are_noticed(vertical: Vertikal) -> None:
    assert list(unsound(vertical.engine)) == []
    with writing(vertical.engine) as connection:
        sqlite = vertical.engine.dialect.name == "sqlite"
        trigger = "events_never_UPDATE" if sqlite else "events_append_only ON events"
        connection.execute(text(f"DROP TRIGGER {trigger}"))
        connection.execute(update(head).values(position=head.c.position + 1))
        connection.execute(update(events).where(events.c.position == 3).values(hash=b"x" * 32, recorded_at="1999"))
    found = " ".join(unsound(vertical.engine))
    assert all(words in found for words in ("the head says", "root of the tree", "3 was recorded before 2")), found


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("vertical")
def test_a_process_that_ends_by_itself_and_one_that_complains_are_noticed(database_url: str, folder: str) -> None:
    plan = planned(database_url, folder)
    with Processes(plan, with_projector=False) as processes:
        while not processes.tail.has_begun:
            time.sleep(0.05)
        os.kill(processes.tail.pid, signal.SIGKILL)
        while not processes.broken:
            processes.look_after()
    Journal(plan.path("sent-0-w0s0")).add([(WRONG, "a complaint")])
    broken = observe(plan, connect(database_url), processes.broken).broken
    assert "tail ended by itself" in broken[0]
    assert any("a complaint" in each for each in broken)
