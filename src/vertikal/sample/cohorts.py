"""Cohorts of the generated municipalities, and the risk profiles of the schools in them."""

from __future__ import annotations

from collections.abc import Iterator

from .dates import Month, label
from .facts import Data, Fact
from .places import Municipality, School, leaves_cohort
from .roadmaps import cohort

FACTORS = (
    "Дефицит предметных знаний учителей",
    "Низкая учебная мотивация",
    "Нехватка кадров",
    "Устаревшее оснащение",
    "Слабая работа с семьями",
    "Разнородный состав классов",
    "Низкий уровень дисциплины",
)
PERIOD = {"start": "2020-09-01", "end": "2024-08-31"}


def cohorts(municipality: Municipality, month: Month) -> Iterator[Fact]:
    """Defined in September 2020, a second programme a year later, exclusions by an act in autumn 2022."""
    code = municipality.code
    if month == Month(2020, 9):
        basis = "Приказ управления образования от 01.09.2020"
        codes = [school.code for school in municipality.members(2020)]
        title = "Школы с низкими результатами"
        yield from cohort(code, f"{code}-shnor", title, "shnor", PERIOD, codes, basis, "2020-09-01")
    if month == Month(2020, 10):
        codes = [school.code for school in municipality.schools if school.number % 9 == 0 and not _ends(school)]
        title, basis = "Школы в сложных социальных условиях", "Социальный паспорт школы"
        yield from cohort(code, f"{code}-shnsu", title, "shnsu", PERIOD, codes, basis, "2020-10-02")
    if month == Month(2021, 9):
        codes = [school.code for school in municipality.members(2021) if school.number % 3 == 0]
        title, basis = "Участники проекта «500+»", "Список участников проекта"
        period = {"start": "2021-09-01", "end": "2022-08-31"}
        yield from cohort(code, f"{code}-500plus", title, "500plus", period, codes, basis, "2021-09-06")
    if month == Month(2022, 10):
        yield from _exclusions(municipality)


def _exclusions(municipality: Municipality) -> Iterator[Fact]:
    """Schools leave by an act, a month after the day on which they are out."""
    for school in municipality.schools:
        if school.low and leaves_cohort(school):
            data = {"cohort": f"{municipality.code}-shnor", "school": school.code, "to": "2022-09-01"}
            basis = "Приказ об исключении: результаты двух лет выше порога"
            yield Fact("school.excluded", school.code, "2022-09-20", data | {"basis": basis})


def risks(municipality: Municipality, month: Month) -> Iterator[Fact]:
    """The risk profile of every school in the cohort, each November; two factors are worked on."""
    if month.number != 11:
        return
    on = month.day(5)
    for school in municipality.members(month.year):
        for number in range(4):
            significance = ("high", "medium", "low")[(school.number + number + month.year) % 3]
            data: Data = {"school": school.code, "factor": FACTORS[(school.number + number * 2) % len(FACTORS)]}
            data |= {"significance": significance, "on": on, "activated": number < 2}
            yield Fact("risk.assessed", school.code, on, data)


def proposals(municipality: Municipality, month: Month) -> Iterator[Fact]:
    """In December a rule has proposed two schools: one proposal is adopted (and the school included), one declined."""
    others = [school for school in municipality.schools if not school.low and not school.sends and not _ends(school)]
    if month.number != 12 or len(others) < 2 * (month.year - 2019):
        return
    place = 2 * (month.year - 2020)
    adopted, declined = others[place : place + 2]
    rule: Data = {"rule": "shnor-threshold", "version": 1}
    first, second = (f"shnor-{month.year}-{school.code}" for school in (adopted, declined))
    answer, inclusion = f"{first}-adopted", f"{first}-inclusion"
    data = {"proposal": first, "organisation": adopted.code, **rule, "event": inclusion}
    yield Fact("proposal.adopted", adopted.code, month.day(6), data, answer)
    data = {"cohort": f"{municipality.code}-shnor", "school": adopted.code, "from": month.day(6)}
    basis = f"Результаты {label(month.year - 1)} и предложение системы"
    yield Fact("school.included", adopted.code, month.day(6), data | {"basis": basis}, inclusion, answer)
    data = {"proposal": second, "organisation": declined.code, **rule}
    reason = "Низкий результат объясняется составом одного класса"
    yield Fact("proposal.declined", declined.code, month.day(7), data | {"reason": reason})


def _ends(school: School) -> bool:
    return school.until < "9"
