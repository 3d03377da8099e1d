"""Road maps: plans of activities, and the marks that say what became of each."""

from .contract import OWNERS, Contract, name, ordered
from .fields import Choice, Code, Date, Flag, Hash, Many, Nested, Period, Quantity, Record, Term, Text

TIMINGS = (
    "day",
    "deadline",
    "range",
    "month",
    "month_range",
    "quarter",
    "quarter_range",
    "half",
    "year",
    "year_range",
    "school_year",
    "plan",
    "recurring",
    "relative",
    "unbounded",
    "missing",
)
ACTIVITY = name("activity", "roadmap", "activity")
ORGANISATION = name("organisation")


class Act(Record):
    number = Text(at_least=0, at_most=100)
    date = Date()


class Timing(Record):
    """A period as the plan words it (``raw``) and as the calendar reads it; ``every`` is an ISO 8601 duration."""

    raw = Text(at_least=0, at_most=500)
    kind = Choice(*TIMINGS)
    start = Date(optional=True)
    end = Date(optional=True)
    every = Term(optional=True)


class Expected(Record):
    """An expected result; ``unit`` names the denominator of a share."""

    text = Text(at_least=0)
    value = Quantity(optional=True)
    unit = Term(optional=True)
    comparator = Choice(">=", "<=", "=", optional=True)
    numerator = Quantity(optional=True)
    denominator = Quantity(optional=True)


class Result(Record):
    text = Text(at_least=0)
    value = Quantity(optional=True)
    unit = Term(optional=True)
    numerator = Quantity(optional=True)
    denominator = Quantity(optional=True)


class Evidence(Record):
    kind = Term()
    reference = Text(at_most=2_000)
    sha256 = Hash(optional=True)


class Adopted1(Record):
    roadmap = Code()
    owner = Code()
    title = Text(at_most=1_000)
    period = Nested(Period)
    act = Nested(Act, optional=True)
    cohort = Code(optional=True)


class Planned1(Record):
    roadmap = Code()
    activity = Code()
    number = Text(at_least=0, at_most=64)
    title = Text(at_most=2_000)
    section = Text(optional=True, at_least=0, at_most=2_000)
    timing = Nested(Timing)
    responsible = Many(Text(at_most=500))
    expected = Nested(Expected, optional=True)
    organisations = Many(Code(), optional=True)


class Rescheduled1(Record):
    roadmap = Code()
    activity = Code()
    timing = Nested(Timing)
    reason = Text(optional=True)


class Started1(Record):
    roadmap = Code()
    activity = Code()
    organisation = Code()
    on = Date()


class Completed1(Record):
    roadmap = Code()
    activity = Code()
    organisation = Code()
    completed_on = Date()
    result = Nested(Result, optional=True)
    evidence = Many(Nested(Evidence), optional=True)


class PartlyCompleted1(Record):
    roadmap = Code()
    activity = Code()
    organisation = Code()
    on = Date()
    done = Text(at_least=0)
    missing = Text(at_least=0)


class NotHeld1(Record):
    roadmap = Code()
    activity = Code()
    organisation = Code()
    on = Date()
    organised = Flag()
    reason = Text(optional=True, at_least=0)


class Cancelled1(Record):
    roadmap = Code()
    activity = Code()
    on = Date()
    reason = Text(at_least=0)


def _mark(type_: str, title: str, schema: type[Record], date: str) -> Contract:
    return Contract(
        type_,
        title,
        schema,
        senders=OWNERS,
        subject="organisation",
        date=date,
        refers=(name("roadmap"), ACTIVITY, ORGANISATION),
        of="roadmap",
        below=True,
    )


CONTRACTS = (
    Contract(
        "roadmap.adopted",
        "Дорожная карта утверждена",
        Adopted1,
        senders=OWNERS,
        subject="owner",
        refers=(name("organisation", "owner"), name("cohort")),
        declares=(name("roadmap", owner="owner", unique=True),),
        rules=(ordered("period.start", "period.end"),),
    ),
    Contract(
        "activity.planned",
        "Мероприятие запланировано",
        Planned1,
        senders=OWNERS,
        refers=(name("roadmap"), name("organisation", "organisations[]")),
        declares=(name("activity", "roadmap", "activity", unique=True),),
        of="roadmap",
        rules=(ordered("timing.start", "timing.end"),),
    ),
    Contract(
        "activity.rescheduled",
        "Срок мероприятия перенесён",
        Rescheduled1,
        senders=OWNERS,
        refers=(name("roadmap"), ACTIVITY),
        of="roadmap",
        rules=(ordered("timing.start", "timing.end"),),
    ),
    _mark("activity.started", "Мероприятие начато", Started1, "on"),
    _mark("activity.completed", "Мероприятие выполнено", Completed1, "completed_on"),
    _mark("activity.partly_completed", "Мероприятие выполнено частично", PartlyCompleted1, "on"),
    _mark("activity.not_held", "Мероприятие не проведено", NotHeld1, "on"),
    Contract(
        "activity.cancelled",
        "Мероприятие отменено",
        Cancelled1,
        senders=OWNERS,
        date="on",
        refers=(name("roadmap"), ACTIVITY),
        of="roadmap",
    ),
)
