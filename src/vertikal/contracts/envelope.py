"""The envelope of an event: CloudEvents 1.0 (https://github.com/cloudevents/spec), JSON format."""

from marshmallow import fields

from .fields import Choice, Code, Count, Identifier, Moment, Record, Source, Term, Text


class ContractPath(Text):
    pattern = r"^/contracts/[a-z_.]{1,64}/[1-9][0-9]{0,3}$"
    refusal = "адрес схемы в виде /contracts/{type}/{version}"


class Envelope(Record):
    """The attributes beside ``data``; ``dataschema`` absent means the newest version."""

    specversion = Choice("1.0")
    id = Identifier()
    source = Source()
    type = Term()
    time = Moment()
    subject = Code()
    dataschema = ContractPath(optional=True)
    datacontenttype = Choice("application/json", optional=True)
    actor = Text(optional=True, at_most=256)
    causationid = Identifier(optional=True)
    correlationid = Identifier(optional=True)
    expectedversion = Count(optional=True)
    data = fields.Raw(required=True, error_messages={"required": "обязательное поле отсутствует"})
