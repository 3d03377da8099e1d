"""The rows that generated road maps are made of, for municipalities and for schools."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from . import timings
from .dates import Month, school_year, september
from .facts import Data

SUBJECTS = (
    "русскому языку",
    "математике",
    "физике",
    "химии",
    "биологии",
    "истории",
    "географии",
    "обществознанию",
    "информатике",
    "литературе",
    "иностранному языку",
)
OFFICE, METHODISTS, HEAD, TEACHERS = "Управление образования", "Методический кабинет", "Директор", "Учителя-предметники"


FORMS: dict[str, Callable[[Month, Month, int], Data]] = {
    "month": lambda first, last, _: timings.worded_months(first, last),
    "months": lambda first, last, _: timings.worded_months(first, last),
    "quarter": lambda _, last, __: timings.quarter(last),
    "half": lambda _, last, __: timings.half_year(last),
    "day": lambda _, last, __: timings.day(last.day(14)),
    "deadline": lambda _, last, __: timings.deadline(last.day(15)),
    "plan": lambda _, __, year: timings.plan(school_year(year)),
    "recurring": lambda _, __, year: timings.monthly(school_year(year)),
    "relative": lambda *_: timings.relative("в течение месяца после публикации результатов"),
    "unbounded": lambda *_: timings.unbounded(),
}


class Pattern(NamedTuple):
    """A row without its year: ``first`` and ``last`` are months of the school year, September being 0."""

    title: str
    kind: str
    first: int
    last: int
    responsible: tuple[str, ...]
    expected: Data | None = None
    shared: bool = False


def _measured(text: str, value: int, unit: str) -> Data:
    return {"text": text, "value": value, "unit": unit, "comparator": ">="}


MUNICIPAL = (
    Pattern("Утвердить список школ и их кураторов", "month", 0, 0, (OFFICE,), {"text": "Приказ"}),
    Pattern("Провести самообследование школ", "months", 0, 1, (METHODISTS,), {"text": "Отчёты школ"}, shared=True),
    Pattern(
        "Выявить предметные и методические дефициты учителей",
        "months",
        1,
        2,
        (METHODISTS,),
        {"text": "Справка о дефицитах"},
        shared=True,
    ),
    Pattern("Составить план методической помощи каждой школе", "deadline", 2, 2, (METHODISTS,)),
    Pattern(
        "Заключить договоры со школами-лидерами", "months", 3, 5, (OFFICE,), _measured("Не менее 4", 4, "договоров")
    ),
    Pattern(
        "Обучить управленческие команды школ",
        "plan",
        0,
        11,
        (METHODISTS,),
        _measured("Обучены 50 % руководителей", 50, "% руководителей"),
        shared=True,
    ),
    Pattern(
        "Проверить объективность проведения ВПР", "quarter", 6, 6, (OFFICE,), {"text": "Акты наблюдения"}, shared=True
    ),
    Pattern("Подвести итоги учебного года", "month", 9, 9, (OFFICE,), {"text": "Итоговая справка"}),
    Pattern(
        "Проводить семинары по обмену опытом",
        "recurring",
        1,
        8,
        (METHODISTS,),
        _measured("8 семинаров", 8, "семинаров"),
    ),
    Pattern("Посетить уроки в каждой школе", "plan", 1, 11, (METHODISTS,), {"text": "Карты посещения"}, shared=True),
    Pattern("Разобрать результаты ВПР на совещании директоров", "relative", 8, 9, (OFFICE,)),
    Pattern("Консультировать учителей по запросам", "unbounded", 0, 10, (METHODISTS,), None, shared=True),
    Pattern("Провести конкурс школьных команд", "months", 4, 6, (OFFICE,), None, shared=True),
    Pattern("Собрать отчёты школ о ходе дорожных карт", "half", 4, 9, (METHODISTS,), {"text": "Отчёты"}, shared=True),
    Pattern("Представить опыт района на региональном семинаре", "month", 7, 7, (OFFICE,)),
    Pattern("Рассмотреть итоги на коллегии", "month", 10, 10, (OFFICE,)),
)
SCHOOL = (
    Pattern("Разобрать причины низких результатов", "months", 0, 1, (HEAD,), {"text": "Справка"}),
    Pattern("Утвердить состав школьной команды", "month", 0, 0, (HEAD,), {"text": "Приказ"}),
    Pattern("Провести входную диагностику по русскому языку и математике", "month", 1, 1, (TEACHERS,)),
    Pattern("Составить индивидуальные маршруты учителей", "months", 1, 2, (HEAD, TEACHERS)),
    Pattern("Организовать взаимное посещение уроков", "plan", 0, 11, (TEACHERS,), {"text": "График и карты уроков"}),
    Pattern("Провести педагогический совет об итогах полугодия", "day", 4, 4, (HEAD,), {"text": "Протокол"}),
    Pattern("Вести дополнительные занятия с учениками группы риска", "recurring", 1, 8, (TEACHERS,)),
    Pattern(
        "Встретиться с родителями учеников группы риска",
        "quarter",
        6,
        6,
        (HEAD,),
        _measured("Придут 70 % семей", 70, "% семей"),
    ),
    Pattern("Провести пробный экзамен в 9 классе", "month", 6, 6, (HEAD,)),
    Pattern("Разобрать результаты ВПР в методических объединениях", "relative", 8, 9, (TEACHERS,)),
    Pattern("Обновить положение о внутренней оценке качества", "deadline", 5, 5, (HEAD,)),
    Pattern("Обеспечить консультации психолога", "unbounded", 0, 9, ("Психолог",)),
    Pattern(
        "Представить опыт школы на семинаре района", "month", 7, 7, (HEAD,), _measured("Одно выступление", 1, "раз")
    ),
    Pattern("Отчитаться о ходе антирисковой программы", "deadline", 9, 9, (HEAD,), {"text": "Отчёт"}),
    Pattern("Обсудить план на следующий учебный год", "month", 10, 10, (HEAD,)),
)
DRILLS = (
    ("Провести неделю занятий по {}", "month"),
    ("Разобрать типичные ошибки по {}", "months"),
    ("Обсудить открытые уроки по {}", "plan"),
)


@lru_cache
def municipal(count: int) -> tuple[Pattern, ...]:
    """The first ``count`` rows of a municipal plan."""
    return _filled(MUNICIPAL, count, (METHODISTS,), shared=True)


@lru_cache
def school(count: int) -> tuple[Pattern, ...]:
    """The first ``count`` rows of a school's plan."""
    return _filled(SCHOOL, count, (TEACHERS,), shared=False)


def _filled(
    rows: tuple[Pattern, ...], count: int, responsible: tuple[str, ...], *, shared: bool
) -> tuple[Pattern, ...]:
    """Longer plans go on with work on single subjects."""
    drills = []
    for number in range(count - len(rows)):
        title, kind = DRILLS[number % len(DRILLS)]
        subject, month = SUBJECTS[number % len(SUBJECTS)], 1 + number % 8
        last = 11 if kind == "plan" else month + (kind == "months")
        drills.append(Pattern(title.format(subject), kind, month, last, responsible, None, shared and number % 2 == 0))
    return (*rows[:count], *drills)


def timing(pattern: Pattern, year: int) -> Data:
    """The timing of a row in the school year that begins in ``year``; events share it and must not change it."""
    return _timing(pattern.kind, pattern.first, pattern.last, year)


@lru_cache(maxsize=4_096)
def _timing(kind: str, first_month: int, last_month: int, year: int) -> Data:
    return FORMS[kind](september(year).later(first_month), september(year).later(last_month), year)


def postponed(pattern: Pattern, year: int) -> Data:
    """The timing two months later: what a rescheduling says."""
    month: Month = september(year).later(pattern.last + 2)
    return timings.worded_months(month, month)
