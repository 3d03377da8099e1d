"""Access tokens."""

from __future__ import annotations

import click
from sqlalchemy import select

from ...events.database import reading, writing
from .. import access, store, terminal
from ..settings import Settings, now
from ..terminal import REFUSED, as_json, out


@click.group()
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
