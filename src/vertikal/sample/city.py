"""A city with a methodical centre: a report on twelve items of a road map, December to May 2020/2021.

Seven items done, one partly, four negative; the number «4.» stands twice, three sub-rows have none. The report has no
column for timings, so they are missing, and nothing here can become overdue.
"""

from __future__ import annotations

from collections.abc import Iterator

from . import timings
from .facts import Batch, Data, Fact, at, municipality
from .places import Municipality, schools
from .roadmaps import Row, cohort, done, not_held, partly, planned, result

CODE, ROADMAP, CENTRE = "alternativa-city", "alternativa-rm-2020", "alternativa-imc"
SCHOOLS = schools(
    21,
    (
        ("alternativa-s31", "Средняя школа № 31", 22, 3, True),
        ("alternativa-s47", "Средняя школа № 47", 18, 2, True),
        ("alternativa-s89", "Средняя школа № 89", 46, 4, True),
    ),
)
PAIR = [school.code for school in SCHOOLS[:2]]
CURATOR = SCHOOLS[2].code
MUNICIPALITY = Municipality(
    CODE,
    "Город с центром «Альтернатива»",
    2,
    SCHOOLS,
    documented=True,
    centres=((CENTRE, "Методический центр «Альтернатива»"),),
)
SENDER = municipality(CODE)
PERIOD = {"start": "2020-12-01", "end": "2021-05-31"}
SUBJECTS = ("russian", "math", "literature", "physics", "chemistry", "biology", "history", "geography", "english")
IMC, HEADS = "ИМЦ «Альтернатива»", "Школы с низкими результатами"
ROWS = tuple(
    Row(number, title, timings.missing(), responsible)
    for number, title, responsible in (
        ("1.", "Самостоятельно разобрать в школах внешние и внутренние причины низких результатов", [HEADS]),
        ("2.", "Оценить метапредметные умения учителей", [IMC]),
        ("3.", "Организовать сетевую работу между школами", [IMC, HEADS]),
        ("4.", "Включить учителей в программы обучения, связанные с качеством образования", [HEADS]),
        ("4.", "Вести работу с молодыми учителями", [IMC]),
        ("5.", "Поддержать предметные умения учителей через городские и районные объединения", ["ГПО", "РМО"]),
        ("6.", "Направить учителей на семинары о преодолении неуспешности и трудностей в учёбе", [HEADS]),
        ("7.", "Передать опыт перехода к эффективной работе на методических встречах со школами-лидерами", [IMC]),
        ("8.", "Обеспечить школам помощь куратора", [IMC, "Школа-куратор"]),
        ("", "— учителя школ работают вместе по предметам", [HEADS]),
        ("", "— управленческие команды школ встречаются с куратором", [HEADS]),
        ("", "— учителя школ работают вместе с учителями школы-куратора", [HEADS]),
    )
)


def batches() -> Iterator[Batch]:
    """The plan in December, support and courses in spring, the marks with the report in June."""
    yield Batch(at("2020-12-08"), SENDER, [*_cohort(), *_roadmap(), *_curators()])
    yield Batch(at("2021-04-12"), SENDER, [*_competences(), *_courses()])
    yield Batch(at("2021-06-08"), SENDER, [*_seminars(), *_round_tables(), *_marks(), _claim()])


def _cohort() -> Iterator[Fact]:
    title = "Школы с низкими результатами города"
    yield from cohort(CODE, "alternativa-shnor", title, "shnor", PERIOD, PAIR, "Дорожная карта города", "2020-12-02")


def _roadmap() -> Iterator[Fact]:
    data = {
        "roadmap": ROADMAP,
        "owner": CODE,
        "title": "Дорожная карта методической поддержки школ с низкими результатами",
        "period": PERIOD,
        "cohort": "alternativa-shnor",
    }
    yield Fact("roadmap.adopted", CODE, "2020-12-02", data)
    yield from planned(CODE, ROADMAP, "2020-12-02", [("", ROWS)])


def _curators() -> Iterator[Fact]:
    """One school is the curator of both."""
    for number, code in enumerate(PAIR, 1):
        data = {"mentorship": f"alternativa-curator-{number}", "school": code, "mentor": CURATOR, "kind": "curator"}
        yield Fact("mentor.assigned", code, "2020-12-04", data | {"from": "2020-12-04"})


def _competences() -> Iterator[Fact]:
    """The diagnosis is done; that it found a deficit is its result, not its failure."""
    deficits = ["ИКТ-компетенции", "Коррекционно-развивающая работа"]
    for school in SCHOOLS[:2]:
        data: Data = {"assessment": f"{school.code}-meta-2021", "organisation": school.code, "people": school.teachers}
        data |= {"kind": "metasubject", "on": "2021-02-19", "deficits": deficits}
        yield Fact("competence.assessed", school.code, "2021-02-19", data)


def _courses() -> Iterator[Fact]:
    """Teachers of nine subjects, one of each, from the two schools in turn."""
    for number, subject in enumerate(SUBJECTS):
        school = SCHOOLS[number % 2]
        data: Data = {"person": school.teacher(number), "role": "teacher", "organisation": school.code}
        data |= {"programme": "Школа современного учителя", "provider": "Академия образования", "hours": 100}
        data |= {"subject": subject, "finished_on": "2021-03-30"}
        yield Fact("course.finished", school.code, "2021-03-30", data)


def _seminars() -> Iterator[Fact]:
    """Ten seminars by subject; teachers of the two schools came to every other one."""
    for number in range(10):
        on = f"2021-{1 + number // 2:02}-{12 + number % 2 * 9:02}"
        organisations = PAIR if number % 2 == 0 else [CODE]
        data: Data = {"support": f"alternativa-gpo-{number + 1}", "kind": "seminar", "level": "municipality"}
        data |= {"organisations": organisations, "held_on": on, "subject": SUBJECTS[number % 9]}
        yield Fact("support.provided", CODE, on, data)


def _round_tables() -> Iterator[Fact]:
    for number, on in enumerate(("2021-02-11", "2021-04-08"), 1):
        data: Data = {"support": f"alternativa-stol-{number}", "kind": "roundtable", "level": "municipality"}
        yield Fact("support.provided", CODE, on, data | {"organisations": PAIR, "held_on": on, "participants": 12})


def _marks() -> Iterator[Fact]:
    on = "2021-05-28"
    yield done(ROADMAP, 1, CODE, on, {"text": "Причины разобраны, школы приняли решения и дорожные карты"})
    yield done(ROADMAP, 2, CODE, on, {"text": "Найдены дефициты: ИКТ и коррекционно-развивающая работа"})
    yield not_held(ROADMAP, 3, CODE, on, False, "В этом учебном году работа между школами не организована")
    yield done(ROADMAP, 4, CODE, on, result("Обучение прошли учителя девяти предметов", 9, "предметов"))
    yield partly(ROADMAP, 5, CODE, on, "План работы с молодыми учителями есть", "Отдельного направления для школ нет")
    yield done(
        ROADMAP, 6, CODE, on, result("Учителя двух школ были на каждом втором семинаре", 50, "% семинаров", (5, 10))
    )
    yield done(ROADMAP, 7, CODE, on, result("Участвовала половина учителей", 50, "% учителей двух школ", (20, 40)))
    yield not_held(ROADMAP, 8, CODE, on, True, "Семинары со школами-лидерами не состоялись")
    yield done(ROADMAP, 9, CODE, on, result("Работает одна школа-куратор", 1, "школа"))
    yield not_held(ROADMAP, 10, CODE, on, True, "Совместной работы по предметам не было")
    yield done(ROADMAP, 11, CODE, on, {"text": "Директора и команды школ встречались с куратором"})
    yield not_held(ROADMAP, 12, CODE, on, True, "Совместной работы со школой-куратором не было")


def _claim() -> Fact:
    data: Data = {"claim": "alternativa-claim-2021", "organisation": CODE, "on": "2021-06-01", "counted": 7}
    data |= {"text": "Часть задач года не решена, направления охвачены не полностью", "about": {"roadmap": ROADMAP}}
    return Fact("claim.made", CODE, "2021-06-01", data)
