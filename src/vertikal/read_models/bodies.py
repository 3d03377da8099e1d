"""Who answers for an activity: the column of the responsible, read into bodies, people and target groups.

One cell names several of them («РУО, ИМЦ; директора школ»), one body stands under several names («рабочая группа»,
«муниципальная рабочая группа»), and a target group («6 команд ШНОР») may stand where a body is expected. Names are
taken for one and the same only where ``ALIASES`` say so, with how sure that is; likeness alone merges nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

BODY, PERSON, TARGET_GROUP = "body", "person", "target_group"


@dataclass(frozen=True, slots=True)
class Alias:
    """Another name of a body; ``confidence`` is a decimal, "1" for a name that is merely spelt out."""

    name: str
    body: str
    confidence: str = "1"


@dataclass(frozen=True, eq=False)
class Aliases:
    """What is known of names. A change is a new version: what is shown says which one it was read by."""

    version: str
    aliases: tuple[Alias, ...]
    legal_forms: Mapping[str, str]  # stand before the name of an institute and are no part of it: confidence
    institutes: str  # patterns of whole names, in small letters
    target_groups: str
    people: str


@dataclass(frozen=True, slots=True)
class Named:
    """One of the responsible: the name it is found by, as it is written, and what it is."""

    body: str
    raw: str
    kind: str
    confidence: str


ALIASES = Aliases(
    version="1",
    aliases=(
        Alias("рабочая группа", "Муниципальная рабочая группа", "0.9"),
        Alias("методсовет", "Методический совет"),
        Alias("районное методическое объединение", "РМО"),
        Alias("районные методические объединения", "РМО"),
        Alias("районное управление образования", "РУО"),
        Alias("УОиМП", "Управление образования и молодёжной политики"),
        Alias("информационно-методический центр", "ИМЦ"),
        Alias("УМЦ", "Учебно-методический центр"),
        Alias("УМЦ управления", "Учебно-методический центр", "0.9"),
        Alias("учебно-методический центр управления", "Учебно-методический центр", "0.9"),
    ),
    legal_forms={
        "гоу": "0.9",
        "гбоу": "0.9",
        "гау": "0.9",
        "гаоу": "0.9",
        "гоу дпо": "0.95",
        "гбоу дпо": "0.95",
        "гбу дпо": "0.95",
        "гау дпо": "0.95",
        "гаоу дпо": "0.95",
        "дпо": "0.9",
    },
    institutes=r".*\bинститут\b.*|[а-я]{0,4}иро|[а-я]{0,4}ипк(ро)?",
    target_groups=(
        r"\d+ (команд[аы]?|школ[аы]?|групп[аы]?|оо|учител\w+|педагог\w*|руководител\w+|директор\w*|человек)( .*)?"
        r"|((школьные|управленческие|проектные) )*команды( школ| шнор| оо)( .*)?"
        r"|шнор|школы с нор|школы с низкими( образовательными)? результатами|школы|оо"
        r"|(обще)?образовательные организации"
    ),
    people=(
        r"(зам(естител[ьи]|\.)? )?(директор|руководител|начальник|заведующ)[а-я]*( .*)?"
        r"|(классные руководители|педагогические работники|педагоги?|завучи?|специалисты?|логопеды?)( .*)?"
        r"|(педагоги?-)?психологи?( .*)?"
        r"|(учител[ья]|методисты?|координаторы?|кураторы?|наставники?|консультанты?|тьюторы?)([ -].*)?"
        r"|[а-я-]+ [а-я]\. ?[а-я]\.|[а-я]\. ?[а-я]\. ?[а-я-]+"
    ),
)
QUOTES = str.maketrans({"“": "«", "”": "»", "„": "«", "Ё": "Е", "ё": "е"})
OPENING, CLOSING = "(«“„", ")»”"


def named(responsible: Iterable[str], known: Aliases = ALIASES) -> tuple[Named, ...]:
    """All that a plan's row names, in its order; what it names twice stands once.

    >>> [each.body for each in named(["РУО, ИМЦ; директора школ"])]
    ['РУО', 'ИМЦ', 'Директора школ']
    """
    found: dict[str, Named] = {}
    for each in (_read(raw, known) for cell in responsible for raw in split(cell)):
        found.setdefault(key(each.body), each)
    return tuple(found.values())


def split(cell: str) -> list[str]:
    """The parts of a cell at commas, semicolons and line ends, but not inside quotes and brackets.

    A part without letters goes on with what stands before it: «школы № 3, 5». «и» does not part: it stands in names.
    """
    parts, depth, straight = [""], 0, False
    for sign in cell:
        straight ^= sign == '"'
        depth = max(0, depth + (sign in OPENING) - (sign in CLOSING))
        if sign in ",;\n" and not depth and not straight:
            parts.append("")
        else:
            parts[-1] += sign
    found: list[str] = []
    for part in (" ".join(part.split()) for part in parts):
        if found and part and not re.search(r"[^\W\d_]", part):
            found[-1] += f", {part}"
        elif part:
            found.append(part)
    return found


@lru_cache(maxsize=10_000)
def key(name: str) -> str:
    """What two spellings of a name have in common: case, «ё», kinds of quotes and dashes, blanks, a stop at the end."""
    text = re.sub(r"\s*[-–—]\s*", "-", " ".join(name.translate(QUOTES).split()))
    text = re.sub(r'"([^"]*)"', r"«\1»", text)
    text = re.sub(r" и (др|т\. ?д)\.?$", "", text, flags=re.IGNORECASE).strip()
    return (text if re.search(r"[А-Яа-я]\. ?[А-Яа-я]\.$", text) else text.rstrip(". ")).lower()


@lru_cache(maxsize=10_000)
def _read(raw: str, known: Aliases) -> Named:
    """One of the responsible as the aliases know it."""
    name, sure = key(raw), "1"
    if re.fullmatch(known.target_groups, name):
        return Named(_tidy(raw), raw, TARGET_GROUP, sure)
    if re.fullmatch(known.people, name):
        return Named(_tidy(raw), raw, PERSON, sure)
    written, sure = _without_legal_form(raw, known)
    for alias in known.aliases:
        if key(alias.name) == key(written):
            return Named(alias.body, raw, BODY, min(sure, alias.confidence, key=float))
    return Named(_tidy(written), raw, BODY, sure)


def _without_legal_form(raw: str, known: Aliases) -> tuple[str, str]:
    """An institute's name without ГОУ, ГБОУ, ГБОУ ДПО before it, and how sure it is that this is the same institute."""
    words = raw.split()
    for length in (2, 1):
        form, rest = key(" ".join(words[:length])), " ".join(words[length:])
        if form in known.legal_forms and re.fullmatch(known.institutes, key(rest)):
            return rest, known.legal_forms[form]
    return raw, "1"


def _tidy(raw: str) -> str:
    """A name as written, without what ``key`` drops at its end, beginning with a capital."""
    text = " ".join(raw.split())
    text = re.sub(r" и (др|т\. ?д)\.?$", "", text, flags=re.IGNORECASE)
    text = text if re.search(r"[А-Яа-я]\. ?[А-Яа-я]\.$", text) else text.rstrip(". ")
    return text[:1].upper() + text[1:]
