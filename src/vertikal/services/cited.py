"""Figures as events cite them, and what is held of each: by the ledger or, for an indicator of a cycle's own, by its
monitoring. The clocks of what is held are given, so that the same figure can be asked for then and now.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from ..projections import figures
from ..projections.book import Opened
from ..read_models import INDICATORS, periods
from ..read_models.cycle_states import Cycle
from . import monitoring, queries
from .refusals import Refusal

CITING = ("analysis.published", "effectiveness.assessed")
FOR_A_COUNT = (0, 1)  # what an event gives as the denominator of a count, for it must give one
Cited = Mapping[str, Any]


@dataclass(frozen=True)
class Held:
    """Both sides exactly, and as they are shown: null where they are hidden. ``denominator`` is None for a count."""

    numerator: Fraction
    denominator: Fraction | None
    shown: Mapping[str, Any]

    @property
    def hidden(self) -> bool:
        return self.shown["numerator"] is None

    def differs(self, cited: Cited) -> Iterator[str]:
        """The sides of a cited figure that say something else."""
        denominators = FOR_A_COUNT if self.denominator is None else (self.denominator,)
        if Fraction(cited["numerator"]) != self.numerator:
            yield "numerator"
        if Fraction(cited["denominator"]) not in denominators:
            yield "denominator"


def figures_of(event: Mapping[str, Any]) -> Iterator[tuple[str, Cited]]:
    """The figures that an event cites, each with its path."""
    data = event["data"]
    if event["type"] == "analysis.published":
        for number, finding in enumerate(data["findings"]):
            for place, figure in enumerate(finding["figures"]):
                yield f"data.findings[{number}].figures[{place}]", figure
    elif event["type"] == "effectiveness.assessed":
        for place, figure in enumerate(data.get("figures", ())):
            yield f"data.figures[{place}]", figure


def held(ledger: Opened, cited: Cited, cycle: Cycle | None, known_at: int, *, hide_small: bool = False) -> Held | None:
    """What is held of a figure as known at a position; ``cycle`` is the one whose event cites it, as known then.

    None where the catalogue does not know the indicator and nothing was recorded of it. Raises ``Refusal`` where the
    question has no answer: a 400 or a 422 for its parameters, a 404 for the organisation.
    """
    if cited["indicator"] not in INDICATORS:
        return _monitored(ledger, cited, cycle, known_at)
    given = {name: cited[name] for name in ("organisation", "period", "as_of")} | {"known_at": str(known_at)}
    question = queries.ask(ledger, cited["indicator"], given, cited["as_of"])
    figure, indicator = figures.figure(ledger, question), question.indicator
    denominator = None if figure.denominator is None else Fraction(figure.denominator, indicator.scale)
    numerator = Fraction(figure.numerator, indicator.scale)
    return Held(numerator, denominator, queries.amounts(indicator, figure, hide_small))


def as_cited(cited: Cited) -> dict[str, Any]:
    """A figure in the shape in which ``held`` shows it, by what the event says."""
    indicator = INDICATORS.get(cited["indicator"])
    shown = monitoring.shown(Decimal(cited["numerator"]), Decimal(cited["denominator"]))
    if indicator is None:
        return shown
    if not indicator.denominator:
        shown |= {"denominator": None, "value": None}
    if indicator.scale != 1:
        shown |= {side: str(shown[side]) for side in ("numerator", "denominator") if shown[side] is not None}
    return shown


def _monitored(ledger: Opened, cited: Cited, cycle: Cycle | None, known_at: int) -> Held | None:
    """The records of the cycle up to ``as_of``, or to the end of the period where that is earlier."""
    organisation, as_of = cited["organisation"], cited["as_of"]
    try:
        on = min(as_of, periods.parse(cited["period"]).end)
    except ValueError as error:
        raise Refusal(400, str(error), errors={"period": [str(error)]}) from error
    if cycle is None:
        return None
    tree = ledger.tree(known_at)
    own = organisation == cycle.organisation
    sides = monitoring.value(
        cycle, cited["indicator"], on, organisation, lambda code: own or tree.within(code, organisation, as_of)
    )
    if sides is None:
        return None
    numerator, denominator = sides
    return Held(Fraction(numerator), Fraction(denominator), monitoring.shown(numerator, denominator))
