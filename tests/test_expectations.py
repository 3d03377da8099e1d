"""Whether an expected result was met: counts, shares, and what is not known."""

from __future__ import annotations

from typing import Any

import pytest

from vertikal.read_models.expectations import met

Said = dict[str, Any]


def count(value: Any, unit: str = "человек", **more: Any) -> Said:
    return {"text": "", "value": value, "unit": unit, **more}


def share(value: Any = None, above: Any = None, below: Any = None, unit: str = "% учителей", **more: Any) -> Said:
    numbers = {"value": value, "numerator": above, "denominator": below}
    return {
        "text": "",
        "unit": unit,
        **{name: number for name, number in numbers.items() if number is not None},
        **more,
    }


WORDS = {"text": "Положительная динамика"}
MET: dict[str, tuple[Said | None, list[Said | None], bool | None]] = {
    "30 of 30 people in two targets": (count(30), [count(18), count(12)], True),
    "29 of 30 people": (count(30), [count(18), count(11)], False),
    "more than expected": (count(30), [count(31)], True),
    "decimals are exact": (count("0.3", "ставки"), [count("0.1", "ставки"), count("0.2", "ставки")], True),
    "at most 3, and it is 3": (count(3, comparator="<="), [count(1), count(2)], True),
    "at most 3, and it is 4": (count(3, comparator="<="), [count(4)], False),
    "exactly 3, and it is 3": (count(3, comparator="="), [count(3)], True),
    "exactly 3, and it is 4": (count(3, comparator="="), [count(4)], False),
    "no target is done": (count(30), [], None),
    "a done target says nothing": (count(30), [None], None),
    "one says nothing, the other is enough": (count(30), [None, count(30)], True),
    "one says nothing, and it may be enough": (count(30), [None, count(29)], None),
    "one says nothing, and it is too much without": (count(3, comparator="<="), [None, count(4)], False),
    "one says nothing, and it may be too much": (count(3, comparator="<="), [None, count(3)], None),
    "one says nothing, and it may be exact": (count(3, comparator="="), [None, count(3)], None),
    "one says nothing, and it is more than exact": (count(3, comparator="="), [None, count(4)], False),
    "another unit": (count(30), [count(30, "учителей")], None),
    "case and blanks of a unit": (count(30), [count(30, " Человек")], True),
    "no units": ({"text": "3", "value": 3}, [{"text": "", "value": 3}], True),
    "a percentage is no count": (count(30), [count(50, "% человек")], None),
    "words only": (WORDS, [count(30)], None),
    "nothing expected": (None, [count(30)], None),
    "a result in words": (count(30), [WORDS], None),
    "20 of 40 is 50 %": (share(50), [share(None, 20, 40)], True),
    "19 of 40 is not 50 %": (share(50), [share(50, 19, 40)], False),
    "1 of 3 is more than 33.333333 %": (share("33.333333"), [share(None, 1, 3)], True),
    "shares are summed, not averaged": (share(50), [share(None, 1, 1), share(None, 3, 10)], False),
    "50 % without numbers": (share(50), [share(50)], True),
    "both above": (share(50), [share(50), share(60)], True),
    "both below": (share(50), [share(40), share(49)], False),
    "one above, one below, no numbers": (share(50), [share(40), share(60)], None),
    "numbers and a percentage that agree": (share(50), [share(None, 6, 10), share(55)], True),
    "numbers and a percentage that differ": (share(50), [share(None, 6, 10), share(45)], None),
    "a done target without a share": (share(50), [share(60), None], None),
    "exactly 50 %": (share(50, comparator="="), [share(None, 1, 2)], True),
    "exactly 50 % lies between": (share(50, comparator="="), [share(40), share(60)], None),
    "exactly 50 % lies outside": (share(50, comparator="="), [share(51), share(60)], False),
    "at most 10 %": (share(10, comparator="<="), [share(None, 1, 10)], True),
    "at most 10 %, and one is more": (share(10, comparator="<="), [share(9), share(12)], None),
    "at most 10 %, and all are more": (share(10, comparator="<="), [share(11), share(12)], False),
    "0 of 0 is no data": (share(50), [share(None, 0, 0)], None),
    "another denominator": (share(50), [share(50, 20, 40, "% семинаров")], None),
    "the unit without its sign": (share(50), [share(None, 20, 40, "учителей")], True),
    "a ratio expected": (share(None, 1, 2, "учителей"), [share(None, 20, 40, "учителей")], True),
    "a ratio expected, and missed": (share(None, 2, 3, "учителей"), [share(None, 20, 40, "учителей")], False),
    "a ratio of nought": (share(None, 1, 0, "учителей"), [share(None, 20, 40, "учителей")], None),
    "a percentage without its number": (share(), [share(None, 20, 40)], None),
    "a value is a count, whatever stands beside it": (
        count(12, "teachers", numerator="9", denominator="12.5"),
        [count(12, "teachers", numerator="9", denominator="12.5")],
        True,
    ),
}


@pytest.mark.parametrize("case", MET)
def test_an_expected_result_is_met_missed_or_open(case: str) -> None:
    expected, results, answer = MET[case]
    assert met(expected, results) is answer
