"""Staff reports of every September and the courses that people finish."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from .dates import DAYS, Month, day_number
from .facts import Data, Fact
from .places import Municipality, School
from .scale import SEED, Scale

SEASON = (0.6, 1.0, 1.3, 1.4, 1.1, 0.8, 0.2, 0.6, 0.8, 1.3, 1.5, 1.4)
PROVIDERS = ("Институт развития образования", "Академия образования", "Педагогический университет области")
TEACHERS: tuple[tuple[str, int, str], ...] = (
    ("Подготовка учеников к итоговому сочинению", 36, "russian"),
    ("Трудные темы школьного курса математики", 72, "math"),
    ("Формирование читательской грамотности на уроках", 36, "literature"),
    ("Современный урок физики и эксперимент", 48, "physics"),
    ("Практические работы по химии", 36, "chemistry"),
    ("Биология: от ВПР к ОГЭ", 24, "biology"),
    ("Работа с картой и данными на уроках географии", 24, "geography"),
    ("Исторические источники на уроке", 36, "history"),
    ("Говорим на уроке иностранного языка", 48, "english"),
    ("Основы программирования в школе", 72, "informatics"),
    ("Обществознание: задания с развёрнутым ответом", 36, "social"),
    ("Формирующее оценивание", 36, ""),
    ("Работа с учениками, испытывающими трудности в учёбе", 72, ""),
    ("Цифровые средства учителя", 16, ""),
)
MANAGERS = (
    ("Управление качеством образования в школе", 72),
    ("Внутренняя система оценки качества", 36),
    ("Антирисковое управление школой", 48),
    ("Наставничество как средство развития школы", 24),
)


def staff(municipality: Municipality, month: Month) -> Iterator[Fact]:
    """September's reports, of the schools or, where these never report, of the municipality itself."""
    if month.number != 9:
        return
    if municipality.staff is not None:
        teachers, managers = municipality.staff
        yield _report(municipality.code, month.day(9), teachers - 3 * (month.year - 2020), managers)
        return
    for school in municipality.schools:
        if not school.sends:
            yield from school_staff(school, month)


def school_staff(school: School, month: Month) -> Iterator[Fact]:
    """A school's report; the numbers drift by a person or two from year to year."""
    if month.number != 9 or school.until <= month.first:
        return
    years = month.year - 2020
    teachers = school.teachers + (years * (school.number % 5 - 2)) // 2
    yield _report(school.code, month.day(4 + school.number % 6), teachers, school.managers)


def _report(organisation: str, on: str, teachers: int, managers: int) -> Fact:
    half_posts = (teachers + managers) * 2 + teachers % 5
    filled = half_posts - teachers % 4
    data = {"organisation": organisation, "on": on, "teachers": teachers, "managers": managers}
    posts = {"positions": f"{half_posts / 2:g}", "positions_filled": f"{filled / 2:g}"}
    return Fact("staff.reported", organisation, on, data | posts)


def courses(schools: tuple[School, ...], month: Month, day: int, scale: Scale) -> Iterator[Fact]:
    """The courses that become known on this day of a month: most finished within weeks, some months ago.

    One person in a hundred studied while working at a neighbouring school and is reported there.
    """
    if not schools:
        return
    rng = Random(f"{SEED}/courses/{schools[0].code}/{month.label}")
    random = rng.random
    today = day_number(month.day(day))
    expected = scale.courses / 12 * SEASON[month.number - 1]
    for school in schools:
        if school.until <= month.first:
            continue
        for _ in range(int(expected * school.activity + random())):
            luck = random()
            lag = 1 + int(24 * random()) if luck < 0.8 else 25 + int((60 if luck < 0.95 else 170) * random())
            at_home = school if luck > 0.01 else schools[int(random() * len(schools))]
            yield _course(school.code, at_home, DAYS[today - lag], random(), random())


def documented_courses(municipality: Municipality, month: Month, scale: Scale) -> Iterator[Fact]:
    """The same for the documented systems, from the school year 2022/2023 on: before, their documents speak."""
    if month >= Month(2022, 10):
        for fact in courses(municipality.schools, month, municipality.day, scale):
            if fact.data["finished_on"] >= "2022-09-01":
                yield fact


def _course(organisation: str, school: School, on: str, who: float, what: float) -> Fact:
    """``who`` and ``what`` are lots: the person among the staff, the programme among those of the role."""
    place = int(who * (school.teachers + school.managers))
    data: Data
    if place < school.managers:
        programme, hours = MANAGERS[int(what * len(MANAGERS))]
        data = {"person": school.manager(place), "role": "manager", "organisation": organisation}
        subject = ""
    else:
        programme, hours, subject = TEACHERS[int(what * len(TEACHERS))]
        data = {"person": school.teacher(place), "role": "teacher", "organisation": organisation}
    data["programme"] = programme
    data["provider"] = PROVIDERS[place % 3]
    data["hours"] = hours
    if subject:
        data["subject"] = subject
    data["finished_on"] = on
    return Fact("course.finished", organisation, on, data)
