"""Teachers and managers: courses finished, people reported as a number, competences assessed."""

from .contract import Contract, Rule, name, ordered
from .fields import Choice, Code, Count, Date, Many, Nested, Period, Record, Term, Text

ROLES = ("teacher", "manager")
KINDS = ("subject", "method", "metasubject", "ict")
ORGANISATION = name("organisation")


class Personal(Record):
    """Names and contacts; sealed on arrival, so that the log holds ``sealed`` and nothing in the clear."""

    full_name = Text(optional=True, at_most=500)
    post = Text(optional=True, at_most=500)
    phone = Text(optional=True, at_most=100)
    email = Text(optional=True, at_most=320)


class CourseFinished1(Record):
    person = Code()
    role = Choice(*ROLES)
    organisation = Code()
    programme = Text(at_most=1_000)
    provider = Text(at_most=500)
    hours = Count()
    subject = Term(optional=True)
    finished_on = Date()
    personal = Nested(Personal, optional=True)


class CoursesReported1(Record):
    report = Code()
    organisation = Code()
    role = Choice(*ROLES)
    people = Count()
    period = Nested(Period)
    programme = Text(optional=True, at_most=1_000)
    subject = Term(optional=True)


class CompetenceAssessed1(Record):
    assessment = Code()
    organisation = Code()
    people = Count()
    kind = Choice(*KINDS)
    subject = Term(optional=True)
    on = Date()
    deficits = Many(Text(at_most=1_000), optional=True)
    person = Code(optional=True)
    personal = Nested(Personal, optional=True)


NOBODYS = Rule(
    ("personal", "person"),
    "personal",
    "чьи это персональные данные: укажите псевдоним в person",
    lambda data: "personal" in data and "person" not in data,
)

CONTRACTS = (
    Contract(
        "course.finished",
        "Курс повышения квалификации пройден",
        CourseFinished1,
        senders=("school", "municipality", "institute"),
        subject="organisation",
        date="finished_on",
        refers=(ORGANISATION,),
        person="person",
    ),
    Contract(
        "courses.reported",
        "Число прошедших курсы, без имён",
        CoursesReported1,
        senders=("municipality", "institute", "region"),
        date="period.end",
        refers=(ORGANISATION,),
        declares=(name("report", owner="organisation"),),
        rules=(ordered("period.start", "period.end"),),
    ),
    Contract(
        "competence.assessed",
        "Компетенции оценены",
        CompetenceAssessed1,
        senders=("municipality", "institute"),
        subject="organisation",
        date="on",
        refers=(ORGANISATION,),
        declares=(name("assessment", owner="organisation"),),
        person="person",
        rules=(NOBODYS,),
    ),
)
