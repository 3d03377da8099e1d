"""The ledger as it must be at a position, made in memory from the log alone: no engine, no increments, no database.

Every entity is folded from its standing events, its worth is put into the tree as known at that position, and that is
all. What the engine has posted by then must be the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from vertikal.contracts.catalogue import CATALOGUE
from vertikal.events.log import Recorded
from vertikal.projections.organisations import Tree
from vertikal.projections.placing import placed
from vertikal.read_models import MEASURES, MODELS
from vertikal.read_models.model import Cells, Model

Heard = dict[tuple[str, str], dict[str, dict[str, int]]]  # by model and key, topic, date
Amounts = dict[tuple[str, str, tuple[str, ...], str], int]  # path, measure, dimensions, date


def refold(recorded: Iterable[Recorded], known_at: int) -> Amounts:
    """Amounts at each organisation's own path, as known at a position; nothing that comes to nought."""
    events = {each.position: dict(CATALOGUE.upcast(each.event)) for each in recorded if each.position <= known_at}
    standing = _standing(events)
    tree = _tree(standing)
    owners = _owners(events.values())
    amounts: defaultdict[tuple[str, str, tuple[str, ...], str], int] = defaultdict(int)
    for cells in _worth({model.name: _states(model, standing, owners) for model in MODELS}).values():
        _place(amounts, tree, cells)
    for model in MODELS:
        for state in _fed(model, amounts).values():
            _place(amounts, tree, model.measures(state))
    return {key: amount for key, amount in amounts.items() if amount}


def rolled_up(amounts: Amounts) -> Amounts:
    """The same amounts at every organisation on their paths."""
    rolled: defaultdict[tuple[str, str, tuple[str, ...], str], int] = defaultdict(int)
    for (path, *rest), amount in amounts.items():
        codes = path.split("/")
        for depth in range(1, len(codes) + 1):
            rolled["/".join(codes[:depth]), *rest] += amount  # type: ignore[index]  # mypy loses the tuple's shape
    return {key: amount for key, amount in rolled.items() if amount}


def _standing(events: dict[int, dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """The events whose retractions, if any, were themselves undone; the last word on each event counts."""
    by_identity = {(event["source"], event["id"]): position for position, event in events.items()}
    stands = dict.fromkeys(events, True)
    for event in events.values():
        what, value = event, True
        while what["type"] == "event.retracted":
            position = by_identity[what["data"]["source"], what["data"]["id"]]
            what, value = events[position], not value
        if what is not event:
            stands[by_identity[what["source"], what["id"]]] = value
    return {position: event for position, event in events.items() if stands[position]}


def _tree(standing: dict[int, dict[str, Any]]) -> Tree:
    tree = Tree({})
    for event in standing.values():
        if event["type"].startswith("organisation."):
            tree = tree.after(event["type"], event["data"])
    return tree


def _owners(events: Iterable[dict[str, Any]]) -> dict[tuple[str, str], str]:
    """Whose each thing is that an event declared, retracted or not."""
    return {
        (name.kind, code): event["data"][name.owner]
        for event in events
        for name in CATALOGUE.newest[event["type"]].declares
        if name.owner is not None
        for code, _ in name.codes(event["data"])
    }


def _states(model: Model, standing: dict[int, dict[str, Any]], owners: dict[tuple[str, str], str]) -> dict[str, Any]:
    states: dict[str, Any] = {}
    for event in standing.values():
        if event["type"] in model.types:
            of = CATALOGUE.newest[event["type"]].of
            owned = event if of is None else {**event, "owner": owners.get((of, event["data"][of]))}
            for key in model.keys(owned):
                states[key] = model.evolve(states.get(key), owned)
    return states


def _worth(states: dict[str, dict[str, Any]]) -> dict[tuple[str, str], Cells]:
    """What every entity is worth, by model and key, when each has heard all that the others tell it."""
    heard: Heard = {}
    while True:
        cells = {
            (model.name, key): model.worth(state, heard.get((model.name, key), {}))
            for model in MODELS
            for key, state in states[model.name].items()
        }
        told = _told(cells.values())
        if told == heard:
            return cells
        heard = told


def _told(worth: Iterable[Cells]) -> Heard:
    found: Heard = {}
    for (_, measure, dimensions, date), amount in (item for cells in worth for item in cells.items()):
        for model in MODELS:
            if MEASURES[measure] in model.hears and (told := model.hearing(measure, dimensions)):
                sums = found.setdefault((model.name, told[0]), {}).setdefault(told[1], {})
                sums[date] = sums.get(date, 0) + amount
    return found


def _place(amounts: defaultdict[Any, int], tree: Tree, cells: Cells) -> None:
    for (organisation, measure, dimensions, date), amount in cells.items():
        for path, on, sign, _ in placed(tree, organisation, MEASURES[measure].kind, date):
            amounts["/".join(path), measure, dimensions, on] += sign * amount


def _fed(model: Model, amounts: Amounts) -> dict[str, Any]:
    """The states of a read model that feeds on postings: of what was placed, at every organisation that holds it."""
    states: dict[str, Any] = {}
    for (path, measure, dimensions, date), amount in amounts.items():
        if measure in model.types:
            codes = path.split("/")
            what = {"organisation": codes[-1], "measure": measure, "dimensions": dimensions, "date": date}
            for holder in codes:
                posting = {**what, "type": measure, "holder": holder, "subject": holder, "amount": amount}
                for key in model.keys(posting):
                    states[key] = model.evolve(states.get(key), posting)
    return states
