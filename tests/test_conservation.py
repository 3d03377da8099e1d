"""Organisations in time: whatever happens to the tree, in whatever order it is told, nothing is lost or counted twice.

A machine plays random histories; after each projection it holds the ledger against a refold of the log, and asks of
the ledger alone whether its parts add up. On both databases.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine
from sqlalchemy import update

from tests import refold as refolding
from tests import test_ledger
from tests.conftest import Vertikal
from tests.databases import SQLite
from tests.ledgers import posted
from tests.readers import employ, teach
from tests.refold import Amounts, refold, rolled_up
from tests.test_closings import check, sized
from tests.test_ledger import ORGANISATIONS, SENDERS, Step, dates, emptied, recorded, units
from vertikal.events.database import reading, writing
from vertikal.projections import book, building, comparing, ledger, organisations, placing
from vertikal.projections.organisations import Tree
from vertikal.projections.placing import Placed
from vertikal.projections.tables import VOLUMES, Volume
from vertikal.read_models import MEASURES
from vertikal.read_models.model import Kind
from vertikal.services import projector, rebuilding
from vertikal.services.access import Party
from vertikal.services.refusals import Refusal

fresh = test_ledger.fresh
Open = Callable[[], AbstractContextManager[Vertikal]]
DAYS = ("2020-04-01", "2021-06-01", "2022-01-01")
FACTS = st.one_of(
    test_ledger.staff(),
    test_ledger.course(),
    test_ledger.courses(),
    test_ledger.competences(),
    test_ledger.risk(),
    test_ledger.result(),
    test_ledger.mark(),
    test_ledger.membership(),
    test_ledger.claim(),
    test_ledger.expectation(),
    test_ledger.cycle(),
    test_ledger.support(),
    test_ledger.partner(),
)
ASKED = ("trained_teachers", "roadmap_overdue", "below_minimum")


class Vertical(RuleBasedStateMachine):
    """A region whose tree turns while it reports."""

    def __init__(self, open_: Open) -> None:
        super().__init__()
        self._opening = open_()
        self.store = self._opening.__enter__()
        self.sent: list[dict[str, Any]] = []
        self.projected = 0
        self.looked_at = 0.5
        self.answers: dict[tuple[str, str, str, str, int], Any] = {}

    @initialize()
    def begin(self) -> None:
        for code, kind, parent in ORGANISATIONS:
            self.say("organisation.registered", code, registration(code, kind, parent))
        plan = {"roadmap": "rm", "owner": "obr", "title": "ДК", "period": {"start": "2020-01-01", "end": "2021-12-31"}}
        self.say("roadmap.adopted", "obr", plan)
        for cohort in test_ledger.COHORTS:
            self.say("cohort.defined", "obr", test_ledger.definition(cohort))
        self.say("cycle.opened", "s1", test_ledger.opening("cy", "s1"))
        timing = {"raw": "до 1 мая", "kind": "deadline", "end": "2020-05-01"}
        what = {"roadmap": "rm", "number": "1", "title": "М", "timing": timing, "responsible": []}
        self.say("activity.planned", "obr", {**what, "activity": "a1", "organisations": ["s1", "s2", "s3"]})
        self.say("activity.planned", "obr", {**what, "activity": "a2"})

    @rule(parent=st.sampled_from(("gorodets", "chemal", "obr")), on=dates)
    def register(self, parent: str, on: str) -> None:
        self.say("organisation.registered", "s5", registration("s5", "school", parent, on))

    @rule(code=units, on=dates)
    def rename(self, code: str, on: str) -> None:
        self.say("organisation.renamed", code, {"code": code, "name": f"{code} с {on}", "valid_from": on})

    @rule(step=test_ledger.move())
    def move(self, step: Step) -> None:
        self.say(*step)

    @rule(step=test_ledger.merger())
    def merge(self, step: Step) -> None:
        self.say(*step)

    @rule(step=test_ledger.closure())
    def close(self, step: Step) -> None:
        self.say(*step)

    @rule(step=FACTS)
    def report_correct_or_withdraw(self, step: Step) -> None:
        self.say(*step)

    @rule(step=FACTS)
    def report_again(self, step: Step) -> None:
        self.say(*step)

    @rule(back=st.integers(0, 40))
    def retract(self, back: int) -> None:
        """Any event, a retraction among them."""
        event = self.sent[-1 - back % len(self.sent)]
        self.say("event.retracted", "obr", {"source": event["source"], "id": event["id"], "reason": "ошибка"})

    @rule(batch=st.integers(1, 9), looked_at=st.floats(0, 1))
    def project(self, batch: int, looked_at: float) -> None:
        self.looked_at = looked_at
        projector.catch_up(self.store.engine, batch)

    @precondition(lambda self: self.projected > 20)
    @rule()
    def rebuild(self) -> None:
        """Both volumes hold the same, and figures are read from the other one from here on."""
        made_anew(self.store)
        self.projected = 0

    @invariant()
    def it_adds_up(self) -> None:
        head = len(self.sent)
        with reading(self.store.engine) as connection:
            live = book.live(connection)
            held = book.held(connection, live)
        if held == head != self.projected:
            self.projected = head
            for known_at in {round(self.looked_at * head), head}:
                adds_up(self.store, live, known_at)
            self.is_the_same_as_ever(head)

    def is_the_same_as_ever(self, head: int) -> None:
        """What was answered at a position is answered whenever that position is asked about again."""
        for (indicator, code, by, as_of, known_at), then in self.answers.items():
            assert rows(self.store, indicator, code, by, as_of, known_at) == then
        asked = (ASKED[head % 3], ("obr", "gorodets")[head % 2], ("municipality", "school")[head // 2 % 2], DAYS[-1])
        if asked[1] in known(self.store).nodes:
            self.answers[(*asked, head)] = rows(self.store, *asked, head)

    def say(self, type_: str, subject: str, data: dict[str, Any]) -> None:
        """What the log refuses is no part of the history."""
        event = self.store.event(type_, subject, data, time="2020-01-10T10:00:00+03:00")
        role = SENDERS.get(type_, "region")
        if self.store.submit(event, party=Party("obr", role)).refused == 0:
            self.sent.append(event)

    def teardown(self) -> None:
        self._opening.__exit__(None, None, None)


def registration(code: str, kind: str, parent: str | None, on: str = "2019-09-01") -> dict[str, Any]:
    return {"code": code, "kind": kind, "name": code, "valid_from": on} | ({"parent": parent} if parent else {})


def made_anew(store: Vertikal) -> None:
    url = store.settings.database_url
    folder = Path(rebuilding.folder_of(url))
    rebuilding.run(url, folder, (), 1, lambda *_: None)
    rebuilt = rebuilding.finish(url, lambda *_: None, accept=False)
    assert (rebuilt.differences, rebuilt.swapped) == ([], True)


# What must hold


def adds_up(store: Vertikal, volume: Volume, known_at: int) -> None:
    """Everything that a ledger promises, as known at a position."""
    own = posted(store.engine, known_at, volume.name)
    assert own == refold(recorded(store), known_at)
    with reading(store.engine) as connection:
        tree = organisations.read_tree(connection, known_at)
        if known_at == book.held(connection, volume):
            is_conserved(own, held(comparing.balances(connection, volume)))
    for day in DAYS:
        stands_where_it_belongs(own, tree, day)
        rows_are_the_parts(store, own, tree, day, known_at)
    check(store, known_at, ASKED, DAYS[:1])


def is_conserved(own: Amounts, held_: Amounts) -> None:
    """At every place, measure and date: what is held is what was reported there, and what those directly below hold."""
    parts = defaultdict[Any, int](int, own)
    for (path, *rest), amount in held_.items():
        above = path.rpartition("/")[0]
        if above:
            parts[above, *rest] += amount
    assert {key: amount for key, amount in parts.items() if amount} == held_


def stands_where_it_belongs(own: Amounts, tree: Tree, day: str) -> None:
    """Flows under the parent of their date; stocks, on each day, where their organisation then is, if it still is."""
    stocks = defaultdict[Any, int](int)
    for (path, measure, dimensions, date), amount in own.items():
        if MEASURES[measure].kind is Kind.FLOW:
            assert path == "/".join(tree.path(path.rpartition("/")[2], date))
        elif date <= day:
            stocks[path, measure, dimensions] += amount
    for (path, *_), amount in stocks.items():
        code = path.rpartition("/")[2]
        ended = tree.nodes[code].ended if code in tree.nodes else None
        assert not amount or (path == "/".join(tree.path(code, day)) and (ended is None or day < ended))


def rows_are_the_parts(store: Vertikal, own: Amounts, tree: Tree, day: str, known_at: int) -> None:
    """A region's rows are its municipalities and its own schools, and what was reported for the region itself."""
    if "obr" not in tree.nodes:
        return
    of = MEASURES["participants"].name, MEASURES["staff_teachers"].name
    for indicator, measure in zip(("below_minimum", "trained_teachers"), of, strict=True):
        answer = store.ask(indicator, "obr", by="municipality", as_of=day, known_at=known_at)
        parts = defaultdict[str, int](int)
        for (path, each, _, date), amount in rolled_up(own).items():
            if each == measure and date <= day and path.startswith("obr/") and path.count("/") == 1:
                parts[path.rpartition("/")[2]] += amount
        at_region = sum(n for (path, each, _, on), n in own.items() if (path, each) == ("obr", measure) and on <= day)
        found = {row["key"]: row["denominator"] for row in answer["rows"] if row["denominator"]}
        assert found == {key: n for key, n in {**parts, "obr": at_region}.items() if n}
        assert answer["denominator"] == sum(parts.values()) + at_region


def held(balances: Iterator[comparing.Balance]) -> Amounts:
    """Balances by path, measure, values of dimensions and date."""
    return {
        (path, measure, tuple(named[name] for name in MEASURES[measure].dimensions), date): amount
        for path, measure, named, date, amount in balances
    }


def known(store: Vertikal) -> Tree:
    with reading(store.engine) as connection:
        return organisations.read_tree(connection)


def rows(store: Vertikal, indicator: str, code: str, by: str, as_of: str, known_at: int) -> Any:
    answer = store.ask(indicator, code, by=by, as_of=as_of, known_at=known_at)
    return {key: value for key, value in answer.items() if key != "incomplete"}


# The machine on both databases


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Epochs and partitions of a few events."""
    sized(monkeypatch, epoch=4, merged=2)
    monkeypatch.setattr(building, "PARTITION_EVENTS", 12)
    monkeypatch.setattr(rebuilding, "SCATTERED", 10)


PLAYED = settings(
    max_examples=14, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)


def run(open_: Open, how: settings) -> None:
    run_machine(partial(Vertical, open_), settings=how)  # type: ignore[arg-type]  # it takes any factory, and says so


def test_nothing_is_lost_or_counted_twice_whatever_happens_to_the_tree(
    fresh: Open, request: pytest.FixtureRequest
) -> None:
    few = 4 if "postgresql" in request.node.name else 14
    run(fresh, settings(PLAYED, max_examples=few))


# Controls: what is planted is found

SEARCHED = settings(
    PLAYED,
    max_examples=60,
    stateful_step_count=50,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    report_multiple_bugs=False,
)


def stays(tree: Tree, organisation: str, kind: Kind, date: str) -> Iterator[Placed]:
    """A stock that does not move with its organisation."""
    yield tree.path(organisation, date), date, 1, False
    if kind is Kind.STOCK:
        ended = tree.nodes[organisation].ended if organisation in tree.nodes else None
        if ended is not None:
            yield tree.path(organisation, date), max(date, ended), -1, True


def moves(tree: Tree, organisation: str, kind: Kind, date: str) -> Iterator[Placed]:
    """A flow that moves like a stock."""
    yield from placed(tree, organisation, Kind.STOCK, date)


placed = placing.placed


@pytest.mark.parametrize("wrong", [stays, moves])
def test_the_machine_finds_amounts_in_the_wrong_place(
    tmp_path: Path, sqlite_databases: SQLite, monkeypatch: pytest.MonkeyPatch, wrong: Any
) -> None:
    monkeypatch.setattr(ledger, "placed", wrong)
    with pytest.raises(AssertionError):
        run(partial(emptied, sqlite_databases, tmp_path), SEARCHED)


@pytest.mark.parametrize("wrong", [stays, moves, placed])
def test_the_places_themselves_tell_where_the_refold_has_the_same_mistake(
    vertical: Vertikal, monkeypatch: pytest.MonkeyPatch, wrong: Any
) -> None:
    for module in (ledger, refolding):
        monkeypatch.setattr(module, "placed", wrong)
    employ(vertical)
    teach(vertical, 1)
    told = vertical.send("organisation.moved", "s1", {"code": "s1", "parent": "chemal", "valid_from": "2021-02-01"})
    with pytest.raises(AssertionError) if wrong is not placed else nullcontext():
        adds_up(vertical, VOLUMES["a"], told)


def test_a_municipality_that_leaves_behind_what_stands_below_it_is_noticed(
    vertical: Vertikal, monkeypatch: pytest.MonkeyPatch
) -> None:
    employ(vertical)
    monkeypatch.setattr(Tree, "under", lambda _, code: iter([code]))
    data = {"code": "gorodets", "parent": "chemal", "valid_from": "2021-02-01"}
    told = vertical.send("organisation.moved", "gorodets", data)
    with pytest.raises(AssertionError):
        adds_up(vertical, VOLUMES["a"], told)


def test_a_balance_that_is_not_the_sum_of_its_parts_is_noticed(vertical: Vertikal) -> None:
    told = employ(vertical)
    adds_up(vertical, VOLUMES["a"], told)
    balances = VOLUMES["a"].balances
    with writing(vertical.engine) as connection:
        connection.execute(update(balances).where(balances.c.amount == 30).values(amount=31))
    with pytest.raises(AssertionError):
        adds_up(vertical, VOLUMES["a"], told)


# Answers do not change


def test_a_row_that_came_later_is_no_row_of_an_earlier_known_at(vertical: Vertikal) -> None:
    """A school that came to chemal later, and a municipality that was registered later, were no rows of theirs then."""
    before = employ(vertical)
    asked = [("chemal", "school"), ("obr", "municipality")]
    then = [vertical.ask("trained_teachers", code, by=by, known_at=before)["rows"] for code, by in asked]
    vertical.send("organisation.moved", "s1", {"code": "s1", "parent": "chemal", "valid_from": "2021-02-01"})
    vertical.register("late", "municipality", "obr")
    data = {"organisation": "late", "on": "2020-09-01", "teachers": 3, "managers": 1}
    vertical.send("staff.reported", "late", data)
    assert [vertical.ask("trained_teachers", code, by=by, known_at=before)["rows"] for code, by in asked] == then


def test_a_value_that_came_to_nothing_is_no_row_in_either_volume(vertical: Vertikal) -> None:
    teach(vertical, 1)
    course = f"e{vertical._ids}"
    asked = {"by": "subject", "period": "2020"}
    assert [row["key"] for row in vertical.ask("trained_teachers", "obr", **asked)["rows"]] == ["management"]
    source = {"source": "/gorodets/municipality", "id": course, "reason": "ошибка"}
    vertical.send("event.retracted", "obr", source)
    assert vertical.ask("trained_teachers", "obr", **asked)["rows"] == []
    made_anew(vertical)
    assert vertical.ask("trained_teachers", "obr", **asked)["rows"] == []


def test_figures_of_an_organisation_are_answered_as_known_before_its_registration_was_retracted(
    vertical: Vertikal,
) -> None:
    before = employ(vertical)
    vertical.send("event.retracted", "obr", {"source": "/regions/obr", "id": "e4", "reason": "ошибка"})
    assert vertical.figure("trained_teachers", "s1", known_at=before) == (0, 30)
    with pytest.raises(Refusal, match="не зарегистрирована"):
        vertical.figure("trained_teachers", "s1")
