"""What the commands print: figures, postings, tables, progress, JSON, and errors with their exit codes."""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, NoReturn

import click
import orjson
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ..projections.blocked import Blocked
from .intake import ACCEPTED, DUPLICATE, Answer

OK, REFUSED, USAGE, UNPROVEN, PARTLY, UNAVAILABLE = 0, 1, 2, 3, 4, 75
out, err = Console(highlight=False), Console(stderr=True, highlight=False)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


def report_push(answers: list[Answer], as_json: bool) -> int:
    outcomes = [outcome for answer in answers for outcome in answer.results]
    refused = [outcome for outcome in outcomes if outcome.status not in (ACCEPTED, DUPLICATE)]
    counts = {
        "accepted": sum(outcome.status == ACCEPTED for outcome in outcomes),
        "duplicates": sum(outcome.status == DUPLICATE for outcome in outcomes),
        "rejected": len(refused),
        "head": answers[-1].head if answers else None,
    }
    if as_json:
        results = [{"id": o.id, "status": o.status, "position": o.position, "errors": o.errors} for o in outcomes]
        print_json({**counts, "results": results})
    else:
        for outcome in refused[:50]:
            for path, messages in outcome.errors.items():
                err.print(f"{outcome.id}: {path}: {'; '.join(messages)}", soft_wrap=True, markup=False)
        out.print(", ".join(f"{name} {count}" for name, count in counts.items()))
    if not refused:
        return OK
    return REFUSED if len(refused) == len(outcomes) else PARTLY


def print_figure(title: str, answer: dict[str, Any]) -> None:
    known = answer["known_at"]
    out.print(f"[bold]{escape(title)}[/] · {escape(answer['organisation'])} · {answer['period']}", soft_wrap=True)
    out.print(f"на {answer['as_of']}, известно на {known['time']} (позиция {known['position']})", soft_wrap=True)
    before, figures = answer["previous"], sides(answer)
    if before and (before["value"] or before["denominator"] is None):
        figures += f"   ({before['period']}: {sides(before)})"
    out.print(figures, soft_wrap=True)
    if answer["incomplete"]:
        out.print(f"[yellow]неполно: не учтено событий: {answer['incomplete']}[/]")
    if "rows" in answer:
        rows = [
            [
                row["key"],
                row["name"],
                str(row["numerator"]),
                str(row["denominator"] if row["denominator"] is not None else ""),
                percent(row["value"]) if answer["denominator"] is not None else "",
            ]
            for row in answer["rows"]
        ]
        print_table(("код", "название", "числитель", "знаменатель", "доля"), rows)


def print_changes(
    title: str, before: dict[str, Any], after: dict[str, Any], items: list[dict[str, Any]], limit: int
) -> None:
    """The figure at both ends of a window, and what lies between."""
    out.print(f"[bold]{escape(title)}[/]", soft_wrap=True)
    for known in (before, after):
        when = f"известно на {known['time'] or 'начало'} (позиция {known['position']})"
        out.print(f"{when}: {sides(known)}", soft_wrap=True)
    if items:
        print_postings(items, limit)
    else:
        out.print("изменений нет")


def print_postings(items: list[dict[str, Any]], limit: int) -> None:
    """The first of them, and the sums of all."""
    names = ("position", "date", "side", "delta", "organisation", "type", "event_id")
    print_table(names, [[str(item[name]) for name in names] for item in items[:limit]])
    if len(items) > limit:
        out.print(f"… показано {limit} из {len(items)} проводок: --limit")
    for side in ("numerator", "denominator"):
        total = sum((Decimal(item["delta"]) for item in items if item["side"] == side), Decimal())
        out.print(f"сумма проводок, {side}: {total.normalize():f}")


def print_blocked(count: int, items: list[Blocked]) -> None:
    """What could not be applied: the event, what of which model stands still, whom it concerns, and the reason."""
    if not count:
        out.print("every event is applied")
        return
    for item in items:
        of = ", ".join(item.organisations)
        out.print(f"{item.position}: {item.type}, {item.id} from {item.source}", soft_wrap=True, markup=False)
        out.print(f"    {item.model} {item.key}, concerns {of}: {item.reason}", soft_wrap=True, markup=False)
    out.print(f"{count} events could not be applied; --limit says how many of them are shown", soft_wrap=True)
    out.print("after repairing the model run `vertikal rebuild`", soft_wrap=True)


def print_contradictions(count: int, items: list[dict[str, Any]]) -> None:
    """What does not fit together, in whose data, and the events behind it."""
    if not count:
        out.print("противоречий не найдено")
        return
    for item in items:
        sure = f", уверенность {item['confidence']}" if "confidence" in item else ""
        out.print(f"{item['kind']}: {item['organisation']}{sure}: {item['text']}", soft_wrap=True, markup=False)
        behind = ", ".join(f"{event['event_id']} ({event['position']})" for event in item["events"])
        out.print(f"    события: {behind}", soft_wrap=True, markup=False)
    if len(items) < count:
        out.print(f"… показано {len(items)} из {count} противоречий: --limit")


def sides(figure: dict[str, Any]) -> str:
    """Both sides of a figure and the share; a count alone where there is no denominator."""
    if figure["denominator"] is None:
        return str(figure["numerator"])
    return f"{figure['numerator']} / {figure['denominator']} = {percent(figure['value'])}"


def percent(value: str | None) -> str:
    return "нет данных" if value is None else f"{float(value) * 100:.1f} %"


def print_table(columns: tuple[str, ...], rows: list[list[str]]) -> None:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*map(escape, row))
    out.print(table)


def base64_of(value: bytes) -> str:
    return base64.b64encode(value).decode()


def print_json(value: Any) -> None:
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def bars() -> Progress:
    """Progress bars, shown on a terminal only."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=err, disable=not err.is_terminal)


@contextmanager
def progress(title: str, total: int | None) -> Iterator[Callable[[int], None]]:
    with bars() as shown:
        task = shown.add_task(title, total=total)
        yield lambda count: shown.advance(task, count)


def fail(code: int, text: str, errors: dict[str, list[str]] | None = None) -> NoReturn:
    err.print(f"[red]error:[/] {escape(text)}", soft_wrap=True)
    for path, messages in (errors or {}).items():
        err.print(f"  {path}: {'; '.join(messages)}", soft_wrap=True, markup=False)
    sys.exit(code)
