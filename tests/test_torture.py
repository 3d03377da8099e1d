"""The log under torture, in short; ``make torture`` does the same for ten minutes on each database.

Each run has a seed of its own, which a failure prints. Every claim of the oracle is shown to fail where it must.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.postgresql import Server, postgresql_server
from tests.torture import oracle
from tests.torture.doors import Entry
from tests.torture.oracle import Answer, Observed, judge
from tests.torture.plan import Plan
from tests.torture.run import torture
from tests.torture.writers import UNKNOWN
from vertikal.events.database import connect
from vertikal.services.intake import ACCEPTED, REJECTED

SECONDS, CONTROL_S = 4.0, 1.0


@pytest.fixture
def folder(tmp_path: Path) -> str:
    made = tmp_path / "torture"
    made.mkdir()
    return str(made)


def planned(url: str, folder: str) -> Plan:
    return Plan(url, folder, secrets.randbelow(1_000_000), writer_killed_every=1.5, projector_killed_every=1.5)


def test_nothing_is_lost_doubled_or_reordered_whatever_is_killed(database_url: str, folder: str) -> None:
    report = torture(planned(database_url, folder), SECONDS)
    assert not report.violations, report
    assert report.counted["writers killed"], report
    assert report.counted["projectors killed"], report
    assert 0 < report.counted["of them duplicates"] < report.counted["acknowledgements"], report


@pytest.mark.parametrize(
    ("database_url", "door"),
    [("postgresql", "sequence"), ("postgresql", "xmin"), ("sqlite", "counting")],
    indirect=["database_url"],
)
def test_control_with_positions_of_another_making_there_are_gaps_and_a_reader_loses_events(
    database_url: str, folder: str, door: str
) -> None:
    calm = replace(planned(database_url, folder), door=door, writer_killed_every=0)
    report = torture(calm, CONTROL_S)
    assert report.claims == {oracle.GAPLESS, oracle.READER}, report
    assert report.counted["never seen by the reader"], report


# A server that stops at once


def stopping(server: Server, folder: str) -> Plan:
    return replace(planned(server.url, folder), server_stopped_every=2.0)


def test_what_was_acknowledged_survives_an_immediate_shutdown_and_the_rest_is_settled_by_sending_it_again(
    folder: str,
) -> None:
    with postgresql_server(durable=True) as server:
        report = torture(stopping(server, folder), SECONDS, server)
    assert not report.violations, report
    assert report.counted["servers stopped"], report
    assert report.counted[UNKNOWN], report


def test_control_a_server_that_acknowledges_before_it_has_written_loses_events(folder: str) -> None:
    with postgresql_server(durable=True) as server:
        acknowledge_early(server)
        report = torture(stopping(server, folder), SECONDS, server)
    assert oracle.ACKNOWLEDGED in report.claims, report


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
