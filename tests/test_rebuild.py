"""A rebuild makes of the log, entity by entity, what the engine made of it event by event. On both databases."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import Connection, Table, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from tests import test_decisions, test_ledger
from tests.conftest import Vertikal
from tests.databases import PostgreSQL, SQLite
from tests.readers import employ, head, teach
from tests.test_closings import check, sized
from tests.test_cycles import ACTIVITY
from tests.test_figures import result
from tests.test_ledger import Step, emptied, histories, play
from vertikal.events.database import reading, writing
from vertikal.projections import book, building, comparing, rebuild
from vertikal.projections.folding import Body
from vertikal.projections.tables import VOLUMES, Volume, accounts, places, volumes
from vertikal.projections.tables import building as steps
from vertikal.read_models import MODELS
from vertikal.services import projector, rebuilding
from vertikal.services.access import Party
from vertikal.services.rebuilding import Rebuilt
from vertikal.services.refusals import Refusal

fresh = test_ledger.fresh
carried = test_decisions.carried
A, B = VOLUMES["a"], VOLUMES["b"]
BRIEF = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several partitions, chunks and levels of epochs in a log of a few dozen events."""
    sized(monkeypatch, epoch=4, merged=2)
    monkeypatch.setattr(building, "PARTITION_EVENTS", 9)
    monkeypatch.setattr(rebuilding, "SCATTERED", 7)


def build(store: Vertikal, *names: str, progress: rebuilding.Progress = lambda *_: None) -> None:
    rebuilding.run(store.settings.database_url, folder(store), names, 1, progress)


def finish(store: Vertikal, *, accept: bool = False, swap: bool = True) -> Rebuilt:
    return rebuilding.finish(store.settings.database_url, lambda *_: None, accept=accept, swap=swap)


def folder(store: Vertikal) -> Path:
    return rebuilding.folder_of(store.settings.database_url)


def live(store: Vertikal) -> str:
    with reading(store.engine) as connection:
        return book.live(connection).name


# The same


def postings(store: Vertikal, volume: Volume) -> dict[tuple[Any, ...], int]:
    """Every posting, by what it says: path, measure, dimensions, position and date."""
    table, found = volume.postings, defaultdict[tuple[Any, ...], int](int)
    key = (places.c.path, accounts.c.measure, accounts.c.dimensions, table.c.position, table.c.date)
    joined = table.join(places, places.c.id == table.c.place).join(accounts, accounts.c.id == table.c.account)
    with reading(store.engine) as connection:
        for *named, amount in connection.execute(select(*key, table.c.amount).select_from(joined)):
            found[tuple(named)] += amount
    return {named: amount for named, amount in found.items() if amount}


def entities(store: Vertikal, volume: Volume) -> dict[tuple[str, str], Any]:
    with reading(store.engine) as connection:
        stored = connection.execute(select(volume.entities)).all()
    bodies = {(model, key): msgspec.json.decode(bytes(body), type=Body) for model, key, body in stored}
    return {key: (*msgspec.structs.astuple(body)[1:], msgspec.json.decode(body.state)) for key, body in bodies.items()}


def content(store: Vertikal, table: Table) -> list[tuple[Any, ...]]:
    order = [column for column in table.columns if column.primary_key]
    with reading(store.engine) as connection:
        return [tuple(row) for row in connection.execute(select(table).order_by(*order))]


def alike(store: Vertikal) -> None:
    """Both volumes say the same, posting by posting, entity by entity, epoch by epoch."""
    assert postings(store, A) == postings(store, B)
    assert entities(store, A) == entities(store, B)
    for one, other in ((A.closings, B.closings), (A.blocked, B.blocked)):
        assert content(store, one) == content(store, other)


@BRIEF
@given(history=histories)
def test_what_is_rebuilt_is_what_was_made_event_by_event(
    fresh: Callable[[], AbstractContextManager[Vertikal]], history: list[Step]
) -> None:
    with fresh() as store:
        play(store, history, 5)
        build(store)
        rebuilt = finish(store)
        assert (rebuilt.differences, rebuilt.swapped, live(store)) == ([], True, "b")
        alike(store)
        for known_at in range(0, head(store), 5):
            check(store, known_at)


@settings(BRIEF, max_examples=4)
@given(history=histories)
def test_the_digest_is_the_same_on_both_databases_and_each_time(
    tmp_path: Path, sqlite_databases: SQLite, postgresql_databases: PostgreSQL, history: list[Step]
) -> None:
    digests = []
    with ExitStack() as stack:
        for databases in (sqlite_databases, postgresql_databases):
            store = stack.enter_context(emptied(databases, tmp_path))
            play(store, history, 7)
            for _ in range(2):
                build(store)
                rebuilt = finish(store)
                digests.append((rebuilt.position, rebuilt.digest))
    assert len(set(digests)) == 1


def test_the_digest_is_another_when_a_balance_is(vertical: Vertikal) -> None:
    """The control of the property above, and of what a digest covers: figures, and not the numbers of accounts."""
    employ(vertical)
    with reading(vertical.engine) as connection:
        before = comparing.digest(connection, A)
    with writing(vertical.engine) as connection:
        connection.execute(update(A.balances).where(A.balances.c.amount == 30).values(amount=31))
        assert comparing.digest(connection, A) != before


@settings(BRIEF, max_examples=6)
@given(history=histories)
def test_an_entity_that_stands_still_stands_still_in_the_rebuilt_volume(
    fresh: Callable[[], AbstractContextManager[Vertikal]], history: list[Step]
) -> None:
    """Blocked by the same events, at the same organisations, and released by the same retractions."""
    with pytest.MonkeyPatch.context() as patched, fresh() as store:
        for name in ("results", "people", "activities"):
            model = next(each for each in MODELS if each.name == name)
            patched.setitem(model.__dict__, "evolve", partial(sometimes, model.evolve))
        play(store, history, 5)
        build(store)
        assert finish(store).differences == []
        alike(store)


def sometimes(evolve: Callable[[Any, Any], Any], state: Any, event: Any) -> Any:
    """A read model with a mistake: of some events it can make nothing."""
    if int(event["id"].removeprefix("e")) % 4 == 0:
        raise ValueError("неудобное число")
    return evolve(state, event)


def test_a_rebuild_leaves_nothing_behind_and_nothing_twice(vertical: Vertikal) -> None:
    teach(vertical, 9)
    employ(vertical)
    for _ in range(3):
        build(vertical)
        assert finish(vertical).differences == []
        assert not folder(vertical).exists()
        assert content(vertical, steps) == []
        alike(vertical)


# One read model of several


def test_a_named_model_is_made_anew_and_the_others_are_taken_over_as_they_are(vertical: Vertikal) -> None:
    """A result that the live volume has lost stays lost, for only people are made anew; a person it lost is found."""
    teach(vertical, 5)
    result(vertical)
    forget(vertical, "below_minimum")
    kept = {key: amount for key, amount in postings(vertical, A).items() if not key[1].startswith("trained")}
    forget(vertical, "trained")
    build(vertical, "people")
    rebuilt = finish(vertical, accept=True)
    assert {each.measure for each in rebuilt.differences} == {"trained"}
    found = postings(vertical, B)
    assert {key: amount for key, amount in found.items() if not key[1].startswith("trained")} == kept
    assert sum(amount for key, amount in found.items() if key[1] == "trained") == 5 * 3


def test_what_is_taken_over_beside_a_fed_model_stands_where_the_tree_has_moved_it(vertical: Vertikal) -> None:
    """Both the people and the support of a school moved with it; only the support is made anew."""
    employ(vertical)
    support = {"support": "h1", "kind": "visit", "level": "region", "organisations": ["s1"], "held_on": "2020-12-01"}
    vertical.send("support.provided", "gorodets", support, party=Party("obr", "municipality"))
    vertical.send("organisation.moved", "s1", {"code": "s1", "parent": "chemal", "valid_from": "2020-10-01"})
    build(vertical, "supports")
    assert finish(vertical).differences == []
    alike(vertical)


@pytest.mark.usefixtures("carried")
def test_what_entities_heard_of_each_other_they_hear_in_a_rebuild(vertical: Vertikal) -> None:
    """That an activity is planned and done, and that a recommendation of another cycle is given and sound."""
    done = {**ACTIVITY, "organisation": "gorodets", "completed_on": "2021-03-01"}
    vertical.send("activity.completed", "gorodets", done)
    figures = [vertical.figure(code, "obr") for code in ("decisions_executed", "cycle_completeness")]
    assert figures == [(3, 3), (6, 36)]
    build(vertical)
    assert finish(vertical).differences == []
    alike(vertical)


def test_models_that_hear_of_each_other_are_made_anew_together() -> None:
    assert rebuild.choose(["decisions"]) == ("activities", "cycles", "recommendations", "decisions")
    assert rebuild.choose(["supported"]) == ("supports", "supported")


def test_a_model_that_nobody_knows_is_refused(vertical: Vertikal) -> None:
    with pytest.raises(Refusal, match="неизвестна"):
        build(vertical, "nobody")


# While it goes on


def test_events_that_arrive_during_a_rebuild_are_in_it(vertical: Vertikal) -> None:
    """Before it is built and before it is compared; live figures have them all the while."""
    teach(vertical, 9)

    def arrive(*_: Any) -> None:
        if head(vertical) < 18:
            employ(vertical, head(vertical))
            assert vertical.figure("trained_teachers", "obr")[1] == head(vertical) - 1

    build(vertical, progress=arrive)
    assert head(vertical) == 18
    last = employ(vertical, 40)
    rebuilt = finish(vertical)
    assert (rebuilt.position, rebuilt.differences, live(vertical)) == (last, [], "b")
    assert vertical.figure("trained_teachers", "obr") == (9, 40)
    alike(vertical)


def test_of_two_rebuilds_at_once_the_second_is_refused(vertical: Vertikal) -> None:
    teach(vertical, 9)
    refused = []

    def again(*_: Any) -> None:
        with pytest.raises(Refusal, match="уже идёт") as refusal:
            build(vertical)
        refused.append(refusal.value.status)

    build(vertical, progress=again)
    assert set(refused) == {409}
    assert finish(vertical).differences == []


def test_an_interrupted_rebuild_goes_on_where_it_was(vertical: Vertikal) -> None:
    teach(vertical, 30)
    employ(vertical)
    seen: list[str] = []

    def interrupt(title: str, *_: int) -> None:
        seen.append(title)
        if seen.count("partitions folded") == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(vertical, progress=interrupt)
    with pytest.raises(Refusal, match="до конца"):
        finish(vertical)
    folded = {step for step, _ in content(vertical, steps)}
    assert {"plan", "partition 0", "partition 1"} <= folded
    build(vertical)
    assert finish(vertical).differences == []
    alike(vertical)


def test_a_rebuild_that_was_interrupted_before_the_fed_models_makes_them(
    vertical: Vertikal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    employ(vertical)
    with monkeypatch.context() as patched:
        patched.setattr(rebuild, "fold_fed", interrupt)
        with pytest.raises(KeyboardInterrupt):
            build(vertical)
    assert "keys" in {step for step, _ in content(vertical, steps)}
    build(vertical)
    assert finish(vertical).differences == []
    alike(vertical)


@pytest.mark.parametrize("databases", ["postgresql"], indirect=True)
def test_a_step_that_another_process_has_done_meanwhile_is_done(vertical: Vertikal) -> None:
    """On PostgreSQL alone: writers of SQLite come one after the other."""

    def overtaken(_: Connection) -> None:
        with writing(vertical.engine) as other:
            building.once(other, "partition 0", lambda: None)

    assert rebuilding._once(vertical.engine, "partition 0", overtaken) == 0
    assert {step for step, _ in content(vertical, steps)} == {"partition 0"}


def test_a_step_whose_rows_collide_with_nobody_elses_fails(vertical: Vertikal) -> None:
    def double(connection: Connection) -> None:
        row = {"id": 99, "path": "twice", "organisation": "twice", "kind": "school"}
        connection.execute(insert(places).values([row, row]))

    with pytest.raises(IntegrityError):
        rebuilding._once(vertical.engine, "partition 0", double)
    assert content(vertical, steps) == []


def test_an_interrupted_rebuild_of_one_model_does_not_stand_for_one_of_all(vertical: Vertikal) -> None:
    """A result that the live volume has lost is found only if all models are made anew."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    teach(vertical, 5)
    result(vertical)
    forget(vertical, "below_minimum")
    with pytest.raises(KeyboardInterrupt):
        build(vertical, "people", progress=interrupt)
    build(vertical)
    assert {each.measure for each in finish(vertical, accept=True).differences} == {"below_minimum"}


# What differs is shown


def forget(store: Vertikal, measure: str) -> None:
    """The live volume loses the postings of a measure, and what they sum to."""
    counted = select(accounts.c.id).where(accounts.c.measure == measure)
    with writing(store.engine) as connection:
        for table in (A.postings, A.balances):
            connection.execute(delete(table).where(table.c.account.in_(counted)))


def test_a_balance_that_was_changed_is_shown_and_nothing_is_swapped(vertical: Vertikal) -> None:
    employ(vertical)
    teachers = select(accounts.c.id).where(accounts.c.measure == "staff_teachers")
    region = select(places.c.id).where(places.c.path == "obr")
    with writing(vertical.engine) as connection:
        wrong = update(A.balances).where(A.balances.c.account.in_(teachers), A.balances.c.place.in_(region))
        assert connection.execute(wrong.values(amount=99)).rowcount == 1
    build(vertical)
    rebuilt = finish(vertical)
    assert [(each.path, each.measure, each.date, each.one, each.other) for each in rebuilt.differences] == [
        ("obr", "staff_teachers", "2020-09-20", 99, 30)
    ]
    assert (rebuilt.swapped, live(vertical)) == (False, "a")
    assert vertical.figure("trained_teachers", "obr") == (0, 99)


def test_a_posting_that_was_deleted_is_shown_at_its_school(vertical: Vertikal) -> None:
    result(vertical)
    below = select(accounts.c.id).where(accounts.c.measure == "below_minimum")
    with writing(vertical.engine) as connection:
        assert connection.execute(delete(A.postings).where(A.postings.c.account.in_(below))).rowcount == 1
    build(vertical)
    found = finish(vertical).differences
    assert [(each.path, each.measure, each.date, each.one, each.other) for each in found] == [
        ("obr/gorodets/s1", "below_minimum", "2021-03-15", 0, 5)
    ]


def test_a_difference_that_is_accepted_is_swapped_in(vertical: Vertikal) -> None:
    result(vertical)
    forget(vertical, "below_minimum")
    build(vertical)
    assert finish(vertical).swapped is False
    assert vertical.figure("below_minimum", "obr") == (0, 20)
    assert finish(vertical, accept=True).swapped is True
    assert vertical.figure("below_minimum", "obr") == (5, 20)


# Swapping


def test_there_is_nothing_to_swap_to_before_the_first_rebuild(vertical: Vertikal) -> None:
    with pytest.raises(Refusal, match="второго тома показателей нет"):
        finish(vertical)


def test_swapped_back_the_first_volume_catches_up_and_is_live_again(vertical: Vertikal) -> None:
    build(vertical)
    finish(vertical)
    last = employ(vertical)
    with reading(vertical.engine) as connection:
        assert book.held(connection, A) < last
    rebuilt = finish(vertical)
    assert (rebuilt.position, rebuilt.differences, live(vertical)) == (last, [], "a")
    assert vertical.figure("trained_teachers", "obr") == (0, 30)


@contextmanager
def following(store: Vertikal) -> Iterator[None]:
    """A projector at work, as a service has it."""
    stop = threading.Event()
    thread = threading.Thread(target=projector.follow, args=(store.engine, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_the_projector_that_runs_goes_on_with_the_other_volume(vertical: Vertikal) -> None:
    with following(vertical):
        for volume, teachers in (("b", 31), ("a", 32), ("b", 33)):
            build(vertical)
            assert finish(vertical).differences == []
            assert live(vertical) == volume
            said = {"organisation": "s1", "on": "2020-09-20", "teachers": teachers, "managers": 1}
            told = vertical.submit(vertical.event("staff.reported", "s1", said)).head
            assert projector.wait_for(vertical.engine, told, 10)
            assert vertical.figure("trained_teachers", "obr") == (0, teachers)
    with reading(vertical.engine) as connection:
        assert connection.execute(select(volumes.c.position).where(volumes.c.name == "a")).scalar() == told - 1


def test_figures_are_read_while_volumes_are_swapped_and_are_never_of_none(vertical: Vertikal) -> None:
    employ(vertical)
    build(vertical)
    found, stop = set[tuple[int, int | None]](), threading.Event()

    def read() -> None:
        while not stop.is_set():
            found.add(vertical.figure("trained_teachers", "obr"))

    thread = threading.Thread(target=read)
    thread.start()
    try:
        for _ in range(4):
            finish(vertical)
            time.sleep(0.05)
    finally:
        stop.set()
        thread.join()
    assert found == {(0, 30)}


def test_a_volume_holds_its_digest_and_the_position_that_it_is_of(vertical: Vertikal) -> None:
    last = employ(vertical)
    build(vertical)
    rebuilt = finish(vertical, swap=False)
    noted = select(volumes.c.digest, volumes.c.digest_position).where(volumes.c.name == "b")
    with reading(vertical.engine) as connection:
        assert tuple(connection.execute(noted).one()) == (rebuilt.digest, last)
        assert connection.execute(select(func.count()).select_from(B.postings)).scalar_one() > 0
    assert live(vertical) == "a"
