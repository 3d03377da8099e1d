"""Results of ВПР, ОГЭ, ЕГЭ and diagnostics: one result per school, procedure, subject, grade and school year."""

from .contract import SCHOOL, Contract, Data, Rule, name
from .fields import Choice, Code, Count, Date, Grade, Nested, Record, SchoolYear, Term, Text

RESULT = ("school", "procedure", "grade", "year", "subject")
KEY = name("result", *RESULT)

Marks = Record.from_dict({mark: Count(optional=True) for mark in ("2", "3", "4", "5")}, name="Marks")


class Result(Record):
    """The key of a result."""

    school = Code()
    procedure = Choice("vpr", "oge", "ege", "diagnostic")
    subject = Term()
    grade = Grade()
    year = SchoolYear()


class Imported1(Result):
    held_on = Date(optional=True)
    participants = Count()
    marks = Nested(Marks, optional=True)
    below_minimum = Count()
    file = Text(optional=True, at_most=2_000)
    observed = Text(optional=True, at_most=500)


class Corrected1(Result):
    participants = Count()
    marks = Nested(Marks, optional=True)
    below_minimum = Count()
    reason = Choice("appeal", "recheck", "error")


class Withdrawn1(Result):
    reason = Text()


def _not_consecutive(data: Data) -> bool:
    first, second = data["year"].split("/")
    return int(second) != int(first) + 1


def _marks_do_not_sum(data: Data) -> bool:
    return "marks" in data and sum(data["marks"].values()) != data["participants"]


CONSECUTIVE = Rule(("year",), "year", "учебный год состоит из двух соседних лет", _not_consecutive)
SCORES = (
    CONSECUTIVE,
    Rule(("marks",), "marks", "отметки не указаны", lambda data: data.get("marks") == {}),
    Rule(("marks", "participants"), "marks", "сумма отметок не равна числу участников", _marks_do_not_sum),
    Rule(
        ("below_minimum", "participants"),
        "below_minimum",
        "ниже минимума больше, чем участников",
        lambda data: data["below_minimum"] > data["participants"],
    ),
)

CONTRACTS = (
    Contract(
        "assessment.imported",
        "Результаты процедуры загружены",
        Imported1,
        senders=("institute", "region", "municipality"),
        subject="school",
        date="held_on",
        refers=(SCHOOL,),
        declares=(name("result", *RESULT, unique=True),),
        rules=SCORES,
    ),
    Contract(
        "assessment.corrected",
        "Результаты исправлены",
        Corrected1,
        senders=("institute", "region"),
        subject="school",
        refers=(SCHOOL, KEY),
        rules=SCORES,
    ),
    Contract(
        "assessment.withdrawn",
        "Результаты отозваны",
        Withdrawn1,
        senders=("institute", "region"),
        subject="school",
        refers=(SCHOOL, KEY),
        rules=(CONSECUTIVE,),
    ),
)
