"""Names of organisations that may mean the same: compared, never merged. A person decides."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal
from itertools import combinations

from .found import NAMES, Contradiction, Origin, short

RULE = "two_names"
SIGNS_PER_SLIP = 5
SLIPS_MAX = 2
FORMS = (
    r"муниципальн\w+\s+(?:(?:бюджетн|казенн|автономн)\w+\s+)?общеобразовательн\w+\s+учрежден\w+",
    r"[мг][бка]?оу",
    r"[мг][бка]?доу",
    r"мо[бка]у",
    r"[мг][бка]у(?:\s+д[по]о?)?",
    r"фг[бк]оу|кг[бк]оу|ог[бк]оу|чоу|ноу|ано",
)
FORM = re.compile(rf"\b(?:{'|'.join(FORMS)})\b")
CITY = re.compile(r"\b(?:г\b\.?|город[ае]?\b)")
NUMBER = re.compile(r"[0-9]+")
OTHER = re.compile(r"[^0-9a-zа-я]+")


def normalised(name: str) -> tuple[str, tuple[str, ...]]:
    """The letters of a name without legal form, quotes, «город», № and spaces; and its numbers.

    >>> normalised("МБОУ «Гимназия № 1» г. Тверь") == normalised("гимназия №1 город Тверь")
    True
    """
    text = CITY.sub(" ", FORM.sub(" ", name.lower().replace("ё", "е")))
    numbers = tuple(sorted(str(int(number)) for number in NUMBER.findall(text)))
    return OTHER.sub("", NUMBER.sub("", text)), numbers


def alike(names: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Pairs of codes whose names match or nearly match, with a confidence: "1.00" is the same but for its dressing.

    Numbers must be equal. Of the letters one in five may differ, two at most. Only names that begin or end with the
    same letter are compared, so that a slip is still found and not everybody is held against everybody.
    """
    parts = {code: normalised(name) for code, name in names.items()}
    blocks: dict[tuple[object, ...], list[str]] = {}
    for code, (letters, numbers) in sorted(parts.items()):
        if letters or numbers:
            for block in {("first", letters[:1], numbers), ("last", letters[-1:], numbers)}:
                blocks.setdefault(block, []).append(code)
    pairs = {pair for codes in blocks.values() for pair in combinations(codes, 2)}
    for first, second in sorted(pairs):
        confidence = _confidence(parts[first][0], parts[second][0])
        if confidence is not None:
            yield first, second, confidence


def proposal_of(first: str, second: str) -> str:
    """The identity of the proposal that two organisations are one."""
    return hashlib.sha256("/".join([RULE, *sorted((first, second))]).encode()).hexdigest()[:16]


def two_names(parent: str, names: Mapping[str, str], confidence: str) -> Contradiction:
    """Two organisations under one parent that may be one; the parent decides."""
    first, second = sorted(names)
    text = f"похожие названия, возможно, одной организации: «{short(names[first])}» и «{short(names[second])}»"
    about = {"organisations": [first, second], "names": [names[first], names[second]]}
    origins = tuple(Origin(NAMES, code) for code in (first, second))
    of = proposal_of(first, second)
    return Contradiction(RULE, f"{parent}/{first}/{second}", parent, about, text, {}, origins, confidence, proposal=of)


def _confidence(first: str, second: str) -> str | None:
    length = max(len(first), len(second))
    slips_max = min(SLIPS_MAX, length // SIGNS_PER_SLIP)
    if abs(len(first) - len(second)) > slips_max:
        return None
    slips = distance(first, second)
    if slips > slips_max:
        return None
    share = Decimal(length - slips) / Decimal(length) if length else Decimal(1)
    return f"{share.quantize(Decimal('0.01'), ROUND_HALF_UP)}"


def distance(first: str, second: str) -> int:
    """How many letters must be put in, taken out or replaced (Levenshtein)."""
    row = list(range(len(second) + 1))
    for number, letter in enumerate(first, 1):
        above, row[0] = row[0], number
        for place, other in enumerate(second, 1):
            above, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, above + (letter != other))
    return row[-1]
