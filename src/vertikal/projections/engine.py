"""The engine: folds events into entities and posts what each event changed in their worth.

For every event and every read model that knows its type, ``measures(after) − measures(before)`` goes to the ledger.
Nothing is counted by hand. Cursor, entities, postings and balances change in one transaction, the caller's.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, delete, select, update

from ..contracts.catalogue import CATALOGUE
from ..events import bulk, log, registry
from ..read_models import MODELS, VERSIONS
from ..read_models.model import Event, Model
from .book import held, live
from .folding import Changes, Entity, concerned
from .ledger import Ledger, Posted
from .organisations import Tree, read_tree
from .owners import Owners, owned_events
from .placing import turned
from .tables import VOLUMES, Volume, volumes

Key = tuple[str, str]  # name of the model, key of the entity
ENTITIES_REMEMBERED = 100_000
CHUNK = 500


class CursorMoved(Exception):
    """Another projector was faster, or another volume went live; nothing was written."""


class OtherModels(Exception):
    """The volume was made by other versions of the read models; the text says what to do."""


class Engine:
    """A projector's view of a volume, kept from batch to batch while nobody else moves its cursor.

    ``building``: the name of the volume that is being built; None: whichever is live.
    ``models``: those that it folds. ``replanting``: those whose postings it moves when the tree turns; None: the same.
    ``postings_only``: leave balances to be made later.
    """

    def __init__(
        self,
        building: str | None = None,
        models: Sequence[Model] = MODELS,
        replanting: Sequence[Model] | None = None,
        *,
        postings_only: bool = False,
    ) -> None:
        self._building = building
        self._postings_only = postings_only
        self._models = models
        self._position: int | None = None
        self._by_type: dict[str, list[Model]] = defaultdict(list)
        self._hearing: dict[str, list[Model]] = defaultdict(list)
        for model in models:
            for type_ in model.types:
                self._by_type[type_].append(model)
            for measure in model.hears:
                self._hearing[measure.name].append(model)
        moving = models if replanting is None else replanting
        self._measures = {measure.name: measure for model in moving for measure in model.posts}
        self._fed = {*self._hearing, *(measure for measure in self._measures if measure in self._by_type)}

    def apply(self, connection: Connection, events: Sequence[log.Recorded]) -> None:
        """Fold events that follow the cursor without a gap; the caller commits, or calls ``forget``."""
        before, last = events[0].position - 1, events[-1].position
        if self._position != before:
            self.begin(connection, before)
        self._move(connection, before, last)
        self.fold(connection, events)
        self._position = last

    def fold(
        self, connection: Connection, events: Sequence[log.Recorded], elsewhere: Iterable[tuple[int, Posted]] = ()
    ) -> None:
        """Fold events into the volume and write what changed; the cursor is the caller's.

        ``elsewhere``: what read models that are not this engine's have posted, with positions and in their order.
        """
        facts = self._facts(connection, events)
        self._recall(connection, [event for _, event in facts])
        waiting = deque(elsewhere)
        for position, event in facts:
            while waiting and waiting[0][0] < position:
                self._feed(connection, waiting[0][0], [waiting.popleft()[1]])
            self._take(connection, position, event)
        for position, posted in waiting:
            self._feed(connection, position, [posted])
        self._flush(connection)

    def held(self, connection: Connection) -> int:
        """The last position that its volume holds."""
        return held(connection, None if self._building is None else VOLUMES[self._building])

    @property
    def volume(self) -> Volume:
        """What it last wrote to."""
        return self._volume

    def forget(self) -> None:
        """Drop what is remembered of the database: its transaction did not commit."""
        self._position = None

    def begin(self, connection: Connection, position: int) -> None:
        """Take up the volume as it is after a position."""
        self._volume = self._open(connection)
        self._ledger = self._new_ledger(connection, read_tree(connection, position))
        self._entities: dict[Key, Entity] = {}
        self._owners = Owners()
        self._changed: defaultdict[Key, list[int]] = defaultdict(list)  # at which positions
        self._blocked: dict[tuple[str, str, int, str], str] = {}

    def _new_ledger(self, connection: Connection, tree: Tree) -> Ledger:
        return Ledger(connection, self._volume, self._measures, tree, postings_only=self._postings_only)

    def _open(self, connection: Connection) -> Volume:
        if self._building is not None:
            return VOLUMES[self._building]
        require_own_models(connection)
        return live(connection)

    def _move(self, connection: Connection, before: int, last: int) -> None:
        ours = update(volumes).where(volumes.c.name == self._volume.name, volumes.c.position == before)
        if self._building is None:
            ours = ours.where(volumes.c.live == 1)
        if connection.execute(ours.values(position=last)).rowcount != 1:
            raise CursorMoved

    def _facts(self, connection: Connection, events: Sequence[log.Recorded]) -> list[tuple[int, Event]]:
        """Events as read models take them."""
        said = [(recorded.position, CATALOGUE.upcast(recorded.event)) for recorded in events]
        self._owners.recall(connection, [event for _, event in said])
        return [(position, self._owners.owned(connection, position, event)) for position, event in said]

    def _take(self, connection: Connection, position: int, event: Event) -> None:
        if event["type"].startswith("organisation."):
            self._turn(connection, position, event, self._ledger.tree.after(event["type"], event["data"]))
        elif event["type"] == "event.retracted":
            self._retract(connection, position, event)
        else:
            for model in self._by_type.get(event["type"], ()):
                for key in model.keys(event):
                    self._fold(connection, model, key, position, event)

    def _fold(self, connection: Connection, model: Model, key: str, position: int, event: Event) -> None:
        entity = self._entity(connection, model, key)
        self._changed[model.name, key].append(position)
        changes = entity.fold(position, event)
        if entity.blocked is not None:
            self._block(model, key, position, event, entity.blocked)
        self._post(connection, position, changes)

    def _block(self, model: Model, key: str, position: int, event: Event, reason: str) -> None:
        """List an event that could not be applied under every organisation whose figures it may touch."""
        self._blocked |= {(model.stored_as, key, position, code): reason for code in concerned(event)}

    def _post(self, connection: Connection, position: int, changes: Changes) -> None:
        self._feed(connection, position, self._ledger.post(position, changes))

    def _feed(self, connection: Connection, position: int, posted: list[Posted]) -> None:
        """Postings are events to the read models that fold them, at every organisation that holds them."""
        for each in posted:
            path, measure, values, date, amount = each
            if measure not in self._fed:
                continue
            self._hear(connection, position, each)
            for model in self._by_type.get(measure, ()):
                for holder in path:
                    what = {"type": measure, "organisation": path[-1], "holder": holder, "subject": holder}
                    of = {"measure": measure, "dimensions": values, "date": date, "amount": amount}
                    event = {**what, **of}
                    for key in model.keys(event):
                        self._fold(connection, model, key, position, event)

    def _hear(self, connection: Connection, position: int, posted: Posted) -> None:
        """Tell the entities that a posting is for."""
        path, measure, values, date, amount = posted
        for model in self._hearing.get(measure, ()):
            told = model.hearing(measure, values)
            if told is None:
                continue
            key, topic = told
            entity = self._entity(connection, model, key)
            self._changed[model.name, key].append(position)
            changes = entity.hear(topic, date, amount)
            if entity.blocked is not None:
                self._block(model, key, position, {"type": measure, "subject": path[-1]}, entity.blocked)
            self._post(connection, position, changes)

    def _turn(self, connection: Connection, position: int, event: Event, tree: Tree) -> None:
        """The tree changes: what stands at the organisations concerned moves to where they are now."""
        moving = turned(event, self._ledger.tree, tree, self._ledger.holds)
        if moving:
            self._flush(connection)
        self._feed(connection, position, self._ledger.replant(connection, position, tree, moving))

    def _retract(self, connection: Connection, position: int, event: Event) -> None:
        """Fold again what the retraction concerns in the end, without the event or (retracted twice) with it."""
        event = self._concerned(connection, event)
        if event["type"].startswith("organisation."):
            self._turn(connection, position, event, read_tree(connection, position))
        for model in self._by_type.get(event["type"], ()):
            for key in model.keys(event):
                self._refold(connection, model, key, position, event)

    def _concerned(self, connection: Connection, retraction: Event) -> Event:
        """The event that a retraction concerns in the end."""
        ((_, event),) = self._facts(connection, [log.retracted_by(connection, retraction)[0]])
        return event

    def _refold(self, connection: Connection, model: Model, key: str, position: int, event: Event) -> None:
        """The entity anew from its standing events."""
        entity = self._entity(connection, model, key)
        gone = registry.undone(connection, entity.positions, position)
        standing = [at for at in entity.positions if at not in gone]
        was_blocked = entity.blocked is not None
        self._changed[model.name, key].append(position)
        changes = entity.refold(owned_events(connection, standing, self._owners))
        if entity.blocked is not None:
            self._block(model, key, position, event, entity.blocked)
            return
        if was_blocked:
            self._release(connection, model, key)
        self._post(connection, position, changes)

    def _release(self, connection: Connection, model: Model, key: str) -> None:
        """Take an entity off the list of those that stand still."""
        self._blocked = {where: why for where, why in self._blocked.items() if where[:2] != (model.stored_as, key)}
        table = self._volume.blocked
        connection.execute(delete(table).where(table.c.model == model.stored_as, table.c.key == key))

    def _entity(self, connection: Connection, model: Model, key: str) -> Entity:
        if (model.name, key) not in self._entities:
            self._recall_keys(connection, model, [key])
        return self._entities[model.name, key]

    def _recall(self, connection: Connection, events: Sequence[Event]) -> None:
        """Read in a few queries the entities that a batch will need."""
        wanted: dict[str, dict[str, None]] = defaultdict(dict)
        for event in events:
            for model in self._by_type.get(event["type"], ()):
                for key in model.keys(event):
                    if (model.name, key) not in self._entities:
                        wanted[model.name][key] = None
        for model in self._models:
            self._recall_keys(connection, model, list(wanted[model.name]))

    def _recall_keys(self, connection: Connection, model: Model, keys: list[str]) -> None:
        table = self._volume.entities
        for start in range(0, len(keys), CHUNK):
            chunk = keys[start : start + CHUNK]
            statement = select(table.c.key, table.c.body).where(
                table.c.model == model.stored_as, table.c.key.in_(chunk)
            )
            stored = {key: bytes(body) for key, body in connection.execute(statement)}
            for key in chunk:
                self._entities[model.name, key] = Entity(model, stored.get(key))

    def _flush(self, connection: Connection) -> None:
        self._ledger.flush(connection)
        self._store(connection)
        self._changed.clear()
        self._blocked.clear()
        if len(self._entities) > ENTITIES_REMEMBERED:
            self._entities = {}

    def _store(self, connection: Connection) -> None:
        """Write the entities that changed, and what stands still."""
        changed = ((self._entities[name, key], key) for name, key in self._changed)
        rows = sorted((entity.model.stored_as, key, entity.stored()) for entity, key in changed)
        bulk.replace(connection, self._volume.entities, rows)
        reasons = [(*where, reason) for where, reason in sorted(self._blocked.items())]
        bulk.replace(connection, self._volume.blocked, reasons)


def require_own_models(connection: Connection) -> None:
    """Raises ``OtherModels`` where other versions of the read models made the live figures."""
    models = connection.execute(select(volumes.c.models).where(volumes.c.live == 1)).scalar_one()
    if models != VERSIONS:
        raise OtherModels(
            f"the figures were made by the models {models}, this release has {VERSIONS}: run `vertikal rebuild`"
        )
