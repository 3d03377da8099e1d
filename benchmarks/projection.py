"""The projector against a bare fold: the same read models over the same events, balances in a Python dictionary.

The bare fold has no database, no cursor, no postings, no provenance and no stored state; at the end its balances must
be the projector's, or the measurement is refused.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import takewhile
from typing import Any

import orjson
from sqlalchemy import Engine

from benchmarks.results import Result, timed
from vertikal.contracts.catalogue import CATALOGUE
from vertikal.events import log
from vertikal.events.database import connect, reading
from vertikal.projections import book, comparing
from vertikal.projections.ledger import day_of
from vertikal.projections.organisations import Tree
from vertikal.read_models import MEASURES, MODELS
from vertikal.read_models.model import Cells, Model
from vertikal.sample import region
from vertikal.services import demo, projector, store
from vertikal.services.settings import read_settings

RATIO_MIN = 0.15
TURNS = ("organisation.moved", "organisation.merged", "organisation.closed", "event.retracted")
Heard = dict[str, dict[str, int]]  # by topic: amounts by date
Balances = dict[tuple[str, str, tuple[str, ...], int], int]


def measure(name: str, url: str) -> list[Result]:
    """Project the sample up to the first change of the tree (which a bare fold has no way to follow)."""
    engine = connect(url)
    store.create(engine)
    sample = takewhile(lambda each: each.event["type"] not in TURNS, region("region"))
    demo.record(engine, read_settings({}), sample, lambda _: None)
    with reading(engine) as connection:
        leaves = [each.leaf for each in log.read(connection, 0, 10_000_000)]
    fold = BareFold()
    bare = len(leaves) / timed(lambda: fold.apply(leaves))
    ours = len(leaves) / timed(lambda: projector.catch_up(engine))
    if _stored(engine) != {key: amount for key, amount in fold.balances.items() if amount}:
        raise SystemExit("the bare fold and the projector differ: nothing was measured")
    ratio = ours / bare
    title = f"projection of {len(leaves):,} events: share of a bare in-memory fold"
    return [Result(title, name, ours, "events/s", bare, ratio, f"ratio ≥ {RATIO_MIN}", ratio >= RATIO_MIN)]


class BareFold:
    """Every event into the states of its read models, every difference of worth into the balances of all above."""

    def __init__(self) -> None:
        self.balances: defaultdict[tuple[str, str, tuple[str, ...], int], int] = defaultdict(int)
        self._states: dict[tuple[str, str], tuple[Any, Cells]] = {}
        self._heard: defaultdict[tuple[str, str], Heard] = defaultdict(dict)
        self._tree = Tree({})
        self._paths: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
        self._owners: dict[tuple[str, str], str] = {}
        self._models = {
            type_: [each for each in MODELS if type_ in each.types] for each in MODELS for type_ in each.types
        }
        self._hearing = {
            measure.name: [each for each in MODELS if measure in each.hears]
            for each in MODELS
            for measure in each.hears
        }

    def apply(self, leaves: list[bytes]) -> None:
        for leaf in leaves:
            event = orjson.loads(leaf)["event"]
            type_ = event["type"]
            if type_.startswith("organisation."):
                self._tree = self._tree.after(type_, event["data"])
            elif type_ in ("roadmap.adopted", "cycle.opened"):
                kind = type_.partition(".")[0]
                self._owners[kind, event["data"][kind]] = event["subject"]
            of = CATALOGUE.newest[type_].of
            if of is not None:
                event["owner"] = self._owners.get((of, event["data"][of]))
            self._fold(type_, event)

    def _fold(self, type_: str, event: Any) -> None:
        for model in self._models.get(type_, ()):
            for key in model.keys(event):
                state, _ = self._states.get((model.name, key), (None, {}))
                self._become(model, key, model.evolve(state, event))

    def _become(self, model: Model, key: str, state: Any) -> None:
        _, before = self._states.get((model.name, key), (None, {}))
        after = model.worth(state, self._heard[model.name, key] if model.hears else {})
        self._states[model.name, key] = (state, after)
        for cell in before.keys() | after.keys():
            amount = after.get(cell, 0) - before.get(cell, 0)
            if amount:
                self._add(*cell, amount)

    def _add(self, organisation: str, measure: str, dimensions: tuple[str, ...], date: str, amount: int) -> None:
        path, holders = self._paths.get(organisation) or self._path(organisation, date)
        day = int(date[:4] + date[5:7] + date[8:])
        for holder in holders:
            self.balances[holder, measure, dimensions, day] += amount
        if measure in self._models:
            for code in path:
                posting = {"organisation": organisation, "holder": code, "measure": measure, "date": date}
                self._fold(measure, {**posting, "dimensions": dimensions, "amount": amount})
        for model in self._hearing.get(measure, ()):
            told = model.hearing(measure, dimensions)
            if told is not None:
                key, topic = told
                sums = self._heard[model.name, key].setdefault(topic, {})
                sums[date] = sums.get(date, 0) + amount
                state, _ = self._states.get((model.name, key), (None, {}))
                self._become(model, key, state)

    def _path(self, organisation: str, date: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        path = self._tree.path(organisation, date)
        holders = tuple("/".join(path[: depth + 1]) for depth in range(len(path)))
        self._paths[organisation] = path, holders
        return path, holders


def _stored(engine: Engine) -> Balances:
    with reading(engine) as connection:
        return {
            (path, measure, tuple(dimensions[each] for each in MEASURES[measure].dimensions), day_of(date)): amount
            for path, measure, dimensions, date, amount in comparing.balances(connection, book.live(connection))
        }
