"""What was said: positions, identities, canonical bytes, and readers that follow writers. On both databases."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg2.extensions
import pytest
import rfc8785
from sqlalchemy import Engine, create_engine, func, insert, select, text
from sqlalchemy.exc import OperationalError

from tests.conftest import Clock, Vertikal
from vertikal.events import log
from vertikal.events.database import connect, reading, writing
from vertikal.events.tables import declarations, events, head, sources
from vertikal.services import store as stores
from vertikal.services.access import Party
from vertikal.services.intake import ACCEPTED, CONFLICT, DUPLICATE, REJECTED, Intake, Outcome

ODD = "кавычки \" ' \\ / <b>&amp;</b> \u2028 \u007f \u00a0 é e\u0301 😀 \ufeff\t\r\n"


def staff(store: Vertikal, on: str = "2020-09-20", school: str = "s1", **more: Any) -> dict[str, Any]:
    data = {"organisation": school, "on": on, "teachers": 30, "managers": 3}
    return store.event("staff.reported", school, data, **more)


def unknown(store: Vertikal) -> dict[str, Any]:
    """An event that the log refuses: it names a school that nobody registered."""
    return staff(store, school="nowhere")


def stored(store: Vertikal) -> list[log.Recorded]:
    with reading(store.engine) as connection:
        return log.read(connection, 0, 100_000)


def statuses(outcomes: list[Outcome]) -> list[tuple[str, int | None]]:
    return [(outcome.status, outcome.position) for outcome in outcomes]


def counts(engine: Engine) -> list[Any]:
    """Everything that an append may change."""
    with reading(engine) as connection:
        tables = [
            connection.execute(select(func.count()).select_from(table)).scalar()
            for table in (events, declarations, sources)
        ]
        return [*tables, log.read_head(connection)]


# Positions


def test_positions_are_gapless_in_the_order_of_the_batch(store: Vertikal) -> None:
    store.register("obr", "region")
    batch = [store.event("organisation.renamed", "obr", {"code": "obr", "name": f"N{n}", "valid_from": "2021-01-01"})
             for n in range(5)]  # fmt: skip
    answer = store.submit(*batch[:3])
    assert [outcome.position for outcome in answer.results] == [2, 3, 4]
    assert answer.head == 4
    assert [outcome.position for outcome in store.submit(*batch[3:]).results] == [5, 6]
    assert [recorded.position for recorded in stored(store)] == [1, 2, 3, 4, 5, 6]
    assert [recorded.event["data"]["name"] for recorded in stored(store)[1:]] == ["N0", "N1", "N2", "N3", "N4"]


def test_refused_events_take_no_position(vertical: Vertikal) -> None:
    before = vertical.submit(staff(vertical)).head
    answer = vertical.submit(staff(vertical), unknown(vertical), {"no": "event"}, staff(vertical))
    assert statuses(answer.results) == [
        (ACCEPTED, before + 1),
        (REJECTED, None),
        (REJECTED, None),
        (ACCEPTED, before + 2),
    ]


def test_a_rolled_back_writer_leaves_no_gap(vertical: Vertikal) -> None:
    before = vertical.submit(staff(vertical)).head
    event = staff(vertical)
    with vertical.engine.execution_options(writes=True).connect() as connection:
        log.write(
            connection, log.lock(connection), [log.prepare(event, "/contracts/staff.reported/1")], datetime.now(UTC)
        )
        connection.rollback()
    assert vertical.submit(event).results[0].position == before + 1


def test_a_killed_writer_leaves_no_gap(vertical: Vertikal) -> None:
    before = vertical.submit(staff(vertical)).head
    event = staff(vertical)
    connection = vertical.engine.execution_options(writes=True).connect()
    log.write(connection, log.lock(connection), [log.prepare(event, "/contracts/staff.reported/1")], datetime.now(UTC))
    _kill(vertical.engine, connection)
    assert vertical.submit(event).results[0].position == before + 1


def _kill(engine: Engine, connection: Any) -> None:
    """End a connection without a word to its transaction."""
    if engine.dialect.name == "postgresql":
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar()
        with engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    else:
        connection.connection.dbapi_connection.close()
    connection.invalidate()
    connection.close()


def test_a_delayed_commit_delays_those_behind_it(vertical: Vertikal) -> None:
    """The head stays locked to the commit, so nobody can commit a later position before an earlier one."""
    first, second = staff(vertical), staff(vertical)
    with ThreadPoolExecutor() as pool:
        with vertical.engine.execution_options(writes=True).begin() as connection:
            moved = log.write(
                connection, log.lock(connection), [log.prepare(first, "/contracts/staff.reported/1")], vertical.clock()
            )
            behind = pool.submit(vertical.submit, second)
            with pytest.raises(TimeoutError):
                behind.result(timeout=0.3)
            assert [recorded.event["id"] for recorded in stored(vertical)][-1] != second["id"]
        assert behind.result(timeout=10).results[0].position == moved.position + 1


def test_control_with_a_sequence_a_reader_loses_the_event_of_a_delayed_commit(postgresql_server: str) -> None:
    """What the lock is for: positions from a sequence become visible out of order."""
    engine = create_engine(postgresql_server.replace("postgresql:", "postgresql+psycopg2:"))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE IF NOT EXISTS naive (position bigserial PRIMARY KEY)"))
    seen: list[int] = []

    def follow() -> None:
        with engine.connect() as reader:
            after = max(seen, default=0)
            seen.extend(
                reader.execute(text("SELECT position FROM naive WHERE position > :after"), {"after": after}).scalars()
            )

    with engine.connect() as slow, engine.connect() as fast:
        slow.execute(text("INSERT INTO naive DEFAULT VALUES"))
        fast.execute(text("INSERT INTO naive DEFAULT VALUES"))
        fast.commit()
        follow()
        slow.commit()
    follow()
    with engine.begin() as connection:
        written = connection.execute(text("SELECT count(*) FROM naive")).scalar()
        connection.execute(text("DROP TABLE naive"))
    engine.dispose()
    assert (written, len(seen)) == (2, 1)


WRITERS, BATCHES, BATCH = 8, 20, 3


def test_a_reader_sees_each_event_of_many_writers_once_and_in_order(vertical: Vertikal, database_url: str) -> None:
    start = vertical.submit(staff(vertical)).head
    total = WRITERS * BATCHES * BATCH
    batches = [[[staff(vertical, id=f"w{w}-{b}-{n}") for n in range(BATCH)] for b in range(BATCHES)]
               for w in range(WRITERS)]  # fmt: skip
    seen: list[tuple[int, str]] = []
    done = threading.Event()

    def write(own: list[list[dict[str, Any]]]) -> list[Outcome]:
        engine = connect(database_url)
        intake = Intake(engine, Clock(), vertical.settings.timezone)
        outcomes = [outcome for batch in own for outcome in _insisting(intake, batch)]
        engine.dispose()
        return outcomes

    def follow() -> None:
        engine, after, last_round = connect(database_url), start, False
        while not last_round:
            last_round = done.is_set()
            with reading(engine) as connection:
                found = log.read(connection, after, 50)
            seen.extend((recorded.position, recorded.event["id"]) for recorded in found)
            after = found[-1].position if found else after
            last_round = last_round and not found
        engine.dispose()

    with ThreadPoolExecutor(WRITERS + 1) as pool:
        reader = pool.submit(follow)
        written = [outcome for outcomes in pool.map(write, batches) for outcome in outcomes]
        done.set()
        reader.result(timeout=30)
    assert [position for position, _ in seen] == list(range(start + 1, start + total + 1))
    assert sorted(seen) == sorted((outcome.position, outcome.id) for outcome in written)
    with reading(vertical.engine) as connection:
        assert log.read_head(connection).position == start + total
    assert stores.check(vertical.engine) == []


def _insisting(intake: Intake, batch: list[dict[str, Any]]) -> list[Outcome]:
    """As a client does: what may not have arrived is sent again."""
    while True:
        with suppress(OperationalError):
            return intake.submit(Party("obr", "region"), batch).results


# Identities


def test_the_same_content_again_is_a_duplicate_with_the_first_position(vertical: Vertikal) -> None:
    event = staff(vertical)
    again = dict(reversed(event.items()))
    first, second = vertical.submit(event, again).results
    assert (first.status, second.status) == (ACCEPTED, DUPLICATE)
    assert second.position == first.position
    later = vertical.submit(again)
    assert statuses(later.results) == [(DUPLICATE, first.position)]
    assert later.head == first.position


def test_other_content_under_the_same_id_is_a_conflict_and_nothing_is_merged(vertical: Vertikal) -> None:
    event = staff(vertical)
    other = {**event, "data": {**event["data"], "teachers": 31}}
    first, inside = vertical.submit(event, other).results
    assert (first.status, inside.status, inside.position) == (ACCEPTED, CONFLICT, None)
    later = vertical.submit(other)
    assert statuses(later.results) == [(CONFLICT, None)]
    assert list(later.results[0].errors) == ["id"]
    assert stored(vertical)[-1].event["data"]["teachers"] == 30
    assert stored(vertical)[-1].position == first.position


def test_the_same_id_of_another_source_is_another_event(vertical: Vertikal) -> None:
    event = staff(vertical)
    answer = vertical.submit(event, {**event, "source": "/regions/obr/other"})
    assert [outcome.status for outcome in answer.results] == [ACCEPTED, ACCEPTED]


def test_a_refused_event_may_be_sent_again_when_it_has_become_right(vertical: Vertikal) -> None:
    event = unknown(vertical)
    assert vertical.submit(event).results[0].status == REJECTED
    vertical.register("nowhere", "school", "obr")
    assert vertical.submit(event).results[0].status == ACCEPTED


def test_an_absent_dataschema_is_resolved_in_the_log_but_not_in_the_comparison(vertical: Vertikal) -> None:
    event = staff(vertical)
    position = vertical.submit(event).results[0].position
    last = stored(vertical)[-1]
    assert last.event == {**event, "dataschema": "/contracts/staff.reported/1"}
    assert statuses(vertical.submit(event).results) == [(DUPLICATE, position)]


# Expected versions


def test_expectedversion_counts_the_events_with_that_subject(vertical: Vertikal) -> None:
    """s1 has one event, its registration; the second of the batch sees the first."""
    answer = vertical.submit(staff(vertical, expectedversion=1), staff(vertical, expectedversion=2))
    assert [outcome.status for outcome in answer.results] == [ACCEPTED, ACCEPTED]


@pytest.mark.parametrize("expected", [0, 2, 17])
def test_another_version_than_expected_is_a_conflict(vertical: Vertikal, expected: int) -> None:
    outcome = vertical.submit(staff(vertical, expectedversion=expected)).results[0]
    assert (outcome.status, outcome.position) == (CONFLICT, None)
    assert outcome.errors == {"expectedversion": [f"у «s1» событий: 1, ожидалось {expected}"]}


def test_an_event_sent_again_is_a_duplicate_whatever_version_it_expected(vertical: Vertikal) -> None:
    event = staff(vertical, expectedversion=1)
    vertical.submit(event)
    assert vertical.submit(event).results[0].status == DUPLICATE


# Bytes and times


def test_a_leaf_is_the_rfc_8785_form_of_event_and_recorded_at(vertical: Vertikal) -> None:
    vertical.submit(staff(vertical, actor=ODD), staff(vertical, dataschema="/contracts/staff.reported/1"))
    found = stored(vertical)
    assert len(found) > 8
    with reading(vertical.engine) as connection:
        times = {recorded.position: log.recorded_at(connection, recorded.position) for recorded in found}
    for recorded in found:
        whole = {"event": recorded.event, "recorded_at": times[recorded.position]}
        assert recorded.leaf == rfc8785.dumps(whole)
    assert found[-2].event["actor"] == ODD


def test_recorded_times_never_decrease_even_if_the_clock_goes_back(vertical: Vertikal) -> None:
    vertical.submit(staff(vertical))
    vertical.clock.time -= timedelta(days=400)
    vertical.submit(staff(vertical))
    vertical.clock.time += timedelta(days=800)
    vertical.submit(staff(vertical))
    with reading(vertical.engine) as connection:
        times = list(connection.execute(select(events.c.recorded_at).order_by(events.c.position)).scalars())
    assert times == sorted(times)
    assert times[-2] == times[-3]
    assert times[-1] > times[-2]
    assert all(len(time) == len("2020-09-01T09:00:00.000000Z") for time in times)


def test_a_time_finds_the_last_position_recorded_at_or_before_it(vertical: Vertikal) -> None:
    last = vertical.submit(staff(vertical), staff(vertical)).head
    with reading(vertical.engine) as connection:
        time = log.recorded_at(connection, last)
        assert time is not None
        assert log.position_at(connection, time) == last
        assert log.position_at(connection, time.replace(".000000Z", ".000001Z")) == last
        assert log.position_at(connection, "2020-09-01T08:00:00.000000Z") == 0
        earlier = (datetime.fromisoformat(time) - timedelta(microseconds=1)).astimezone(UTC)
        assert log.position_at(connection, log.timestamp(earlier)) == last - 2


# All, nothing, and trying


def test_an_atomic_batch_takes_nothing_if_one_is_refused(vertical: Vertikal) -> None:
    before = counts(vertical.engine)
    good = vertical.event("organisation.registered", "s7", {
        "code": "s7", "kind": "school", "name": "7", "parent": "obr", "valid_from": "2020-01-01"
    }, source="/new")  # fmt: skip
    answer = vertical.submit(good, unknown(vertical), atomic=True)
    assert statuses(answer.results) == [(REJECTED, None), (REJECTED, None)]
    assert "atomic" in answer.results[0].errors[""][0]
    assert answer.head == before[-1].position
    assert counts(vertical.engine) == before
    assert vertical.submit(good, atomic=True).results[0].status == ACCEPTED
    assert counts(vertical.engine)[:3] == [count + 1 for count in before[:3]]  # control: these do change


def test_second_copies_in_an_atomic_batch_fall_with_the_first_and_older_ones_stand(vertical: Vertikal) -> None:
    """What is called a duplicate is in the log: otherwise its sender would take it for safe."""
    old, new = staff(vertical), staff(vertical)
    position = vertical.submit(old).head
    answer = vertical.submit(old, new, new, unknown(vertical), atomic=True)
    assert statuses(answer.results) == [(DUPLICATE, position), *[(REJECTED, None)] * 3]


def test_a_dry_run_says_what_would_happen_and_takes_nothing(vertical: Vertikal) -> None:
    known = staff(vertical)
    position = vertical.submit(known).head
    before = counts(vertical.engine)
    new = staff(vertical, source="/new")
    conflict = {**known, "time": "2020-09-02T10:00:00+03:00"}
    answer = vertical.submit(new, known, conflict, unknown(vertical), new, dry_run=True)
    assert [o.status for o in answer.results] == [ACCEPTED, DUPLICATE, CONFLICT, REJECTED, DUPLICATE]
    assert [o.position for o in answer.results] == [None, position, None, None, None]
    assert answer.head == position
    assert counts(vertical.engine) == before
    assert vertical.submit(new).results[0].status == ACCEPTED


def test_a_refused_batch_leaves_no_trace(vertical: Vertikal) -> None:
    before = counts(vertical.engine)
    cohort = {"cohort": "c", "title": "c", "kind": "shnor", "owner": "nowhere", "period": {"start": "2020-01-01",
              "end": "2020-12-31"}}  # fmt: skip
    vertical.submit(vertical.event("cohort.defined", "nowhere", cohort, source="/new"), unknown(vertical))
    assert counts(vertical.engine) == before


def test_what_was_stored_survives_reopening_the_database(vertical: Vertikal, database_url: str) -> None:
    vertical.submit(staff(vertical))
    before, held = counts(vertical.engine), stored(vertical)
    vertical.engine.dispose()
    again = stores.open_store(database_url)
    with reading(again) as connection:
        assert log.read(connection, 0, 1_000) == held
    assert counts(again) == before
    assert not stores.create(again)
    assert counts(again) == before
    again.dispose()


# The database as a whole


def test_an_empty_database_must_be_made_first(database_url: str) -> None:
    with pytest.raises(stores.NotReady, match="vertikal init"):
        stores.open_store(database_url)


def test_a_head_that_differs_from_the_events_is_found(vertical: Vertikal) -> None:
    assert stores.check(vertical.engine) == []
    with writing(vertical.engine) as connection:
        connection.execute(head.update().values(position=head.c.position + 1))
    assert "the head says 8, there are 7 events, the last has position 7" in stores.check(vertical.engine)[0]


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_lost_connection_is_called_so_whatever_its_driver_calls_it(engine: Engine) -> None:
    """A server that ends in the middle of a query: psycopg2 says no more than ``DatabaseError``."""

    class Cut(psycopg2.extensions.cursor):
        def execute(self, *_: Any) -> None:
            raise psycopg2.DatabaseError("server closed the connection unexpectedly")

    with engine.connect() as connection:
        connection.connection.dbapi_connection.cursor_factory = Cut  # type: ignore[union-attr]  # it is psycopg2's
        with pytest.raises(OperationalError) as lost:
            connection.execute(text("SELECT 1"))
    assert lost.value.connection_invalidated
    with engine.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1


def test_a_second_head_is_impossible(vertical: Vertikal) -> None:
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"), writing(vertical.engine) as connection:
        connection.execute(insert(head).values(one=1, position=0, recorded_at="", organisations=0))
