"""The vertical itself: regions, municipalities, schools, institutes and centres, and how they change in time."""

from .contract import Contract, name
from .fields import Choice, Code, Date, Many, Nested, Record, Term, Text

KINDS = ("region", "municipality", "school", "institute", "centre")


class Identifiers(Record):
    oktmo = Term(optional=True)
    inn = Term(optional=True)
    fis_oko_login = Term(optional=True)
    exam_code = Term(optional=True)


class Registered1(Record):
    code = Code()
    kind = Choice(*KINDS)
    name = Text(at_most=500)
    parent = Code(optional=True)
    valid_from = Date()
    identifiers = Nested(Identifiers, optional=True)


class Renamed1(Record):
    code = Code()
    name = Text(at_most=500)
    valid_from = Date()


class Moved1(Record):
    code = Code()
    parent = Code()
    valid_from = Date()


class Merged1(Record):
    codes = Many(Code(), at_least=1)
    into = Code()
    valid_from = Date()
    act = Text(optional=True, at_most=500)


class Closed1(Record):
    code = Code()
    valid_from = Date()
    reason = Text(optional=True)


CODE = name("organisation", "code")
PARENT = name("organisation", "parent")

CONTRACTS = (
    Contract(
        "organisation.registered",
        "Организация зарегистрирована",
        Registered1,
        senders=("region", "admin"),
        subject="code",
        date="valid_from",
        refers=(PARENT,),
        declares=(name("organisation", "code", unique=True),),
    ),
    Contract(
        "organisation.renamed",
        "Организация переименована",
        Renamed1,
        senders=("region", "municipality"),
        subject="code",
        date="valid_from",
        refers=(CODE,),
        declares=(CODE,),
    ),
    Contract(
        "organisation.moved",
        "Организация передана другому учредителю",
        Moved1,
        senders=("region",),
        subject="code",
        date="valid_from",
        refers=(CODE, PARENT),
        declares=(CODE,),
    ),
    Contract(
        "organisation.merged",
        "Организации присоединены к другой",
        Merged1,
        senders=("region",),
        subject="into",
        date="valid_from",
        refers=(name("organisation", "codes[]"), name("organisation", "into")),
        declares=(name("organisation", "codes[]"),),
    ),
    Contract(
        "organisation.closed",
        "Организация закрыта",
        Closed1,
        senders=("region",),
        subject="code",
        date="valid_from",
        refers=(CODE,),
        declares=(CODE,),
    ),
)
