"""Whether an expected result was met: exact arithmetic over what was expected and what marks report.

A count («не менее 30 человек») is met by the sum of the results in its unit. A share («50 % учителей») is met by the
numerators of the results over their denominators. What is known of them is held as an interval: a result that is
missing, or says a percentage without its two numbers, makes it wide, and the answer is null unless all of it agrees.
Amounts are not negative: what is not known of a sum can only add to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from operator import eq, ge, le
from typing import Any

Said = Mapping[str, Any]
Interval = tuple[Fraction, Fraction | None]  # from … to, both included; None: no upper bound
COMPARATORS: dict[str, Callable[[Fraction, Fraction], bool]] = {">=": ge, "<=": le, "=": eq}


def met(expected: Said | None, results: Sequence[Said | None]) -> bool | None:
    """Whether results together meet what was expected; one entry for each done target, None where it tells nothing.

    Null: the expected result is words only, nothing comparable was reported, or what was leaves it open.

    >>> met({"text": "30 человек", "value": 30, "unit": "человек"}, [{"text": "", "value": 29, "unit": "человек"}])
    False
    """
    if expected is None:
        return None
    wanted = _share(expected) if is_share(expected) else _number(expected.get("value"))
    if wanted is None:
        return None
    comparable = [each if each is not None and _unit(each) == _unit(expected) else None for each in results]
    reached = _share_reached(comparable) if is_share(expected) else _count_reached(comparable)
    return None if reached is None else _compared(reached, wanted, expected.get("comparator", ">="))


def is_share(expected: Said) -> bool:
    """A unit in per cent («% учителей»), or a numerator and a denominator without a value."""
    return _in_per_cent(expected) or ("value" not in expected and _divided(expected) is not None)


def _compared(reached: Interval, wanted: Fraction, comparator: str) -> bool | None:
    """Whether a comparison holds for all of an interval, for none of it, or (None) for some."""
    low, high = reached
    if high is not None and low == high:
        return COMPARATORS[comparator](low, wanted)
    below, above = high is not None and high < wanted, low > wanted
    match comparator:
        case ">=":
            return True if low >= wanted else False if below else None
        case "<=":
            return False if above else True if high is not None and high <= wanted else None
    return False if below or above else None


def _count_reached(results: Iterable[Said | None]) -> Interval | None:
    numbers = [None if each is None or _in_per_cent(each) else _number(each.get("value")) for each in results]
    known = [number for number in numbers if number is not None]
    if not known:
        return None
    return sum(known, Fraction()), sum(known, Fraction()) if len(known) == len(numbers) else None


def _share_reached(results: Iterable[Said | None]) -> Interval | None:
    """The share over all results lies between the least and the greatest; those with both numbers are one."""
    given = list(results)
    pairs = [pair for each in given if each and (pair := _pair(each))]
    whole = sum((below for _, below in pairs), Fraction())
    shares = [sum((above for above, _ in pairs), Fraction()) / whole] if whole else []
    rest = [_share(each) if each else None for each in given if each is None or not _pair(each)]
    shares += [share for share in rest if share is not None]
    return (min(shares), max(shares)) if shares and None not in rest else None


def _share(said: Said) -> Fraction | None:
    """What is said as a plain ratio: 50 of a unit in per cent is one half."""
    value = _number(said.get("value"))
    if _in_per_cent(said) and value is not None:
        return value / 100
    return _divided(said)


def _divided(said: Said) -> Fraction | None:
    pair = _pair(said)
    return pair[0] / pair[1] if pair and pair[1] else None


def _pair(said: Said) -> tuple[Fraction, Fraction] | None:
    above, below = _number(said.get("numerator")), _number(said.get("denominator"))
    return None if above is None or below is None else (above, below)


def _number(amount: int | str | None) -> Fraction | None:
    return None if amount is None else Fraction(amount)


def _in_per_cent(said: Said) -> bool:
    return str(said.get("unit", "")).lstrip().startswith("%")


def _unit(said: Said) -> str:
    """A unit as it is compared: the sign of a share, case and blanks aside."""
    return " ".join(str(said.get("unit", "")).replace("%", " ").lower().replace("ё", "е").split())
