"""Management cycles of some municipalities, 2021/2022 and 2022/2023, each with every component and its links.

The findings of the analysis cite figures that stand in the log when it is published: the shares below the minimum of
single schools, drawn again from where the results were drawn. One finding in each cites nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from .dates import Month, label, school_year
from .facts import Data, Fact, at
from .places import Municipality, School
from .results import figures, is_late
from .scale import Scale

YEARS = (2021, 2022)
OWN_INDICATOR = "lessons_visited"
CITED = 3


def has_cycle(municipality: Municipality) -> bool:
    return municipality.number % 4 == 2


def name(municipality: Municipality, year: int) -> str:
    return f"{municipality.code}-cycle-{year}"


def facts(municipality: Municipality, month: Month, scale: Scale) -> Iterator[Fact]:
    """What is said in a month about the cycle of its school year, from opening in September to closing in August."""
    year = month.year - (month.number < 9)
    if year not in YEARS or not has_cycle(municipality):
        return
    match month.number:
        case 9:
            yield from _opened(municipality, year, month)
        case 10 | 1 | 5:
            yield from _monitored(municipality, year, month)
        case 11:
            yield from _analysed(municipality, year, month, scale)
        case 12:
            yield from _recommended(municipality, year, month)
        case 2:
            yield from _answered(municipality, year, month)
            yield _decided(municipality, year, month)
        case 6:
            yield _assessed(municipality, year, month)
        case 8:
            yield _closed(municipality, year, month)


def _opened(municipality: Municipality, year: int, month: Month) -> Iterator[Fact]:
    code, cycle, day = municipality.code, name(municipality, year), month.day(3)
    data: Data = {"cycle": cycle, "organisation": code, "direction": "Поддержка школ с низкими результатами"}
    yield Fact("cycle.opened", code, day, data | {"period": school_year(year)})
    for goal, text in (("1", "Снизить долю учеников ниже минимального порога"), ("2", "Обучить учителей школ группы")):
        yield Fact("goal.set", code, day, {"cycle": cycle, "goal": goal, "text": text, "basis": "Программа района"})
    due = school_year(year)["end"]
    for goal, indicator, method, value, comparator in (
        ("1", "below_minimum", "Результаты ВПР, ОГЭ и ЕГЭ", "0.2", "<="),
        ("2", "trained_teachers", "Сведения о курсах", "0.6", ">="),
        ("2", OWN_INDICATOR, "Карты посещения уроков", "0.5", ">="),
    ):
        data = {"cycle": cycle, "goal": goal, "indicator": indicator, "method": method}
        target = {"value": value, "comparator": comparator, "by": due}
        yield Fact("indicator.adopted", code, day, data | {"target": target})


def _monitored(municipality: Municipality, year: int, month: Month) -> Iterator[Fact]:
    """An indicator of the municipality's own: teachers whose lessons were visited."""
    on, times = month.day(8), {10: 1, 1: 2, 5: 3}[month.number]
    for school in municipality.members(year):
        data: Data = {"cycle": name(municipality, year), "indicator": OWN_INDICATOR, "organisation": school.code}
        data |= {"on": on, "numerator": school.teachers * times // 5, "denominator": school.teachers}
        yield Fact("monitoring.recorded", school.code, on, data | {"origin": "Карты посещения уроков"})


def _cited(municipality: Municipality, year: int) -> list[School]:
    """The schools whose results of the year before the analysis names: those that came in time."""
    members = [school for school in municipality.members(year) if not is_late(school, year - 1)]
    return members[:CITED]


def _analysed(municipality: Municipality, year: int, month: Month, scale: Scale) -> Iterator[Fact]:
    findings: list[Data] = []
    known_at = at(month.day(5)).isoformat().replace("+00:00", "Z")
    for number, school in enumerate(_cited(municipality, year), 1):
        below, participants = figures(school, year - 1, scale.results)
        figure: Data = {"indicator": "below_minimum", "organisation": school.code, "period": label(year - 1)}
        figure |= {"as_of": month.day(5), "known_at": known_at, "numerator": below, "denominator": participants}
        text = f"{school.name}: доля ниже минимального порога требует отдельной помощи"
        findings.append({"finding": str(number), "text": text, "figures": [figure]})
    text = "Учителя школ группы мало участвуют в сетевых объединениях"
    findings.append({"finding": str(len(findings) + 1), "text": text, "figures": []})
    data = {"cycle": name(municipality, year), "analysis": str(year), "findings": findings}
    yield Fact("analysis.published", municipality.code, month.day(8), data)


def _recommended(municipality: Municipality, year: int, month: Month) -> Iterator[Fact]:
    cycle, code = name(municipality, year), municipality.code
    for number, school in enumerate(_cited(municipality, year), 1):
        data: Data = {"cycle": cycle, "recommendation": f"{cycle}-rec-{number}", "finding": str(number)}
        text = "Составить план занятий с учениками группы риска и согласовать его с куратором"
        data |= {"addressees": [school.code], "text": text, "due": f"{month.year + 1}-02-01"}
        yield Fact("recommendation.issued", code, month.day(8), data)


def _answered(municipality: Municipality, year: int, month: Month) -> Iterator[Fact]:
    """The last of the schools does not answer, which is for the inbox to notice; the second declines."""
    for number, school in enumerate(_cited(municipality, year)[:2], 1):
        answer = "accepted" if number == 1 else "declined"
        data: Data = {"recommendation": f"{name(municipality, year)}-rec-{number}", "organisation": school.code}
        data |= {"answer": answer, "text": "План составлен" if number == 1 else "Такой план уже действует"}
        yield Fact("recommendation.answered", school.code, month.day(4), data)


def _decided(municipality: Municipality, year: int, month: Month) -> Fact:
    cycle, roadmap = name(municipality, year), f"{municipality.code}-rm-{year}"
    data: Data = {"cycle": cycle, "decision": "1", "act": {"number": "17-о", "date": month.day(7)}}
    recommendations = [f"{cycle}-rec-{number}" for number, _ in enumerate(_cited(municipality, year), 1)]
    data |= {"recommendations": recommendations, "text": "Усилить методическую помощь школам, названным в анализе"}
    data["activities"] = [{"roadmap": roadmap, "activity": activity} for activity in ("04", "06")]
    return Fact("decision.taken", municipality.code, month.day(7), data)


def _assessed(municipality: Municipality, year: int, month: Month) -> Fact:
    data: Data = {"cycle": name(municipality, year), "effectiveness": "1"}
    data["activities"] = [{"roadmap": f"{municipality.code}-rm-{year}", "activity": "04"}]
    outcome = ("effective", "partly", "ineffective")[(municipality.number + year) % 3]
    data |= {"outcome": outcome, "text": "Планы помощи выполнялись, результат виден не во всех школах"}
    return Fact("effectiveness.assessed", municipality.code, month.day(8), data)


def _closed(municipality: Municipality, year: int, month: Month) -> Fact:
    """The cycle of the next year is named, though it opens only in September."""
    data: Data = {"cycle": name(municipality, year)}
    if year + 1 in YEARS:
        data["next"] = name(municipality, year + 1)
    return Fact("cycle.closed", municipality.code, month.day(5), data)
