"""Gorodets: the words of the plan, its period, the bodies that answer for it, and the timings that occur often."""

from . import timings
from .dates import Month, school_year
from .facts import Data

PERIOD = school_year(2020)
OFFICE, CENTRE = "Управление образования", "Учебно-методический центр"
MUNICIPAL_GROUP, GROUP = "Муниципальная рабочая группа", "Рабочая группа"
INSTITUTE, SHNOR = "Институт развития образования", "ШНОР"


def months(raw: str, first: tuple[int, int], last: tuple[int, int] | None = None) -> Data:
    return timings.months(raw, Month(*first), Month(*last) if last else None)


ALL_YEAR = timings.plan(PERIOD)
OCTOBER_NOVEMBER = months("Октябрь-ноябрь 2020г", (2020, 10), (2020, 11))
JANUARY_FEBRUARY = months("Январь- февраль 2021г", (2021, 1), (2021, 2))
AUGUST_SEPTEMBER = months("Август-сентябрь 2020г.", (2020, 8), (2020, 9))
AUGUST_DECEMBER = months("Август-декабрь 2020г.", (2020, 8), (2020, 12))
