"""Commands of whoever runs Vertikal: make, serve, project, push, check."""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from typing import Any

import click
from sqlalchemy import Engine

from ...events.database import reading
from ...projections import blocked as blocked_events
from ...projections.book import live
from ...sample import SIZES
from .. import access, demo, doctor, keys, projector, proving, pushing, serving, store, terminal
from ..intake import Answer, Intake
from ..refusals import Refusal
from ..settings import Settings, now
from ..terminal import OK, PARTLY, REFUSED, as_json, err, out
from .kafka import project_from_kafka


@click.command()
@click.option("--new-signing-key", is_flag=True, help="Replace the key that signs checkpoints; both sign this one.")
@as_json
@click.pass_obj
def init(settings: Settings, new_signing_key: bool, as_json: bool) -> None:
    """Make the database and its keys, or bring the tables up to date; what is there stays."""
    engine, made, files = store.init(settings)
    database = engine.url.render_as_string()
    if new_signing_key:
        proving.rotate(engine, *keys.replace_signer(settings))
    verifier = str(keys.signer(settings).verifier)
    if as_json:
        terminal.print_json({"made": made, "database": database, "keys": list(map(str, files)), "key": verifier})
        return
    out.print(f"{'made' if made else 'already there'}: {database}", soft_wrap=True)
    for file in files:
        out.print(f"key made: {file} (keep a copy apart from the database)", soft_wrap=True)
    out.print(f"checkpoints are signed with {verifier}", soft_wrap=True)


@click.command("demo")
@click.option("--size", type=click.Choice(list(SIZES)), default="small", show_default=True)
@click.option("--fresh", is_flag=True, help="Replace an SQLite file that is already there.")
@click.option("--database", metavar="URL", help="Database to build; by default the one of the settings.")
@click.pass_obj
def demo_command(settings: Settings, size: str, fresh: bool, database: str | None) -> None:
    """Build the sample region, ask it three questions, print tokens to try."""
    settings = replace(settings, database_url=database) if database else settings
    engine = demo.open_empty(settings, fresh=fresh)
    with terminal.progress("events into the log", SIZES[size]) as advance:
        demo.fill(engine, settings, size, advance)
    with terminal.progress("events into figures", projector.behind(engine)) as advance:
        projector.catch_up(engine, progress=advance)
    demo.show(out, engine, settings)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True)
@click.option("--with-projector/--without-projector", default=None, help="Default: with on SQLite, without elsewhere.")
@click.option("--quiet", is_flag=True, help="Do not say where it serves.")
@click.pass_obj
def serve(settings: Settings, host: str, port: int, with_projector: bool | None, quiet: bool) -> None:
    """Serve the HTTP API (and, on SQLite, project in the same service)."""
    engine = store.open_store(settings.database_url, "reader")
    store.require_sound(engine)
    embedded = engine.dialect.name == "sqlite" if with_projector is None else with_projector
    engine.dispose()
    if not quiet:
        err.print(f"serving http://{host}:{port} (API: http://{host}:{port}/docs); stop with Ctrl-C", soft_wrap=True)
    serving.serve(settings, host, port, with_projector=embedded)


@click.command()
@click.option("--once", is_flag=True, help="Stop when the figures hold the whole log.")
@click.option(
    "--from",
    "source",
    type=click.Choice(("database", "kafka")),
    default="database",
    show_default=True,
    help="Where events come from. From Kafka, several processes share the work: start as many as are to.",
)
@click.option("--blocked", is_flag=True, help="Apply nothing; list the events that could not be applied, and why.")
@click.option("--limit", type=click.IntRange(0, 1_000), default=50, show_default=True, help="Of those listed.")
@click.option("--parent", type=int, hidden=True, help="Stop when this process, which started this one, ends.")
@as_json
@click.pass_obj
def project(
    settings: Settings, once: bool, source: str, blocked: bool, limit: int, parent: int | None, as_json: bool
) -> None:
    """Keep the figures up to the log."""
    if blocked:
        _list_blocked(settings, limit, as_json)
        return
    if not once and source == "database":
        serving.run_projector(settings.database_url, parent)
        return
    count = project_from_kafka(settings, once=once) if source == "kafka" else _catch_up(settings)
    terminal.print_json({"applied": count}) if as_json else out.print(f"{count} events applied")


def _catch_up(settings: Settings) -> int:
    engine = store.open_store(settings.database_url, "projector")
    with terminal.progress("events into figures", projector.behind(engine)) as advance:
        return projector.catch_up(engine, progress=advance)


def _list_blocked(settings: Settings, limit: int, as_json: bool) -> None:
    with reading(store.open_store(settings.database_url, "reader")) as connection:
        volume = live(connection)
        count, items = blocked_events.count(connection, volume), blocked_events.first(connection, volume, limit)
    if as_json:
        terminal.print_json({"blocked": count, "items": [asdict(each) for each in items]})
    else:
        terminal.print_blocked(count, items)
    sys.exit(REFUSED if count else OK)


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--token", envvar="VERTIKAL_TOKEN", help="Whose events these are; or VERTIKAL_TOKEN.")
@click.option("--organisation", metavar="CODE", help="Instead of a token, for the operator of the database.")
@click.option("--role", type=click.Choice(access.ROLES))
@click.option("--atomic", is_flag=True, help="Take a batch of 1,000 as a whole or not at all.")
@click.option("--dry-run", is_flag=True, help="Say what would happen, take nothing.")
@as_json
@click.pass_obj
def push(
    settings: Settings,
    file: Any,
    token: str | None,
    organisation: str | None,
    role: str | None,
    atomic: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Push events from FILE (JSON, a JSON list or one event per line; - for standard input)."""
    engine = store.open_store(settings.database_url, "ingest")
    party = find_party(engine, token, organisation, role)
    intake = Intake(engine, now, settings.timezone, keys.master_if_any(settings))
    answers: list[Answer] = []
    unreadable: Refusal | None = None
    with terminal.progress("events", None) as advance:
        try:
            for batch in pushing.batches(pushing.read_events(file)):
                answers.append(intake.submit(party, batch, atomic=atomic, dry_run=dry_run))
                advance(len(batch))
        except Refusal as refusal:
            if not answers:
                raise
            unreadable = refusal
    code = terminal.report_push(answers, as_json)
    if unreadable is not None:
        err.print(f"[red]error:[/] {unreadable.detail}; события до этой строки обработаны", soft_wrap=True)
        code = PARTLY
    sys.exit(code)


@click.command("doctor")
@as_json
@click.pass_obj
def doctor_command(settings: Settings, as_json: bool) -> None:
    """Check settings, database, log and figures, and say what to do."""
    findings = doctor.examine(settings)
    if as_json:
        terminal.print_json([{"check": each.check, "ok": each.ok, "found": each.found} for each in findings])
    else:
        for each in findings:
            out.print(f"{'[green]ok  [/]' if each.ok else '[red]bad [/]'} {each.check}: {each.found}", soft_wrap=True)
    sys.exit(OK if all(each.ok for each in findings) else REFUSED)


def find_party(
    engine: Engine, token: str | None, organisation: str | None, role: str | None, option: str = "--organisation"
) -> access.Party:
    """Who acts, by a token or by what the operator of the database says. Raises ``UsageError`` and ``Refusal``."""
    if organisation and role:
        return access.Party(organisation, role)
    if organisation or role:
        raise click.UsageError(f"{option} and --role go together")
    if not token:
        raise click.UsageError(f"give --token (or VERTIKAL_TOKEN), or {option} and --role")
    with reading(engine) as connection:
        party = access.find(connection, token)
    if party is None:
        raise Refusal(401, "токен неизвестен или отозван")
    return party
