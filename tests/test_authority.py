"""The door of the log, continued: owners, targets, corrections, closings and retractions. On both databases."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Vertikal
from tests.sayings import CHEMAL, GORODETS, INSTITUTE, REGION, S1, S2, enlarge, refused, said, try_
from vertikal.services.access import Party
from vertikal.services.intake import ACCEPTED, DUPLICATE, Intake

S3 = Party("s3", "school")
MARKS = {
    "activity.started": "on",
    "activity.completed": "completed_on",
    "activity.partly_completed": "on",
    "activity.not_held": "on",
}


@pytest.fixture
def world(vertical: Vertikal) -> Vertikal:
    return enlarge(vertical)


def register(world: Vertikal, party: Party, code: str) -> None:
    """Make gorodets's cycle and road map anew, owned by another organisation."""
    for type_, fields in (
        ("cycle.opened", {"cycle": f"cy-{code}", "organisation": code}),
        ("roadmap.adopted", {"roadmap": f"rm-{code}", "owner": code}),
        ("activity.planned", {"roadmap": f"rm-{code}", "organisations": []}),
    ):
        assert try_(world, party, type_, **fields) == {}


# Owners

OWNED: dict[str, dict[str, Any]] = {
    "activity.planned": {"activity": "a9"},
    "activity.rescheduled": {},
    "activity.cancelled": {},
    "goal.set": {"goal": "g2"},
    "indicator.adopted": {},
    "analysis.published": {"findings": []},
    "recommendation.issued": {"recommendation": "rec2"},
    "decision.taken": {},
    "effectiveness.assessed": {"figures": []},
    "cycle.closed": {},
}


@pytest.mark.parametrize("type_", OWNED)
def test_only_the_owner_and_those_above_it_may_say_this(world: Vertikal, type_: str) -> None:
    for stranger in (S1, CHEMAL):
        found = try_(world, stranger, type_, **OWNED[type_])
        assert "принадлежит организации «gorodets»" in str(found) or "вне подчинения" in str(found)
    assert try_(world, REGION, type_, **OWNED[type_]) == {}
    again = {key: f"{value}b" for key, value in OWNED[type_].items() if isinstance(value, str)}
    assert try_(world, GORODETS, type_, **OWNED[type_] | again) == {}


@pytest.mark.parametrize("type_", MARKS)
def test_a_mark_is_made_by_the_owner_or_by_those_below(world: Vertikal, type_: str) -> None:
    assert try_(world, S1, type_) == {}
    assert try_(world, GORODETS, type_) == {}
    assert try_(world, REGION, type_) == {}
    assert "data.organisation" in try_(world, S2, type_)
    assert "data.organisation" in try_(world, CHEMAL, type_)


def test_a_value_of_an_indicator_is_recorded_by_the_owner_or_by_those_below(world: Vertikal) -> None:
    assert try_(world, S1, "monitoring.recorded") == {}
    assert try_(world, GORODETS, "monitoring.recorded") == {}
    found = try_(world, S3, "monitoring.recorded", organisation="s3")
    assert "принадлежит организации «gorodets»" in found["data.cycle"][0]


@pytest.mark.parametrize("type_", MARKS)
def test_a_mark_for_an_organisation_that_is_no_target_names_the_targets(world: Vertikal, type_: str) -> None:
    message = "не исполнитель мероприятия; исполнители: s1, s2 (получено: «gorodets»)"
    assert try_(world, GORODETS, type_, organisation="gorodets") == {"data.organisation": [message]}


def test_where_the_plan_lists_nobody_the_owner_is_the_target(world: Vertikal) -> None:
    assert try_(world, GORODETS, "activity.completed", activity="a2", organisation="gorodets") == {}
    found = try_(world, GORODETS, "activity.completed", activity="a2", organisation="s1")
    assert "исполнители: gorodets" in found["data.organisation"][0]


def test_a_school_owns_its_own_road_map_and_cycle(world: Vertikal) -> None:
    register(world, S1, "s1")
    assert try_(world, S1, "goal.set", cycle="cy-s1") == {}
    assert try_(world, S1, "activity.cancelled", roadmap="rm-s1") == {}
    assert "data.roadmap" in try_(world, S2, "activity.cancelled", roadmap="rm-s1")
    assert try_(world, GORODETS, "activity.cancelled", roadmap="rm-s1") == {}


def test_only_an_addressee_answers_a_recommendation(world: Vertikal) -> None:
    found = try_(world, S2, "recommendation.answered", organisation="s2")
    assert found == {"data.organisation": ["не адресат рекомендации; адресаты: s1 (получено: «s2»)"]}
    assert try_(world, S1, "recommendation.answered") == {}


def test_a_mentor_is_released_by_those_above_the_school(world: Vertikal) -> None:
    assert "принадлежит организации «s1»" in try_(world, CHEMAL, "mentor.released")["data.mentorship"][0]
    assert try_(world, GORODETS, "mentor.released") == {}


# Corrections


def test_a_correction_or_withdrawal_without_an_import_is_refused(world: Vertikal) -> None:
    for type_ in ("assessment.corrected", "assessment.withdrawn"):
        found = try_(world, REGION, type_, grade=6)
        assert "сначала assessment.imported" in found["data.subject"][0]
        assert "s1/vpr/6/2020/2021/math" in found["data.subject"][0]
        assert try_(world, REGION, type_) == {}


def test_a_withdrawn_result_still_exists(world: Vertikal) -> None:
    assert try_(world, REGION, "assessment.withdrawn") == {}
    assert list(try_(world, REGION, "assessment.imported")) == ["data.subject"]
    assert try_(world, REGION, "assessment.corrected") == {}


# Closing, merging, moving


@pytest.mark.parametrize("how", ["closed", "merged"])
def test_facts_on_or_after_the_closing_are_refused_and_earlier_ones_are_not(world: Vertikal, how: str) -> None:
    more: dict[str, Any] = {"code": "s2"} if how == "closed" else {"codes": ["s2"], "into": "s1"}
    assert try_(world, REGION, f"organisation.{how}", valid_from="2020-11-01", **more) == {}
    assert try_(world, GORODETS, "staff.reported", organisation="s2", on="2020-10-31") == {}
    found = try_(world, GORODETS, "staff.reported", organisation="s2", on="2020-11-01")
    assert "организация закрыта с 2020-11-01, факт датирован 2020-11-01" in found["data.organisation"][0]
    assert "data.organisations[1]" in try_(world, GORODETS, "support.provided", held_on="2020-11-10")
    assert try_(world, GORODETS, "staff.reported", organisation="s1", on="2020-11-01") == {}


def test_corrections_are_accepted_after_the_closing(world: Vertikal) -> None:
    assert try_(world, REGION, "organisation.closed", code="s1", valid_from="2020-01-01") == {}
    imported = said(world, GORODETS, "assessment.imported", grade=6)
    assert "закрыта" in str(refused(world, GORODETS, imported))
    assert try_(world, REGION, "assessment.corrected") == {}
    assert try_(world, REGION, "assessment.withdrawn") == {}


def test_a_retraction_is_accepted_after_the_closing(world: Vertikal) -> None:
    report = said(world, S1, "staff.reported")
    assert refused(world, S1, report) == {}
    assert try_(world, REGION, "organisation.closed", code="s1", valid_from="2020-01-01") == {}
    assert try_(world, S1, "event.retracted", source=report["source"], id=report["id"]) == {}


def test_nobody_comes_to_stand_below_itself(world: Vertikal) -> None:
    found = try_(world, REGION, "organisation.moved", code="gorodets", parent="s1")
    assert "в подчинении у самой себя" in found["data.parent"][0]
    assert "data.parent" in try_(world, REGION, "organisation.moved", code="gorodets", parent="gorodets")


def test_nobody_comes_to_stand_below_itself_through_a_later_move(world: Vertikal) -> None:
    first = {"code": "gorodets", "parent": "chemal", "valid_from": "2022-01-01"}
    assert try_(world, REGION, "organisation.moved", **first) == {}
    second = {"code": "chemal", "parent": "gorodets", "valid_from": "2021-01-01"}
    assert "data.parent" in try_(world, REGION, "organisation.moved", **second)


def test_nobody_stands_below_a_school(world: Vertikal) -> None:
    """Its figures are those of its own facts: what stood below it would be in its postings and not in its figures."""
    new = {"code": "s77", "kind": "school", "parent": "s1"}
    for found in (
        try_(world, REGION, "organisation.registered", **new),
        try_(world, REGION, "organisation.moved", code="s2", parent="s1"),
    ):
        assert found == {"data.parent": ["школа не может быть вышестоящей организацией (получено: «s1»)"]}
    assert try_(world, REGION, "organisation.registered", **{**new, "parent": "obr"}) == {}
    assert try_(world, REGION, "organisation.moved", code="s2", parent="obr") == {}


# Retractions


def test_an_event_is_retracted_by_its_sender_or_by_the_region_only(world: Vertikal) -> None:
    reports = [said(world, GORODETS, "staff.reported") for _ in range(2)]
    world.accept(*reports, party=GORODETS)
    target = {"source": reports[0]["source"], "id": reports[0]["id"]}
    for stranger in (S1, CHEMAL, INSTITUTE):
        found = try_(world, stranger, "event.retracted", **target)
        assert found == {"data.source": ["отозвать событие может его отправитель или регион"]}
    assert try_(world, GORODETS, "event.retracted", **target) == {}
    assert try_(world, REGION, "event.retracted", source=reports[1]["source"], id=reports[1]["id"]) == {}


def test_another_region_retracts_nothing_here(world: Vertikal) -> None:
    tersk = Party("tersk", "region")
    fields = {"code": "tersk", "kind": "region", "name": "Терск", "valid_from": "2019-01-01"}
    assert refused(world, tersk, world.event("organisation.registered", "tersk", fields, source="/tersk")) == {}
    assert try_(world, tersk, "event.retracted", source="/gorodets/municipality", id="e10") != {}


def test_what_is_not_in_the_log_cannot_be_retracted(world: Vertikal) -> None:
    found = try_(world, REGION, "event.retracted", source="/gorodets/municipality", id="nothing")
    assert "такого события в журнале нет" in found["data.id"][0]


def test_a_retracted_name_is_gone_and_free(world: Vertikal) -> None:
    cohort = said(world, GORODETS, "cohort.defined", cohort="c2")
    assert refused(world, GORODETS, cohort) == {}
    assert try_(world, GORODETS, "event.retracted", source=cohort["source"], id=cohort["id"]) == {}
    assert list(try_(world, GORODETS, "school.included", cohort="c2")) == ["data.cohort"]
    assert try_(world, GORODETS, "cohort.defined", cohort="c2") == {}
    assert try_(world, GORODETS, "school.included", cohort="c2") == {}


def test_retracting_a_retraction_gives_the_name_back(world: Vertikal) -> None:
    cohort = said(world, GORODETS, "cohort.defined", cohort="c2")
    retraction = said(world, GORODETS, "event.retracted", source=cohort["source"], id=cohort["id"])
    world.accept(cohort, retraction, party=GORODETS)
    assert try_(world, GORODETS, "event.retracted", source=retraction["source"], id=retraction["id"]) == {}
    assert try_(world, GORODETS, "school.included", cohort="c2") == {}
    assert list(try_(world, GORODETS, "cohort.defined", cohort="c2")) == ["data.cohort"]


def test_inside_one_batch_what_is_retracted_may_be_said_anew(world: Vertikal) -> None:
    """As a sender corrects itself: the wrong event, its retraction, the right one."""
    wrong = said(world, GORODETS, "cohort.defined", cohort="c2")
    retraction = said(world, GORODETS, "event.retracted", source=wrong["source"], id=wrong["id"])
    between = said(world, GORODETS, "school.included", cohort="c2")
    right = said(world, GORODETS, "cohort.defined", cohort="c2", title="Верно")
    after = {**between, "id": "after"}
    answer = world.submit(wrong, retraction, between, right, after, retraction, party=GORODETS)
    statuses = [outcome.status for outcome in answer.results]
    assert statuses == [ACCEPTED, ACCEPTED, "rejected", ACCEPTED, ACCEPTED, DUPLICATE]
    taken = [outcome.position for outcome in answer.results if outcome.status == ACCEPTED]
    assert taken == list(range(answer.head - 3, answer.head + 1))


def test_inside_one_batch_a_retracted_registration_is_gone_from_the_tree(world: Vertikal) -> None:
    new = said(world, REGION, "organisation.registered")
    retraction = said(world, REGION, "event.retracted", source=new["source"], id=new["id"])
    report = said(world, REGION, "staff.reported", organisation="s7")
    first = world.submit(new, retraction, report, party=REGION, dry_run=True)
    assert [outcome.status for outcome in first.results] == [ACCEPTED, ACCEPTED, "rejected"]
    assert "data.organisation" in first.results[2].errors
    # The dry run must not be remembered: another process now writes the registration where it had its retraction.
    other = Intake(world.engine, world.clock, world.settings.timezone)
    assert other.submit(REGION, [said(world, REGION, "staff.reported"), new]).refused == 0
    assert refused(world, REGION, report) == {}


def test_retracted_and_sent_again_under_the_old_id_it_is_a_duplicate_and_still_retracted(world: Vertikal) -> None:
    cohort = said(world, GORODETS, "cohort.defined", cohort="c2")
    retraction = said(world, GORODETS, "event.retracted", source=cohort["source"], id=cohort["id"])
    world.accept(cohort, retraction, party=GORODETS)
    assert world.submit(cohort, party=GORODETS).results[0].status == DUPLICATE
    assert list(try_(world, GORODETS, "school.included", cohort="c2")) == ["data.cohort"]


def test_a_code_that_replaces_belongs_to_whoever_used_it_first(world: Vertikal) -> None:
    """Chemal must not be able to turn gorodets's report into its own; gorodets may say it anew."""
    report = {"report": "r1", "organisation": "gorodets", "people": 64}
    assert try_(world, GORODETS, "courses.reported", **report) == {}
    found = try_(world, CHEMAL, "courses.reported", **{**report, "organisation": "chemal"})
    assert "код занят организацией «gorodets»" in str(found["data.report"])
    assert try_(world, GORODETS, "courses.reported", **{**report, "people": 60}) == {}


def test_nobody_registers_itself_below_a_stranger(world: Vertikal) -> None:
    """A token for an organisation that is not registered yet may not choose whose figures it counts in."""
    newcomer = Party("stranger", "region")
    data = {"code": "stranger", "kind": "school", "parent": "gorodets"}
    assert "data.parent" in try_(world, newcomer, "organisation.registered", **data)


def test_what_is_retracted_already_is_not_retracted_again(world: Vertikal) -> None:
    """Else undoing one of two retractions would bring back what the other still takes away."""
    event = said(world, GORODETS, "staff.reported")
    world.accept(event, party=GORODETS)
    target = {"source": event["source"], "id": event["id"]}
    assert try_(world, GORODETS, "event.retracted", **target) == {}
    assert "уже отозвано" in str(try_(world, REGION, "event.retracted", **target))


def test_a_renamed_organisation_whose_registration_is_retracted_can_be_registered_anew(world: Vertikal) -> None:
    registered = said(world, REGION, "organisation.registered", code="s7", parent="gorodets", kind="school")
    renamed = said(world, REGION, "organisation.renamed", code="s7")
    world.accept(registered, renamed, party=REGION)
    target = {"source": registered["source"], "id": registered["id"]}
    assert try_(world, REGION, "event.retracted", **target) == {}
    assert "data.code" in try_(world, REGION, "organisation.renamed", code="s7")
    assert try_(world, REGION, "organisation.registered", code="s7", parent="gorodets", kind="school") == {}
