"""The inbox on the terminal: what awaits whom, and what people make of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import click
import orjson
from sqlalchemy import Engine

from ...events.database import reading
from ...projections.book import Book, Opened
from ...rules.proposals import RULES
from .. import access, keys, queries, store, terminal
from .. import inbox as proposals
from ..inbox import acting
from ..inbox.acting import Act, Desk
from ..intake import Intake
from ..refusals import Refusal
from ..settings import Settings, now
from ..terminal import as_json
from .operating import find_party

STATUSES = {"adopted": "принято", "declined": "отклонено", "postponed": "отложено"}


@click.group(invoke_without_command=True)
@click.option("--organisation", metavar="CODE", help="Whose inbox; those below it as well.")
@click.option("--own", is_flag=True, help="Without those below.")
@click.option("--rule", type=click.Choice(list(RULES)), help="Of one rule only.")
@click.option("--as-of", metavar="DATE", help="The day one asks about; default today.")
@click.option("--known-at", metavar="WHEN", help="What was known then: a position or an RFC 3339 time.")
@click.option(
    "--limit", type=click.IntRange(1), default=50, show_default=True, help="How many to show; all are counted."
)
@as_json
@click.pass_context
def inbox(ctx: click.Context, /, organisation: str | None, limit: int, as_json: bool, **given: Any) -> None:
    """Show what awaits an organisation, the most urgent first; adopt, decline or postpone it."""
    if ctx.invoked_subcommand is not None:
        return
    if organisation is None:
        raise click.UsageError("--organisation says whose inbox")
    settings: Settings = ctx.obj
    with reading(store.open_store(settings.database_url, "reader")) as connection:
        ledger = Book().open(connection)
        as_of, known_at = queries.read_clocks(ledger, given["as_of"] or settings.today(), given["known_at"])
        if organisation not in ledger.tree(known_at).nodes:
            raise Refusal(404, f"организация «{organisation[:64]}» не зарегистрирована")
        rules = (given["rule"],) if given["rule"] else RULES
        found = [
            each
            for each in proposals.found(ledger, organisation, as_of, known_at, rules)
            if not given["own"] or each.organisation == organisation
        ]
        items = proposals.views(ledger, found if as_json else found[:limit], known_at)
    terminal.print_json({"items": items}) if as_json else _print(len(found), items)


def _print(count: int, items: list[dict[str, Any]]) -> None:
    if not count:
        terminal.out.print("ничего не ждёт решения")
        return
    for item in items:
        terminal.out.print(
            f"{item['urgency']:>2} · {item['organisation']} · с {item['since']} · {item['text']}",
            soft_wrap=True,
            markup=False,
        )
        behind = ", ".join(f"{event['event_id']} ({event['position']})" for event in item["events"]) or "—"
        draft = f" · подготовлено: {item['event']['type']}" if item["event"] else ""
        terminal.out.print(f"     {item['proposal']} · события: {behind}{draft}", soft_wrap=True, markup=False)
    if len(items) < count:
        terminal.out.print(f"… показано {len(items)} из {count} предложений: --limit")


def _acting(command: Callable[..., Any]) -> Any:
    """The options of whoever judges a proposal."""
    for option in (
        click.argument("proposal"),
        click.option("--token", envvar="VERTIKAL_TOKEN", help="Who decides; or VERTIKAL_TOKEN."),
        click.option("--organisation", metavar="CODE", help="Instead of a token, for the operator of the database."),
        click.option("--role", type=click.Choice(access.ROLES)),
        click.option("--actor", metavar="WHO", help="Under which name, as the sending system knows it."),
        as_json,
        click.pass_obj,
    ):
        command = option(command)
    return command


@inbox.command()
@click.option("--event", type=click.File("rb"), help="JSON {type, subject?, data} in the place of what is drafted.")
@_acting
def adopt(settings: Settings, /, event: Any, **given: Any) -> None:
    """Adopt a proposal: that, and the drafted event, are written together."""
    own = _read_event(event.read()) if event else None
    _judge(settings, given, lambda desk, proposal: acting.adopt(desk, proposal, own), acting.ADOPTED)


@inbox.command()
@click.option("--reason", required=True, metavar="TEXT")
@_acting
def decline(settings: Settings, /, reason: str, **given: Any) -> None:
    """Decline a proposal; it comes back only when its figures change."""
    _judge(settings, given, lambda desk, proposal: acting.decline(desk, proposal, reason), acting.DECLINED)


@inbox.command()
@click.option("--reason", required=True, metavar="TEXT")
@click.option("--until", required=True, metavar="DATE", help="The day from which it is in the inbox again.")
@_acting
def postpone(settings: Settings, /, reason: str, until: str, **given: Any) -> None:
    """Put a proposal off until a day."""
    _judge(
        settings, given, lambda desk, proposal: acting.decline(desk, proposal, reason, until), acting.POSTPONED, until
    )


def _judge(settings: Settings, given: dict[str, Any], act: Act, status: str, until: str | None = None) -> None:
    if until is not None:
        acting.require_ahead(until, settings.today())
    engine, code = store.open_store(settings.database_url, "ingest"), given["proposal"]
    party = find_party(engine, given["token"], given["organisation"], given["role"])
    intake = Intake(engine, now, settings.timezone, keys.master_if_any(settings))
    local = now().astimezone(settings.timezone)
    desk = Desk(partial(_opened, engine), intake, party, local, settings.today(), given["actor"])
    answer, events = acting.judge(desk, code, act, status)
    if given["as_json"]:
        head = answer.head if answer else None
        shown = [{"id": event["id"], "type": event["type"]} for event in events]
        terminal.print_json({"proposal": code, "status": status, "events": shown, "head": head})
        return
    written = ", ".join(event["type"] for event in events) or "ничего нового"
    terminal.out.print(f"{STATUSES[status]}: {code}: {written}", soft_wrap=True, markup=False)


@contextmanager
def _opened(engine: Engine) -> Iterator[Opened]:
    with reading(engine) as connection:
        yield Book().open(connection)


def _read_event(text: bytes) -> dict[str, Any]:
    """Raises ``Refusal``."""
    try:
        event = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Refusal(400, f"--event не является JSON: строка {error.lineno}, столбец {error.colno}") from error
    if not isinstance(event, dict) or not isinstance(event.get("type"), str) or not isinstance(event.get("data"), dict):
        raise Refusal(400, "--event: ожидается {type, subject?, data}")
    return event
