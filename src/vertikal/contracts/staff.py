"""Staff: how many teachers and managers an organisation employs on a date."""

from .contract import OWNERS, Contract, name
from .fields import Code, Count, Date, Decimal, Record


class Reported1(Record):
    organisation = Code()
    on = Date()
    teachers = Count()
    managers = Count()
    positions = Decimal(optional=True)
    positions_filled = Decimal(optional=True)


CONTRACTS = (
    Contract(
        "staff.reported",
        "Сведения о кадрах",
        Reported1,
        senders=OWNERS,
        subject="organisation",
        date="on",
        refers=(name("organisation"),),
    ),
)
