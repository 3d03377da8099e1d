"""Questions and answers: what the API and the command line both ask of the ledger."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar

import orjson

from ..events import log
from ..projections import figures, membership
from ..projections import provenance as origins
from ..projections.book import Opened
from ..projections.figures import UNITS, Figure
from ..projections.organisations import Tree
from ..projections.provenance import Posting
from ..projections.questions import Question
from ..read_models import INDICATORS, periods
from ..read_models.cohorts import KINDS, SHNOR
from ..read_models.indicator import Indicator, Unanswerable
from ..read_models.samples import SAMPLES
from . import moments
from .refusals import Refusal

T = TypeVar("T")
Errors = dict[str, list[str]]

FILTERS = ("roadmap", "cohort", "procedure", "subject", "grade", "year", "kind", "level", "origin", "role",
           "significance", "type")  # fmt: skip
COHORT = "cohort"
SMALL = 5
ORIGINS = {"people": "по людям", "reported": "числом, без имён"}


def ask(
    ledger: Opened, code: str, given: Mapping[str, str | None], today: str, wrong: Errors | None = None
) -> Question:
    """The question that request parameters ask.

    Raises ``Refusal`` naming every parameter that is wrong, those that were found ``wrong`` before among them.
    """
    indicator = INDICATORS.get(code)
    if indicator is None:
        raise Refusal(404, f"показатель «{code[:60]}» неизвестен; известны: {', '.join(INDICATORS)}")
    errors: Errors = {**(wrong or {})}
    period = read(errors, "period", lambda: periods.parse(given.get("period")))
    as_of = read(errors, "as_of", lambda: periods.parse_date(given.get("as_of") or today))
    known_at = read(errors, "known_at", lambda: read_known_at(ledger, given.get("known_at")))
    by = given.get("by") or None
    if by is not None and by not in breakdowns(indicator):
        errors["by"] = [f"разбивка «{by[:60]}» невозможна; возможны: {', '.join(breakdowns(indicator))}"]
    only = {name: value for name in FILTERS if (value := given.get(name))}
    narrowed = (COHORT, *indicator.dimensions)
    for name in only.keys() - set(narrowed):
        errors[name] = [f"показатель «{code}» не делится по «{name}»; делится по: {', '.join(narrowed)}"]
    organisation = given.get("organisation")
    if not organisation:
        errors["organisation"] = ["укажите код организации"]
    if errors or period is None or as_of is None or known_at is None or organisation is None:
        raise Refusal(400, "параметры запроса не приняты", errors=errors)
    if not any(organisation in ledger.tree(at).nodes for at in (ledger.position, known_at)):
        raise Refusal(404, f"организация «{organisation[:64]}» не зарегистрирована")
    question = Question(indicator, organisation, period, as_of, known_at, by, only)
    _require_meaning(question)
    return _among_schools(ledger, question)


def breakdowns(indicator: Indicator) -> tuple[str, ...]:
    """What ``by=`` takes."""
    return (*UNITS, *KINDS, *indicator.dimensions)


def answer(ledger: Opened, question: Question, *, hide_small: bool = False) -> dict[str, Any]:
    """The figure in the shape of ``/v1/indicators/{code}``."""
    indicator, tree = question.indicator, ledger.tree(question.known_at)
    whole = figures.figure(ledger, question)
    standing = amounts(indicator, whole, hide_small)
    found: dict[str, Any] = {
        "indicator": indicator.code,
        "organisation": question.organisation,
        "period": question.period.label,
        "as_of": question.as_of,
        "known_at": known_at(ledger, question.known_at),
        **standing,
        "unit": indicator.unit,
        **sample(indicator, whole, hide_small),
        "incomplete": figures.incomplete(ledger, question.organisation, tree),
    }
    if question.by is not None:
        rows = figures.rows(ledger, question, tree)
        names = _names(ledger, question, tree, [row.key for row in rows])
        found["rows"] = [
            {
                "key": row.key,
                "name": names.get(row.key, row.key),
                **amounts(indicator, row, hide_small),
                **sample(indicator, row, hide_small),
            }
            for row in rows
        ]
    return {**found, **_growth(ledger, question, standing, hide_small)}


def provenance(ledger: Opened, question: Question, cursor: str | None, limit: int) -> dict[str, Any]:
    """The postings of a figure in the shape of ``/v1/indicators/{code}/postings``."""
    items, after = origins.provenance(ledger, question, read_cursor(cursor, 6), limit)
    return {"items": [posting(question.indicator, item) for item in items], "next": write_cursor(after)}


def known_at(ledger: Opened, position: int) -> dict[str, Any]:
    return {"position": position, "time": log.recorded_at(ledger.connection, position)}


def read_known_at(ledger: Opened, text: str | None) -> int:
    """A position of the log from a position or an RFC 3339 time. Raises ``ValueError`` in Russian."""
    held = ledger.position
    if not text:
        return held
    position = moments.position(ledger.connection, ledger.head, text)
    if position > held:
        raise Refusal(
            503, f"позиция {position} ещё не учтена в показателях, учтено {held}", headers={"Retry-After": "1"}
        )
    return position


def tree_with(ledger: Opened, code: str, known_at: int | None = None) -> Tree:
    """The tree by which sight of an organisation is judged: that of now or, where its registration was retracted since,
    that of ``known_at``. Raises a 404 for what neither knows.
    """
    for at in (ledger.position, known_at):
        if at is not None and code in ledger.tree(at).nodes:
            return ledger.tree(at)
    raise Refusal(404, f"организация «{code[:64]}» не зарегистрирована")


def read_clocks(ledger: Opened, as_of: str, known_at: str | None) -> tuple[str, int]:
    """The date and the position of a question. Raises a 400 naming every parameter that is wrong."""
    errors: Errors = {}
    day = read(errors, "as_of", lambda: periods.parse_date(as_of))
    position = read(errors, "known_at", lambda: read_known_at(ledger, known_at))
    if day is None or position is None:
        raise Refusal(400, "параметры запроса не приняты", errors=errors)
    return day, position


def read_cursor(text: str | None, length: int) -> list[int] | None:
    """The numbers that a cursor carries. Raises a 400."""
    if not text:
        return None
    try:
        values = orjson.loads(base64.urlsafe_b64decode(text))
    except (ValueError, binascii.Error):
        values = None
    numbers = [value for value in values if type(value) is int] if isinstance(values, list) else []
    if len(numbers) != length or not all(0 <= number <= log.POSITION_MAX for number in numbers):
        raise Refusal(400, "параметры запроса не приняты", errors={"cursor": ["курсор не распознан"]})
    return numbers


def write_cursor(values: list[int] | None) -> str | None:
    return None if values is None else base64.urlsafe_b64encode(orjson.dumps(values)).decode()


def ratio(numerator: int, denominator: int | None) -> str | None:
    """A plain ratio as a decimal string of up to six places; None where there is nothing to divide by."""
    return None if not denominator else _plain(Decimal(numerator) / Decimal(denominator))


def read(errors: Errors, name: str, parse: Callable[[], T]) -> T | None:
    """What a parameter says, or None and a note of what is wrong with it."""
    try:
        return parse()
    except ValueError as error:
        errors[name] = [str(error)]
        return None


def _require_meaning(question: Question) -> None:
    try:
        for part in (*question.indicator.numerator, *question.indicator.denominator):
            part.reading(question.period, question.as_of)
    except Unanswerable as error:
        raise Refusal(422, str(error), errors={"period": [str(error)]}) from error


def _among_schools(ledger: Opened, question: Question) -> Question:
    """The question with the schools that it is about, where it is about those of cohorts."""
    code, as_of, known_at = question.only.get(COHORT), question.as_of, question.known_at
    members, groups = None, {}
    if code is not None:
        if not any(membership.cohort(ledger, code, at) for at in (known_at, ledger.position)):
            raise Refusal(404, f"группа школ «{code[:64]}» не определена")
        cohort = membership.cohort(ledger, code, known_at)
        members = membership.schools(ledger, [cohort] if cohort else [], as_of, known_at)
    elif question.indicator.of_members:
        members = membership.schools(ledger, membership.of_kind(ledger, SHNOR, known_at), as_of, known_at)
    if members is not None and question.indicator.of_members:
        tree = ledger.tree(known_at)
        members = {code: of for code, of in members.items() if tree.within(code, question.organisation, as_of)}
    if question.by in KINDS:
        grouped = membership.schools(ledger, membership.of_kind(ledger, question.by, known_at), as_of, known_at)
        groups = {school: "+".join(of) for school, of in grouped.items()}
    return replace(question, members=None if members is None else frozenset(members), groups=groups)


def _growth(ledger: Opened, question: Question, now: Mapping[str, Any], hide_small: bool) -> dict[str, Any]:
    """The period before and the growth since then; neither tells a value that is hidden."""
    period = question.period.previous()
    if period is None:
        return {"previous": None, "growth": None}
    before = figures.figure(ledger, replace(question, period=period))
    then = amounts(question.indicator, before, hide_small)
    of = "value" if question.indicator.growth == "points" else "numerator"
    both = then[of] is not None and now[of] is not None
    growth = _plain(Decimal(now[of]) - Decimal(then[of])) if both else None
    return {"previous": {"period": period.label, **then}, "growth": growth}


def amounts(indicator: Indicator, figure: Figure, hide_small: bool = False) -> dict[str, Any]:
    """Both sides and the value of a figure, hidden where it is small and must not be seen."""
    if hide_small and _is_small(indicator, figure):
        return {"numerator": None, "denominator": None, "value": None}
    denominator = figure.denominator
    return {
        "numerator": _amount(indicator, figure.numerator),
        "denominator": None if denominator is None else _amount(indicator, denominator),
        "value": ratio(figure.numerator, denominator),
    }


def sample(indicator: Indicator, figure: Figure, hide_small: bool = False) -> dict[str, str | None]:
    """How much a figure about participants tells by their number; nothing of one that is hidden."""
    if not indicator.of_participants:
        return {}
    hidden = hide_small and _is_small(indicator, figure)
    return {"sample": None if hidden else SAMPLES.note(figure.denominator)}


def _is_small(indicator: Indicator, figure: Figure) -> bool:
    """Whether a figure could point at a person."""
    few = [figure.numerator]
    if indicator.rest_hides and figure.denominator is not None:
        few.append(figure.denominator - figure.numerator)
    return indicator.people and any(0 < number < SMALL for number in few)


def _amount(indicator: Indicator, held: int) -> int | str:
    """A count, or a decimal string of what is held as parts of one."""
    return held if indicator.scale == 1 else _plain(Decimal(held) / indicator.scale)


def _names(ledger: Opened, question: Question, tree: Tree, keys: Iterable[str]) -> dict[str, str]:
    """What the rows are called, where it is not their key."""
    if question.by in KINDS:
        titles = {each.cohort: each.title for each in membership.of_kind(ledger, question.by, question.known_at)}
        named = {
            key: ", ".join(titles[code] for code in key.split("+")) for key in keys if key != question.organisation
        }
        keys = {question.organisation}
    elif question.by not in UNITS:
        return ORIGINS
    else:
        named = {}
    return named | {code: tree.nodes[code].name(question.as_of) for code in keys if code in tree.nodes}


def posting(indicator: Indicator, posting: Posting) -> dict[str, Any]:
    return {
        "event_id": posting.event_id,
        "position": posting.position,
        "type": posting.type,
        "source": posting.source,
        "organisation": posting.organisation,
        "date": posting.date,
        "side": posting.side,
        "delta": _amount(indicator, posting.amount),
        "dimensions": posting.dimensions,
    }


def _plain(value: Decimal) -> str:
    text = f"{value.quantize(Decimal('0.000001')):f}"
    text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
