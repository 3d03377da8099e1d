"""The command of auditors: the log replayed, as text, as lines of JSON, or as a workbook."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Engine

from ...contracts.catalogue import CATALOGUE
from ...events.database import reading
from ...projections.book import Book
from ...projections.organisations import Tree
from .. import replay as replaying
from .. import store, telling, terminal
from ..refusals import Refusal
from ..replay import Selection
from ..settings import Settings
from ..telling import Told
from ..terminal import REFUSED, err, out
from .rebuilding import rebuild

NOTHING = "событий не найдено"
TEXT, NDJSON, XLSX = FORMATS = ("text", "ndjson", "xlsx")
Advance = Callable[[int], None]


@click.command()
@click.option("--organisation", metavar="CODE", help="Events of this organisation and of those below it.")
@click.option("--type", metavar="TYPE", help="Events of this type.")
@click.option("--actor", metavar="TEXT", help="What this actor did in the sending system.")
@click.option("--roadmap", metavar="CODE", help="Events that name this road map or its activities.")
@click.option("--person", metavar="PSEUDONYM", help="Events that name this person.")
@click.option("--period", metavar="P", help="By the date of the fact: 2021, 2021-03, 2021-Q2, 2020/2021, FROM..TO.")
@click.option("--known-from", metavar="WHEN", help="Recorded behind a position or an RFC 3339 time.")
@click.option("--known-to", metavar="WHEN", help="Recorded up to this position or time; default all.")
@click.option("--format", "form", type=click.Choice(FORMATS), default=TEXT, show_default=True)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write into this file.")
@click.option("--json", "as_json", is_flag=True, help="Fold the log anew; print position and digest of the balances.")
@click.pass_obj
def replay(settings: Settings, /, form: str, output: Path | None, as_json: bool, **given: str | None) -> None:
    """Tell who did what and when, event by event, in the order of the log."""
    if as_json:
        if output is not None or any(given.values()):
            raise click.UsageError("--json folds the whole log: it takes no other option")
        click.get_current_context().invoke(rebuild, no_swap=True, as_json=True)
        return
    if form == XLSX and output is None:
        raise click.UsageError("--format xlsx needs -o FILE")
    engine = store.open_store(settings.database_url, "reader")
    chosen, tree = _ask(engine, given, settings.today())
    with _progress(output, chosen) as advance, _replaced(output) as file:
        count = _write(form, file, engine, chosen, tree, advance)
    if count == 0:
        (out if form == TEXT and output is None else err).print(NOTHING)
    elif output is not None:
        err.print(f"{count} events in {output}", soft_wrap=True, markup=False)


def _ask(engine: Engine, given: dict[str, str | None], today: str) -> tuple[Selection, Tree]:
    """What is asked for, and the organisations as they were known then."""
    if given["type"] and given["type"] not in CATALOGUE.newest:
        problem = f"тип события «{given['type'][:64]}» неизвестен"
        raise Refusal(400, "параметры запроса не приняты", errors={"type": [problem]})
    with reading(engine) as connection:
        ledger = Book().open(connection)
        chosen = replaying.ask(connection, ledger.head, given)
        if given["organisation"]:
            chosen = replaying.in_subtree(chosen, ledger, given["organisation"], today)
        return chosen, ledger.tree(chosen.until)


def _write(form: str, file: Path | None, engine: Engine, chosen: Selection, tree: Tree, advance: Advance) -> int:
    """Write all of it; how many events there were."""
    if form == XLSX and file is not None:
        from .. import sheets  # noqa: PLC0415  # its library is slow to import, and no other command needs it

        book = sheets.Workbook(file)
        count = _each(_told(engine, chosen, tree, advance), book.add)
        book.close()
        return count
    with nullcontext(sys.stdout.buffer) if file is None else file.open("wb") as stream:
        lines = _lines(engine, chosen, advance) if form == NDJSON else _text(engine, chosen, tree, advance)
        return _each(lines, stream.write)


def _each(items: Iterator[Any], take: Callable[[Any], object]) -> int:
    count = 0
    for count, item in enumerate(items, 1):  # noqa: B007  # the last count is how many there were
        take(item)
    return count


def _lines(engine: Engine, chosen: Selection, advance: Advance) -> Iterator[bytes]:
    for page in replaying.pages(engine, chosen, advance):
        yield from (entry.line() for entry in page.entries)


def _text(engine: Engine, chosen: Selection, tree: Tree, advance: Advance) -> Iterator[bytes]:
    return (f"{told.line()}\n".encode() for told in _told(engine, chosen, tree, advance))


def _told(engine: Engine, chosen: Selection, tree: Tree, advance: Advance) -> Iterator[Told]:
    for page in replaying.pages(engine, chosen, advance):
        with reading(engine) as connection:
            told = list(telling.tell(connection, page.entries, tree, chosen.until))
        yield from told


@contextmanager
def _replaced(output: Path | None) -> Iterator[Path | None]:
    """A file beside the one asked for, which takes its place when it is whole; tried before anything is read."""
    if output is None:
        yield None
        return
    part = output.with_name(output.name + ".part")
    try:
        part.touch()
        yield part
        part.replace(output)
    except OSError as error:
        terminal.fail(REFUSED, f"cannot write {output}: {error.strerror}")
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _progress(output: Path | None, chosen: Selection) -> Iterator[Advance]:
    """Shown where events go into a file; a terminal that shows the events themselves needs no other sign."""
    if output is None:
        yield lambda _: None
        return
    with terminal.progress("positions of the log", chosen.until - chosen.after) as advance:
        yield advance
