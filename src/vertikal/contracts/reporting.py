"""Reporting itself: what was expected, what is claimed, what a sender takes back, whom we must forget."""

from .contract import ANYONE, Contract, name, ordered
from .fields import Code, Count, Date, Identifier, Many, Nested, Period, Record, Source, Term, Text


class Expected1(Record):
    expectation = Code()
    organisations = Many(Code())
    type = Term()
    period = Nested(Period)
    due = Date()


class About(Record):
    roadmap = Code(optional=True)
    cycle = Code(optional=True)
    cohort = Code(optional=True)
    indicator = Code(optional=True)


class ClaimMade1(Record):
    claim = Code()
    organisation = Code()
    text = Text()
    about = Nested(About)
    counted = Count(optional=True)
    on = Date()


class Retracted1(Record):
    source = Source()
    id = Identifier()
    reason = Text()


class Forgotten1(Record):
    person = Code()
    reason = Text()


CONTRACTS = (
    Contract(
        "reporting.expected",
        "Отчётность ожидается",
        Expected1,
        senders=("municipality", "region"),
        date="due",
        refers=(name("organisation", "organisations[]"),),
        rules=(ordered("period.start", "period.end"),),
    ),
    Contract(
        "claim.made",
        "Утверждение отчёта",
        ClaimMade1,
        senders=ANYONE,
        subject="organisation",
        date="on",
        refers=(
            name("organisation"),
            name("roadmap", "about.roadmap"),
            name("cycle", "about.cycle"),
            name("cohort", "about.cohort"),
        ),
    ),
    Contract("event.retracted", "Событие отозвано", Retracted1, senders=ANYONE),
    Contract(
        "person.forgotten",
        "Персональные данные уничтожены",
        Forgotten1,
        senders=("region", "admin"),
        declares=(name("forgotten", "person"),),
    ),
)
