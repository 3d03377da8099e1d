"""Indicators of a cycle's own, outside the catalogue: their values are what was recorded of them, not the ledger's."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from ..read_models import cycle_states
from ..read_models.cycle_states import Cycle
from . import queries

MICRO = 1_000_000  # amounts have up to six decimal places
NO_DATA: dict[str, Any] = {"numerator": None, "denominator": None, "value": None}


def value(
    cycle: Cycle, code: str, as_of: str, organisation: str, below: Callable[[str], bool] = lambda _: True
) -> tuple[Decimal, Decimal] | None:
    """Numerator and denominator for an organisation as of a date, summed up where only those ``below`` it recorded.

    None where nothing was recorded, which is no data.
    """
    recorded = cycle_states.values(cycle, code, as_of, organisation, below)
    if not recorded:
        return None
    numerator, denominator = (
        sum((Decimal(said.data[side]) for said in recorded), Decimal(0)) for side in ("numerator", "denominator")
    )
    return numerator, denominator


def shown(numerator: Decimal, denominator: Decimal) -> dict[str, Any]:
    """Both sides and the value as a figure shows them."""
    value = queries.ratio(int(numerator * MICRO), int(denominator * MICRO))
    return {"numerator": amount(numerator), "denominator": amount(denominator), "value": value}


def amount(amount: Decimal) -> int | str:
    """A whole number as one, any other as a decimal string."""
    return int(amount) if amount == amount.to_integral_value() else f"{amount.normalize():f}"
