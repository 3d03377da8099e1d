"""Results as rules read them: sums by school, procedure, subject, grade and school year, at both clocks.

A school has its results wherever it stood. One that was closed has none to be judged by, and leaves them to nobody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import func, select

from ..events import log, registry
from ..read_models import INDICATORS
from ..read_models.indicator import Dimensions, Part, Selection
from ..read_models.model import Measure
from ..read_models.periods import EVER, Period, parse
from ..rules.shnor import Key
from .book import Opened, Place
from .organisations import Tree
from .questions import Question, narrowing
from .sums import by_account, by_place_and_account
from .tables import places

Sums = dict[Key, dict[str, int]]  # by procedure, by name of the count
Only = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Count:
    """What is summed under a name: a measure, of it ``only`` some values of its dimensions."""

    name: str
    measure: Measure
    only: Only = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """Which results are meant: years and kinds of procedure, as of a date, as known at a position."""

    years: Collection[str]
    procedures: Collection[str]
    as_of: str
    known_at: int

    def part(self, measure: Measure, only: Only | None = None) -> Part:
        return Part(measure, self._reading, only or {})

    @property
    def question(self) -> Question:
        """The question in the words of figures, which these sums are made as."""
        return Question(INDICATORS["below_minimum"], "", parse(EVER), self.as_of, self.known_at)

    def _reading(self, _: Period, as_of: str) -> Selection:
        return Selection(None, as_of, self._accepts)

    def _accepts(self, dimensions: Dimensions) -> bool:
        return dimensions["year"] in self.years and dimensions["procedure"] in self.procedures


class Change(NamedTuple):
    """The event at ``position`` changed what is known of a result of a school."""

    school: str
    key: Key
    position: int


def standing(tree: Tree, organisation: str, as_of: str) -> list[str]:
    """The schools under an organisation on a date, without those that were closed or merged by then."""
    return sorted(
        node.code
        for node in tree.nodes.values()
        if node.kind == "school"
        and (node.ended is None or node.ended > as_of)
        and tree.within(node.code, organisation, as_of)
    )


def of_schools(ledger: Opened, asked: Asked, schools: Collection[str], counts: Iterable[Count]) -> dict[str, Sums]:
    """The sums of each school, over all the places where it stood."""
    found: dict[str, Sums] = {school: {} for school in schools}
    at = _places(ledger, schools)
    for count in counts:
        keys, part = _keys(ledger, count.measure), asked.part(count.measure, count.only)
        for (place, account), amount in by_place_and_account(ledger, asked.question, part, at).items():
            of = found[ledger.places[place].organisation].setdefault(keys[account], {})
            of[count.name] = of.get(count.name, 0) + amount
    return found


def of_organisation(ledger: Opened, asked: Asked, organisation: str, counts: Iterable[Count]) -> Sums:
    """The sums of an organisation and all below it."""
    found: defaultdict[Key, dict[str, int]] = defaultdict(dict)
    for count in counts:
        keys, part = _keys(ledger, count.measure), asked.part(count.measure, count.only)
        for account, amount in by_account(ledger, asked.question, part, ledger.holding(organisation)).items():
            of = found[keys[account]]
            of[count.name] = of.get(count.name, 0) + amount
    return dict(found)


def changes(
    ledger: Opened, asked: Asked, known_from: int, schools: Collection[str], *measures: Measure
) -> list[Change]:
    """What events behind ``known_from`` changed, up to ``known_at``, in the order of the log; a move alone does not."""
    postings, found = ledger.volume.postings, set[Change]()
    at = [place.id for place in _places(ledger, schools)]
    for measure in measures:
        keys = _keys(ledger, measure)
        conditions = narrowing(ledger, asked.question, asked.part(measure), postings.c.account, postings.c.date)
        if conditions is None:
            continue
        group = (places.c.organisation, postings.c.account, postings.c.position)
        statement = (
            select(*group)
            .join(places, places.c.id == postings.c.place)
            .where(postings.c.place.in_(at), postings.c.position > known_from, postings.c.position <= asked.known_at)
            .where(*conditions)
            .group_by(*group)
            .having(func.sum(postings.c.amount) != 0)
        )
        found |= {Change(school, keys[account], at_) for school, account, at_ in ledger.connection.execute(statement)}
    return sorted(found, key=lambda change: (change.position, change))


def replanted(ledger: Opened, codes: Collection[str], known_from: int, known_at: int) -> list[int]:
    """The positions of events between two moments that changed what is known of organisations, in order."""
    then, now = (
        {each.position for each in registry.organisations(ledger.connection, at) if each.code in codes}
        for at in (known_from, known_at)
    )
    last = registry.last_words(ledger.connection, then ^ now, known_at)
    return sorted({at if at > known_from else last[at].by for at in then ^ now})


def events(ledger: Opened, positions: Collection[int]) -> dict[int, dict[str, Any]]:
    """``{event_id, position, type, reason}`` of events; not every type has a reason."""
    return {
        position: {
            "event_id": recorded.event["id"],
            "position": position,
            "type": recorded.event["type"],
            "reason": recorded.event["data"].get("reason"),
        }
        for position, recorded in log.read_at(ledger.connection, positions).items()
    }


def _places(ledger: Opened, schools: Collection[str]) -> list[Place]:
    wanted = set(schools)
    return [place for place in ledger.places.values() if place.organisation in wanted]


def _keys(ledger: Opened, measure: Measure) -> dict[int, Key]:
    return {
        account.id: Key(of["procedure"], of["subject"], int(of["grade"]), of["year"])
        for account in ledger.accounts.get(measure.name, ())
        if not account.summary
        for of in (account.dimensions,)
    }
