"""The vertical enters the log on one day of August 2020: region, institute, municipalities, centres, schools."""

from __future__ import annotations

from collections.abc import Iterator

from .facts import INSTITUTE, REGION, Batch, Data, Fact, Sender, at
from .layout import Layout
from .places import School

DAY = "2020-08-01"


def batches(layout: Layout) -> Iterator[Batch]:
    """The region by the administrator, everything below it by the region itself."""
    region = _registered(REGION, "region", "Образцовая область", "2001-01-01")
    yield Batch(at("2020-08-03", 5), Sender(REGION, "admin"), [region])
    yield Batch(at("2020-08-03", 6), Sender(REGION, "region"), _below(layout))


def _below(layout: Layout) -> Iterator[Fact]:
    institute = "Институт развития образования Образцовой области"
    yield _registered(INSTITUTE, "institute", institute, "2001-01-01", REGION)
    for municipality in layout.municipalities:
        identifiers = {"oktmo": f"99{600 + municipality.number}000"}
        yield _registered(municipality.code, "municipality", municipality.name, "2006-01-01", REGION, identifiers)
        for code, name in municipality.centres:
            yield _registered(code, "centre", name, "2010-09-01", municipality.code)
    for parent, school in layout.schools():
        since = f"{1995 + school.number % 20}-09-01"
        yield _registered(school.code, "school", school.name, since, parent, _identifiers(school))


def _identifiers(school: School) -> Data:
    return {"fis_oko_login": f"sch99{school.number:04}", "exam_code": f"99{school.number:04}"}


def _registered(
    code: str, kind: str, name: str, since: str, parent: str | None = None, identifiers: Data | None = None
) -> Fact:
    data: Data = {"code": code, "kind": kind, "name": name, "valid_from": since}
    if parent is not None:
        data["parent"] = parent
    if identifiers is not None:
        data["identifiers"] = identifiers
    return Fact("organisation.registered", code, DAY, data)
