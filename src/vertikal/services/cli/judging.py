"""Commands that ask what rules make of figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import click
from rich.markup import escape

from ...events.database import reading
from ...projections.book import Book
from .. import bias as signs
from .. import relative as relatives
from .. import shnor as schools
from .. import store, terminal
from ..rules import catalogue
from ..settings import Settings
from ..terminal import as_json

PAGE = 1_000
WORDS = {True: "да", False: "нет", None: "нет данных"}
SIGNS = {"low_far_under": "ниже минимума намного меньше", "good_far_above": "отметок 4 и 5 намного больше"}


@click.group()
def rules() -> None:
    """Schools with low results, signs of biased marking, units against the best."""


@rules.command("list")
@as_json
def list_rules(as_json: bool) -> None:
    """Show the rules, their versions and parameters."""
    if as_json:
        terminal.print_json({"items": catalogue()})
        return
    for rule in catalogue():
        for each in rule["versions"]:
            terminal.out.print(
                f"{rule['rule']} {each['version']} · {rule['title']} · {_span(each)}", soft_wrap=True, markup=False
            )
            terminal.out.print(f"    {_parameters(each['parameters'])}", soft_wrap=True, markup=False)
            terminal.out.print(f"    {each['source']}", soft_wrap=True, markup=False)


@rules.command()
@click.option("--organisation", required=True, metavar="CODE")
@click.option("--year", required=True, metavar="YEAR", help="The school year, e.g. 2021/2022.")
@click.option("--as-of", metavar="DATE", help="The day one asks about; default today.")
@click.option("--known-at", metavar="WHEN", help="What was known then: a position or an RFC 3339 time.")
@click.option("--known-from", metavar="WHEN", help="Show what changed since then, and by which events.")
@click.option("--threshold", metavar="SHARE", help="What if: the share that is low, e.g. 0.30.")
@click.option("--comparator", metavar="SIGN", help="What if: >= or >.")
@click.option("--min-procedures", metavar="N", help="What if: how many procedures of the year must be low.")
@click.option("--consecutive-years", metavar="N", help="What if: how many years in a row the same one must be.")
@click.option("--combine", metavar="WORD", help="What if: all (and) or any (or) makes the verdict.")
@click.option("--margin", metavar="SHARE", help="What if: how far below the threshold a school is watched.")
@click.option("--explain", is_flag=True, help="Show the procedures and conditions behind each verdict.")
@as_json
@click.pass_obj
def shnor(settings: Settings, /, explain: bool, as_json: bool, **given: Any) -> None:
    """Who is a school with low results, in both readings of the rule."""
    with reading(store.open_store(settings.database_url, "reader")) as connection:
        ledger = Book().open(connection)
        question = schools.ask(ledger, given, settings.today())
        answer = _whole(lambda cursor: schools.answer(ledger, question, cursor, PAGE))
    if as_json:
        terminal.print_json(answer)
        return
    _print_head("Школы с низкими результатами", answer)
    if explain:
        for line in (line for school in answer["schools"] for line in explained(school, answer["rule"])):
            terminal.out.print(line, soft_wrap=True, markup=False)
    else:
        columns = ("код", "название", "и", "или", "итог", "наблюдение", "в группах")
        terminal.print_table(columns, [_row(school) for school in answer["schools"]])
    if "changed" in answer:
        _print_changed(answer)


@rules.command()
@click.option("--organisation", required=True, metavar="CODE")
@click.option("--year", required=True, metavar="YEAR", help="The school year, e.g. 2021/2022.")
@click.option("--procedure", metavar="KIND", help="vpr (default), oge, ege or diagnostic.")
@click.option("--as-of", metavar="DATE", help="The day one asks about; default today.")
@click.option("--known-at", metavar="WHEN", help="What was known then: a position or an RFC 3339 time.")
@click.option("--low-under", metavar="SHARE", help="What if: how far the share below the minimum is under.")
@click.option("--good-above", metavar="SHARE", help="What if: how far the share of marks 4 and 5 is above.")
@click.option("--least", metavar="N", help="What if: how many must take part for their shares to be shown.")
@as_json
@click.pass_obj
def bias(settings: Settings, /, as_json: bool, **given: Any) -> None:
    """Signs of biased marking: shares of a school far from those of its region."""
    with reading(store.open_store(settings.database_url, "reader")) as connection:
        ledger = Book().open(connection)
        question = signs.ask(ledger, given, settings.today())
        answer = _whole(lambda cursor: signs.answer(ledger, question, cursor, PAGE))
    if as_json:
        terminal.print_json(answer)
        return
    _print_head("Признаки необъективного оценивания", answer)
    for line in (line for school in answer["schools"] for line in _compared(school)):
        terminal.out.print(line, soft_wrap=True, markup=False)
    for reason in answer["unavailable"].values():
        terminal.out.print(reason, soft_wrap=True)


@rules.command()
@click.argument("indicator")
@click.option("--organisation", required=True, metavar="CODE")
@click.option("--by", required=True, metavar="UNIT", help="municipality or school.")
@click.option("--period", metavar="P", help="2021, 2021-03, 2021-Q2, 2020/2021, 2021-01-01..2021-05-31; default ever.")
@click.option("--as-of", metavar="DATE", help="The day one asks about; default today.")
@click.option("--known-at", metavar="WHEN", help="What was known then: a position or an RFC 3339 time.")
@as_json
@click.pass_obj
def relative(settings: Settings, /, as_json: bool, **given: Any) -> None:
    """An indicator of each unit relative to the best, which is 100."""
    with reading(store.open_store(settings.database_url, "reader")) as connection:
        ledger = Book().open(connection)
        question = relatives.ask(ledger, given, settings.today())
        answer = relatives.answer(ledger, question)
    if as_json:
        terminal.print_json(answer)
        return
    terminal.out.print(f"[bold]{escape(question.indicator.title)}[/] · лучшее = 100", soft_wrap=True)
    rows = [
        [row["key"], row["name"], str(row["numerator"]), str(row["denominator"] or ""), row["relative"] or WORDS[None]]
        for row in answer["rows"]
    ]
    terminal.print_table(("код", "название", "числитель", "знаменатель", "к лучшему"), rows)


def explained(school: dict[str, Any], rule: dict[str, Any]) -> Iterator[str]:
    """How a verdict came out, line by line."""
    conditions, meets = school["conditions"], school["meets"]
    year = max((each["year"] for each in school["procedures"]), default="")
    low = sum(each["low"] is True and each["year"] == year for each in school["procedures"])
    yield (
        f"{school['school']} · {school['name']}: {WORDS[school['verdict']]} "
        f"(и: {WORDS[meets['all']]}, или: {WORDS[meets['any']]})" + (", под наблюдением" if school["watch"] else "")
    )
    for member in school["members"]:
        grounds = f", основание: {member['basis']}" if member["basis"] else ""
        yield f"  в группе {member['cohort']} с {member['from']}{grounds}"
    bound = f"доля {rule['comparator']} {rule['threshold']}"
    yield (
        f"  условие 1: {bound} не менее чем по {rule['min_procedures']} процедурам года: "
        f"{WORDS[conditions['several']]} (низких: {low})"
    )
    yield (
        f"  условие 2: {bound} по одной и той же процедуре, лет подряд: {rule['consecutive_years']}: "
        f"{WORDS[conditions['repeated']]}"
    )
    yield from (f"    {_procedure(each)}" for each in school["procedures"])


def _procedure(of: dict[str, Any]) -> str:
    named = f"{of['procedure']} {of['subject']}, {of['grade']} класс, {of['year']}: "
    if of["share"] is None:
        return named + WORDS[None]
    result = "низкий результат" if of["low"] else "близко к порогу" if of["near"] else "не низкий"
    note = f" ({of['note']})" if of["note"] else ""
    return f"{named}{of['below_minimum']} / {of['participants']} = {_percent(of['share'])}, {result}{note}"


def _row(school: dict[str, Any]) -> list[str]:
    return [
        school["school"],
        school["name"],
        WORDS[school["meets"]["all"]],
        WORDS[school["meets"]["any"]],
        WORDS[school["verdict"]],
        "да" if school["watch"] else "",
        ", ".join(f"{each['cohort']} с {each['from']}" for each in school["members"]),
    ]


def _compared(school: dict[str, Any]) -> Iterator[str]:
    """A line for each result of a school: its shares beside the region's, and the signs that are seen."""
    yield f"{school['school']} · {school['name']}" + ("" if school["results"] else f": {WORDS[None]}")
    for of in school["results"]:
        low, good = (
            f"{_percent(of[part]['school'])} (в регионе {_percent(of[part]['region'])})" for part in ("low", "good")
        )
        seen = "; ".join(word for name, word in SIGNS.items() if of["signs"][name]) or "признаков не видно"
        note = f" ({of['note']})" if of["note"] else ""
        head = f"  {of['subject']}, {of['grade']} класс, участников {of['participants']}"
        yield f"{head}: ниже минимума {low}, отметки 4 и 5 {good}: {seen}{note}"


def _print_head(title: str, answer: dict[str, Any]) -> None:
    rule, known = answer["rule"], answer["known_at"]
    head = f"[bold]{title}[/] · {escape(answer['organisation'])} · {answer['year']}"
    terminal.out.print(head, soft_wrap=True)
    terminal.out.print(
        f"на {answer['as_of']}, известно на {known['time']} (позиция {known['position']})", soft_wrap=True
    )
    given = {name: value for name, value in rule.items() if name not in ("rule", "version", "what_if", "source")}
    what_if = f"; что, если: {', '.join(rule['what_if'])}" if rule["what_if"] else ""
    line = f"правило {rule['rule']}, версия {rule['version']}: {_parameters(given)}{what_if}"
    terminal.out.print(line, soft_wrap=True, markup=False)
    if answer["incomplete"]:
        terminal.out.print(f"[yellow]неполно: не учтено событий: {answer['incomplete']}[/]")


def _print_changed(answer: dict[str, Any]) -> None:
    since = answer["known_from"]
    moment = f"изменения с {since['time'] or 'начала'} (позиция {since['position']})"
    terminal.out.print(moment + ("" if answer["changed"] else ": нет"), soft_wrap=True, markup=False)
    for each in answer["changed"]:
        ends = " → ".join(_readings(each[end]) for end in ("from", "to"))
        terminal.out.print(f"  {each['school']}: {ends}", soft_wrap=True, markup=False)
        for event in each["events"]:
            reason = f", {event['reason']}" if event["reason"] else ""
            line = f"    {event['position']}: {event['type']} {event['event_id']}{reason}"
            terminal.out.print(line, soft_wrap=True, markup=False)


def _readings(meets: dict[str, bool | None] | None) -> str:
    return "нет в списке" if meets is None else f"и {WORDS[meets['all']]}, или {WORDS[meets['any']]}"


def _whole(read: Callable[[str | None], dict[str, Any]]) -> dict[str, Any]:
    """All pages as one answer."""
    page = whole = read(None)
    while page["next"] is not None:
        page = read(page["next"])
        more: dict[str, Any] = {name: [*whole[name], *page[name]] for name in ("schools", "changed") if name in page}
        whole = {**whole, **more, "next": None}
    return whole


def _percent(share: str | None) -> str:
    """All digits that a share is told with: 29.99 % is not 30 %."""
    return WORDS[None] if share is None else f"{(Decimal(share) * 100).normalize():f} %"


def _parameters(of: dict[str, Any]) -> str:
    shown = ((name, ", ".join(value) if isinstance(value, (list, tuple)) else value) for name, value in of.items())
    return "; ".join(f"{name} {value}" for name, value in shown)


def _span(version: dict[str, Any]) -> str:
    if version["from"] is None and version["to"] is None:
        return "все годы"
    return f"{version['from'] or '…'} – {version['to'] or '…'}"
