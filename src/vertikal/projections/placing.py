"""Where an amount stands in the tree: at its organisation's path on the date, and for stocks wherever that moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..read_models.model import Event, Kind
from .organisations import Tree

Path = tuple[str, ...]
Placed = tuple[Path, str, int, bool]  # path, date, sign, and whether it only moves what was posted before


def placed(tree: Tree, organisation: str, kind: Kind, date: str) -> Iterator[Placed]:
    """The places of an amount that became true on ``date``: the fact itself, then what moves a stock from then on.

    A flow stays with the parent of its date. A stock leaves the old parent and comes to the new one on each later move
    (so the parents' common ancestor is unchanged), and ends on the day its organisation ends.
    """
    path = tree.path(organisation, date)
    yield path, date, 1, False
    if kind is Kind.FLOW:
        return
    node = tree.nodes.get(organisation)
    ended = node.ended if node else None
    for turn in tree.turns(organisation):
        moved = tree.path(organisation, turn)
        if turn > date and (ended is None or turn < ended) and moved != path:
            yield path, turn, -1, True
            yield moved, turn, 1, True
            path = moved
    if ended is not None:
        yield path, max(ended, date), -1, True


def turned(event: Event, before: Tree, after: Tree, holds: Callable[[str], bool] = lambda _: True) -> set[str]:
    """The organisations whose place may be another when an event has changed the tree.

    ``holds``: whether anything stands at an organisation or below it; where nothing does, nothing moves.
    """
    if event["type"] == "organisation.renamed":
        return set()
    codes = [code for code in event["data"].get("codes", [event["data"].get("code")]) if holds(code)]
    return {each for code in codes for tree in (before, after) for each in tree.under(code)}
