"""The management cycle on the terminal: what it has come to, and the draft of an analysis."""

from __future__ import annotations

from typing import Any

import click
from rich.markup import escape

from ...events.database import reading
from ...projections.book import Book
from .. import cycles, drafting, queries, store, terminal
from ..settings import Settings
from ..terminal import as_json
from . import steps

COMPONENTS = {
    "goals": "цели",
    "indicators": "показатели",
    "methods": "методы сбора",
    "monitoring": "мониторинг",
    "analysis": "анализ",
    "recommendations": "адресные рекомендации",
    "measures": "меры",
    "decisions": "управленческие решения",
    "effectiveness": "анализ эффективности мер",
}
KINDS = {"full": "полный", "partial": "неполный состав", "incomplete": "сокращённый: меры, решения, эффективность"}
OUTCOMES = {"effective": "меры эффективны", "partly": "меры эффективны частично", "ineffective": "меры неэффективны"}
FOUND = {
    drafting.MISSED: "план не выполнен",
    drafting.CHANGE: "изменение",
    drafting.UNITS: "лучшие и худшие",
    drafting.CONTRADICTIONS: "противоречия",
}
MET = {True: "достигнут", False: "не достигнут", None: "нет данных"}


class Cycle(click.Group):
    """A first word that is no command is the code of a cycle, which is shown."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            args = ["show", *args]
        return super().parse_args(ctx, args)


@click.group(cls=Cycle, subcommand_metavar="CYCLE | COMMAND [ARGS]...")
def cycle() -> None:
    """Show a management cycle, or do the next step in it."""


for _step in steps.COMMANDS:
    cycle.add_command(_step)


def _asked(command: Any) -> Any:
    """A cycle and both clocks."""
    for option in (
        click.pass_obj,
        as_json,
        click.option("--known-at", metavar="WHEN", help="What was known then: a position or an RFC 3339 time."),
        click.option("--as-of", metavar="DATE", help="The day one asks about; default today."),
        click.argument("code", metavar="CYCLE"),
    ):
        command = option(command)
    return command


@cycle.command()
@_asked
def show(settings: Settings, /, code: str, as_json: bool, as_of: str | None, known_at: str | None) -> None:
    """Show a management cycle: its nine components, broken links and indicators."""
    with reading(store.open_store(settings.database_url, "reader")) as connection:
        ledger = Book().open(connection)
        day, position = queries.read_clocks(ledger, as_of or settings.today(), known_at)
        found = cycles.detail(ledger, code, day, position)
    terminal.print_json(found) if as_json else _print(found, day)


@cycle.command()
@_asked
def draft(settings: Settings, /, code: str, as_json: bool, as_of: str | None, known_at: str | None) -> None:
    """Draft an analysis from the figures as they are; --json prints what `publish` takes."""
    with reading(store.open_store(settings.database_url, "reader")) as connection:
        ledger = Book().open(connection)
        day, position = queries.read_clocks(ledger, as_of or settings.today(), known_at)
        found = drafting.draft(ledger, code, day, position, settings.today())
    terminal.print_json(found) if as_json else _print_draft(found)


def _print_draft(found: dict[str, Any]) -> None:
    if not found["analysis"]["findings"]:
        _say("выводов нет: по показателям цикла нет данных")
    for each in found["analysis"]["findings"]:
        _say(f"{each['finding']} [{FOUND[found['kinds'][each['finding']]]}] {each['text']}")
        for figure in each["figures"]:
            asked = f"{figure['indicator']} · {figure['organisation']} · {figure['period']} · на {figure['as_of']}"
            _say(f"    {asked}, позиция {figure['known_at']}: {figure['numerator']} / {figure['denominator']}")


def _print(found: dict[str, Any], as_of: str) -> None:
    period, complete = found["period"], found["completeness"]
    state = f"открыт {found['opened_on']}" + (f", закрыт {found['closed_on']}" if found["closed_on"] else "")
    terminal.out.print(f"[bold]{escape(found['direction'])}[/] · {escape(found['organisation'])}", soft_wrap=True)
    _say(f"{found['cycle']}, {period['start']} — {period['end']}, {state}; на {as_of}")
    _say(f"компоненты: {complete['numerator']} из {complete['denominator']} ({KINDS[found['kind']]})")
    components = [
        ["есть" if each["complete"] else "нет", COMPONENTS[each["component"]], _codes(each["evidence"])]
        for each in found["components"]
    ]
    terminal.print_table(("", "компонент", "подтверждения"), components)
    if found["indicators"]:
        terminal.print_table(("показатель", "числитель", "знаменатель", "значение", "план", ""), _indicators(found))
    for each in found["broken"]:
        _say(f"разрыв: {COMPONENTS[each['kind']]} «{each['code']}»: {each['reason']}")
    if found["previous"]:
        assessed = found["previous"]["effectiveness"]
        told = f": {OUTCOMES[assessed['outcome']]} ({assessed['text']})" if assessed else ""
        _say(f"предыдущий цикл: {found['previous']['cycle']}{told}")
    if found["next"]:
        _say(f"следующий цикл: {found['next']}")


def _indicators(found: dict[str, Any]) -> list[list[str]]:
    return [
        [
            each["indicator"],
            *("—" if each[name] is None else str(each[name]) for name in ("numerator", "denominator", "value")),
            f"{each['target']['comparator']} {each['target']['value']}" if each["target"] else "",
            MET[each["met"]] if each["target"] else "",
        ]
        for each in found["indicators"]
    ]


def _codes(evidence: list[dict[str, str]]) -> str:
    return ", ".join(each["code"] for each in evidence)


def _say(text: str) -> None:
    terminal.out.print(text, soft_wrap=True, markup=False)
