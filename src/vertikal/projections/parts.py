"""Several processes project one log: each folds its part of a window of positions, then one settles the window.

    announce    whoever has a part says up to where all its events are at hand
    open        the leader opens a window: the positions behind the volume's, up to where every part is at hand
    stage       the entities of a part are folded, and written beside the volume
    settle      the leader puts in what all parts staged, and moves the volume's cursor, in one transaction

A part may be any set of events, as long as each event is in one of them; whoever folds a part twice gets the same, and
the first counts. Where two parts have changed one entity, the leader folds it again, in the order of the log. What
depends on the order of all events (turns of the tree, read models that feed on postings) is made at settling, too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import orjson
from sqlalchemy import Connection, Table, delete, func, select, tuple_, update

from ..contracts.catalogue import CATALOGUE
from ..events import bulk, log
from ..events.database import inserting
from ..events.merkle import leaf_hash
from ..read_models import MEASURES, MODELS
from ..read_models.model import Event, Model
from .closings import rolled_up
from .engine import CursorMoved, Engine, Key
from .folding import Changes
from .ledger import Ledger
from .organisations import Tree, Trees
from .owners import Owners
from .rebuild import FED, FOLDED, TYPES_FED, heard
from .tables import Volume, parts, staged_blocked, staged_entities, staged_postings, volumes, window

WINDOW = 20_000  # positions settled at once, at most
CHUNK = 500
_CLOSED = {"volume": "", "base": 0, "until": 0}  # the row stays: whoever works on a window locks it
STAGED = (staged_entities, staged_postings, staged_blocked)
# What the leader takes itself: the events of read models that feed on postings or hear them, and what the tree is of.
_ORGANISATIONS = {type_ for type_ in CATALOGUE.newest if type_.startswith("organisation.")}
_TAKEN = sorted(TYPES_FED | _ORGANISATIONS | {"event.retracted"})
_BY_STORED_NAME = {model.stored_as: model for model in FOLDED}


@dataclass(frozen=True)
class Window:
    """Positions (base, until], to be folded into the volume that holds ``base``."""

    volume: str
    base: int
    until: int


@dataclass(frozen=True)
class Standing:
    """What is common to all: the open window, if there is one, and how far each part is staged."""

    volume: str
    position: int
    window: Window | None
    reached: Mapping[int, int]
    staged: Mapping[int, int]

    def lacks(self, part: int) -> bool:
        """Whether a part is still to be staged."""
        return self.window is not None and self.staged.get(part, 0) != self.window.until


def look(connection: Connection, *, lock: bool = False) -> Standing:
    """How it stands. A window that was opened for another state of the figures is none."""
    name, position = connection.execute(select(volumes.c.name, volumes.c.position).where(volumes.c.live == 1)).one()
    found = select(window.c.volume, window.c.base, window.c.until)
    row = connection.execute(found.with_for_update() if lock else found).first()
    opened = Window(*row) if row is not None and (row.volume, row.base) == (name, position) else None
    rows = connection.execute(select(parts.c.part, parts.c.reached, parts.c.staged)).all()
    reached = {part: at for part, at, _ in rows}
    return Standing(name, position, opened, reached, {part: at for part, _, at in rows if opened is not None})


def read(connection: Connection) -> list[tuple[int, int]]:
    """(part, up to where all its events are at hand) of every part that anybody has."""
    rows = connection.execute(select(parts.c.part, parts.c.reached).order_by(parts.c.part))
    return [(part, reached) for part, reached in rows]


def announce(connection: Connection, reached: Mapping[int, int]) -> None:
    """Say of parts up to where their events are at hand; who said more before is not contradicted."""
    for part, position in sorted(reached.items()):
        statement = inserting(connection, parts).values(part=part, reached=position, staged=0, checksum=0)
        further = statement.excluded.reached
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["part"], set_={"reached": further}, where=parts.c.reached < further
            )
        )


def open_window(connection: Connection, count: int) -> Window | None:
    """Open a window over ``count`` parts, if all of them have something at hand and none is open."""
    connection.execute(inserting(connection, window).values(one=1, **_CLOSED).on_conflict_do_nothing())
    standing = look(connection, lock=True)
    if standing.window is not None:
        return standing.window
    at_hand = min((standing.reached.get(part, 0) for part in range(count)), default=0)
    until = min(at_hand, log.read_head(connection).position)
    if until <= standing.position:
        return None
    opened = Window(standing.volume, standing.position, min(until, standing.position + WINDOW))
    _clear(connection)
    connection.execute(update(window).values(volume=opened.volume, base=opened.base, until=opened.until))
    return opened


def close_window(connection: Connection) -> None:
    """Throw away what was staged; its events are folded anew, or in another way."""
    look(connection, lock=True)
    _clear(connection)


def _clear(connection: Connection) -> None:
    connection.execute(update(window).values(**_CLOSED))
    for table in STAGED:
        connection.execute(delete(table))
    connection.execute(update(parts).values(staged=0, checksum=0))


class Stager(Engine):
    """Folds parts. It reads the volume and writes beside it; kept from window to window, it keeps numbers and trees."""

    def __init__(self) -> None:
        super().__init__(models=FOLDED, postings_only=True)

    def stage(self, connection: Connection, opened: Window, given: Mapping[int, Sequence[log.Recorded]]) -> None:
        """Stage parts: for each, its events of the window. What the log does not hold so is dropped.

        Raises ``CursorMoved`` where the window is not open any more, or one of the parts was staged meanwhile. The
        caller commits, or calls ``forget``.
        """
        self._require(connection, opened)
        hashes, events = log.hashes(connection, opened.base, opened.until), []
        for part, said in sorted(given.items()):
            true = [each for each in said if hashes.get(each.position) == leaf_hash(each.leaf)]
            checksum = sum(_checked(hashes[each.position]) for each in true)
            ours = update(parts).where(parts.c.part == part, parts.c.staged < opened.until)
            if connection.execute(ours.values(staged=opened.until, checksum=checksum)).rowcount != 1:
                raise CursorMoved
            events += true
        self._begin(connection, opened)
        if events:
            self.fold(connection, sorted(events, key=lambda each: each.position))

    def mend(self, connection: Connection, opened: Window) -> None:
        """Fold anew, in the order of the log, the entities that several parts have changed."""
        shared: defaultdict[tuple[str, str], list[list[int]]] = defaultdict(list)
        columns = (staged_entities.c.model, staged_entities.c.key)
        several = select(*columns).group_by(*columns).having(func.count() > 1).subquery()
        both = (several.c.model == columns[0], several.c.key == columns[1])
        statement = select(*columns, staged_entities.c.positions).join(several, both[0] & both[1])
        for model, key, positions in connection.execute(statement):
            shared[model, key].append(orjson.loads(positions))
        if not shared:
            return
        self._begin(connection, opened)
        histories = [_History(_BY_STORED_NAME[model], key, tuple(told)) for (model, key), told in shared.items()]
        self._take_back(connection, histories)
        _remove(connection, (staged_entities, staged_blocked), shared)
        self._entities.clear()
        for history in histories:
            self._go_through(connection, history, sorted(set(chain(*history.told))))
        self._flush(connection)

    def _take_back(self, connection: Connection, histories: Iterable[_History]) -> None:
        """Post what the parts have posted of these entities once more, the other way round."""
        self._sign = -1
        for history in histories:
            for positions in history.told:
                self._entities.pop((history.model.name, history.key), None)
                self._go_through(connection, history, positions)
        self._sign = 1
        self._forget_changes()

    def _go_through(self, connection: Connection, history: _History, positions: Iterable[int]) -> None:
        """What ``fold`` does at these positions to this one entity."""
        model, key = history.model, history.key
        said = log.read_at(connection, positions)
        for position, event in self._facts(connection, [said[at] for at in sorted(said)]):
            if event["type"] == "event.retracted":
                self._refold(connection, model, key, position, self._concerned(connection, event))
            else:
                self._fold(connection, model, key, position, event)

    def _begin(self, connection: Connection, opened: Window) -> None:
        if self._position is None:
            self.begin(connection, opened.base)
            self._position = -1
        self._volume = self._open(connection)
        self._entities, self._owners, self._sign = {}, Owners(), 1
        self._forget_changes()
        if log.read_head(connection).organisations > self._position:
            self._trees = Trees(connection, opened.base, opened.until)
            self._ledger.forget_trees()
        self._position = opened.until

    def _forget_changes(self) -> None:
        self._changed.clear()
        self._blocked.clear()
        self._released: set[Key] = set()

    def _new_ledger(self, connection: Connection, tree: Tree) -> Ledger:
        beside = replace(self._volume, postings=staged_postings)
        return Ledger(connection, beside, MEASURES, tree, postings_only=True)

    def _require(self, connection: Connection, opened: Window) -> None:
        """Hold the window open until the transaction ends. Raises ``CursorMoved``."""
        this = (window.c.volume == opened.volume, window.c.base == opened.base, window.c.until == opened.until)
        held = connection.execute(select(window.c.one).where(*this).with_for_update(read=True)).first()
        if held is None or look(connection).window != opened:
            raise CursorMoved

    def _turn(self, connection: Connection, position: int, event: Event, tree: Tree) -> None:
        """What stands moves when the window is settled."""

    def _post(self, connection: Connection, position: int, changes: Changes) -> None:
        self._ledger.stand_in(self._trees.at(position))
        super()._post(connection, position, [(cell, self._sign * amount) for cell, amount in changes])

    def _release(self, connection: Connection, model: Model, key: str) -> None:
        self._blocked = {where: why for where, why in self._blocked.items() if where[:2] != (model.stored_as, key)}
        self._released.add((model.name, key))

    def _store(self, connection: Connection) -> None:
        rows = []
        for (name, key), positions in self._changed.items():
            entity = self._entities[name, key]
            released = int((name, key) in self._released)
            rows.append((entity.model.stored_as, key, entity.stored(), orjson.dumps(positions).decode(), released))
        bulk.insert(connection, staged_entities, sorted(rows))
        bulk.insert(connection, staged_blocked, [(*where, why) for where, why in sorted(self._blocked.items())])
        self._released = set()


@dataclass(frozen=True)
class _History:
    """An entity, and the positions at which each part has changed it."""

    model: Model
    key: str
    told: tuple[list[int], ...]


class Settler(Engine):
    """Settles windows; kept from one to the next while nobody else moves the cursor."""

    def __init__(self) -> None:
        super().__init__(models=FED, replanting=MODELS, postings_only=True)
        self._stager = Stager()

    def settle(self, connection: Connection, count: int) -> bool:
        """Settle the open window, if all of ``count`` parts have staged it; whether there was one.

        Raises ``CursorMoved``, ``Missing``. The caller commits, or calls ``forget``.
        """
        standing = look(connection, lock=True)
        opened = standing.window
        if opened is None or any(standing.lacks(part) for part in range(count)):
            return False
        staged = connection.execute(select(func.sum(parts.c.checksum)).where(parts.c.part < count)).scalar_one()
        if staged != sum(map(_checked, log.hashes(connection, opened.base, opened.until).values())):
            raise Missing(opened)
        if self._position != opened.base:
            self.begin(connection, opened.base)
        if self._volume.name != opened.volume:
            raise CursorMoved
        self._move(connection, opened.base, opened.until)
        self._ledger.note_places(connection)
        self._stager.mend(connection, opened)
        _put_in(connection, self._volume)
        taken = log.read(connection, opened.base, opened.until - opened.base, types=_TAKEN, until=opened.until)
        self.fold(connection, taken, heard(connection, self._volume, opened.base))
        _balance(connection, self._volume, opened)
        _clear(connection)
        self._position = opened.until
        return True

    def forget(self) -> None:
        """Drop what is remembered of the database: its transaction did not commit."""
        super().forget()
        self._stager.forget()


class Missing(Exception):
    """The parts of a window do not hold each of its events once."""

    def __init__(self, opened: Window) -> None:
        self.window = opened
        super().__init__(f"not all events of positions {opened.base + 1} to {opened.until} came, or some came twice")


def _checked(hash_: bytes) -> int:
    """A share of a checksum: sums are the same, as good as surely, only where each event is there once."""
    return int.from_bytes(hash_[:6])


def _put_in(connection: Connection, volume: Volume) -> None:
    """Put what was staged into the volume."""
    staged = staged_entities
    released = select(staged.c.model, staged.c.key).where(staged.c.released == 1)
    for chunk in _chunks(connection.execute(released).all()):
        where = tuple_(volume.blocked.c.model, volume.blocked.c.key).in_([tuple(row) for row in chunk])
        connection.execute(delete(volume.blocked).where(where))
    _upsert(connection, volume.entities, select(staged.c.model, staged.c.key, staged.c.body))
    _upsert(connection, volume.blocked, select(*staged_blocked.c))
    *key, amount = staged_postings.c
    total = func.sum(amount)
    summed = select(*key, total).group_by(*key).having(total != 0)
    connection.execute(volume.postings.insert().from_select([each.name for each in staged_postings.c], summed))


def _balance(connection: Connection, volume: Volume, opened: Window) -> None:
    """Add to the balances what the positions of the window have brought."""
    place, account, rows = rolled_up(volume)
    postings, balances = volume.postings, volume.balances
    total = func.sum(postings.c.amount)
    within = rows.where(postings.c.position > opened.base, postings.c.position <= opened.until)
    key = (place, account, postings.c.date)
    summed = within.add_columns(*key, total).group_by(*key).having(total != 0).order_by(*key)
    statement = inserting(connection, balances).from_select(["place", "account", "date", "amount"], summed)
    more = {"amount": balances.c.amount + statement.excluded.amount}
    connection.execute(statement.on_conflict_do_update(index_elements=["place", "account", "date"], set_=more))


def _upsert(connection: Connection, table: Table, rows: Any) -> None:
    names = [column.name for column in table.columns]
    keys = [column.name for column in table.primary_key]
    # SQLite takes "ON CONFLICT" behind a SELECT for a join condition unless that has a WHERE.
    statement = inserting(connection, table).from_select(names, rows.where(True))
    values = {name: statement.excluded[name] for name in names if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=values))


def _remove(connection: Connection, tables: Iterable[Table], keys: Collection[tuple[str, str]]) -> None:
    for table in tables:
        for chunk in _chunks(list(keys)):
            connection.execute(delete(table).where(tuple_(table.c.model, table.c.key).in_(chunk)))


def _chunks(rows: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK))
