"""Tersk: the analysis of a road map, 2021/2022: seven schools counted and six named, claims that nothing supports.

One school stands in two spellings, each registered: whether they are one is for a person to say. The seventh school is
named in another document, months later.
"""

from __future__ import annotations

from collections.abc import Iterator

from . import timings
from .dates import Month, school_year
from .facts import REGION, Batch, Data, Fact, Sender, at, municipality
from .places import Municipality, schools
from .roadmaps import Row, cohort, done, planned

CODE, ROADMAP, CENTRES, COHORT, CYCLE = (
    "tersk",
    "tersk-rm-2021",
    "tersk-centres-2021",
    "tersk-shnor",
    "tersk-cycle-2021",
)
SCHOOLS = schools(
    41,
    (
        ("tersk-s1", "Средняя школа № 1", 38, 3, True),
        ("tersk-s2", "Средняя школа № 2", 34, 3, True),
        ("tersk-s4", "Средняя школа № 4", 31, 3, True),
        ("tersk-lug", "Средняя школа села Верхний Луг", 24, 2, True),
        ("tersk-brod", "Средняя школа села Каменный Брод", 22, 2, True),
        ("tersk-sad", "Основная школа села Новый Сад", 15, 2, False),
        ("tersk-unnamed", "ОО без названия в справке", 20, 2, True),
    ),
)
CODES = [school.code for school in SCHOOLS]
NAMED, SEVENTH = CODES[:6], CODES[6]
MISSPELT = "tersk-sad-2"  # the sixth, as the list of another programme spells it
MUNICIPALITY = Municipality(CODE, "Терский район", 4, SCHOOLS, documented=True)
SENDER = municipality(CODE)
YEAR = school_year(2021)
PEOPLE = (
    ("russian", 6),
    ("math", 5),
    ("physics", 3),
    ("chemistry", 2),
    ("biology", 3),
    ("history", 4),
    ("english", 3),
    ("geography", 2),
)
OFFICE = "Управление образования"
OPENED = timings.deadline("2021-09-15")
PLANNED = timings.day("2022-09-01")
ROWS = (
    *(Row("", f"Обеспечить работу центра естественно-научного образования № {n}", OPENED, [OFFICE]) for n in (1, 2, 3)),
    *(Row("", f"Открыть центр естественно-научного образования № {n}", PLANNED, [OFFICE]) for n in (4, 5)),
    Row(
        "",
        "Принять муниципальные документы о поддержке школ",
        timings.months("сентябрь – декабрь 2021 г.", Month(2021, 9), Month(2021, 12)),
        [OFFICE],
    ),
)
RECOMMENDATIONS = (
    "Закрепить за каждой школой методиста района",
    "Сравнить отметки за проверочные работы с отметками в журнале",
    "Включить в планы школ занятия с учениками группы риска",
    "Обсуждать ход школьных дорожных карт на совещаниях раз в четверть",
    "Представить опыт работы новых центров другим школам",
)


def batches() -> Iterator[Batch]:
    """Cohorts and plans in autumn 2021, the analysis with its numbers and its claims in June 2022."""
    yield Batch(at("2021-09-30"), Sender(REGION, "region"), [_misspelt()])
    yield Batch(at("2021-10-05"), SENDER, [*_cohorts(), *_roadmaps()])
    yield Batch(at("2022-06-21"), SENDER, [*_courses(), *_marks()])
    yield Batch(at("2022-06-22"), SENDER, [*_cycle(), *_recommendations(), *_claims()])
    yield Batch(at("2022-09-12"), SENDER, [_seventh()])


def _misspelt() -> Fact:
    data: Data = {"code": MISSPELT, "kind": "school", "name": "Основная школа села Новосад", "parent": CODE}
    return Fact("organisation.registered", MISSPELT, "2021-09-29", data | {"valid_from": "2016-09-01"})


def _cohorts() -> Iterator[Fact]:
    title = "Школы с низкими результатами района"
    yield from cohort(CODE, COHORT, title, "shnor", YEAR, NAMED, "Список района на 2021/2022 учебный год", "2021-09-24")
    title, basis = "Участники проекта «500+»", "Список участников проекта"
    yield from cohort(CODE, "tersk-500plus", title, "500plus", YEAR, [*CODES[:2], MISSPELT], basis, "2021-09-24")


def _roadmaps() -> Iterator[Fact]:
    """The road map that the analysis speaks of has no rows there; the centres make a plan of their own."""
    data: Data = {"roadmap": ROADMAP, "owner": CODE, "period": YEAR, "cohort": COHORT}
    data |= {"title": "Дорожная карта поддержки школ с низкими результатами на 2021/2022 учебный год"}
    yield Fact("roadmap.adopted", CODE, "2021-09-24", data)
    data = {"roadmap": CENTRES, "owner": CODE, "period": {"start": "2021-09-01", "end": "2022-12-31"}}
    yield Fact("roadmap.adopted", CODE, "2021-09-24", data | {"title": "Центры и документы района"})
    yield from planned(CODE, CENTRES, "2021-09-24", [("", ROWS)])


def _seventh() -> Fact:
    data: Data = {"cohort": COHORT, "school": SEVENTH, "from": YEAR["start"]}
    basis = "Письмо района: седьмая школа списка названа в другом документе"
    return Fact("school.included", SEVENTH, "2022-09-09", data | {"basis": basis})


def _courses() -> Iterator[Fact]:
    period = {"start": "2021-09-01", "end": "2022-05-31"}
    data: Data = {"report": "tersk-heads", "organisation": CODE, "role": "manager", "people": 5, "period": period}
    yield Fact("courses.reported", CODE, "2022-06-14", data)
    for subject, people in PEOPLE:
        data = {"report": f"tersk-{subject}", "organisation": CODE, "role": "teacher", "people": people}
        yield Fact("courses.reported", CODE, "2022-06-14", data | {"period": period, "subject": subject})


def _marks() -> Iterator[Fact]:
    """Three centres work, two are still to come; six documents are there to be shown."""
    for ordinal in (1, 2, 3):
        yield done(CENTRES, ordinal, CODE, "2021-09-13", {"text": "Центр работает"})
    mark = done(CENTRES, 6, CODE, "2021-12-20", {"text": "Приняты шесть документов", "value": 6, "unit": "документов"})
    evidence = [{"kind": "муниципальный документ", "reference": f"Документ района № {n}"} for n in range(1, 7)]
    yield mark._replace(data=mark.data | {"evidence": evidence})


def _cycle() -> Iterator[Fact]:
    data: Data = {"cycle": CYCLE, "organisation": CODE, "direction": "Работа со школами с низкими результатами"}
    yield Fact("cycle.opened", CODE, "2022-06-15", data | {"period": YEAR})
    text = "Дорожная карта разобрана по итогам года, школам нужна адресная помощь"
    findings = [{"finding": "1", "text": text, "figures": []}]
    yield Fact("analysis.published", CODE, "2022-06-15", {"cycle": CYCLE, "analysis": "2022", "findings": findings})


def _recommendations() -> Iterator[Fact]:
    for number, text in enumerate(RECOMMENDATIONS, 1):
        data: Data = {"cycle": CYCLE, "recommendation": f"tersk-rec-{number}", "finding": "1", "addressees": CODES}
        yield Fact("recommendation.issued", CODE, "2022-06-15", data | {"text": text})


def _claims() -> Iterator[Fact]:
    data: Data = {"claim": "tersk-claim-all", "organisation": CODE, "on": "2022-06-15", "about": {"roadmap": ROADMAP}}
    yield Fact("claim.made", CODE, "2022-06-15", data | {"text": "Всё намеченное сделано в срок и полностью"})
    data = {"claim": "tersk-claim-seven", "organisation": CODE, "on": "2022-06-15", "about": {"cohort": COHORT}}
    text = "В список вошли семь школ (в справке названы шесть, одно название записано двумя способами)"
    yield Fact("claim.made", CODE, "2022-06-15", data | {"text": text, "counted": 7})
    data = {"claim": "tersk-claim-centres", "organisation": CODE, "on": "2022-06-15", "about": {"roadmap": CENTRES}}
    text = "Открыты пять центров, приняты документы"
    yield Fact("claim.made", CODE, "2022-06-15", data | {"text": text, "counted": 6})
