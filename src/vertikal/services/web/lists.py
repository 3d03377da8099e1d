"""Lists of what read models hold: those of the reader's own subtree, page by page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ...contracts.fields import Code
from ...projections.book import Opened
from .organisations import TreeQuery
from .service import party, require_sight, service


class ListQuery(TreeQuery):
    organisation = Code(optional=True)


@dataclass(frozen=True)
class Entry:
    """An item, the code that it is found and sorted by, and the organisation that it is about."""

    key: str
    organisation: str
    item: dict[str, Any]


def paged(ledger: Opened, query: dict[str, Any], known_at: int, entries: Iterable[Entry]) -> dict[str, Any]:
    """The page of a list that a ``ListQuery`` asks for; with ``organisation`` only what lies in its subtree.

    Raises a 404 or a 403 for an organisation that the reader may not see.
    """
    reader, today, tree = party(), service().settings.today(), ledger.tree(known_at)
    under, after, limit = query.get("organisation"), query.get("cursor", ""), query.get("limit", 100)
    if under is not None:
        require_sight(ledger, under, known_at)
    seen = sorted(
        (
            each
            for each in entries
            if each.key > after
            and reader.covers(tree, each.organisation, today)
            and (under is None or tree.within(each.organisation, under, today))
        ),
        key=lambda each: each.key,
    )
    following = seen[limit - 1].key if len(seen) > limit else None
    return {"items": [each.item for each in seen[:limit]], "next": following}
