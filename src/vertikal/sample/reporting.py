"""What the region expects and takes back, what municipalities claim, and how the tree changes late in the history."""

from __future__ import annotations

from collections.abc import Iterator

from .dates import Month, label
from .facts import REGION, Batch, Data, Fact, Sender, at
from .layout import CLOSING, MERGING, Layout
from .places import Municipality

SENDER = Sender(REGION, "region")
TWICE = "otchet-povtor"


def batches(layout: Layout, month: Month) -> Iterator[Batch]:
    """The region's own submissions of a month."""
    if month.number == 9:
        yield Batch(at(month.day(2), 5), SENDER, _expected(layout, month))
    if month == Month(2023, 7):
        yield Batch(at("2023-07-25", 5), SENDER, _changes(layout))
    if month == Month(2023, 10):
        yield Batch(at("2023-10-02", 5), Sender(REGION, "admin"), [_forgotten()])


def _expected(layout: Layout, month: Month) -> Iterator[Fact]:
    """The staff report of every September: of the schools, or of the municipality where these never report."""
    year = month.year
    data: Data
    for municipality in layout.municipalities:
        schools = [school.code for school in municipality.schools if school.until > f"{year}-10-01"]
        data = {"expectation": f"obr-staff-{year}-{municipality.number}", "type": "staff.reported"}
        data["organisations"] = schools if municipality.staff is None else [municipality.code]
        data |= {"period": {"start": month.first, "end": month.last}, "due": f"{year}-10-01"}
        yield Fact("reporting.expected", REGION, month.day(1), data)


def _changes(layout: Layout) -> Iterator[Fact]:
    """Moved, merged and closed: announced in July with the days from which they hold."""
    fates, day = layout.fates, "2023-07-20"
    data: Data = {"code": fates.moved.code, "parent": REGION, "valid_from": day}
    yield Fact("organisation.moved", fates.moved.code, day, data)
    data = {"codes": [fates.merged.code], "into": fates.survivor.code, "valid_from": MERGING, "act": "Приказ № 512"}
    yield Fact("organisation.merged", fates.survivor.code, day, data)
    data = {"code": fates.closed.code, "valid_from": CLOSING, "reason": "Нет обучающихся"}
    yield Fact("organisation.closed", fates.closed.code, day, data)


def _forgotten() -> Fact:
    """A pseudonym that no other event carries, so that no figure depends on it."""
    data = {"person": "p-00000", "reason": "Заявление об отзыве согласия"}
    return Fact("person.forgotten", REGION, "2023-09-29", data)


def claims(municipality: Municipality, month: Month) -> Iterator[Fact]:
    """Each July a municipality sums its road map up; every second claims more than marks can show."""
    if month.number != 7:
        return
    code, year = municipality.code, month.year - 1
    text = "Дорожная карта в основном выполнена", "Все мероприятия дорожной карты проведены"
    data: Data = {"claim": f"{code}-claim-{year}", "organisation": code}
    data["text"] = f"{text[municipality.number % 2]}, {label(year)}"
    data |= {"about": {"roadmap": f"{code}-rm-{year}"}, "counted": 12 + municipality.number % 5, "on": month.day(5)}
    yield Fact("claim.made", code, month.day(5), data)


def renamed(municipality: Municipality, month: Month) -> Iterator[Fact]:
    """The first school of every third municipality gets another name in spring 2022."""
    if month == Month(2022, 5) and municipality.number % 3 == 1:
        school = municipality.schools[0]
        data = {"code": school.code, "name": f"{school.name} «Горизонт»", "valid_from": "2022-05-04"}
        yield Fact("organisation.renamed", school.code, "2022-05-04", data)


def retracted(layout: Layout, municipality: Municipality, month: Month) -> Iterator[Fact]:
    """One municipality reports the same people twice under two codes, and takes the second report back."""
    if municipality != layout.generated[0]:
        return
    code = municipality.code
    if month == Month(2021, 4):
        data: Data = {"report": f"{code}-spring", "organisation": code, "role": "teacher", "people": 17}
        data["period"] = {"start": "2021-01-11", "end": "2021-03-31"}
        yield Fact("courses.reported", code, "2021-04-06", data)
        yield Fact("courses.reported", code, "2021-04-06", data | {"report": f"{code}-spring-2"}, TWICE)
    if month == Month(2021, 6):
        data = {"source": f"/municipalities/{code}", "id": TWICE, "reason": "Один и тот же отчёт отправлен дважды"}
        yield Fact("event.retracted", code, "2021-06-04", data)
