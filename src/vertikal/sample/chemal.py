"""Chemal: the whole management cycle described, with eight indicators that have no values, and support as numbers.

185 people diagnosed, 64 teachers and 5 heads trained, 5 contest entries, 5 visits to each of 6 schools, seminars in two
schools, one webinar held and one seminar only planned.
"""

from __future__ import annotations

from collections.abc import Iterator

from . import timings
from .dates import Month
from .facts import INSTITUTE, Batch, Data, Fact, Sender, at, municipality
from .places import Municipality, schools
from .roadmaps import Row, cohort, planned

CODE, ROADMAP, COHORT, CYCLE = "chemal", "chemal-rm-2020", "chemal-shnor", "chemal-cycle-2020"
SCHOOLS = schools(
    31,
    (
        ("chemal-chemalskaya", "Чемальская средняя школа", 52, 4, True),
        ("chemal-elikmanarskaya", "Эликманарская средняя школа", 36, 3, True),
        ("chemal-beshpeltirskaya", "Бешпельтирская средняя школа", 28, 2, True),
        ("chemal-anosinskaya", "Аносинская средняя школа", 26, 2, True),
        ("chemal-uznezinskaya", "Узнезинская средняя школа", 27, 2, True),
        ("chemal-ediganskaya", "Эдиганская основная школа", 16, 2, False),
    ),
)
CODES = [school.code for school in SCHOOLS]
MUNICIPALITY = Municipality(CODE, "Чемальский район", 3, SCHOOLS, documented=True)
SENDER = municipality(CODE)
PERIOD = {"start": "2020-01-01", "end": "2023-12-31"}
YEAR = {"start": "2020-09-01", "end": "2021-05-31"}
GOALS = (
    "Дать школам действенную методическую помощь",
    "Связать школы с низкими и высокими результатами сетевым сотрудничеством",
    "Наладить мониторинг работы школ и хода их дорожных карт",
    "Распространить лучшие педагогические практики района",
    "Обучить учителей и руководителей школ",
)
INDICATORS = (
    ("5", "trained_teachers", "Сведения о курсах и о кадрах школ"),
    ("3", "passed_gia", "Протоколы ОГЭ и ЕГЭ"),
    ("3", "schools_improved", "Сравнение результатов за два учебных года"),
    ("1", "staffing", "Сведения о ставках и их занятости"),
    ("1", "schools_with_teacher_support", "Опрос школ о системе поддержки учителей"),
    ("2", "teachers_in_networks", "Списки участников сетевых объединений"),
    ("4", "teachers_with_modern_methods", "Посещение уроков и самоотчёты учителей"),
    ("3", "schools_positive_gia", "Результаты ОГЭ и ЕГЭ по математике и русскому языку"),
)
SEMINAR = Row(
    "",
    "Провести районное совещание-семинар об опыте перевода школ в эффективный режим",
    timings.months("август 2021 года", Month(2021, 8)),
    ["Отдел образования"],
)


def batches() -> Iterator[Batch]:
    """The lists in autumn, the cycle in April, the year's numbers in June; the webinar comes from the institute."""
    yield Batch(at("2020-10-06"), SENDER, [*_cohort(), *_roadmap()])
    yield Batch(at("2021-04-14"), SENDER, [*_cycle(), *_goals()])
    yield Batch(at("2021-04-20"), Sender(INSTITUTE, "institute"), [_webinar()])
    yield Batch(at("2021-06-16"), SENDER, [*_competences(), *_courses(), *_contests(), *_visits(), *_seminars()])
    yield Batch(at("2021-06-17"), SENDER, [*_planned_seminar(), *_analysis(), _decision(), _claim()])


def _cohort() -> Iterator[Fact]:
    title = "Школы с низкими результатами района"
    basis = "Список по итогам анализа оценочных процедур 2020 года"
    yield from cohort(CODE, COHORT, title, "shnor", PERIOD, CODES, basis, "2020-09-30")


def _roadmap() -> Iterator[Fact]:
    data = {
        "roadmap": ROADMAP,
        "owner": CODE,
        "title": "Дорожная карта программы поддержки школ с низкими результатами на 2020–2023 годы",
        "period": PERIOD,
        "cohort": COHORT,
    }
    yield Fact("roadmap.adopted", CODE, "2020-09-30", data)


def _planned_seminar() -> Iterator[Fact]:
    """Announced in the report of June; no mark follows, so from September on it is overdue."""
    yield from planned(CODE, ROADMAP, "2021-06-10", [("", [SEMINAR])])


def _cycle() -> Iterator[Fact]:
    data = {"cycle": CYCLE, "organisation": CODE, "direction": "Работа со школами с низкими результатами"}
    yield Fact("cycle.opened", CODE, "2021-04-05", data | {"period": {"start": "2020-09-01", "end": "2021-08-31"}})


def _goals() -> Iterator[Fact]:
    basis = "Положение о муниципальной системе оценки качества, приказ от 05.04.2021 № 137/1"
    for number, text in enumerate(GOALS, 1):
        yield Fact("goal.set", CODE, "2021-04-05", {"cycle": CYCLE, "goal": str(number), "text": text, "basis": basis})
    for goal, indicator, method in INDICATORS:
        data = {"cycle": CYCLE, "goal": goal, "indicator": indicator, "method": method}
        yield Fact("indicator.adopted", CODE, "2021-04-05", data)


def _webinar() -> Fact:
    data = {"support": "obr-iro-vebinar-2021-04-16", "kind": "webinar", "level": "region", "organisations": CODES}
    return Fact("support.provided", CODE, "2021-04-16", data | {"held_on": "2021-04-16"})


def _competences() -> Iterator[Fact]:
    for school in SCHOOLS:
        data: Data = {"assessment": f"{school.code}-diag-2021", "organisation": school.code, "kind": "subject"}
        data |= {"people": school.teachers, "on": "2021-03-12"}
        yield Fact("competence.assessed", school.code, "2021-03-12", data)


def _courses() -> Iterator[Fact]:
    """Numbers of people, known to the district only: they stay there instead of being spread over the schools."""
    for role, people in (("teacher", 64), ("manager", 5)):
        data: Data = {"report": f"chemal-courses-{role}", "organisation": CODE, "role": role, "people": people}
        yield Fact("courses.reported", CODE, "2021-06-10", data | {"period": YEAR})


def _contests() -> Iterator[Fact]:
    for number, school in enumerate(SCHOOLS[:5], 1):
        on = f"2021-03-{number * 4:02}"
        data: Data = {"entry": f"chemal-contest-{number}", "organisation": school.code, "level": "municipality"}
        data |= {"contest": "Конкурс профессионального мастерства", "people": 1, "on": on}
        yield Fact("contest.entered", school.code, on, data)


def _visits() -> Iterator[Fact]:
    for school in SCHOOLS:
        data: Data = {"support": f"{school.code}-visits", "kind": "visit", "level": "municipality"}
        data |= {"organisations": [school.code], "held_on": "2021-05-21", "times": 5}
        yield Fact("support.provided", CODE, "2021-05-21", data)


def _seminars() -> Iterator[Fact]:
    for school, on in zip(SCHOOLS[:2], ("2021-02-26", "2021-03-26"), strict=True):
        data: Data = {"support": f"{school.code}-seminar", "kind": "seminar", "level": "municipality"}
        yield Fact("support.provided", CODE, on, data | {"organisations": [school.code], "held_on": on})


def _analysis() -> Iterator[Fact]:
    """Findings without figures: the chain is there, and what it should rest on is not."""
    texts = (
        "В список школ с низкими результатами вошли шесть школ района",
        "Поддержка шла адресно и разными способами",
    )
    findings = [{"finding": str(number), "text": text, "figures": []} for number, text in enumerate(texts, 1)]
    data: Data = {"cycle": CYCLE, "analysis": "2021", "findings": findings}
    yield Fact("analysis.published", CODE, "2021-06-11", data)
    data = {"cycle": CYCLE, "recommendation": "chemal-rec-2021", "finding": "1", "addressees": CODES}
    text = "Составить школьную программу перехода в эффективный режим и обсудить её на районном семинаре"
    yield Fact("recommendation.issued", CODE, "2021-06-11", data | {"text": text, "due": "2021-08-31"})


def _decision() -> Fact:
    data = {
        "cycle": CYCLE,
        "decision": "1",
        "recommendations": ["chemal-rec-2021"],
        "act": {"number": "", "date": "2021-06-15"},
        "text": "Обсудить опыт школ на районном совещании в августе",
        "activities": [{"roadmap": ROADMAP, "activity": "01"}],
    }
    return Fact("decision.taken", CODE, "2021-06-15", data)


def _claim() -> Fact:
    data = {"claim": "chemal-claim-2021", "organisation": CODE, "about": {"cohort": COHORT}, "on": "2021-06-15"}
    text = "Школы постоянно участвуют в семинарах и вебинарах института"
    return Fact("claim.made", CODE, "2021-06-15", data | {"text": text})
