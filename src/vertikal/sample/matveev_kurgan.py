"""Matveev-Kurgan: a road map for 2020–2023, ten activities in four sections; no schools named, no results, no marks."""

from __future__ import annotations

from collections.abc import Iterator

from . import timings
from .facts import Batch, Fact, at, municipality
from .places import Municipality
from .roadmaps import Row, expected, planned

CODE, ROADMAP, ACT = "matveev-kurgan", "matveev-kurgan-rm-2020", "2020-09-28"
MUNICIPALITY = Municipality(CODE, "Матвеево-Курганский район", 5, (), staff=(520, 61), documented=True)
SENDER = municipality(CODE)
PERIOD = {"start": "2020-01-01", "end": "2023-12-31"}
OFFICE, METHODISTS, SCHOOLS = "Отдел образования", "Методический кабинет", "Руководители школ"
WHOLE = timings.years(2020, 2023)
SECTIONS = (
    (
        "1. Документы и управление",
        (
            Row("1.1", "Утвердить состав районной группы по поддержке школ", timings.years(2020, 2020), [OFFICE]),
            Row("1.2", "Обновлять районную программу повышения качества образования", WHOLE, [OFFICE]),
        ),
    ),
    (
        "2. Выявление трудностей",
        (
            Row("2.1", "Собирать и сравнивать результаты оценочных процедур по школам", WHOLE, [METHODISTS]),
            Row(
                "2.2",
                "Выяснять, чего не хватает учителям в предмете и методике",
                timings.years(2021, 2023),
                [METHODISTS],
            ),
            Row(
                "2.3",
                "Определять школы, которым нужна помощь",
                timings.relative("после публикации результатов"),
                [OFFICE],
            ),
        ),
    ),
    (
        "3. Обучение и методическая помощь",
        (
            Row(
                "3.1",
                "Обучить на курсах к 2023 году 100 % педагогических и руководящих работников",
                WHOLE,
                [METHODISTS, SCHOOLS],
                expected("", 100, "% работников"),
            ),
            Row("3.2", "Проводить районные семинары для учителей-предметников", WHOLE, [METHODISTS]),
            Row(
                "3.3",
                "Прикреплять к школам наставников из школ с высокими результатами",
                timings.unbounded("по мере необходимости"),
                [OFFICE, SCHOOLS],
            ),
        ),
    ),
    (
        "4. Мониторинг и распространение опыта",
        (
            Row("4.1", "Подводить итоги работы школ за учебный год", timings.unbounded("ежегодно"), [OFFICE]),
            Row("4.2", "Показывать опыт школ на августовских совещаниях", WHOLE, [OFFICE, METHODISTS]),
        ),
    ),
)


def batches() -> Iterator[Batch]:
    """One submission: the plan. Nothing was reported on it, which is what the console has to show."""
    data = {
        "roadmap": ROADMAP,
        "owner": CODE,
        "title": "Дорожная карта повышения качества образования на 2020–2023 годы",
        "period": PERIOD,
        "act": {"number": "", "date": ACT},
    }
    facts = [Fact("roadmap.adopted", CODE, ACT, data), *planned(CODE, ROADMAP, ACT, SECTIONS)]
    yield Batch(at("2020-10-12"), SENDER, facts)
