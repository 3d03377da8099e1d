"""Notices of changes in an inbox: who gets them, sending them, and the log of what was sent."""

from __future__ import annotations

import sys

import click

from ...events.database import reading, writing
from ...projections.book import Book
from .. import inbox, keys, serving, store, terminal
from ..notices import deliveries, mail, subscriptions
from ..notices.running import Notices
from ..refusals import Refusal
from ..settings import Settings, now
from ..terminal import OK, PARTLY, REFUSED, as_json, out


@click.group()
def notices() -> None:
    """Tell systems (signed webhooks) and people (e-mail) what changed in an inbox."""


@notices.command()
@click.option("--organisation", required=True, metavar="CODE", help="Whose inbox, with those below it.")
@click.option("--webhook", metavar="URL", help="Where to post; https, but for loopback.")
@click.option("--email", metavar="ADDRESS", help="Whom to write to, once a day at most.")
@as_json
@click.pass_obj
def subscribe(settings: Settings, organisation: str, webhook: str | None, email: str | None, as_json: bool) -> None:
    """Have changes of an inbox told; the secret of a webhook is shown this once."""
    if (webhook is None) == (email is None):
        raise click.UsageError("give --webhook or --email")
    master = keys.master(settings) if webhook else None
    engine, secret = store.open_store(settings.database_url), None
    with reading(engine) as connection:
        ledger = Book().open(connection)
        if organisation not in ledger.tree(ledger.position).nodes:
            raise Refusal(404, f"организация «{organisation[:64]}» не зарегистрирована")
    with writing(engine) as connection:
        try:
            if webhook and master:
                made = subscriptions.subscribe_webhook(connection, organisation, webhook, master, now())
                number, secret = made
            else:
                number = subscriptions.subscribe_email(connection, organisation, str(email), now())
        except ValueError as error:
            raise Refusal(400, str(error)) from error
    if as_json:
        terminal.print_json({"subscription": number, **({"secret": secret} if secret else {})})
        return
    out.print(f"subscription {number}")
    if secret:
        click.echo(secret)


@notices.command("list")
@as_json
@click.pass_obj
def list_subscriptions(settings: Settings, as_json: bool) -> None:
    """Show who is told of what."""
    with reading(store.open_store(settings.database_url, "ingest")) as connection:
        found = subscriptions.listed(connection)
    if as_json:
        terminal.print_json({"items": found})
        return
    for each in found:
        until = f", cancelled {each['cancelled_at']}" if each["cancelled_at"] else ""
        told = f"{each['id']}: {each['organisation']}, {each['channel']} {each['address']}"
        out.print(f"{told}, since {each['created_at']}{until}", soft_wrap=True, markup=False)


@notices.command()
@click.argument("number", type=int)
@as_json
@click.pass_obj
def cancel(settings: Settings, number: int, as_json: bool) -> None:
    """Cancel the subscription with this number (see `notices list`)."""
    with writing(store.open_store(settings.database_url)) as connection:
        cancelled = subscriptions.cancel(connection, number, now())
    if not cancelled:
        terminal.fail(REFUSED, f"no subscription {number} is in force")
    terminal.print_json({"cancelled": number}) if as_json else out.print(f"subscription {number} cancelled")


@notices.command()
@click.option("--once/--follow", "once", default=True, help="Look and send once (default), or until stopped.")
@click.option("--now", "digests_now", is_flag=True, help="With --once: write e-mails even if one was written today.")
@as_json
@click.pass_obj
def run(settings: Settings, once: bool, digests_now: bool, as_json: bool) -> None:
    """Look what changed, write it down, send what is due."""
    engine = store.open_store(settings.database_url, "ingest")
    master, server = keys.master_if_any(settings), mail.read(settings)
    work = Notices(engine, inbox.awaiting, now, settings.timezone, master, server)
    if not once:
        work.follow(serving.stop_on_signals())
        return
    counts = work.step(digests_now=digests_now)
    told = ", ".join(f"{name} {count}" for name, count in counts.items())
    terminal.print_json(counts) if as_json else out.print(told.replace("_", " "))
    sys.exit(PARTLY if counts["failed"] or counts["given_up"] else OK)


@notices.command()
@click.option("--limit", type=click.IntRange(1, 1_000), default=50, show_default=True, help="How many, newest first.")
@as_json
@click.pass_obj
def log(settings: Settings, limit: int, as_json: bool) -> None:
    """Show what was sent, to whom, and what came of it."""
    with reading(store.open_store(settings.database_url, "ingest")) as connection:
        found = deliveries.log(connection, limit)
    if as_json:
        terminal.print_json({"items": found})
        return
    for each in found:
        told = f"{each['made_at']} {each['id']}: {each['state'].replace('_', ' ')}"
        whose = f"subscription {each['subscription']} ({each['channel']})"
        counts = f"appeared {len(each['appeared'])}, ended {len(each['ended'])}, attempts {each['attempts']}"
        out.print(f"{told}, {whose}, {counts}", soft_wrap=True, markup=False)
        if each["last_error"]:
            out.print(f"    {each['last_error']}", soft_wrap=True, markup=False)
