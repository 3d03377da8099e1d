"""Who may say and see what: tokens bound to an organisation and a role, and the subtree rule.

A sender speaks only for its own subtree. A reader sees its own subtree and the aggregates of its parent. An institute
and a centre act in their parent's subtree.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from sqlalchemy import Column, Connection, Integer, MetaData, Table, Text, insert, select, update

from ..events.log import timestamp
from ..projections.organisations import Tree

ROLES = ("school", "municipality", "region", "institute", "auditor", "admin")

metadata = MetaData()

tokens = Table(
    "tokens",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("hash", Text, nullable=False, unique=True, comment="SHA-256 of the token; the token itself is not kept"),
    Column("organisation", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    Column("revoked_at", Text),
)

journal = Table(
    "access_journal",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Text, nullable=False),
    Column("organisation", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("what", Text, nullable=False),
)


class Sight(Enum):
    """What is seen of an organisation: everything, its totals with small cells hidden (of one's parent), or nothing."""

    ALL = "all"
    TOTALS = "totals"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Party:
    """Whoever holds a token: an organisation in a role."""

    organisation: str
    role: str

    @property
    def may_send(self) -> bool:
        """Whether a token of this role sends events at all."""
        return self.role in ROLES and self.role != "auditor"

    def scope(self, tree: Tree, on: str) -> str:
        """The root of the subtree that this party speaks for and sees."""
        node = tree.nodes.get(self.organisation)
        if node is not None and node.kind in ("institute", "centre"):
            return node.parent(on) or self.organisation
        return self.organisation

    def covers(self, tree: Tree, code: str, *dates: str) -> bool:
        """Whether ``code`` lies in this party's subtree on one of the dates."""
        return any(tree.within(code, self.scope(tree, on), on) for on in dates)

    def sight(self, tree: Tree, code: str, on: str) -> Sight:
        """How much of an organisation this party sees."""
        if self.covers(tree, code, on):
            return Sight.ALL
        root = tree.nodes.get(self.scope(tree, on))
        return Sight.TOTALS if root is not None and code == root.parent(on) else Sight.NOTHING


def create(connection: Connection, party: Party, now: datetime) -> str:
    """A new token; it is shown this once."""
    token = "vk_" + secrets.token_urlsafe(24)
    values = {"organisation": party.organisation, "role": party.role, "created_at": timestamp(now)}
    connection.execute(insert(tokens).values(hash=_hash(token), **values))
    return token


def find(connection: Connection, token: str) -> Party | None:
    """Whose token it is; None for an unknown or revoked one."""
    statement = select(tokens.c.organisation, tokens.c.role).where(
        tokens.c.hash == _hash(token), tokens.c.revoked_at.is_(None)
    )
    row = connection.execute(statement).first()
    return Party(*row) if row else None


def revoke(connection: Connection, id_: int, now: datetime) -> bool:
    """Whether there was such a token in force."""
    statement = update(tokens).where(tokens.c.id == id_, tokens.c.revoked_at.is_(None))
    return connection.execute(statement.values(revoked_at=timestamp(now))).rowcount == 1


def record_read(connection: Connection, party: Party, what: str, now: datetime) -> None:
    """Note a read of the whole log (or of personal data) beside the log."""
    values = {"organisation": party.organisation, "role": party.role, "what": what}
    connection.execute(insert(journal).values(at=timestamp(now), **values))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
