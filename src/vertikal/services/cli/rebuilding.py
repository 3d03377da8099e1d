"""Making the figures anew from the log."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.markup import escape
from rich.progress import TaskID

from .. import rebuilding, store, terminal
from ..rebuilding import Progress, Rebuilt
from ..settings import Settings
from ..terminal import REFUSED, as_json, err, out

WORKERS_MAX = 64


def _processors() -> int:
    return min(os.cpu_count() or 1, WORKERS_MAX)


@click.command()
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option(
    "--workers",
    type=click.IntRange(1, WORKERS_MAX),
    default=_processors,
    show_default="one per processor",
)
@click.option("--back", is_flag=True, help="Build nothing: swap back to the figures that were live before.")
@click.option("--no-swap", is_flag=True, help="Build and compare only.")
@click.option("--accept-differences", is_flag=True, help="Swap even where the new figures differ from the live ones.")
@as_json
@click.pass_obj
def rebuild(
    settings: Settings,
    models: tuple[str, ...],
    workers: int,
    back: bool,
    no_swap: bool,
    accept_differences: bool,
    as_json: bool,
) -> None:
    """Make the figures anew from the log (of each MODEL, or all), beside the live ones; compare, and swap them in.

    Nothing needs to stop. An interrupted rebuild goes on. Ends with 1 where the new figures differ from the live ones.
    """
    if back and (models or no_swap):
        raise click.UsageError("--back builds nothing: it takes neither MODEL nor --no-swap")
    url = store.open_store(settings.database_url).url.render_as_string(hide_password=False)
    with _progress() as advance:
        if not back:
            rebuilding.run(url, rebuilding.folder_of(url), models, workers, advance)
        found = rebuilding.finish(url, advance, accept=accept_differences, swap=not no_swap)
    _report(found, as_json)


def _report(found: Rebuilt, as_json: bool) -> None:
    """Print what came out; end with 1 where it differs from the live figures."""
    if as_json:
        terminal.print_json(
            {
                "position": found.position,
                "digest": found.digest,
                "compared_at": found.compared_at,
                "differences": [vars(each) for each in found.differences],
                "swapped": found.swapped,
            }
        )
    else:
        _print(found)
    if found.differences:
        sys.exit(REFUSED)


def _print(found: Rebuilt) -> None:
    out.print(f"position {found.position}, digest {found.digest}", soft_wrap=True)
    if not found.differences:
        out.print(f"every balance is the same at position {found.compared_at}")
    for each in found.differences:
        what = f"{each.path} {each.measure} {each.dimensions} {each.date}"
        err.print(f"[yellow]differs:[/] {escape(what)}: live {each.one}, new {each.other}", soft_wrap=True)
    if found.swapped:
        out.print("the figures are read from it now; `vertikal rebuild --back` returns to those before")
    elif found.differences:
        err.print("nothing was swapped: --accept-differences takes the new figures", soft_wrap=True)


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar for each kind of step."""
    with terminal.bars() as bars:
        tasks: dict[str, TaskID] = {}

        def advance(title: str, count: int, total: int) -> None:
            if title not in tasks:
                tasks[title] = bars.add_task(title, total=total or None)
            bars.advance(tasks[title], count)

        yield advance
