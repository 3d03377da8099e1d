"""Who is a school with low results (ШНОР).

The rule has two conditions, joined by «а также», which is read as *and* (``all``) and as *or* (``any``); both readings
are computed. A condition is true, false, or None where there is no data for it. The readings keep to the logic of
Kleene: what is not known decides nothing.

1. In at least ``min_procedures`` procedures of the year the share below the minimum is low. None without any result of
   the year. A school with a result in one procedure only does not have two low ones, so that is false, not None.
2. In the same procedure it is low in each of the last ``consecutive_years`` years. None where no procedure has results
   in all of them. The same procedure is one of the same kind, subject and grade.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from .versions import Version, years_to

Truth = bool | None
COMPARATORS = (">=", ">")
READINGS = ("all", "any")
LIMITED = 20  # participants; fewer are a limited sample


@dataclass(frozen=True)
class Parameters:
    """``procedures``: the kinds that count. ``margin``: how far below the threshold a school is watched."""

    threshold: Decimal = Decimal("0.30")
    comparator: str = ">="
    min_procedures: int = 2
    consecutive_years: int = 2
    combine: str = "all"
    margin: Decimal = Decimal("0.05")
    procedures: tuple[str, ...] = ("vpr", "oge", "ege")


VERSIONS: tuple[Version[Parameters], ...] = (
    Version(
        1,
        Parameters(),
        "Не менее 30 % участников ниже минимума не менее чем по двум процедурам года, а также по одной и той же "
        "процедуре два года подряд",
    ),
)


class Key(NamedTuple):
    """A procedure of a school year."""

    procedure: str
    subject: str
    grade: int
    year: str

    def of(self, year: str) -> Key:
        """The same procedure in another year."""
        return self._replace(year=year)


class Scores(NamedTuple):
    participants: int
    below_minimum: int


NOTHING = Scores(0, 0)
Results = Mapping[Key, Scores]


@dataclass(frozen=True)
class Outcome:
    """A procedure behind a verdict: ``low`` is None where nobody took part or nothing is known."""

    key: Key
    scores: Scores
    low: Truth
    near: bool

    @property
    def limited(self) -> bool:
        return 0 < self.scores.participants < LIMITED


@dataclass(frozen=True)
class Verdict:
    """``several`` and ``repeated`` are the two conditions, ``meets`` the reading that ``combine`` names."""

    several: Truth
    repeated: Truth
    meets: Truth
    watch: bool
    outcomes: tuple[Outcome, ...]

    @property
    def all(self) -> Truth:
        return both(self.several, self.repeated)

    @property
    def any(self) -> Truth:
        return either(self.several, self.repeated)

    @property
    def readings(self) -> dict[str, Truth]:
        return {"all": self.all, "any": self.any}


def judge(results: Results, year: str, parameters: Parameters) -> Verdict:
    """The verdict over the results of one school; those of other years and of kinds that do not count are left out."""
    years = years_to(year, parameters.consecutive_years)
    known = {(key.procedure, key.subject, key.grade) for key in results if key.year in years}
    counted = sorted(of for of in known if of[0] in parameters.procedures)
    outcomes = tuple(_outcome(Key(*of, each), results, parameters) for of in counted for each in years)
    several = _several([each.low for each in outcomes if each.key.year == year], parameters.min_procedures)
    repeated = _repeated(outcomes, len(years))
    meets = both(several, repeated) if parameters.combine == "all" else either(several, repeated)
    near = any(each.near or each.low for each in outcomes if each.key.year == year)
    return Verdict(several, repeated, meets, near and meets is not True, outcomes)


def turned(before: Verdict, after: Verdict) -> set[Key]:
    """The procedures that came out otherwise; nothing else can have changed a verdict."""
    then, now = ({each.key: each.low for each in verdict.outcomes} for verdict in (before, after))
    return {key for key in then.keys() | now.keys() if then.get(key) != now.get(key)}


def both(one: Truth, other: Truth) -> Truth:
    """And: false as soon as one is false."""
    if one is False or other is False:
        return False
    return None if one is None or other is None else True


def either(one: Truth, other: Truth) -> Truth:
    """Or: true as soon as one is true."""
    if one is True or other is True:
        return True
    return None if one is None or other is None else False


def _outcome(key: Key, results: Results, parameters: Parameters) -> Outcome:
    scores = results.get(key, NOTHING)
    if not scores.participants:
        return Outcome(key, scores, None, False)
    share, threshold = Fraction(scores.below_minimum, scores.participants), Fraction(parameters.threshold)
    low = share >= threshold if parameters.comparator == ">=" else share > threshold
    return Outcome(key, scores, low, not low and share >= threshold - Fraction(parameters.margin))


def _several(low: Iterable[Truth], least: int) -> Truth:
    known = [each for each in low if each is not None]
    return sum(known) >= least if known else None


def _repeated(outcomes: Iterable[Outcome], years: int) -> Truth:
    by_procedure: dict[tuple[str, str, int], list[bool]] = {}
    for each in outcomes:
        if each.low is not None:
            by_procedure.setdefault(each.key[:3], []).append(each.low)
    whole = [low for low in by_procedure.values() if len(low) == years]
    return any(all(low) for low in whole) if whole else None
