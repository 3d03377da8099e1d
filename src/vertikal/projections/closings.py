"""Closed epochs: what a range of positions brought, summed once, so that an early ``known_at`` costs a bounded sum.

The postings of 2,048 positions make an epoch of level 0; sixteen epochs make one of the next level. What was known at a
position is a few runs of closed epochs, the largest first, and the postings behind the last of them. Epochs are made
of postings that never change, so they may be made at any time after their last position, by anybody, in any order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, literal, select, union_all, update

from ..events.database import inserting
from .tables import Volume, accounts, holders, volumes

EPOCH = 2_048  # positions of an epoch of level 0
MERGED = 16  # epochs of a level in one of the next

Run = tuple[int, int, int]  # level, first epoch, the epoch behind the last
Epoch = tuple[int, int]  # level, number


def runs(closed: int) -> tuple[list[Run], int]:
    """The runs of closed epochs that cover positions 1 … n, as far as whole epochs do, and that n.

    >>> runs(2 * 16 * 2048 + 3 * 2048 + 5)
    ([(0, 32, 35), (1, 0, 2)], 71680)
    """
    count = closed // EPOCH
    found, level, behind = [], 0, count
    while behind:
        first = behind // MERGED * MERGED
        if first != behind:
            found.append((level, first, behind))
        level, behind = level + 1, behind // MERGED
    return found, count * EPOCH


def of_run(volume: Volume, run: Run) -> tuple[ColumnElement[bool], ...]:
    """Which rows of the closings are those of a run."""
    level, first, behind = run
    return volume.closings.c.level == level, volume.closings.c.epoch.between(first, behind - 1)


def due(connection: Connection, volume: Volume) -> int:
    """How many epochs the volume holds whole that are not closed yet."""
    open_ = select(volumes.c.position - volumes.c.closed).where(volumes.c.name == volume.name)
    return int(connection.execute(open_).scalar_one()) // EPOCH


def close(connection: Connection, volume: Volume) -> None:
    """Close the next epoch, if there is one, and those that it completes. The caller commits.

    Two who close the same write the same rows. The volume's own row is locked last: its cursor may move meanwhile.
    """
    this = volumes.c.name == volume.name
    closed, position = connection.execute(select(volumes.c.closed, volumes.c.position).where(this)).one()
    if position - closed >= EPOCH:
        for level, number in completed(closed // EPOCH):
            make(connection, volume, level, number)
        ours = update(volumes).where(this, volumes.c.closed == closed)
        connection.execute(ours.values(closed=closed + EPOCH))


def make(connection: Connection, volume: Volume, level: int, first: int, count: int = 1) -> None:
    """Write epochs of a level whose postings, or the epochs that they merge, are all there."""
    columns = [column.name for column in volume.closings.columns]
    rows = inserting(connection, volume.closings).from_select(columns, summed(volume, level, first, count))
    connection.execute(rows.on_conflict_do_nothing())


def levels(position: int) -> list[list[Epoch]]:
    """All the epochs of a volume that ends at ``position``, level by level: each needs only those before it.

    >>> [len(level) for level in levels(2_048 * 300 + 1)]
    [300, 18, 1]
    """
    found: list[list[Epoch]] = []
    count = position // EPOCH
    while count:
        found.append([(len(found), number) for number in range(count)])
        count //= MERGED
    return found


def completed(number: int) -> Iterator[Epoch]:
    """(level, number) of the epoch of level 0 and of all that it completes.

    >>> list(completed(255))
    [(0, 255), (1, 15), (2, 0)]
    """
    level = 0
    yield level, number
    while number % MERGED == MERGED - 1:
        level, number = level + 1, number // MERGED
        yield level, number


def summed(volume: Volume, level: int, first: int, count: int) -> Select[Any]:
    """The rows of epochs: of the postings of their positions, or of the epochs that they merge."""
    behind = first + count
    if level == 0:
        postings = volume.postings
        within = postings.c.position.between(first * EPOCH + 1, behind * EPOCH)
        place, account, source = rolled_up(volume)
        rows, date, amount = source.where(within), postings.c.date, postings.c.amount
        epoch = (postings.c.position - 1) // EPOCH
    else:
        table, below = volume.closings, level - 1
        place, account, date, amount = table.c.place, table.c.account, table.c.date, table.c.amount
        merged = table.c.epoch.between(first * MERGED, behind * MERGED - 1)
        rows = select().select_from(table).where(table.c.level == below, merged)
        epoch = table.c.epoch // MERGED
    total = func.sum(amount)
    columns = (place, account, literal(level).label("level"), epoch.label("epoch"), date, total)
    return rows.add_columns(*columns).group_by(place, account, epoch, date).having(total != 0)


def rolled_up(volume: Volume) -> tuple[ColumnElement[int], ColumnElement[int], Select[Any]]:
    """Postings at every holder and in every summary: the columns of place and account, and the rows to select from."""
    sums = union_all(
        select(accounts.c.id.label("account"), accounts.c.id.label("into")).where(accounts.c.summary == 0),
        select(accounts.c.id, accounts.c.summed_in).where(accounts.c.summed_in.is_not(None)),
    ).subquery("sums")
    postings = volume.postings
    joined = postings.join(holders, holders.c.place == postings.c.place).join(
        sums, sums.c.account == postings.c.account
    )
    return holders.c.holder, sums.c.into, select().select_from(joined)
