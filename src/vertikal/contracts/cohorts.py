"""Cohorts of schools (ШНОР, ШНСУ, «500+», models of support) and the risk profiles of schools."""

from .contract import OWNERS, SCHOOL, Contract, name, ordered
from .fields import Choice, Code, Date, Flag, Nested, Period, Record, Term, Text

SIGNIFICANCES = ("low", "medium", "high")


class Defined1(Record):
    cohort = Code()
    title = Text(at_most=500)
    kind = Choice("shnor", "shnsu", "500plus", "model", "other")
    owner = Code()
    period = Nested(Period)


class Included1(Record.from_dict({"from": Date()})):  # type: ignore[misc]  # `from` is a keyword: no class attribute
    cohort = Code()
    school = Code()
    basis = Text(optional=True)


class Excluded1(Record):
    cohort = Code()
    school = Code()
    to = Date()
    basis = Text(optional=True)


class RiskAssessed1(Record):
    school = Code()
    factor = Term()
    significance = Choice(*SIGNIFICANCES)
    on = Date()
    activated = Flag(optional=True)


CONTRACTS = (
    Contract(
        "cohort.defined",
        "Группа школ определена",
        Defined1,
        senders=("municipality", "region"),
        subject="owner",
        refers=(name("organisation", "owner"),),
        declares=(name("cohort", owner="owner", unique=True),),
        rules=(ordered("period.start", "period.end"),),
    ),
    Contract(
        "school.included",
        "Школа включена в группу",
        Included1,
        senders=("municipality", "region"),
        subject="school",
        date="from",
        refers=(name("cohort"), SCHOOL),
    ),
    Contract(
        "school.excluded",
        "Школа исключена из группы",
        Excluded1,
        senders=("municipality", "region"),
        subject="school",
        date="to",
        refers=(name("cohort"), SCHOOL),
    ),
    Contract(
        "risk.assessed",
        "Фактор риска оценён",
        RiskAssessed1,
        senders=OWNERS,
        subject="school",
        date="on",
        refers=(SCHOOL,),
    ),
)
