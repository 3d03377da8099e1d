"""A volume made anew from the log: each entity is folded once, from its first event to its last.

    scatter     events are laid out by entity: for each partition of the entities, lines of (model, key, position, leaf)
    fold        a partition is sorted and folded; its entities and postings are written, once each
    replant     where the tree turned, what stood there is posted anew, as the engine did at that event
    balance     balances are summed from the closed epochs, and these from the postings

Read models that depend on what others post (``FED``) are made by the engine itself when the others are folded; their
events are few. What comes out must be what the engine made event by event: ``comparing`` says whether it is.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import orjson
from sqlalchemy import Connection, func, insert, select, union_all

from ..contracts.catalogue import CATALOGUE
from ..events import bulk, log, registry
from ..read_models import MEASURES, MODELS
from ..read_models.model import Event
from .closings import of_run, rolled_up, runs
from .engine import Engine
from .folding import Entity, concerned
from .ledger import Ledger, Posted, date_of, values_of
from .organisations import Trees
from .owners import Owners
from .placing import turned
from .tables import Volume, accounts, places

# Those that fold postings, with those that make these; and those that hear postings, for which alone it is that
# activities are not made by the engine, too.
FED = tuple(
    model
    for model in MODELS
    if model.hears
    or any(type_ in MEASURES for type_ in model.types)
    or any(measure.name in other.types for other in MODELS for measure in model.posts)
)
FOLDED = tuple(model for model in MODELS if model not in FED)
FED_LINES = -1  # the partition of all events that the engine takes itself
SEPARATOR = b"\t"
TYPES_FED = {type_ for model in FED for type_ in model.types}
_HEARD = {measure.name for model in FED for measure in model.hears} & {
    measure.name for model in FOLDED for measure in model.posts
}
_BY_TYPE = {type_: [each for each in FOLDED if type_ in each.types] for model in FOLDED for type_ in model.types}
_BY_NAME = {model.name.encode(): model for model in FOLDED}

Lines = dict[int, list[bytes]]


def choose(names: Collection[str]) -> tuple[str, ...]:
    """The read models to make anew: those named (none named: all), and with one all that feed it or that it feeds.

    Raises ``KeyError`` for a name that no read model has.
    """
    unknown = set(names) - {model.name for model in MODELS}
    if unknown:
        raise KeyError(", ".join(sorted(unknown)))
    wanted = [model for model in MODELS if not names or model.name in names]
    for model in wanted:  # it grows
        wanted += [each for each in MODELS if each not in wanted and (each.feeds(model) or model.feeds(each))]
    return tuple(model.name for model in MODELS if model in wanted)


def scatter(
    connection: Connection, past: Past, after: int, until: int, partitions: int, chosen: Collection[str]
) -> Lines:
    """The events of positions (after, until], as lines by partition of the entities that they change."""
    lines: Lines = defaultdict(list)
    recorded = [(each, each.event) for each in log.read(connection, after, until - after)]
    retracting = [each.position for each, event in recorded if event["type"] == "event.retracted"]
    retractions = registry.retractions_at(connection, retracting)
    targets = log.read_at(connection, (each.target for each in retractions.values()))
    for each, said in recorded:
        at, event, payload = each.position, said, each.leaf
        if at in retractions:
            retraction = retractions[at]
            at, event = retraction.target, targets[retraction.target].event
            payload = orjson.dumps([retraction.target, retraction.stands])
        if event["type"] in TYPES_FED or event["type"].startswith("organisation."):
            lines[FED_LINES].append(_line(b"", "", each.position, each.leaf))
        models = [model for model in _BY_TYPE.get(event["type"], ()) if model.name in chosen]
        owned = past.owners.owned(connection, at, CATALOGUE.upcast(event)) if models else event
        for model in models:
            name = model.name.encode()
            for key in model.keys(owned):
                lines[zlib.crc32(key.encode()) % partitions].append(_line(name, key, each.position, payload))
    return lines


def fold_fed(connection: Connection, volume: Volume, lines: Sequence[bytes], chosen: Collection[str]) -> None:
    """Have the engine make the read models that depend on postings, of all their events in order.

    What they hear of read models that were folded stands in the volume already.
    """
    engine = Engine(volume.name, [model for model in FED if model.name in chosen], postings_only=True)
    engine.begin(connection, 0)
    events = [log.Recorded(int(position), leaf) for _, _, position, leaf in map(_parts, lines)]
    if events:
        engine.fold(connection, events, heard(connection, volume, 0))


def heard(connection: Connection, volume: Volume, after: int) -> list[tuple[int, Posted]]:
    """What was posted behind a position that others hear, in the order of the log."""
    postings = volume.postings
    named = (postings.c.position, places.c.path, accounts.c.measure, accounts.c.dimensions)
    statement = (
        select(*named, postings.c.date, postings.c.amount)
        .join(places, places.c.id == postings.c.place)
        .join(accounts, accounts.c.id == postings.c.account)
        .where(postings.c.position > after, accounts.c.measure.in_(_HEARD))
        .order_by(postings.c.position)
    )
    return [
        (position, (tuple(path.split("/")), measure, values_of(MEASURES[measure], dims), date_of(day), int(amount)))
        for position, path, measure, dims, day, amount in connection.execute(statement)
    ]


@dataclass(frozen=True)
class Folded:
    """A partition of the entities, folded and not yet written."""

    volume: Volume
    ledger: Ledger
    entities: list[tuple[str, str, bytes]]
    blocked: list[tuple[str, str, int, str, str]]

    def write(self, connection: Connection) -> None:
        """Write the entities, their postings and what blocks them; the caller commits."""
        self.ledger.flush(connection)
        bulk.insert(connection, self.volume.entities, self.entities)
        bulk.insert(connection, self.volume.blocked, sorted(self.blocked))


def fold_partition(connection: Connection, volume: Volume, past: Past, lines: list[bytes]) -> Folded:
    """Fold the entities of a partition, each from its first event to its last."""
    lines.sort()
    ledger = Ledger(connection, volume, MEASURES, past.trees.at(0), postings_only=True)
    entities, blocked = [], []
    for (name, key), history in groupby(map(_parts, lines), key=lambda parts: parts[:2]):
        entity = Entity(_BY_NAME[name])
        reasons = _fold_history(connection, entity, history, ledger, past)
        entities.append((entity.model.stored_as, orjson.loads(key), entity.stored()))
        blocked += [(entity.model.stored_as, orjson.loads(key), *where, why) for where, why in reasons.items()]
    return Folded(volume, ledger, entities, blocked)


def _fold_history(
    connection: Connection,
    entity: Entity,
    history: Iterator[tuple[bytes, ...]],
    ledger: Ledger,
    past: Past,
) -> dict[tuple[int, str], str]:
    """Post what each event of an entity changed; why it stands still, by position and organisation, if it does."""
    events: dict[int, Event] = {}
    gone: set[int] = set()
    reasons: dict[tuple[int, str], str] = {}
    for _, _, at, payload in history:
        position, said = int(at), orjson.loads(payload)
        if isinstance(said, dict):
            event = past.owners.owned(connection, position, CATALOGUE.upcast(said["event"]))
            events[position] = event
            changes = entity.fold(position, event)
        else:
            target, stands = said
            event = events[target]
            (gone.discard if stands else gone.add)(target)
            changes = entity.refold([events[each] for each in entity.positions if each not in gone])
            if entity.blocked is None:
                reasons.clear()
        if entity.blocked is not None:
            reasons |= {(position, code): entity.blocked for code in concerned(event)}
        elif changes:
            ledger.stand_in(past.trees.at(position))
            ledger.post(position, changes)
    return reasons


class Past:
    """What the log had said by any position: the tree, and who owned what."""

    def __init__(self, connection: Connection, until: int) -> None:
        self.owners = Owners()
        self.owners.recall_all(connection)
        self.trees = Trees(connection, 0, until)


def replant(connection: Connection, volume: Volume, past: Past, chosen: Collection[str]) -> None:
    """Post anew, at each turn of the tree, what stood by then at the organisations concerned."""
    measures = {measure.name: measure for model in FOLDED if model.name in chosen for measure in model.posts}
    ledger = Ledger(connection, volume, measures, past.trees.at(0), postings_only=True)
    for position in past.trees.turns:
        event = log.read_at(connection, [position])[position].event
        if event["type"] == "event.retracted":
            event = log.retracted_by(connection, event)[0].event
        before, after = past.trees.at(position - 1), past.trees.at(position)
        ledger.stand_in(before)
        ledger.replant(connection, position, after, turned(CATALOGUE.upcast(event), before, after))
    ledger.flush(connection)


def balance(connection: Connection, volume: Volume, position: int) -> None:
    """Make the balances: the closed epochs, and the postings behind them up to ``position``, where the volume ends."""
    closings, postings = volume.closings, volume.postings
    closed, covered = runs(position)
    columns = (closings.c.place, closings.c.account, closings.c.date, closings.c.amount)
    branches = [select(*columns).where(*of_run(volume, run)) for run in closed]
    place, account, rows = rolled_up(volume)
    rest = rows.add_columns(place.label("place"), account.label("account"), postings.c.date, postings.c.amount)
    lines = union_all(*branches, rest.where(postings.c.position > covered)).subquery("lines")
    total = func.sum(lines.c.amount)
    key = (lines.c.place, lines.c.account, lines.c.date)
    sums = select(*key, total).group_by(*key).having(total != 0)
    connection.execute(insert(volume.balances).from_select(["place", "account", "date", "amount"], sums))


def _line(model: bytes, key: str, position: int, payload: bytes) -> bytes:
    at = b"%019d" % position
    return SEPARATOR.join((model, orjson.dumps(key), at, payload))


def _parts(line: bytes) -> tuple[bytes, ...]:
    return tuple(line.split(SEPARATOR, 3))
