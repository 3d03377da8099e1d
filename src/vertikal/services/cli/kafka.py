"""Kafka: take events from it, publish the log to it, see and settle what was refused.

Its client takes a third of a second to load: those who need it import it themselves, so that no other command waits.
"""

from __future__ import annotations

import sys
from typing import Any

import click
from rich.markup import escape

from ...events import log
from ...events.database import reading, writing
from ...projections.book import held
from .. import access, keys, serving, store, terminal
from ..access import Party
from ..intake import ACCEPTED, CONFLICT, DUPLICATE, REJECTED, Intake
from ..refusals import Refusal
from ..settings import BadSetting, Kafka, Settings, now
from ..stream import offsets, refused, signing, watching
from ..stream.topics import INBOX
from ..terminal import OK, PARTLY, REFUSED, as_json, out


@click.group()
def kafka() -> None:
    """Take events from Kafka, publish the log to it; VERTIKAL_KAFKA says where it is."""


@kafka.command("init")
@click.option("--partitions", type=click.IntRange(1, 1_000), default=6, show_default=True)
@click.option("--replicas", type=click.IntRange(1, 10), default=1, show_default=True)
@as_json
@click.pass_obj
def kafka_init(settings: Settings, partitions: int, replicas: int, as_json: bool) -> None:
    """Make the topics vertikal.inbox, vertikal.refused and vertikal.log; what is there stays."""
    from ..stream import broker  # noqa: PLC0415

    made = broker.make_topics(_kafka(settings), partitions, replicas)
    terminal.print_json({"made": made}) if as_json else out.print(
        f"made: {', '.join(made) or 'nothing, all are there'}"
    )


@kafka.command("key")
@click.argument("number", type=int)
@as_json
@click.pass_obj
def kafka_key(settings: Settings, number: int, as_json: bool) -> None:
    """Print the key with which the holder of token NUMBER (see `token list`) signs messages, in hexadecimal."""
    with reading(store.open_store(settings.database_url, "ingest")) as connection:
        found = signing.key_of(connection, keys.master(settings), number)
    if found is None:
        terminal.fail(REFUSED, f"no token {number} is in force")
    terminal.print_json({"number": number, "key": found.hex()}) if as_json else click.echo(found.hex())


@kafka.command("intake")
@click.pass_obj
def kafka_intake(settings: Settings) -> None:
    """Take events from vertikal.inbox until SIGTERM or Ctrl-C; several may run, each takes its partitions."""
    from ..stream.intake import Taker  # noqa: PLC0415

    stop = serving.stop_on_signals()
    engine = store.open_store(settings.database_url, "ingest")
    store.require_sound(engine)
    intake = Intake(engine, now, settings.timezone)
    Taker(engine, intake, keys.master(settings), now, _kafka(settings)).follow(stop)


@kafka.command("relay")
@click.pass_obj
def kafka_relay(settings: Settings) -> None:
    """Publish the log to vertikal.log until SIGTERM or Ctrl-C; of several, one is at work and the others wait."""
    from ..stream.relay import Relay  # noqa: PLC0415

    stop = serving.stop_on_signals()
    engine = store.open_store(settings.database_url, "projector")
    Relay(engine, now, _kafka(settings)).follow(stop)


def project_from_kafka(settings: Settings, *, once: bool) -> int:
    """Share in projecting what the relay publishes; ``once``: until the figures hold what the log holds now.

    How many events were applied meanwhile, by all who share.
    """
    from ..stream.projecting import Projecting  # noqa: PLC0415

    stop = serving.stop_on_signals()
    engine = store.open_store(settings.database_url, "projector")
    store.require_sound(engine)
    with reading(engine) as connection:
        head, before = log.read_head(connection).position, held(connection)
    Projecting(engine, _kafka(settings)).follow(stop, head if once else None)
    with reading(engine) as connection:
        return held(connection) - before


@kafka.command("status")
@as_json
@click.pass_obj
def kafka_status(settings: Settings, as_json: bool) -> None:
    """Show how far intake, relay and projectors are; ends with 1 while a partition is stopped."""
    from ..stream import broker  # noqa: PLC0415

    there = broker.ranges(_kafka(settings), INBOX)
    with reading(store.open_store(settings.database_url, "ingest")) as connection:
        found = watching.status(connection, there)
    stopped = [each for each in found["inbox"] if each["stopped"]]
    if as_json:
        terminal.print_json(found)
        sys.exit(REFUSED if stopped else OK)
    columns = ("partition", "next", "end", "lag", *watching.COUNTS, "holder")
    terminal.print_table(columns, [[str(each[name] or 0) for name in columns[:-1]] + [each["holder"] or "nobody"]
                                   for each in found["inbox"]])  # fmt: skip
    relayed = found["relay"]
    out.print(
        f"relayed to position {relayed['position']} of {relayed['head']}; refused messages: {found['refused_open']}"
    )
    if found["log"]:
        behind = ", ".join(f"{each['partition']} at {each['reached']}" for each in found["log"] if each["lag"])
        out.print(f"read for projecting: {len(found['log'])} partitions; behind: {behind or 'none'}", soft_wrap=True)
    for each in stopped:
        out.print(f"[red]stopped[/] partition {each['partition']}: {escape(each['stopped'])}", soft_wrap=True)
    sys.exit(REFUSED if stopped else OK)


@kafka.command("refused")
@click.option("--resubmit", type=int, multiple=True, metavar="NUMBER", help="Submit this one again; may be repeated.")
@click.option("--all", "everything", is_flag=True, help="Submit all again, in the order in which they came.")
@click.option("--settled", is_flag=True, help="List those that were taken since, too.")
@click.option("--organisation", metavar="CODE", help="Submit as this organisation instead of the sender.")
@click.option("--role", type=click.Choice(access.ROLES))
@click.option("--limit", type=click.IntRange(1, 1_000), default=50, show_default=True, help="Of those listed.")
@as_json
@click.pass_obj
def kafka_refused(
    settings: Settings,
    resubmit: tuple[int, ...],
    everything: bool,
    settled: bool,
    organisation: str | None,
    role: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List refused messages with their reasons, or submit them again."""
    if bool(organisation) != bool(role):
        raise click.UsageError("--organisation and --role go together")
    engine = store.open_store(settings.database_url, "ingest")
    with reading(engine) as connection:
        numbers = refused.numbers_open(connection) if everything else list(resubmit)
        items = refused.listed(connection, limit, settled=settled)
    if not everything and not resubmit:
        terminal.print_json({"items": items}) if as_json else _list(items)
        return
    party = Party(organisation, role) if organisation and role else None
    intake = Intake(engine, now, settings.timezone, keys.master_if_any(settings))
    results = [_again(intake, engine, number, party) for number in numbers]
    sys.exit(_report(results, as_json))


@kafka.command("resume")
@click.argument("partition", type=int)
@as_json
@click.pass_obj
def kafka_resume(settings: Settings, partition: int, as_json: bool) -> None:
    """Have a stopped partition of vertikal.inbox read again from its first message; what is gone is conceded."""
    from ..stream import broker  # noqa: PLC0415

    there = broker.ranges(_kafka(settings), INBOX).get(partition)
    if there is None:
        raise Refusal(404, f"раздела {partition} в {INBOX} нет")
    with writing(store.open_store(settings.database_url, "ingest")) as connection:
        resumed = offsets.resume(connection, INBOX, partition, there)
    text = f"partition {partition} is read again from offset {resumed['from']}; {resumed['lost']} offsets went unread"
    terminal.print_json(resumed) if as_json else out.print(text)


def _kafka(settings: Settings) -> Kafka:
    if settings.kafka is None:
        raise BadSetting("VERTIKAL_KAFKA is not set: host:port[,host:port…]")
    return settings.kafka


def _again(intake: Intake, engine: Any, number: int, party: Party | None) -> dict[str, Any]:
    outcome = refused.resubmit(intake, engine, number, party, now)
    said = {"number": number, "id": outcome.id, "status": outcome.status}
    return {**said, "position": outcome.position, "errors": outcome.errors}


def _report(results: list[dict[str, Any]], as_json: bool) -> int:
    counts = {status: sum(each["status"] == status for each in results) for status in
              (ACCEPTED, DUPLICATE, REJECTED, CONFLICT)}  # fmt: skip
    if as_json:
        terminal.print_json({**counts, "results": results})
    else:
        for each in results:
            errors = "; ".join(f"{path}: {', '.join(reasons)}" for path, reasons in each["errors"].items())
            out.print(f"{each['number']}: {each['status']} {errors}", soft_wrap=True, markup=False)
    bad = counts[REJECTED] + counts[CONFLICT]
    return OK if not bad else REFUSED if bad == len(results) else PARTLY


def _list(items: list[dict[str, Any]]) -> None:
    rows = [
        [
            str(each["id"]),
            f"{each['partition']}/{each['offset']}",
            each["organisation"] or "—",
            each["event"] or "—",
            "; ".join(f"{path}: {', '.join(reasons)}" for path, reasons in each["reasons"].items()),
        ]
        for each in items
    ]
    terminal.print_table(("number", "message", "sender", "event", "reasons"), rows)
