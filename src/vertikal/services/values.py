"""Figures of the ledger with all that they are cited by, and how they are told in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ..contracts.fields import COUNT_MAX
from ..projections.book import Opened
from ..read_models import INDICATORS
from ..read_models.samples import SAMPLES
from . import queries
from .refusals import Refusal

FOR_A_COUNT = 1  # an event must give a denominator, also of a figure that has none
UNANSWERABLE = (404, 422)  # the organisation was not known then; the period has no meaning for the indicator
LIMITED = "limited"


@dataclass(frozen=True)
class Value:
    """A figure as the ledger answers it, with its question. ``denominator`` is None for a count."""

    indicator: str
    organisation: str
    period: str
    as_of: str
    known_at: int
    numerator: int | str
    denominator: int | str | None

    @property
    def counts(self) -> bool:
        return self.denominator is None

    @property
    def exact(self) -> Fraction | None:
        """The share, or the count itself; None where there is no data, as of a count of nothing."""
        whole = Fraction(1 if self.denominator is None else self.denominator)
        if not whole or (self.counts and not Fraction(self.numerator)):
            return None
        return Fraction(self.numerator) / whole

    @property
    def telling(self) -> bool:
        """Whether there is data, and of more participants than tell next to nothing."""
        indicator = INDICATORS.get(self.indicator)
        if self.exact is None or indicator is None or not indicator.of_participants:
            return self.exact is not None
        return SAMPLES.note(int(self.denominator or 0)) != LIMITED

    def cited(self) -> dict[str, Any]:
        """As an event cites it."""
        return {
            "indicator": self.indicator,
            "organisation": self.organisation,
            "period": self.period,
            "as_of": self.as_of,
            "known_at": self.known_at,
            "numerator": _given(self.numerator),
            "denominator": FOR_A_COUNT if self.denominator is None else _given(self.denominator),
        }

    def told(self) -> str:
        """«28 % (14 из 50)»; a count is told as it is."""
        if self.exact is None or self.counts:
            return str(self.numerator)
        return f"{percent(self.exact)} ({self.numerator} из {self.denominator})"


class Asking:
    """Questions to the ledger as of a day, as known at a position."""

    def __init__(self, ledger: Opened, as_of: str, known_at: int) -> None:
        self.ledger = ledger
        self.as_of, self.known_at = as_of, known_at

    def value(self, indicator: str, organisation: str, period: str, as_of: str | None = None) -> Value | None:
        """A figure; None where the question has no answer."""
        given = {"organisation": organisation, "period": period, "as_of": as_of or self.as_of}
        answer = self._answer(indicator, given)
        return None if answer is None else self._value(answer, answer, organisation)

    def rows(self, indicator: str, organisation: str, period: str, by: str) -> list[Value]:
        """The figures of the units of an organisation, without what belongs to none of them."""
        given = {"organisation": organisation, "period": period, "as_of": self.as_of, "by": by}
        answer = self._answer(indicator, given) or {"rows": []}
        return [self._value(answer, row, row["key"]) for row in answer["rows"] if row["key"] != organisation]

    def _answer(self, indicator: str, given: Mapping[str, str]) -> dict[str, Any] | None:
        try:
            question = queries.ask(self.ledger, indicator, {**given, "known_at": str(self.known_at)}, self.as_of)
        except Refusal as refusal:
            if refusal.status not in UNANSWERABLE:
                raise
            return None
        return queries.answer(self.ledger, question)

    def _value(self, answer: Mapping[str, Any], sides: Mapping[str, Any], organisation: str) -> Value:
        asked = (answer["indicator"], organisation, answer["period"], answer["as_of"], self.known_at)
        return Value(*asked, sides["numerator"], sides["denominator"])


def _given(amount: int | str) -> int | str:
    """An amount as an event may give it: sums of monitoring may be more than a count can be."""
    return amount if isinstance(amount, str) or amount <= COUNT_MAX else str(amount)


def percent(share: Fraction) -> str:
    return f"{_decimal(share * 100)} %"


def points(difference: Fraction) -> str:
    """A difference of shares in percentage points."""
    return f"{_decimal(abs(difference) * 100)} п. п."


def _decimal(number: Fraction) -> str:
    """To one place, with a comma, as Russian texts write it."""
    return f"{float(number):.1f}".removesuffix(".0").replace(".", ",")
