"""Commands about personal data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .. import access, forgetting, keys, store, terminal
from ..forgetting import Destruction
from ..intake import Intake
from ..settings import Settings, now
from ..terminal import REFUSED, as_json, out
from .operating import find_party

Folder = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.argument("person")
@click.option("--act", required=True, metavar="NUMBER", help="Number of the act of destruction.")
@click.option("--reason", default=forgetting.REASON_IN_ACT, metavar="TEXT", help="Goes into the log: it names nobody.")
@click.option("--token", envvar="VERTIKAL_TOKEN", help="Who destroys, a region or an admin; or VERTIKAL_TOKEN.")
@click.option("--organisation", metavar="CODE", help="Instead of a token, for the operator of the database.")
@click.option("--role", type=click.Choice(access.ROLES))
@click.option("--output", type=Folder, default=".", metavar="FOLDER", help="Where the two documents go; default here.")
@as_json
@click.pass_obj
def forget(
    settings: Settings, /, person: str, act: str, reason: str, output: Path, as_json: bool, **whose: Any
) -> None:
    """Destroy the personal data of PERSON (a pseudonym) for good; write the act and the extract of the log."""
    engine, signer = store.open_store(settings.database_url, "ingest"), keys.signer(settings)
    party, intake = find_party(engine, **whose), Intake(engine, now, settings.timezone)
    logged = forgetting.forget(engine, intake, party, person, act, reason, now().astimezone(settings.timezone))
    told = forgetting.tell(engine, signer, person, act, settings.timezone)
    try:
        from .. import destruction  # noqa: PLC0415  # its library is slow to import, and no other command needs it

        files = destruction.write(told, output)
    except OSError as error:
        terminal.fail(REFUSED, f"данные уничтожены, документы не записаны ({error.strerror}): повторите команду")
    _show(told, files, logged, as_json)


def _show(told: Destruction, files: list[Path], logged: bool, as_json: bool) -> None:
    position, checkpoint = told.forgotten.position, told.checkpoint
    if as_json:
        root, events = terminal.base64_of(checkpoint.root), [each.position for each in told.told]
        found = {"person": told.person, "act": told.act, "logged": logged, "position": position, "events": events}
        terminal.print_json({**found, "size": checkpoint.size, "root": root, "files": list(map(str, files))})
        return
    done = "уничтожены" if logged else "уже были уничтожены, в журнал ничего не записано"
    out.print(f"персональные данные лица «{told.person}» {done}: позиция {position}", soft_wrap=True, markup=False)
    for file in files:
        out.print(f"документ: {file}", soft_wrap=True, markup=False)
