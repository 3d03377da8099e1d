"""Commands that ask for figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from ...events.database import reading
from ...projections.book import Book
from .. import changes as changing
from .. import queries, store, terminal
from ..settings import Settings
from ..terminal import as_json

PAGE = 10_000


@click.command()
@click.argument("indicator")
@click.option("--organisation", required=True, metavar="CODE")
@click.option("--period", metavar="P", help="2021, 2021-03, 2021-Q2, 2020/2021, 2021-01-01..2021-05-31; default ever.")
@click.option("--as-of", metavar="DATE", help="The day one asks about; default today.")
@click.option("--known-at", metavar="WHEN", help="What was known then: a position or an RFC 3339 time.")
@click.option("--by", metavar="DIMENSION", help="municipality, school, or a dimension of the indicator.")
@click.option("--only", metavar="NAME=VALUE", multiple=True, help="Narrow to a dimension, e.g. subject=math.")
@as_json
@click.pass_obj
def query(settings: Settings, /, indicator: str, as_json: bool, **given: Any) -> None:
    """Ask for a figure."""
    with reading(store.open_store(settings.database_url, "reader")) as connection:
        ledger = Book().open(connection)
        question = queries.ask(ledger, indicator, _parameters(given), settings.today())
        answer = queries.answer(ledger, question)
    terminal.print_json(answer) if as_json else terminal.print_figure(question.indicator.title, answer)


@click.command()
@click.argument("indicator")
@click.option("--organisation", required=True, metavar="CODE")
@click.option("--period", metavar="P")
@click.option("--as-of", metavar="DATE")
@click.option("--known-at", metavar="WHEN")
@click.option("--only", metavar="NAME=VALUE", multiple=True)
@click.option(
    "--limit", type=click.IntRange(1), default=50, show_default=True, help="Postings to show; all are summed."
)
@as_json
@click.pass_obj
def why(settings: Settings, /, indicator: str, limit: int, as_json: bool, **given: Any) -> None:
    """Open a figure into the postings, and so the events, that it is the sum of."""
    with reading(store.open_store(settings.database_url, "reader")) as connection:
        ledger = Book().open(connection)
        question = queries.ask(ledger, indicator, _parameters(given), settings.today())
        answer = queries.answer(ledger, question)
        items, _ = _all_items(lambda cursor: queries.provenance(ledger, question, cursor, PAGE))
    if as_json:
        terminal.print_json({**answer, "postings": items})
    else:
        terminal.print_figure(question.indicator.title, answer)
        terminal.print_postings(items, limit)


@click.command()
@click.argument("indicator")
@click.option("--organisation", required=True, metavar="CODE")
@click.option("--known-from", required=True, metavar="WHEN", help="Changes behind a position or an RFC 3339 time.")
@click.option("--known-to", metavar="WHEN", help="Changes up to this position or time; default all.")
@click.option("--period", metavar="P")
@click.option("--as-of", metavar="DATE")
@click.option("--only", metavar="NAME=VALUE", multiple=True)
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Changes to show; all are summed.")
@as_json
@click.pass_obj
def changes(settings: Settings, /, indicator: str, limit: int, as_json: bool, **given: Any) -> None:
    """Show what changed a figure between two moments of knowledge, event by event."""
    with reading(store.open_store(settings.database_url, "reader")) as connection:
        ledger = Book().open(connection)
        window = changing.ask(ledger, indicator, _parameters(given), settings.today())
        items, page = _all_items(lambda cursor: changing.answer(ledger, window, cursor, PAGE))
    if as_json:
        terminal.print_json({**page, "items": items})
    else:
        terminal.print_changes(window.question.indicator.title, page["from"], page["to"], items, limit)


def _all_items(read: Callable[[str | None], dict[str, Any]]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The items of all pages, and the last page."""
    items, page = [], read(None)
    while page["next"] is not None:
        items += page["items"]
        page = read(page["next"])
    return items + page["items"], page


def _parameters(given: dict[str, Any]) -> dict[str, str | None]:
    only = {}
    for pair in given.pop("only"):
        name, equals, value = pair.partition("=")
        if not equals or name not in queries.FILTERS:
            expected = f"expected NAME=VALUE with one of {', '.join(queries.FILTERS)}"
            raise click.BadParameter(f"{pair!r}: {expected}", param_hint="--only")
        only[name] = value
    return {**given, **only}
