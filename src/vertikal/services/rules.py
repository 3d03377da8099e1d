"""What every rule needs: its catalogue, the school year and the two clocks, and parameters for what-if."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any

from ..projections import figures
from ..projections.book import Opened
from ..read_models import periods
from ..rules import bias, proposals, relative, shnor
from ..rules.versions import P, Version, in_force
from . import queries
from .queries import Errors
from .refusals import Refusal

PAGE = 100
LIMITED_NOTE = f"ограниченная выборка: меньше {shnor.LIMITED} участников"
CATALOGUE: tuple[tuple[str, str, Sequence[Version[Any]]], ...] = (
    ("shnor", "Школы с низкими результатами", shnor.VERSIONS),
    ("bias", "Признаки необъективного оценивания", bias.VERSIONS),
    ("relative", "Значение относительно лучшего", relative.VERSIONS),
    *((code, rule.title, rule.versions) for code, rule in proposals.RULES.items()),
)


@dataclass(frozen=True)
class Subject:
    """Whom and when a rule is asked about; ``known_at`` is a position."""

    organisation: str
    year: str
    as_of: str
    known_at: int


@dataclass(frozen=True)
class Chosen:
    """A version of a rule, and the parameters that were asked for in place of its own (``what_if``)."""

    version: Version[Any]
    parameters: Any
    what_if: tuple[str, ...]

    def shown(self, rule: str) -> dict[str, Any]:
        """The rule as an answer names it."""
        head = {"rule": rule, "version": self.version.version, **plain(self.parameters)}
        return {**head, "what_if": self.what_if, "source": self.version.source}


def catalogue() -> list[dict[str, Any]]:
    """All rules with their versions, in the shape of ``/v1/rules``."""
    return [
        {
            "rule": rule,
            "title": title,
            "versions": [
                {
                    "version": each.version,
                    "from": each.first,
                    "to": each.last,
                    "parameters": plain(each.parameters),
                    "source": each.source,
                }
                for each in versions
            ],
        }
        for rule, title, versions in CATALOGUE
    ]


def plain(parameters: Any) -> dict[str, Any]:
    """Parameters as JSON: decimals are strings."""
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in asdict(parameters).items()}


def ask(
    ledger: Opened,
    given: Mapping[str, str | None],
    today: str,
    versions: Sequence[Version[P]],
    readers: Mapping[str, Callable[[str], Any]],
    errors: Errors,
) -> tuple[Subject, Chosen]:
    """What request parameters ask about, and by which version. ``readers`` read the parameters of what-if.

    Raises ``Refusal`` naming every parameter that is wrong, those in ``errors`` among them.
    """
    year = queries.read(errors, "year", lambda: _school_year(given.get("year")))
    as_of = queries.read(errors, "as_of", lambda: periods.parse_date(given.get("as_of") or today))
    known_at = queries.read(errors, "known_at", lambda: queries.read_known_at(ledger, given.get("known_at")))
    replaced = {
        name: queries.read(errors, name, partial(reader, text))
        for name, reader in readers.items()
        if (text := given.get(name))
    }
    organisation = given.get("organisation")
    if not organisation:
        errors["organisation"] = ["укажите код организации"]
    if errors or not organisation or year is None or as_of is None or known_at is None:
        raise Refusal(400, "параметры запроса не приняты", errors=errors)
    require_registered(ledger, organisation, known_at)
    return Subject(organisation, year, as_of, known_at), _chosen(versions, year, replaced)


def require_registered(ledger: Opened, organisation: str, known_at: int) -> None:
    if not any(organisation in ledger.tree(at).nodes for at in (ledger.position, known_at)):
        raise Refusal(404, f"организация «{organisation[:64]}» не зарегистрирована")


def head(ledger: Opened, subject: Subject, rule: dict[str, Any]) -> dict[str, Any]:
    """What an answer begins with."""
    return {
        "rule": rule,
        "organisation": subject.organisation,
        "year": subject.year,
        "as_of": subject.as_of,
        "known_at": queries.known_at(ledger, subject.known_at),
        "incomplete": figures.incomplete(ledger, subject.organisation, ledger.tree(subject.known_at)),
    }


def page(codes: Sequence[str], cursor: str | None, limit: int) -> tuple[list[str], str | None]:
    """The codes of a page, and the cursor of the next; ``codes`` are in order."""
    behind = [code for code in codes if code > (cursor or "")]
    return behind[:limit], behind[limit - 1] if len(behind) > limit else None


def read_share(text: str) -> Decimal:
    """A share from 0 to 1. Raises ``ValueError`` in Russian."""
    if re.fullmatch(r"[01](\.[0-9]{1,6})?", text) and Decimal(text) <= 1:
        return Decimal(text)
    raise ValueError(f"«{text[:60]}»: ожидается доля от 0 до 1, например 0.30")


def read_count(text: str, most: int) -> int:
    """A number from 1. Raises ``ValueError`` in Russian."""
    if re.fullmatch(r"[0-9]{1,9}", text) and 1 <= int(text) <= most:
        return int(text)
    raise ValueError(f"«{text[:60]}»: ожидается целое число от 1 до {most}")


def read_word(text: str, words: Sequence[str]) -> str:
    """One word of a list. Raises ``ValueError`` in Russian."""
    if text in words:
        return text
    raise ValueError(f"«{text[:60]}»: возможны: {', '.join(words)}")


def _school_year(text: str | None) -> str:
    if not text:
        raise ValueError("укажите учебный год, например 2021/2022")
    period = periods.parse(text)
    if period.kind != "school_year":
        raise ValueError(f"«{text[:60]}»: ожидается учебный год, например 2021/2022")
    return text


def _chosen(versions: Sequence[Version[Any]], year: str, replaced: Mapping[str, Any]) -> Chosen:
    version = in_force(versions, year)
    if version is None:
        problem = f"для {year} учебного года правило не определено"
        raise Refusal(422, problem, errors={"year": [problem]})
    changed = {name: value for name, value in replaced.items() if value != getattr(version.parameters, name)}
    return Chosen(version, replace(version.parameters, **changed), tuple(changed))
