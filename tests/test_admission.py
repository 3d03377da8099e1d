"""The door of the log: who may say what about whom, and what must be there before it. On both databases."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.conftest import Vertikal
from tests.examples import EXAMPLES
from tests.sayings import ADMIN, CENTRE, CHEMAL, GORODETS, INSTITUTE, REGION, S1, S2, enlarge, refused, said, try_
from vertikal.contracts.catalogue import CATALOGUE
from vertikal.contracts.contract import SCHOOL
from vertikal.services.access import ROLES, Party
from vertikal.services.admission import KINDS
from vertikal.services.intake import ACCEPTED

OWNERS = "school municipality region"
# CONTRACTS.md, who may send; "owner", "owner or below" and the like: whoever may own
SENDERS = {
    "organisation.registered": "region admin",
    "organisation.renamed": "region municipality",
    **dict.fromkeys(("organisation.moved", "organisation.merged", "organisation.closed"), "region"),
    **dict.fromkeys(("staff.reported", "risk.assessed", "roadmap.adopted"), OWNERS),
    **dict.fromkeys(("cohort.defined", "school.included", "school.excluded"), "municipality region"),
    **dict.fromkeys((type_ for type_ in EXAMPLES if type_.startswith("activity.")), OWNERS),
    "course.finished": "school municipality institute",
    "courses.reported": "municipality institute region",
    "competence.assessed": "municipality institute",
    "support.provided": "municipality institute school",
    **dict.fromkeys(("mentor.assigned", "mentor.released", "reporting.expected"), "municipality region"),
    **dict.fromkeys(("agreement.signed", "contest.entered"), "school municipality"),
    "assessment.imported": "institute region municipality",
    **dict.fromkeys(("assessment.corrected", "assessment.withdrawn"), "institute region"),
    **dict.fromkeys(("cycle.opened", "cycle.closed", "goal.set", "indicator.adopted"), OWNERS),
    **dict.fromkeys(("monitoring.recorded", "analysis.published", "recommendation.issued"), OWNERS),
    **dict.fromkeys(("recommendation.answered", "decision.taken", "effectiveness.assessed"), OWNERS),
    **dict.fromkeys(("proposal.adopted", "proposal.declined"), OWNERS),
    **dict.fromkeys(("claim.made", "event.retracted"), "school municipality region institute"),
    "person.forgotten": "region admin",
}


@pytest.fixture
def world(vertical: Vertikal) -> Vertikal:
    return enlarge(vertical)


# Roles


def test_senders_are_those_of_the_contracts() -> None:
    assert {contract.type: " ".join(contract.senders) for contract in CATALOGUE.contracts} == SENDERS


@pytest.mark.parametrize("role", ROLES)
def test_a_role_sends_its_own_types_only(world: Vertikal, role: str) -> None:
    party = Party("obr", role)
    answer = world.submit(*[said(world, party, type_) for type_ in SENDERS], party=party, dry_run=True)
    refused_types = {type_ for type_, outcome in zip(SENDERS, answer.results, strict=True) if "type" in outcome.errors}
    assert refused_types == {type_ for type_, roles in SENDERS.items() if role not in roles.split()}


def test_a_refused_role_is_told_who_may_send(world: Vertikal) -> None:
    assert try_(world, S1, "cohort.defined", cohort="c2", owner="s1")["type"] == [
        "роль «school» не отправляет «cohort.defined»; отправляют: municipality, region"
    ]


def test_a_sample_of_every_owner_is_accepted(world: Vertikal) -> None:
    """Control: the refusals of this module are not the rule."""
    assert try_(world, S1, "staff.reported") == {}
    assert try_(world, GORODETS, "staff.reported") == {}
    assert try_(world, REGION, "staff.reported") == {}
    assert try_(world, INSTITUTE, "course.finished") == {}
    assert try_(world, ADMIN, "organisation.registered") == {}
    assert try_(world, GORODETS, "support.provided") == {}


# Schools


OF_SCHOOLS = [type_ for type_, contract in CATALOGUE.newest.items() if SCHOOL in contract.refers]


def test_the_types_about_schools_are_those_of_the_contracts() -> None:
    assert set(OF_SCHOOLS) == {type_ for type_, data in EXAMPLES.items() if "school" in data}


@pytest.mark.parametrize("type_", OF_SCHOOLS)
def test_what_is_about_a_school_is_refused_for_a_municipality(world: Vertikal, type_: str) -> None:
    """Control: for another school of gorodets nothing is said of its kind."""
    party = REGION if "region" in CATALOGUE.newest[type_].senders else GORODETS
    assert try_(world, party, type_, school="gorodets")["data.school"][0] == (
        "это не школа, а муниципалитет (получено: «gorodets»)"
    )
    assert not any("не школа" in words for words in try_(world, party, type_, school="s2").get("data.school", ()))


def test_a_school_of_the_same_batch_may_be_included_and_a_centre_of_it_may_not(world: Vertikal) -> None:
    """The batch in which a school comes may speak of it; its kind counts as in the log."""
    new = [said(world, REGION, "organisation.registered", code=code, kind=kind, parent="gorodets")
           for code, kind in (("s8", "school"), ("cko", "centre"))]  # fmt: skip
    included = [said(world, REGION, "school.included", school=code) for code in ("s8", "cko")]
    outcomes = world.submit(*new, *included, party=REGION).results
    assert [outcome.status == ACCEPTED for outcome in outcomes] == [True, True, True, False]


# Subtrees


@pytest.mark.parametrize(("party", "school"), [(S1, "s2"), (GORODETS, "s3"), (GORODETS, "s9"), (S1, "gorodets")])
def test_nobody_speaks_outside_the_own_subtree(vertical: Vertikal, party: Party, school: str) -> None:
    found = try_(vertical, party, "staff.reported", organisation=school)
    assert set(found) == {"subject", "data.organisation"}
    assert "вне подчинения отправителя" in found["data.organisation"][0]
    assert f"«{school}»" in found["data.organisation"][0]


def test_every_organisation_of_a_list_must_lie_in_the_subtree(vertical: Vertikal) -> None:
    found = try_(vertical, GORODETS, "support.provided", organisations=["s1", "s3", "s2", "s9"])
    assert set(found) == {"data.organisations[1]", "data.organisations[3]"}


def test_after_a_move_the_old_parent_speaks_of_the_time_before_and_the_new_one_of_all(vertical: Vertikal) -> None:
    vertical.send("organisation.moved", "s1", {"code": "s1", "parent": "chemal", "valid_from": "2020-10-01"})
    vertical.clock.time = datetime(2020, 12, 1, tzinfo=UTC)
    assert try_(vertical, GORODETS, "staff.reported", on="2020-09-30") == {}
    assert "data.organisation" in try_(vertical, GORODETS, "staff.reported", on="2020-10-01")
    assert try_(vertical, CHEMAL, "staff.reported", on="2020-09-30") == {}
    assert try_(vertical, CHEMAL, "staff.reported", on="2020-10-01") == {}


def test_before_a_move_the_old_parent_still_speaks_of_the_time_behind_it(vertical: Vertikal) -> None:
    """Today, 1 September, the school is still gorodets's; the move is of the coming October."""
    vertical.send("organisation.moved", "s1", {"code": "s1", "parent": "chemal", "valid_from": "2020-10-01"})
    assert try_(vertical, GORODETS, "staff.reported", on="2020-11-01") == {}


def test_today_is_where_the_settings_put_it(vertical: Vertikal) -> None:
    """22:30 in London on 30 September is 1 October in Moscow."""
    vertical.send("organisation.moved", "s1", {"code": "s1", "parent": "chemal", "valid_from": "2020-10-01"})
    vertical.clock.time = datetime(2020, 9, 30, 20, 30, tzinfo=UTC)
    assert try_(vertical, GORODETS, "staff.reported", on="2020-10-05") == {}
    vertical.clock.time = datetime(2020, 9, 30, 22, 30, tzinfo=UTC)
    assert "data.organisation" in try_(vertical, GORODETS, "staff.reported", on="2020-10-05")


def test_an_institute_acts_within_the_subtree_of_its_parent(world: Vertikal) -> None:
    assert try_(world, INSTITUTE, "course.finished", organisation="s3") == {}
    tersk = Party("tersk", "region")
    fields = {"code": "tersk", "kind": "region", "name": "Терск", "valid_from": "2019-01-01"}
    assert refused(world, tersk, world.event("organisation.registered", "tersk", fields, source="/tersk")) == {}
    assert try_(world, tersk, "organisation.registered", code="t1", parent="tersk") == {}
    assert "data.organisation" in try_(world, INSTITUTE, "course.finished", organisation="t1")


def test_a_centre_sends_as_its_municipality(world: Vertikal) -> None:
    assert try_(world, CENTRE, "staff.reported", organisation="s1") == {}
    assert try_(world, CENTRE, "goal.set", goal="g2") == {}
    assert "data.organisation" in try_(world, CENTRE, "staff.reported", organisation="s3")


def test_admin_may_send_only_what_it_is_named_for(world: Vertikal) -> None:
    assert try_(world, ADMIN, "person.forgotten") == {}
    assert "type" in try_(world, ADMIN, "event.retracted", source="/obr/admin", id="e1")


def test_a_token_of_an_organisation_that_is_not_registered_yet_registers_only_itself(store: Vertikal) -> None:
    alone = {"code": "obr", "kind": "region", "name": "Область", "valid_from": "2019-01-01"}
    other = {**alone, "code": "other"}
    events = [store.event("organisation.registered", data["code"], data) for data in (other, alone)]
    first, second = store.submit(*events).results
    assert list(first.errors) == ["data.parent"]
    assert second.status == ACCEPTED


# Sources


def test_a_source_is_bound_to_the_organisation_that_uses_it_first(vertical: Vertikal) -> None:
    event = said(vertical, GORODETS, "staff.reported")
    assert refused(vertical, GORODETS, event) == {}
    stolen = {**said(vertical, S1, "staff.reported"), "source": event["source"]}
    assert refused(vertical, S1, stolen) == {"source": [f"источник «{event['source']}» принадлежит другой организации"]}
    assert refused(vertical, GORODETS, {**stolen, "id": "again"}) == {}


def test_a_refused_event_binds_no_source(vertical: Vertikal) -> None:
    event = said(vertical, S1, "staff.reported", organisation="s2")
    assert refused(vertical, S1, event)
    assert refused(vertical, S2, event) == {}


# References

UNKNOWN = {
    "organisation": ("course.finished", {"organisation": "x"}, "data.organisation"),
    "roadmap": ("activity.planned", {"roadmap": "x", "activity": "a9"}, "data.roadmap"),
    "activity": ("activity.completed", {"activity": "x"}, "data.activity"),
    "cohort": ("school.included", {"cohort": "x"}, "data.cohort"),
    "cycle": ("goal.set", {"cycle": "x"}, "data.cycle"),
    "goal": ("indicator.adopted", {"goal": "x"}, "data.goal"),
    "finding": ("recommendation.issued", {"finding": "x"}, "data.finding"),
    "recommendation": ("recommendation.answered", {"recommendation": "x"}, "data.recommendation"),
    "result": ("assessment.corrected", {"subject": "x"}, "data.subject"),
    "mentorship": ("mentor.released", {"mentorship": "x"}, "data.mentorship"),
}


def test_every_kind_of_reference_is_tried() -> None:
    assert UNKNOWN.keys() == KINDS.keys()


@pytest.mark.parametrize("kind", UNKNOWN)
def test_an_unknown_reference_is_named(world: Vertikal, kind: str) -> None:
    type_, fields, path = UNKNOWN[kind]
    senders = SENDERS[type_].split()
    party = GORODETS if "municipality" in senders else REGION
    found = try_(world, party, type_, **fields)
    assert KINDS[kind] in found[path][0]
    assert "x" in found[path][0]


def test_the_same_events_with_known_references_are_accepted(world: Vertikal) -> None:
    """Control of the test above."""
    for type_, fields, _ in UNKNOWN.values():
        party = GORODETS if "municipality" in SENDERS[type_].split() else REGION
        more = {"activity": "a9"} if "a9" in fields.values() else {}
        more |= {"organisation": "s1"} if type_ == "recommendation.answered" else {}
        more |= {"recommendation": "rec2"} if type_ == "recommendation.issued" else {}
        assert try_(world, party, type_, **more) == {}, type_


def test_references_inside_lists_are_named_by_their_place(world: Vertikal) -> None:
    found = try_(world, GORODETS, "decision.taken", recommendations=["rec1", "x"],
                 activities=[{"roadmap": "rm", "activity": "a1"}, {"roadmap": "rm", "activity": "x"}])  # fmt: skip
    assert set(found) == {"data.recommendations[1]", "data.activities[1].activity"}
    assert "rm/x" in found["data.activities[1].activity"][0]


def test_optional_references_must_exist_where_they_are_given(world: Vertikal) -> None:
    found = try_(world, GORODETS, "claim.made", about={"roadmap": "x", "cycle": "y", "cohort": "z"})
    assert set(found) == {"data.about.roadmap", "data.about.cycle", "data.about.cohort"}
    assert try_(world, GORODETS, "claim.made", about={}) == {}


def test_the_subject_must_exist_where_data_names_no_organisation(vertical: Vertikal) -> None:
    event = {**said(vertical, REGION, "reporting.expected"), "subject": "x"}
    assert list(refused(vertical, REGION, event)) == ["subject"]


@pytest.mark.parametrize("type_", ["staff.reported", "roadmap.adopted", "risk.assessed", "organisation.merged"])
def test_subject_must_equal_what_data_names(world: Vertikal, type_: str) -> None:
    named = CATALOGUE.newest[type_].subject
    event = said(world, REGION, type_)
    found = refused(world, REGION, {**event, "subject": "s9"})
    assert f"должно совпадать с data.{named}" in found["subject"][0]
    assert type_ in ("roadmap.adopted",) or refused(world, REGION, event) == {}


def test_inside_one_batch_earlier_events_count_and_later_ones_do_not(vertical: Vertikal) -> None:
    batch = [said(vertical, GORODETS, type_) for type_ in ("cohort.defined", "roadmap.adopted", "activity.planned")]
    mark = said(vertical, GORODETS, "activity.completed")
    early = {**mark, "id": "early"}
    answer = vertical.submit(early, *batch, mark, party=GORODETS)
    assert [outcome.status == ACCEPTED for outcome in answer.results] == [False, True, True, True, True]
    assert "data.roadmap" in answer.results[0].errors


def test_what_a_refused_event_of_the_batch_would_have_named_does_not_count(vertical: Vertikal) -> None:
    cohort = said(vertical, GORODETS, "cohort.defined", owner="s3")
    included = said(vertical, GORODETS, "school.included")
    assert list(refused(vertical, GORODETS, cohort, included)) == ["data.cohort"]


# Structural duplicates

DUPLICATES = {
    "organisation.registered": ({"code": "s1"}, "data.code"),
    "cohort.defined": ({}, "data.cohort"),
    "roadmap.adopted": ({}, "data.roadmap"),
    "activity.planned": ({}, "data.activity"),
    "cycle.opened": ({}, "data.cycle"),
    "assessment.imported": ({}, "data.subject"),
}


@pytest.mark.parametrize("type_", DUPLICATES)
def test_what_exists_cannot_be_declared_again(world: Vertikal, type_: str) -> None:
    fields, path = DUPLICATES[type_]
    party = GORODETS if "municipality" in SENDERS[type_].split() else REGION
    found = try_(world, party, type_, **fields)
    assert set(found) == {path}
    assert found[path][0].startswith("уже ")


def test_a_result_that_exists_says_what_to_do(world: Vertikal) -> None:
    message = try_(world, GORODETS, "assessment.imported")["data.subject"][0]
    assert "уже загружено: исправьте (assessment.corrected), отзовите (assessment.withdrawn)" in message


@pytest.mark.parametrize("fields", [{"grade": 6}, {"subject": "russian"}, {"procedure": "oge"}, {"year": "2021/2022"}])
def test_another_key_is_another_result(world: Vertikal, fields: dict[str, Any]) -> None:
    assert try_(world, GORODETS, "assessment.imported", **fields) == {}


def test_a_grade_as_text_is_the_same_grade(world: Vertikal) -> None:
    assert list(try_(world, GORODETS, "assessment.imported", grade="5")) == ["data.subject"]
    assert try_(world, REGION, "assessment.corrected", grade="5") == {}


def test_two_declarations_of_one_batch_are_one_too_many(vertical: Vertikal) -> None:
    first, second = (said(vertical, GORODETS, "cohort.defined") for _ in range(2))
    assert list(refused(vertical, GORODETS, first, second)) == ["data.cohort"]


@pytest.mark.parametrize("type_", ["courses.reported", "support.provided", "contest.entered", "competence.assessed"])
def test_reports_and_the_like_may_come_again_under_their_code(world: Vertikal, type_: str) -> None:
    assert try_(world, GORODETS, type_) == {}
    assert try_(world, GORODETS, type_) == {}
