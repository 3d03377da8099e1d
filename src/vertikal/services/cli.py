"""The command line. Exit codes: 0 ok, 1 refused or differs, 2 usage, 3 verification failed, 4 partly accepted,
75 unavailable, try again."""

from __future__ import annotations

import logging
import sys
from dataclasses import replace
from typing import Any

import click
import structlog
from sqlalchemy import Engine, select
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError

from .. import __version__
from ..events.database import connect, reading, writing
from ..projections.book import Book
from ..sample import SIZES
from . import access, demo, doctor, projector, pushing, queries, serving, store, terminal
from .intake import Answer, Intake
from .refusals import Refusal
from .settings import BadSetting, Settings, now, read_settings
from .terminal import OK, PARTLY, REFUSED, UNAVAILABLE, USAGE, err, out


class Commands(click.Group):
    """Turns what can go wrong into one clear line and the right exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Refusal as refusal:
            terminal.fail(UNAVAILABLE if refusal.status == 503 else REFUSED, refusal.detail, refusal.errors)
        except BadSetting as error:
            terminal.fail(USAGE, str(error))
        except ArgumentError as error:
            terminal.fail(USAGE, f"VERTIKAL_DATABASE_URL or --database: {error}")
        except (store.NotReady, serving.PortInUse) as error:
            terminal.fail(REFUSED, str(error))
        except OperationalError as error:
            terminal.fail(UNAVAILABLE, f"the database is busy or cannot be reached: {error.orig}")
        except DatabaseError as error:
            if type(error) is not DatabaseError:  # the others are mistakes of ours
                raise
            terminal.fail(REFUSED, f"the database cannot be used: {error.orig}")


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="vertikal")
@click.option("--database", metavar="URL", help="Database to use instead of VERTIKAL_DATABASE_URL.")
@click.pass_context
def main(ctx: click.Context, database: str | None) -> None:
    """Vertikal: reports for region, municipality and school, each figure proven by its events."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    settings = read_settings()
    ctx.obj = replace(settings, database_url=database) if database else settings


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")


@main.command()
@as_json
@click.pass_obj
def init(settings: Settings, as_json: bool) -> None:
    """Make the database; does nothing to one that is there."""
    engine = connect(settings.database_url)
    made = store.create(engine)
    if as_json:
        terminal.print_json({"made": made, "database": engine.url.render_as_string()})
        return
    out.print(f"{'made' if made else 'already there'}: {engine.url.render_as_string()}", soft_wrap=True)


@main.command("demo")
@click.option("--size", type=click.Choice(list(SIZES)), default="small", show_default=True)
@click.option("--fresh", is_flag=True, help="Replace an SQLite file that is already there.")
@click.option("--database", metavar="URL", help="Database to build; by default the one of the settings.")
@click.pass_obj
def demo_command(settings: Settings, size: str, fresh: bool, database: str | None) -> None:
    """Build the sample region, ask it three questions, print tokens to try."""
    settings = replace(settings, database_url=database) if database else settings
    engine = demo.open_empty(settings.database_url, fresh=fresh)
    with terminal.progress("events into the log", SIZES[size]) as advance:
        demo.fill(engine, settings, size, advance)
    with terminal.progress("events into figures", projector.behind(engine)) as advance:
        projector.catch_up(engine, progress=advance)
    demo.show(out, engine, settings)


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True)
@click.option("--with-projector/--without-projector", default=None, help="Default: with on SQLite, without elsewhere.")
@click.option("--quiet", is_flag=True, help="Do not say where it serves.")
@click.pass_obj
def serve(settings: Settings, host: str, port: int, with_projector: bool | None, quiet: bool) -> None:
    """Serve the HTTP API (and, on SQLite, project in the same service)."""
    engine = store.open_store(settings.database_url)
    embedded = engine.dialect.name == "sqlite" if with_projector is None else with_projector
    engine.dispose()
    if not quiet:
        err.print(f"serving http://{host}:{port} (API: http://{host}:{port}/docs); stop with Ctrl-C", soft_wrap=True)
    serving.serve(settings, host, port, with_projector=embedded)


@main.command()
@click.option("--once", is_flag=True, help="Stop when the figures hold the whole log.")
@click.option("--parent", type=int, hidden=True, help="Stop when this process, which started this one, ends.")
@as_json
@click.pass_obj
def project(settings: Settings, once: bool, parent: int | None, as_json: bool) -> None:
    """Keep the figures up to the log."""
    if not once:
        serving.run_projector(settings.database_url, parent)
        return
    engine = store.open_store(settings.database_url)
    with terminal.progress("events into figures", projector.behind(engine)) as advance:
        count = projector.catch_up(engine, progress=advance)
    terminal.print_json({"applied": count}) if as_json else out.print(f"{count} events applied")


@main.command()
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
    engine = store.open_store(settings.database_url)
    party = _party(engine, token, organisation, role)
    intake = Intake(engine, now, settings.timezone)
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


@main.command()
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
    with reading(store.open_store(settings.database_url)) as connection:
        ledger = Book().open(connection)
        question = queries.ask(ledger, indicator, _parameters(given), settings.today())
        answer = queries.answer(ledger, question)
    terminal.print_json(answer) if as_json else terminal.print_figure(question.indicator.title, answer)


@main.command()
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
    with reading(store.open_store(settings.database_url)) as connection:
        ledger = Book().open(connection)
        question = queries.ask(ledger, indicator, _parameters(given), settings.today())
        answer = queries.answer(ledger, question)
        items, cursor = [], None
        while True:
            page = queries.provenance(ledger, question, cursor, 1_000)
            items += page["items"]
            cursor = page["next"]
            if cursor is None:
                break
    if as_json:
        terminal.print_json({**answer, "postings": items})
    else:
        terminal.print_figure(question.indicator.title, answer)
        terminal.print_postings(items, limit)


@main.group()
def token() -> None:
    """Create, list and revoke access tokens."""


@token.command("create")
@click.option("--organisation", required=True, metavar="CODE", help="Need not be registered yet.")
@click.option("--role", required=True, type=click.Choice(access.ROLES))
@as_json
@click.pass_obj
def token_create(settings: Settings, organisation: str, role: str, as_json: bool) -> None:
    """Make a token; it is shown this once."""
    with writing(store.open_store(settings.database_url)) as connection:
        made = access.create(connection, access.Party(organisation, role), now())
    terminal.print_json({"token": made}) if as_json else click.echo(made)


@token.command("list")
@as_json
@click.pass_obj
def token_list(settings: Settings, as_json: bool) -> None:
    """Show whose tokens there are."""
    columns = ("id", "organisation", "role", "created_at", "revoked_at")
    with reading(store.open_store(settings.database_url)) as connection:
        statement = select(*(access.tokens.c[name] for name in columns)).order_by(access.tokens.c.id)
        rows = [dict(zip(columns, row, strict=True)) for row in connection.execute(statement)]
    if as_json:
        terminal.print_json(rows)
        return
    terminal.print_table(columns, [[str(row[name] or "") for name in columns] for row in rows])


@token.command("revoke")
@click.argument("number", type=int)
@as_json
@click.pass_obj
def token_revoke(settings: Settings, number: int, as_json: bool) -> None:
    """Revoke the token with this number (see `token list`)."""
    with writing(store.open_store(settings.database_url)) as connection:
        revoked = access.revoke(connection, number, now())
    if not revoked:
        terminal.fail(REFUSED, f"no token {number} is in force")
    terminal.print_json({"revoked": number}) if as_json else out.print(f"token {number} revoked")


@main.command("doctor")
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


def _party(engine: Engine, token: str | None, organisation: str | None, role: str | None) -> access.Party:
    if organisation and role:
        return access.Party(organisation, role)
    if organisation or role:
        raise click.UsageError("--organisation and --role go together")
    if not token:
        raise click.UsageError("give --token (or VERTIKAL_TOKEN), or --organisation and --role")
    with reading(engine) as connection:
        party = access.find(connection, token)
    if party is None:
        raise Refusal(401, "токен неизвестен или отозван")
    return party


def _parameters(given: dict[str, Any]) -> dict[str, str | None]:
    only = {}
    for pair in given.pop("only"):
        name, equals, value = pair.partition("=")
        if not equals or name not in queries.FILTERS:
            expected = f"expected NAME=VALUE with one of {', '.join(queries.FILTERS)}"
            raise click.BadParameter(f"{pair!r}: {expected}", param_hint="--only")
        only[name] = value
    return {**given, **only}
