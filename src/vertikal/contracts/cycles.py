"""The management cycle: goals, indicators, monitoring, analysis, recommendations, decisions, effectiveness."""

from .contract import OWNERS, Contract, Name, Rule, name, ordered
from .fields import (
    Choice,
    Code,
    Count,
    Date,
    Either,
    Identifier,
    Many,
    Moment,
    Nested,
    Period,
    Quantity,
    Record,
    Term,
    Text,
)
from .roadmaps import Act

CYCLE = name("cycle")
ORGANISATION = name("organisation")
ACTIVITIES = name("activity", "activities[].roadmap", "activities[].activity")


class Opened1(Record):
    cycle = Code()
    organisation = Code()
    direction = Term()
    period = Nested(Period)


class Closed1(Record):
    cycle = Code()
    next = Code(optional=True)


class GoalSet1(Record):
    cycle = Code()
    goal = Code()
    text = Text()
    basis = Text(optional=True)


class Target(Record):
    value = Quantity()
    comparator = Choice(">=", "<=", "=")
    by = Term()


class IndicatorAdopted1(Record):
    cycle = Code()
    goal = Code()
    indicator = Code()
    method = Text(at_least=0)
    target = Nested(Target, optional=True)


class MonitoringRecorded1(Record):
    cycle = Code()
    indicator = Code()
    organisation = Code()
    on = Date()
    numerator = Quantity()
    denominator = Quantity()
    origin = Term()


class Figure(Record):
    """A figure that a finding rests on, with both clocks."""

    indicator = Code()
    organisation = Code()
    period = Term()
    as_of = Date()
    known_at = Either(Count(), Moment(), refusal="позиция журнала или время по RFC 3339")
    numerator = Quantity()
    denominator = Quantity()


class Finding(Record):
    finding = Code()
    text = Text()
    figures = Many(Nested(Figure))


class AnalysisPublished1(Record):
    cycle = Code()
    analysis = Code()
    findings = Many(Nested(Finding))


class RecommendationIssued1(Record):
    cycle = Code()
    recommendation = Code()
    finding = Code()
    addressees = Many(Code())
    text = Text()
    due = Date(optional=True)


class RecommendationAnswered1(Record):
    recommendation = Code()
    organisation = Code()
    answer = Choice("accepted", "declined")
    text = Text(optional=True, at_least=0)


class Activity(Record):
    roadmap = Code()
    activity = Code()


class DecisionTaken1(Record):
    cycle = Code()
    decision = Code()
    recommendations = Many(Code())
    act = Nested(Act)
    text = Text()
    activities = Many(Nested(Activity))


class EffectivenessAssessed1(Record):
    cycle = Code()
    effectiveness = Code()
    activities = Many(Nested(Activity))
    outcome = Choice("effective", "partly", "ineffective")
    text = Text()
    figures = Many(Nested(Figure), optional=True)


class ProposalAdopted1(Record):
    proposal = Code()
    rule = Code()
    version = Either(Count(), Term(), refusal="версия правила: число или слово")
    organisation = Code()
    event = Identifier(optional=True)


class ProposalDeclined1(Record):
    proposal = Code()
    rule = Code()
    version = Either(Count(), Term(), refusal="версия правила: число или слово")
    organisation = Code()
    reason = Text()
    until = Date(optional=True)


def _of_cycle(
    type_: str,
    title: str,
    schema: type[Record],
    *refers: Name,
    declares: tuple[Name, ...] = (),
    below: bool = False,
    subject: str | None = None,
    date: str | None = None,
    rules: tuple[Rule, ...] = (),
) -> Contract:
    return Contract(
        type_,
        title,
        schema,
        senders=OWNERS,
        refers=(CYCLE, *refers),
        declares=declares,
        of="cycle",
        below=below,
        subject=subject,
        date=date,
        rules=rules,
    )


CONTRACTS = (
    Contract(
        "cycle.opened",
        "Управленческий цикл открыт",
        Opened1,
        senders=OWNERS,
        subject="organisation",
        refers=(ORGANISATION,),
        declares=(name("cycle", owner="organisation", unique=True),),
        rules=(ordered("period.start", "period.end"),),
    ),
    _of_cycle("cycle.closed", "Управленческий цикл закрыт", Closed1),
    _of_cycle("goal.set", "Цель поставлена", GoalSet1, declares=(name("goal", "cycle", "goal"),)),
    _of_cycle("indicator.adopted", "Показатель принят", IndicatorAdopted1, name("goal", "cycle", "goal")),
    _of_cycle(
        "monitoring.recorded",
        "Значение показателя записано",
        MonitoringRecorded1,
        ORGANISATION,
        below=True,
        subject="organisation",
        date="on",
    ),
    _of_cycle(
        "analysis.published",
        "Анализ опубликован",
        AnalysisPublished1,
        name("organisation", "findings[].figures[].organisation"),
        declares=(name("finding", "cycle", "findings[].finding"),),
    ),
    _of_cycle(
        "recommendation.issued",
        "Адресная рекомендация дана",
        RecommendationIssued1,
        name("finding", "cycle", "finding"),
        name("organisation", "addressees[]"),
        declares=(name("recommendation"),),
    ),
    Contract(
        "recommendation.answered",
        "Ответ на рекомендацию",
        RecommendationAnswered1,
        senders=OWNERS,
        subject="organisation",
        refers=(name("recommendation"), ORGANISATION),
    ),
    _of_cycle(
        "decision.taken",
        "Управленческое решение принято",
        DecisionTaken1,
        name("recommendation", "recommendations[]"),
        ACTIVITIES,
        declares=(name("decision", "cycle", "decision"),),
    ),
    _of_cycle(
        "effectiveness.assessed",
        "Эффективность мер оценена",
        EffectivenessAssessed1,
        ACTIVITIES,
        name("organisation", "figures[].organisation"),
    ),
    Contract(
        "proposal.adopted",
        "Предложение принято",
        ProposalAdopted1,
        senders=OWNERS,
        subject="organisation",
        refers=(ORGANISATION,),
        declares=(name("adoption", "organisation", "proposal", unique=True),),
    ),
    Contract(
        "proposal.declined",
        "Предложение отклонено",
        ProposalDeclined1,
        senders=OWNERS,
        subject="organisation",
        refers=(ORGANISATION,),
    ),
)
