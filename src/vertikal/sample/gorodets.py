"""Gorodets: four models of support for 18 schools, one road map, and what became of it in 2020/2021."""

from __future__ import annotations

from collections.abc import Iterator

from .facts import INSTITUTE, Batch, Data, Fact, Sender, at, municipality
from .gorodets_plan import SECTIONS
from .gorodets_schools import ADDRESSED, BASIC, NETWORK, PRACTICE, SCHOOLS
from .gorodets_terms import PERIOD
from .places import Municipality, School
from .roadmaps import cohort, done, not_held, partly, planned, result, started

CODE, ROADMAP, ACT = "gorodets", "gorodets-rm-2020", "2020-09-04"
MUNICIPALITY = Municipality(CODE, "Городецкий район", 1, SCHOOLS, documented=True)
SENDER = municipality(CODE)
PROVIDER = "Институт развития образования"
MODELS = (
    ("practice", "Практико-ориентированная модель", PRACTICE),
    ("basic", "Базовая модель", BASIC),
    ("addressed", "Адресная модель", ADDRESSED),
    ("network", "Сетевая модель", NETWORK),
)


def batches() -> Iterator[Batch]:
    """Everything Gorodets submits: the order a week late, then reports by half-year, some marks months late."""
    yield Batch(at("2020-09-10"), SENDER, [*_cohorts(), *_roadmap()])
    yield Batch(at("2020-12-24"), Sender(INSTITUTE, "institute"), _team_courses())
    yield Batch(at("2021-01-18"), SENDER, [*_autumn_marks(), *_autumn_courses(), *_competences()])
    yield Batch(at("2021-03-05"), SENDER, [*_agreements(), *_mentors()])
    yield Batch(at("2021-07-06"), SENDER, [*_spring_courses(), *_events(), *_figures_reached(), *_year_marks()])
    yield Batch(at("2021-11-17"), SENDER, [*_late_marks(), _claim()])


def _cohorts() -> Iterator[Fact]:
    basis = "Приказ управления образования от 04.09.2020 № 400а/п"
    title = "Школы с низкими результатами, 2020/2021"
    everyone = [school.code for school in SCHOOLS]
    yield from cohort(CODE, "gorodets-shnor", title, "shnor", PERIOD, everyone, basis, ACT)
    for name, model, members in MODELS:
        codes = [school.code for school in members]
        yield from cohort(CODE, f"gorodets-{name}", model, "model", PERIOD, codes, basis, ACT)


def _roadmap() -> Iterator[Fact]:
    data: Data = {
        "roadmap": ROADMAP,
        "owner": CODE,
        "title": "Дорожная карта работы со школами с низкими результатами на 2020–2021 годы",
        "period": PERIOD,
        "act": {"number": "400а/п", "date": ACT},
        "cohort": "gorodets-shnor",
    }
    yield Fact("roadmap.adopted", CODE, ACT, data)
    yield from planned(CODE, ROADMAP, ACT, SECTIONS)


def _course(school: School, person: str, role: str, programme: str, hours: int, on: str) -> Fact:
    data = {"person": person, "role": role, "organisation": school.code, "programme": programme}
    return Fact("course.finished", school.code, on, data | {"provider": PROVIDER, "hours": hours, "finished_on": on})


def _team_courses() -> Iterator[Fact]:
    """30 people in 6 teams: from each school of the basic model one manager and four teachers."""
    programme = "Переход школы в эффективный режим: работа школьной команды"
    for school in BASIC:
        yield _course(school, school.manager(0), "manager", programme, 72, "2020-12-18")
        for place in range(4):
            yield _course(school, school.teacher(place), "teacher", programme, 72, "2020-12-18")


def _practice_teachers() -> list[tuple[School, str]]:
    """54 of the 90 teachers of the practice-oriented model: 60 % school by school as far as whole people allow."""
    shares = (8, 15, 6, 9, 8, 8)
    return [(school, school.teacher(place)) for school, n in zip(PRACTICE, shares, strict=True) for place in range(n)]


def _autumn_courses() -> Iterator[Fact]:
    for school, person in _practice_teachers()[0::2]:
        yield _course(school, person, "teacher", "Современный урок и разбор ошибок учеников", 36, "2020-11-27")
    for school in PRACTICE[:3]:
        yield _course(
            school, school.manager(0), "manager", "Управление качеством образования в школе", 36, "2020-12-11"
        )


def _spring_courses() -> Iterator[Fact]:
    for school, person in _practice_teachers()[1::2]:
        yield _course(school, person, "teacher", "Оценивание, которое помогает учиться", 36, "2021-04-23")
    for school in PRACTICE[3:]:
        yield _course(
            school, school.manager(0), "manager", "Управление качеством образования в школе", 36, "2021-05-14"
        )


def _competences() -> Iterator[Fact]:
    for school in ADDRESSED:
        data: Data = {"assessment": f"{school.code}-diag-2020", "organisation": school.code, "people": school.teachers}
        data |= {"kind": "method", "on": "2020-10-23", "deficits": ["Критериальное оценивание", "Работа с текстом"]}
        yield Fact("competence.assessed", school.code, "2020-10-23", data)


def _agreements() -> Iterator[Fact]:
    """Six agreements: each school of the basic model with a leading school."""
    for number, school in enumerate(BASIC, 1):
        on = f"2021-02-{number + 1:02}"
        data = {"agreement": f"gorodets-dog-{number}", "school": school.code, "partner": f"Школа-лидер № {number}"}
        yield Fact("agreement.signed", school.code, on, data | {"from": on, "to": "2021-12-31"})


def _mentors() -> Iterator[Fact]:
    for group, kind in ((BASIC, "leader_school"), (ADDRESSED, "consultant")):
        for number, school in enumerate(group, 1):
            data = {"mentorship": f"{school.code}-ment-2021", "school": school.code, "kind": kind}
            mentor = f"gorodets-{'leader' if kind == 'leader_school' else 'consultant'}-{number}"
            yield Fact("mentor.assigned", school.code, "2021-02-10", data | {"mentor": mentor, "from": "2021-02-10"})


def _support(name: str, kind: str, schools: list[str], on: str, people: int) -> Fact:
    data: Data = {"support": f"gorodets-{name}", "kind": kind, "level": "municipality", "organisations": schools}
    return Fact("support.provided", CODE, on, data | {"held_on": on, "participants": people})


def _events() -> Iterator[Fact]:
    """Four events on good practice, six seminars on the sites of schools, one round table of three schools."""
    practice = [school.code for school in PRACTICE]
    for number, on in enumerate(("2021-02-18", "2021-03-11", "2021-03-25", "2021-04-15"), 1):
        yield _support(f"praktika-{number}", "masterclass", practice, on, 18 + number)
    dates = ("2021-01-28", "2021-02-25", "2021-03-18", "2021-04-22", "2021-05-20", "2021-06-10")
    for number, (school, on) in enumerate(zip(BASIC, dates, strict=True), 1):
        kind = "webinar" if number % 3 == 0 else "seminar"
        yield _support(f"ploshchadka-{number}", kind, [school.code], on, 20 + number)
    yield _support("opyt", "roundtable", practice[:3], "2021-05-13", 31)


def _autumn_marks() -> Iterator[Fact]:
    for ordinal, on in (
        (1, "2020-08-28"),
        (2, "2020-09-25"),
        (3, "2020-10-30"),
        (5, "2020-11-26"),
        (6, "2020-11-30"),
        (7, "2020-11-30"),
        (9, "2020-12-22"),
        (34, "2020-09-29"),
    ):
        yield done(ROADMAP, ordinal, CODE, on)
    for ordinals, group, on in (
        ((18, 19), PRACTICE, "2020-09-28"),
        ((26,), BASIC, "2020-09-30"),
        ((28,), BASIC, "2020-12-25"),
        ((32,), ADDRESSED, "2020-09-24"),
        ((33,), ADDRESSED, "2020-10-23"),
        ((35,), ADDRESSED, "2020-12-23"),
    ):
        for ordinal in ordinals:
            for school in group:
                yield done(ROADMAP, ordinal, school.code, on)
    for school in BASIC:
        yield done(ROADMAP, 27, school.code, "2020-12-18", result("Обучена команда школы", 5, "человек"))
    for ordinal in (4, 8, 10, 11):
        yield started(ROADMAP, ordinal, CODE, "2020-10-01")


def _figures_reached() -> Iterator[Fact]:
    """The rows whose expected result is a number, with the number reached."""
    yield done(
        ROADMAP,
        16,
        CODE,
        "2021-05-14",
        result("Курсы закончила половина руководителей", 50, "% руководителей", (6, 12)),
    )
    yield done(
        ROADMAP, 17, CODE, "2021-04-23", result("Курсы закончили три пятых учителей", 60, "% учителей", (54, 90))
    )
    yield done(ROADMAP, 22, CODE, "2021-05-13", result("Опыт показали три школы", 3, "школы"))
    yield done(ROADMAP, 24, CODE, "2021-04-15", result("Проведены четыре мероприятия", 4, "мероприятия"))
    yield done(ROADMAP, 30, CODE, "2021-02-07", result("Подписаны шесть договоров", 6, "договоров"))
    yield done(ROADMAP, 31, CODE, "2021-06-10", result("Проведены шесть семинаров и вебинаров", 6, "мероприятий"))


def _year_marks() -> Iterator[Fact]:
    for ordinal, on in (
        (4, "2021-06-18"),
        (8, "2021-06-11"),
        (10, "2021-05-28"),
        (12, "2021-02-26"),
        (13, "2021-06-25"),
        (20, "2021-05-31"),
        (21, "2021-05-31"),
        (25, "2021-06-22"),
        (29, "2021-06-24"),
    ):
        yield done(ROADMAP, ordinal, CODE, on)
    yield partly(ROADMAP, 23, CODE, "2021-06-28", "Рост результатов отмечен в части школ", "В остальных роста нет")
    yield not_held(ROADMAP, 15, CODE, "2021-06-30", False, "Площадка для ресурса не определена")


def _late_marks() -> Iterator[Fact]:
    """Done in time and reported late; 1.14, 4.6 and 4.7 get no mark at all."""
    for ordinal, on in ((11, "2021-08-27"), (36, "2021-08-20"), (39, "2021-02-25")):
        yield done(ROADMAP, ordinal, CODE, on)
    for school in NETWORK[:3]:
        yield done(ROADMAP, 40, school.code, "2021-08-26")
    yield partly(ROADMAP, 40, NETWORK[3].code, "2021-08-26", "Учителя состоят в двух сообществах", "Нет школы-лидера")


def _claim() -> Fact:
    data: Data = {"claim": "gorodets-claim-2021", "organisation": CODE, "on": "2021-11-12", "counted": 40}
    data |= {"text": "Дорожная карта 2020/2021 учебного года выполнена", "about": {"roadmap": ROADMAP}}
    return Fact("claim.made", CODE, "2021-11-12", data)
