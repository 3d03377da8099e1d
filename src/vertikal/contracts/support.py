"""Support of schools: consultations and seminars, mentors, agreements with partners, contests."""

from .contract import SCHOOL, Contract, name, ordered
from .fields import Choice, Code, Count, Date, Many, Nested, Record, Term, Text
from .teachers import Personal

KINDS = ("consultation", "seminar", "webinar", "masterclass", "visit", "roundtable", "internship")
LEVELS = ("school", "municipality", "region")
MENTOR_KINDS = ("curator", "mentor", "leader_school", "consultant")


class Provided1(Record):
    support = Code()
    kind = Choice(*KINDS)
    level = Choice(*LEVELS)
    organisations = Many(Code())
    held_on = Date()
    times = Count(optional=True)
    participants = Count(optional=True)
    subject = Term(optional=True)


class MentorAssigned1(Record.from_dict({"from": Date()})):  # type: ignore[misc]  # `from` is a keyword
    mentorship = Code()
    school = Code()
    mentor = Code()
    kind = Choice(*MENTOR_KINDS)
    personal = Nested(Personal, optional=True)


class MentorReleased1(Record):
    mentorship = Code()
    to = Date()


class AgreementSigned1(Record.from_dict({"from": Date()})):  # type: ignore[misc]  # `from` is a keyword
    agreement = Code()
    school = Code()
    partner = Text(at_most=500)
    to = Date(optional=True)
    act = Text(optional=True, at_most=500)


class ContestEntered1(Record):
    entry = Code()
    organisation = Code()
    contest = Text(at_most=500)
    level = Term()
    people = Count()
    on = Date()


CONTRACTS = (
    Contract(
        "support.provided",
        "Поддержка оказана",
        Provided1,
        senders=("municipality", "institute", "school"),
        date="held_on",
        refers=(name("organisation", "organisations[]"),),
        declares=(name("support"),),
    ),
    Contract(
        "mentor.assigned",
        "Куратор или наставник назначен",
        MentorAssigned1,
        senders=("municipality", "region"),
        subject="school",
        date="from",
        refers=(SCHOOL,),
        declares=(name("mentorship", owner="school"),),
        person="mentor",
    ),
    Contract(
        "mentor.released",
        "Куратор или наставник освобождён",
        MentorReleased1,
        senders=("municipality", "region"),
        date="to",
        refers=(name("mentorship"),),
        of="mentorship",
    ),
    Contract(
        "agreement.signed",
        "Договор о сотрудничестве заключён",
        AgreementSigned1,
        senders=("school", "municipality"),
        subject="school",
        date="from",
        refers=(SCHOOL,),
        declares=(name("agreement", owner="school"),),
        rules=(ordered("from", "to"),),
    ),
    Contract(
        "contest.entered",
        "Участие в конкурсе",
        ContestEntered1,
        senders=("school", "municipality"),
        subject="organisation",
        date="on",
        refers=(name("organisation"),),
        declares=(name("entry", owner="organisation"),),
    ),
)
