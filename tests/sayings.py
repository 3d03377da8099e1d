"""The parties of the test region, and events in their mouths."""

from __future__ import annotations

from typing import Any

from tests.conftest import Vertikal
from tests.examples import data_of
from vertikal.contracts.catalogue import CATALOGUE
from vertikal.services.access import Party
from vertikal.services.intake import ACCEPTED

REGION, ADMIN = Party("obr", "region"), Party("obr", "admin")
GORODETS, CHEMAL = Party("gorodets", "municipality"), Party("chemal", "municipality")
S1, S2 = Party("s1", "school"), Party("s2", "school")
INSTITUTE, CENTRE = Party("niro", "institute"), Party("imc", "municipality")
Errors = dict[str, list[str]]


def said(vertical: Vertikal, party: Party, type_: str, **fields: Any) -> dict[str, Any]:
    """The example event of a type in the mouth of a party; ``fields`` replace fields of its data."""
    data = data_of(type_, **fields)
    subject = CATALOGUE.newest[type_].subject
    about = data[subject] if subject else party.organisation
    return vertical.event(type_, about, data, source=f"/{party.organisation}/{party.role}")


def refused(vertical: Vertikal, party: Party, *events: dict[str, Any]) -> Errors:
    """Why the last of the events is refused; nothing: it is not."""
    outcome = vertical.submit(*events, party=party).results[-1]
    assert (outcome.status == ACCEPTED) == (not outcome.errors)
    return outcome.errors


def try_(vertical: Vertikal, party: Party, type_: str, **fields: Any) -> Errors:
    return refused(vertical, party, said(vertical, party, type_, **fields))


def enlarge(vertical: Vertikal) -> Vertikal:
    """With an institute, a centre, and one of everything that can be referred to, owned by gorodets."""
    vertical.register("niro", "institute", "obr")
    vertical.register("imc", "centre", "gorodets")
    types = ("cohort.defined", "roadmap.adopted", "activity.planned", "cycle.opened", "goal.set", "analysis.published",
             "recommendation.issued", "mentor.assigned", "assessment.imported")  # fmt: skip
    own = {"analysis.published": {"findings": [{"finding": "f1", "text": "Мало обученных", "figures": []}]}}
    events = [said(vertical, GORODETS, type_, **own.get(type_, {})) for type_ in types]
    events.append(said(vertical, GORODETS, "activity.planned", activity="a2", organisations=[]))
    vertical.accept(*events, party=GORODETS)
    return vertical
