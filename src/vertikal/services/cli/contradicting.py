"""The command that shows contradictions."""

from __future__ import annotations

from typing import Any

import click

from ...events.database import reading
from ...projections.book import Book, Opened
from ...projections.contradictions import KINDS, Reading, views
from .. import queries, store, terminal
from ..refusals import Refusal
from ..settings import Settings
from ..terminal import as_json


@click.command()
@click.option("--organisation", required=True, metavar="CODE")
@click.option("--as-of", metavar="DATE", help="The day one asks about; default today.")
@click.option("--known-at", metavar="WHEN", help="What was known then: a position or an RFC 3339 time.")
@click.option("--kind", type=click.Choice(KINDS), help="One kind only.")
@click.option("--decided", is_flag=True, help="Also those about which people have decided.")
@click.option(
    "--limit", type=click.IntRange(1), default=50, show_default=True, help="How many to show; all are counted."
)
@as_json
@click.pass_obj
def contradictions(
    settings: Settings, /, kind: str | None, decided: bool, limit: int, as_json: bool, **given: Any
) -> None:
    """Show what claims, plans, marks and names say against each other."""
    with reading(store.open_store(settings.database_url, "reader")) as connection:
        ledger = Book().open(connection)
        asked = _asked(ledger, given, settings.today())
        found = asked.find((kind,) if kind else KINDS, decided=decided)
        items = views(ledger, found if as_json else found[:limit], asked.known_at)
    if as_json:
        terminal.print_json({"items": items})
    else:
        terminal.print_contradictions(len(found), items)


def _asked(ledger: Opened, given: dict[str, str | None], today: str) -> Reading:
    """Raises ``Refusal`` naming every option that is wrong."""
    as_of, known_at = queries.read_clocks(ledger, given["as_of"] or today, given["known_at"])
    organisation = str(given["organisation"])
    if organisation not in ledger.tree(known_at).nodes:
        raise Refusal(404, f"организация «{organisation[:64]}» не зарегистрирована")
    return Reading(ledger, organisation, as_of, known_at, today)
