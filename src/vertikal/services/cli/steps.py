"""The steps of a management cycle on the terminal: a table of commands, each of which writes one event."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import click
import orjson

from ...contracts.words import phrase
from ...read_models import periods
from .. import access, commands, store, telling, terminal
from ..commands import Command, Done
from ..intake import Intake
from ..refusals import Refusal
from ..settings import Settings, now
from ..terminal import as_json
from .operating import find_party

Data = dict[str, Any]
File = click.File("rb")
TRIED = "проверено, ничего не записано"
SAID = {"accepted": "записано", "duplicate": "уже было записано"}


class Read(click.ParamType[Any]):
    """An option that is read into what the event holds; ``metavar`` says what is expected."""

    def __init__(self, metavar: str, read: Callable[[str], Any]) -> None:
        self.name = metavar
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return self._read(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _period(text: str) -> Data:
    period = periods.parse(text)
    return {"start": period.start, "end": period.end}


def _target(text: str) -> Data:
    found = re.fullmatch(r"(>=|<=|=)\s*(\S+)", text.strip())
    if found is None:
        raise ValueError(f"{text!r}: expected a comparator and a value, e.g. '>=0.5'")
    return {"comparator": found[1], "value": _quantity(found[2])}


def _quantity(text: str) -> int | str:
    """A whole number as one; all else is for the contract to judge."""
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else text


def _activity(text: str) -> Data:
    roadmap, _, activity = text.partition("/")
    if not roadmap or not activity:
        raise ValueError(f"{text!r}: expected ROADMAP/ACTIVITY")
    return {"roadmap": roadmap, "activity": activity}


def _figures(path: str) -> Any:
    try:
        return orjson.loads(Path(path).read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise ValueError(f"{path}: {error}") from error


@dataclass(frozen=True)
class Option:
    """``--name`` of a command and the field of the data that it fills; a dot leads into an object."""

    name: str
    help: str
    field: str = ""
    type: click.ParamType[Any] | str | None = None
    required: bool = True
    many: bool = False

    @property
    def parameter(self) -> click.Option:
        kind = Read(self.type, str) if isinstance(self.type, str) else self.type
        more: Data = {"type": kind, "required": self.required, "multiple": self.many, "help": self.help}
        if isinstance(kind, Read):
            more["metavar"] = kind.name
        return click.Option([f"--{self.name}"], **more)

    def put(self, data: Data, given: Data) -> None:
        value = given[self.name.replace("-", "_")]
        if value is None or (self.many and not value and not self.required):
            return
        *outer, last = (self.field or self.name).split(".")
        for name in outer:
            data = data.setdefault(name, {})
        if isinstance(value, dict):
            data.setdefault(last, {}).update(value)
        else:
            data[last] = list(value) if self.many else value


@dataclass(frozen=True)
class Verb:
    """A command: the step that it is, what it is about, and its options."""

    name: str
    step: str
    help: str
    options: tuple[Option, ...]
    about: str = "cycle"


PERIOD = Read("PERIOD", _period)
QUANTITY = Read("NUMBER", _quantity)
ACTIVITY = Read("ROADMAP/ACTIVITY", _activity)
ACTIVITIES = Option("activity", "An activity of a road map; may be repeated.", "activities", ACTIVITY, many=True)
OWN_CODE = "Code of the {}; by default the next number."
VERBS = (
    Verb("open", "cycles", "Open a cycle.", (
        Option("organisation", "Whose cycle; by default of who speaks.", type="CODE", required=False),
        Option("direction", "What it is about.", type="TEXT"),
        Option("period", "2020/2021, 2021, 2021-01-01..2021-05-31.", type=PERIOD),
    )),
    Verb("goal", "goals", "Set a goal.", (
        Option("text", "The goal.", type="TEXT"),
        Option("basis", "What it is based on.", type="TEXT", required=False),
        Option("goal", OWN_CODE.format("goal"), type="CODE", required=False),
    )),
    Verb("adopt", "indicators", "Adopt an indicator for a goal, with its method and target.", (
        Option("goal", "Code of the goal.", type="CODE"),
        Option("indicator", "A code of the catalogue, or one of your own.", type="CODE"),
        Option("method", "How the data is collected.", type="TEXT"),
        Option("target", "Comparator and value: '>=0.5', '<=0.2', '=1'.", type=Read("TARGET", _target), required=False),
        Option("by", "When the target is to be met: a date or a period.", "target.by", "TERM", required=False),
    )),
    Verb("monitor", "monitoring", "Record a value of an indicator.", (
        Option("indicator", "Its code.", type="CODE"),
        Option("organisation", "Whose value; by default of who speaks.", type="CODE", required=False),
        Option("on", "The day on which it was true.", type="DATE"),
        Option("numerator", "Of the value.", type=QUANTITY),
        Option("denominator", "Of the value.", type=QUANTITY),
        Option("origin", "Where it comes from.", type="TEXT"),
    )),
    Verb("publish", "analyses", "Publish an analysis: JSON of its findings, or what `draft --json` printed.", ()),
    Verb("recommend", "recommendations", "Give an addressed recommendation on a finding.", (
        Option("finding", "Code of the finding.", type="CODE"),
        Option("to", "An addressee; may be repeated.", "addressees", "CODE", many=True),
        Option("text", "What is recommended.", type="TEXT"),
        Option("due", "Until when.", type="DATE", required=False),
        Option("recommendation", OWN_CODE.format("recommendation"), type="CODE", required=False),
    )),
    Verb("answer", "answers", "Answer a recommendation.", (
        Option("answer", "What the addressee says.", type=click.Choice(("accepted", "declined"))),
        Option("organisation", "The addressee; by default who speaks.", type="CODE", required=False),
        Option("text", "Why, or how.", type="TEXT", required=False),
    ), about="recommendation"),
    Verb("decide", "decisions", "Take a decision on recommendations, with its activities.", (
        Option("recommendation", "A recommendation; may be repeated.", "recommendations", "CODE", many=True),
        Option("act-number", "Number of the act.", "act.number", "TEXT"),
        Option("act-date", "Date of the act.", "act.date", "DATE"),
        Option("text", "What is decided.", type="TEXT"),
        ACTIVITIES,
        Option("decision", OWN_CODE.format("decision"), type="CODE", required=False),
    )),
    Verb("assess", "effectiveness", "Assess the effectiveness of activities.", (
        ACTIVITIES,
        Option("outcome", "What they brought.", type=click.Choice(("effective", "partly", "ineffective"))),
        Option("text", "The assessment.", type="TEXT"),
        Option("figures", "JSON list of the figures it rests on.", type=Read("FILE", _figures), required=False),
        Option("effectiveness", OWN_CODE.format("assessment"), type="CODE", required=False),
    )),
    Verb("close", "closing", "Close a cycle.", (
        Option("next", "The cycle that follows.", type="CODE", required=False),
    )),
)  # fmt: skip


def _command(verb: Verb) -> click.Command:
    parameters: list[click.Parameter] = [click.Argument(["code"], metavar=verb.about.upper())]
    parameters += [click.Argument(["file"], type=File)] if verb.step == "analyses" else []
    parameters += [option.parameter for option in verb.options]
    callback = click.pass_obj(partial(_run, verb=verb))
    return _speaking(click.Command(verb.name, callback=callback, params=parameters, help=verb.help))


def _speaking(command: click.Command) -> click.Command:
    """With the options of all steps: who speaks, and what they know."""
    for option in (
        click.option("--as", "speaker", metavar="ORGANISATION", help="Who speaks; for the operator of the database."),
        click.option("--role", type=click.Choice(access.ROLES), help="In which role, with --as."),
        click.option("--token", envvar="VERTIKAL_TOKEN", help="Who speaks, instead; or VERTIKAL_TOKEN."),
        click.option("--actor", metavar="TEXT", help="Which person."),
        click.option("--seen", type=click.IntRange(0), metavar="POSITION", help="Refuse if more was written since."),
        click.option("--id", "id_", metavar="TEXT", help="Id of the event: the same command again adds nothing."),
        click.option("--dry-run", is_flag=True, help="Say what would happen, take nothing."),
        as_json,
    ):
        command = option(command)
    return command


def _run(settings: Settings, /, verb: Verb, code: str, **given: Any) -> None:
    engine = store.open_store(settings.database_url, "ingest")
    party = find_party(engine, given["token"], given["speaker"], given["role"], "--as")
    data: Any = _analysis(given["file"]) if verb.step == "analyses" else {}
    for option in verb.options:
        option.put(data, given)
    about: str | None = code
    if commands.STEPS[verb.step].about is None:
        data, about = {verb.about: code, **data}, None
    command = Command(verb.step, data, about, given["seen"], given["id_"], given["actor"], dry_run=given["dry_run"])
    moment = now().astimezone(settings.timezone)
    done = commands.act(Intake(engine, now, settings.timezone), engine, party, command, moment)
    for each in done.since:
        line = f"{each['position']} · {each['type']} · {each['actor']}: {each['text']}"
        terminal.err.print(telling.shown(line), soft_wrap=True, markup=False)
    _print(done.require(), given["as_json"])


def _analysis(file: BinaryIO) -> Any:
    """The data of an analysis, also from a draft. Raises a 400."""
    try:
        content = orjson.loads(file.read())
    except orjson.JSONDecodeError as error:
        raise Refusal(400, f"файл: не JSON в UTF-8 (строка {error.lineno}, столбец {error.colno})") from error
    if isinstance(content, dict) and isinstance(content.get("analysis"), dict):
        content = content["analysis"]
    return content


def _print(done: Done, as_json: bool) -> None:
    outcome, event = done.outcome, done.event
    if as_json:
        terminal.print_json({"status": outcome.status, "position": outcome.position, "event": event})
        return
    where = (
        "проверено, ничего не записано" if outcome.position is None else f"{SAID[outcome.status]}: {outcome.position}"
    )
    line = f"{where} · {event['subject']} · {phrase(event['type'], event['data'])}"
    terminal.out.print(telling.shown(line), soft_wrap=True, markup=False)


COMMANDS = tuple(map(_command, VERBS))
