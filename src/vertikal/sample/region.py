"""The sample region in the order of recording: month by month, sender by sender, and never a month held in memory."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import chain

from . import cohorts, cycles, plans, registrations, reporting, results, staff, support
from .dates import MONTHS, Month
from .facts import INSTITUTE, REGION, Batch, Fact, Outbox, Recorded, Sender, at, municipality
from .layout import DOCUMENTED, Layout, lay_out
from .places import Municipality, School
from .scale import SCALES, Scale

SIZES = {"small": 5_084, "region": 198_552, "large": 2_018_269}  # exact; tests count the first
SCHOOLS_DAY, COURSES_DAY = 11, 28


def region(size: str | Scale) -> Iterator[Recorded]:
    """The events of a sample size (or of a scale of one's own) as recorded from August 2020 to December 2023.

    Times of recording never decrease, whatever an event refers to comes before it, and the same size gives the same
    events to the byte. Facts are generated as they are read. Raises ``KeyError`` for a size that is not in ``SIZES``.
    """
    outboxes: dict[str, Outbox] = {}
    for batch in _batches(lay_out(size if isinstance(size, Scale) else SCALES[size])):
        moment, sender = batch.at, batch.sender
        outbox = outboxes.setdefault(sender.organisation, Outbox(sender))
        for fact in batch.facts:
            yield Recorded(moment, sender, outbox.event(fact))


def _batches(layout: Layout) -> Iterator[Batch]:
    documented = [batch for module in DOCUMENTED for batch in module.batches()]
    for month in MONTHS:
        generated = chain(
            registrations.batches(layout) if month == MONTHS[0] else (),
            reporting.batches(layout, month),
            support.institute(layout, month),
            results.batches(layout, month),
            *(_of_municipality(layout, each, month) for each in layout.municipalities),
            _of_schools(layout, month),
        )
        told = (batch for batch in documented if (batch.at.year, batch.at.month) == month)
        yield from sorted(chain(generated, told), key=lambda batch: batch.at)


def _of_municipality(layout: Layout, each: Municipality, month: Month) -> Iterator[Batch]:
    """One submission a month; the courses of every third municipality come from the institute instead."""
    scale, sender = layout.scale, municipality(each.code)
    moment = at(month.day(each.day), 9, each.number)
    if each.documented:
        facts = chain(staff.staff(each, month), staff.documented_courses(each, month, scale))
        yield Batch(moment, sender, facts)
        return
    schools = tuple(school for school in each.schools if not school.sends)
    if each.number % 3:
        yield Batch(moment, sender, chain(_said(layout, each, month), staff.courses(schools, month, each.day, scale)))
        return
    yield Batch(moment, sender, _said(layout, each, month))
    later = at(month.day(COURSES_DAY), 6, each.number)
    yield Batch(later, Sender(INSTITUTE, "institute"), staff.courses(schools, month, COURSES_DAY, scale))


def _said(layout: Layout, each: Municipality, month: Month) -> Iterator[Fact]:
    """What a generated municipality says in a month, in an order in which references exist."""
    return chain(
        staff.staff(each, month),
        cohorts.cohorts(each, month),
        _plans(each, month, layout.scale),
        cohorts.risks(each, month),
        cohorts.proposals(each, month),
        support.events(each, month, layout.scale),
        support.mentors(each, month),
        support.agreements(each, month),
        support.contests(each, month),
        support.competences(each, month),
        support.courses_reported(each, month),
        cycles.facts(each, month, layout.scale),
        reporting.claims(each, month),
        reporting.renamed(each, month),
        reporting.retracted(layout, each, month),
    )


def _plans(each: Municipality, month: Month, scale: Scale) -> Iterator[Fact]:
    """The municipality's road maps, and those of its schools that do not send themselves."""
    for year, index in plans.live(month):
        yield from plans.facts(plans.municipal(each, year, scale), index)
        for school in each.schools:
            if not school.sends and plans.has_plan(school, scale) and school.until > month.first:
                yield from plans.facts(plans.of_school(school, each, year, scale), index)


def _of_schools(layout: Layout, month: Month) -> Iterator[Batch]:
    """The schools that send themselves, one after the other on one day."""
    own_staff = {REGION: True} | {each.code: each.staff is None for each in layout.municipalities}
    for parent, school in layout.schools():
        if school.sends:
            moment = at(month.day(SCHOOLS_DAY)) + timedelta(seconds=school.number)
            facts = _of_school(school, month, layout.scale, own_staff[parent])
            yield Batch(moment, Sender(school.code, "school"), facts)


def _of_school(school: School, month: Month, scale: Scale, own_staff: bool) -> Iterator[Fact]:
    if own_staff:
        yield from staff.school_staff(school, month)
    if plans.has_plan(school, scale):
        for year, index in plans.live(month):
            yield from plans.facts(plans.of_school(school, None, year, scale), index)
    yield from support.school_contests(school, month)
    yield from staff.courses((school,), month, SCHOOLS_DAY, scale)
