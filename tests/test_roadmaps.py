"""Road maps as they are shown: statuses, marks, results, order and filters, worked out by hand."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from tests.conftest import Vertikal
from tests.readers import ON, RUSSIAN, Reader, problem
from vertikal.services.access import Party

ADOPTED, GORODETS = "2020-09-04", Party("gorodets", "municipality")
PERIOD = {"start": "2020-09-01", "end": "2021-08-31"}
OCTOBER = {"raw": "октябрь 2020 г.", "kind": "month", "start": "2020-10-01", "end": "2020-10-31"}
MARCH = {"raw": "до 1 марта", "kind": "deadline", "end": "2021-03-01"}
MISSING = {"raw": "", "kind": "missing"}
PEOPLE = {"text": "Обучить 30 человек", "value": 30, "unit": "человек"}
STATUSES = ("planned", "no_mark", "started", "done", "partly", "not_held", "not_organised", "cancelled")


@pytest.fixture
def region(client: FlaskClient, vertical: Vertikal) -> Reader:
    return Reader(client, vertical.token("obr", "region"))


@pytest.fixture
def plan(vertical: Vertikal) -> Vertikal:
    """The road map rm of gorodets, adopted on 4 September 2020, without activities yet."""
    adopt(vertical, "rm")
    return vertical


def adopt(vertical: Vertikal, code: str, owner: str = "gorodets", on: str = ADOPTED, **more: Any) -> int:
    data = {"roadmap": code, "owner": owner, "title": f"План {code}", "period": PERIOD, **more}
    return vertical.send("roadmap.adopted", owner, data, time=f"{on}T10:00:00+03:00")


def activity(vertical: Vertikal, code: str = "01", roadmap: str = "rm", owner: str = "gorodets", **more: Any) -> int:
    """An activity of October 2020 for the schools s1 and s2, unless ``more`` says otherwise."""
    data = {"roadmap": roadmap, "activity": code, "number": code, "title": f"Дело {code}", "timing": OCTOBER}
    data |= {"responsible": ["ИМЦ"], "organisations": ["s1", "s2"], **more}
    return vertical.send("activity.planned", owner, data, time=f"{ADOPTED}T10:00:00+03:00")


def mark(vertical: Vertikal, kind: str, organisation: str = "s1", on: str = "2020-10-20", **more: Any) -> int:
    """A mark for the activity 01, unless ``more`` says otherwise; ``kind``: the end of its type."""
    date = "completed_on" if kind == "completed" else "on"
    data = {"roadmap": "rm", "activity": "01", "organisation": organisation, date: on, **more}
    return vertical.send(f"activity.{kind}", organisation, data)


def cancel(vertical: Vertikal, code: str = "01", on: str = "2020-10-20") -> int:
    data = {"roadmap": "rm", "activity": code, "on": on, "reason": "исключено приказом"}
    return vertical.send("activity.cancelled", "gorodets", data)


def postpone(vertical: Vertikal, on: str = "2020-12-01", code: str = "01") -> int:
    data = {"roadmap": "rm", "activity": code, "timing": MARCH, "reason": "карантин"}
    return vertical.send("activity.rescheduled", "gorodets", data, time=f"{on}T09:00:00+03:00")


def detail(region: Reader, roadmap: str = "rm", query: str = ON) -> dict[str, Any]:
    found: dict[str, Any] = region.json(f"/v1/roadmaps/{roadmap}?{query}")
    return found


def first(region: Reader, query: str = ON) -> dict[str, Any]:
    """The first activity that is shown."""
    found: dict[str, Any] = detail(region, query=query)["activities"][0]
    return found


def targets(region: Reader, query: str = ON) -> dict[str, dict[str, Any]]:
    """The targets of the first activity by organisation."""
    return {each["organisation"]: each for each in first(region, query)["targets"]}


def codes(region: Reader, query: str) -> list[str]:
    return [each["activity"] for each in detail(region, query=f"{ON}&{query}")["activities"]]


def standing(**numbers: int) -> dict[str, int]:
    """The count of targets by status, all others nought."""
    return dict.fromkeys(("total", *STATUSES, "overdue"), 0) | numbers


def result(value: int | str | None = None, unit: str = "человек", **more: Any) -> dict[str, Any]:
    return {"text": "Выполнено", "unit": unit, **({} if value is None else {"value": value}), **more}


# From its adoption on


def test_a_road_map_is_listed_from_the_day_of_its_adoption_on(region: Reader, plan: Vertikal) -> None:
    listed = [region.json(f"/v1/roadmaps?as_of={on}")["items"] for on in ("2020-09-03", "2020-09-04")]
    assert [[each["roadmap"] for each in items] for items in listed] == [[], ["rm"]]


def test_before_its_adoption_a_road_map_is_not_found_and_the_answer_says_why(region: Reader, plan: Vertikal) -> None:
    found = problem(region.get("/v1/roadmaps/rm?as_of=2020-09-03"), 404)
    assert found["detail"] == "дорожная карта «rm» утверждена 2020-09-04: на 2020-09-03 её ещё нет"
    assert detail(region, query="as_of=2020-09-04")["adopted_on"] == "2020-09-04"


def test_the_day_of_adoption_is_that_of_its_time_as_written(region: Reader, vertical: Vertikal) -> None:
    data = {"roadmap": "rm", "owner": "gorodets", "title": "План", "period": PERIOD}
    vertical.send("roadmap.adopted", "gorodets", data, time="2020-09-04T00:30:00+03:00")
    assert region.json("/v1/roadmaps?as_of=2020-09-03")["items"] == []


def test_a_road_map_that_was_not_known_yet_is_not_found(region: Reader, plan: Vertikal) -> None:
    found = problem(region.get(f"/v1/roadmaps/rm?{ON}&known_at=7"), 404)
    assert found["detail"] == "дорожная карта «rm» не найдена по сведениям на позицию 7"
    assert region.json(f"/v1/roadmaps?{ON}&known_at=7")["items"] == []


def test_a_road_map_is_shown_with_its_act_and_its_cohort(region: Reader, vertical: Vertikal) -> None:
    cohort = {"cohort": "c1", "title": "Группа", "kind": "shnor", "owner": "gorodets", "period": PERIOD}
    vertical.send("cohort.defined", "gorodets", cohort)
    adopt(vertical, "rm", cohort="c1", act={"number": "400", "date": "2020-09-04"})
    found = detail(region)
    assert (found["act"], found["cohort"]) == ({"number": "400", "date": "2020-09-04"}, "c1")


def test_a_road_map_without_activities_is_shown_with_nought_of_all(region: Reader, plan: Vertikal) -> None:
    assert detail(region)["activities"] == []
    assert region.json(f"/v1/roadmaps?{ON}")["items"][0]["targets"] == standing()


# Marks


def test_a_done_mark_shows_its_result_and_its_evidence(region: Reader, plan: Vertikal) -> None:
    activity(plan)
    evidence = [{"kind": "приказ", "reference": "№ 5"}]
    mark(plan, "completed", result=result(9), evidence=evidence)
    assert targets(region)["s1"] == {
        "organisation": "s1",
        "status": "done",
        "overdue": False,
        "on": "2020-10-20",
        "event_id": "e10",
        "organised": None,
        "result": {"text": "Выполнено", "value": 9, "unit": "человек"},
        "met": None,
        "done": None,
        "missing": None,
        "reason": None,
        "evidence": evidence,
        "closed_from": None,
    }


def test_a_partly_done_mark_shows_what_was_done_and_what_is_missing(region: Reader, plan: Vertikal) -> None:
    activity(plan)
    mark(plan, "partly_completed", done="обучено 9", missing="обучить 3")
    found = targets(region)["s1"]
    assert (found["status"], found["done"], found["missing"]) == ("partly", "обучено 9", "обучить 3")
    assert found["overdue"] is True


@pytest.mark.parametrize(("organised", "status"), [(True, "not_held"), (False, "not_organised")])
def test_a_mark_that_nothing_was_held_shows_whether_it_was_organised_and_why(
    region: Reader, plan: Vertikal, organised: bool, status: str
) -> None:
    activity(plan)
    mark(plan, "not_held", organised=organised, reason="нет специалиста")
    found = targets(region)["s1"]
    assert (found["status"], found["organised"], found["reason"]) == (status, organised, "нет специалиста")


def test_a_cancelled_activity_shows_the_reason_at_every_target(region: Reader, plan: Vertikal) -> None:
    activity(plan)
    cancel(plan)
    found = targets(region)
    assert {each["status"] for each in found.values()} == {"cancelled"}
    assert {each["reason"] for each in found.values()} == {"исключено приказом"}
    assert not any(each["overdue"] for each in found.values())


def test_without_a_mark_a_target_is_planned_and_past_its_end_has_no_mark(region: Reader, plan: Vertikal) -> None:
    activity(plan)
    states = [targets(region, f"as_of={on}")["s1"] for on in ("2020-10-31", "2020-11-01")]
    assert [(each["status"], each["overdue"]) for each in states] == [("planned", False), ("no_mark", True)]


def test_a_missing_timing_stays_planned(region: Reader, plan: Vertikal) -> None:
    activity(plan, timing=MISSING)
    assert targets(region)["s1"]["status"] == "planned"


def test_a_postponed_activity_shows_its_timings_with_reasons(region: Reader, plan: Vertikal) -> None:
    activity(plan)
    postpone(plan)
    found = first(region)
    assert found["timing"] == MARCH
    assert found["rescheduled"] is True
    assert found["timings"] == [
        {"since": ADOPTED, "timing": OCTOBER, "reason": None, "event_id": "e9"},
        {"since": "2020-12-01", "timing": MARCH, "reason": "карантин", "event_id": "e10"},
    ]


def test_a_postponed_activity_is_overdue_between_its_old_end_and_the_rescheduling(
    region: Reader, plan: Vertikal
) -> None:
    activity(plan)
    postpone(plan)
    days = ("2020-10-31", "2020-11-30", "2020-12-01", "2021-03-01", "2021-03-02")
    shown = [targets(region, f"as_of={on}")["s1"] for on in days]
    assert [each["overdue"] for each in shown] == [False, True, False, False, True]
    assert [each["status"] for each in shown] == ["planned", "no_mark", "planned", "planned", "no_mark"]


def test_before_its_rescheduling_an_activity_shows_the_old_timing_alone(region: Reader, plan: Vertikal) -> None:
    activity(plan)
    postpone(plan)
    found = first(region, "as_of=2020-11-30")
    assert (found["timing"], found["rescheduled"], len(found["timings"])) == (OCTOBER, False, 1)


def test_two_targets_show_their_own_results_and_the_activity_the_latest(region: Reader, plan: Vertikal) -> None:
    activity(plan)
    mark(plan, "completed", "s2", "2020-10-25", result=result(8))
    mark(plan, "completed", "s1", "2020-10-20", result=result(5))
    assert {code: each["result"]["value"] for code, each in targets(region).items()} == {"s1": 5, "s2": 8}
    assert first(region)["result"]["value"] == 8


def test_a_target_that_is_closed_is_shown_so_and_counted_no_more(region: Reader, plan: Vertikal) -> None:
    activity(plan)
    plan.send("organisation.closed", "s1", {"code": "s1", "valid_from": "2021-01-01"})
    states = [targets(region, f"as_of={on}")["s1"] for on in ("2020-12-31", "2021-01-01")]
    assert [(each["overdue"], each["closed_from"]) for each in states] == [(True, None), (False, "2021-01-01")]
    assert detail(region)["targets"] == standing(total=1, no_mark=1, overdue=1)
    assert plan.figure("roadmap_overdue", "obr") == (1, 1)


def test_a_road_map_is_shown_as_it_was_known(region: Reader, plan: Vertikal) -> None:
    activity(plan)
    before = mark(plan, "completed", result=result(5)) - 1
    assert targets(region, f"{ON}&known_at={before}")["s1"]["status"] == "no_mark"
    assert region.json(f"/v1/roadmaps?{ON}&known_at={before}")["items"][0]["targets"]["done"] == 0
    assert targets(region)["s1"]["status"] == "done"


def test_a_retracted_mark_is_shown_no_more(region: Reader, plan: Vertikal) -> None:
    activity(plan)
    at = mark(plan, "completed")
    plan.send("event.retracted", "s1", {"source": "/regions/obr", "id": "e10", "reason": "ошибка"})
    assert targets(region)["s1"]["status"] == "no_mark"
    assert targets(region, f"{ON}&known_at={at}")["s1"]["status"] == "done"


# Order


def test_activities_stand_in_the_order_of_their_ordinals(region: Reader, plan: Vertikal) -> None:
    for code in ("10", "9", "2a", "2"):
        activity(plan, code)
    assert codes(region, "") == ["2", "2a", "9", "10"]


def test_sections_stand_in_the_order_of_their_first_activities(region: Reader, plan: Vertikal) -> None:
    for code, section in (("01", "Школы"), ("02", "Документы"), ("03", "Школы")):
        activity(plan, code, section=section)
    assert codes(region, "") == ["01", "03", "02"]


def test_activities_with_the_same_printed_number_are_two(region: Reader, plan: Vertikal) -> None:
    activity(plan, "04", number="4.")
    activity(plan, "05", number="4.")
    assert [each["number"] for each in detail(region)["activities"]] == ["4.", "4."]
    assert codes(region, "") == ["04", "05"]


# Whether the expected result was met


def met(region: Reader) -> tuple[Any, dict[str, Any]]:
    """Of the first activity, and of its targets."""
    return first(region)["met"], {code: each["met"] for code, each in targets(region).items()}


def test_thirty_people_are_met_by_what_two_targets_report_together(region: Reader, plan: Vertikal) -> None:
    activity(plan, expected=PEOPLE)
    mark(plan, "completed", "s1", result=result(18))
    assert met(region) == (False, {"s1": None, "s2": None})
    mark(plan, "completed", "s2", result=result("12"))
    assert met(region) == (True, {"s1": None, "s2": None})


def test_nine_of_twelve_people_are_done_and_not_met(region: Reader, plan: Vertikal) -> None:
    activity(plan, expected={**PEOPLE, "value": 12}, organisations=["s1"])
    mark(plan, "completed", result=result(9))
    assert met(region) == (False, {"s1": False})


def test_half_of_the_teachers_are_counted_over_all_targets(region: Reader, plan: Vertikal) -> None:
    activity(plan, expected={"text": "50 % учителей", "value": 50, "unit": "% учителей", "comparator": ">="})
    mark(plan, "completed", "s1", result=result(40, "% учителей", numerator=8, denominator=20))
    mark(plan, "completed", "s2", result=result(70, "% учителей", numerator=7, denominator=10))
    assert met(region) == (True, {"s1": False, "s2": True})  # 8 + 7 of 20 + 10


def test_words_are_neither_met_nor_missed(region: Reader, plan: Vertikal) -> None:
    activity(plan, expected={"text": "Положительная динамика"})
    mark(plan, "completed", result=result(9))
    assert met(region) == (None, {"s1": None, "s2": None})


# Filters


@pytest.fixture
def plans(plan: Vertikal) -> Vertikal:
    """rm: 01 of section A by the ИМЦ, done in s1 and silent in s2; 02 of B by the РУО for s1, planned without an end.

    And r3 of chemal: 01 without a section by the ИМЦ for s3, silent; and r9 of gorodets, empty.
    """
    activity(plan, "01", section="А. Кадры")
    activity(plan, "02", section="Б. Сеть", responsible=["РУО; рабочая группа"], organisations=["s1"], timing=MISSING)
    adopt(plan, "r3", "chemal")
    activity(plan, "01", "r3", "chemal", organisations=["s3"])
    adopt(plan, "r9")
    mark(plan, "completed", "s1")
    return plan


LISTED = {
    "": {"r3": standing(total=1, no_mark=1, overdue=1), "r9": standing(),
         "rm": standing(total=3, done=1, no_mark=1, planned=1, overdue=1)},
    "status=done": {"rm": standing(total=1, done=1)},
    "status=no_mark": {"r3": standing(total=1, no_mark=1, overdue=1), "rm": standing(total=1, no_mark=1, overdue=1)},
    "overdue=true": {"r3": standing(total=1, no_mark=1, overdue=1), "rm": standing(total=1, no_mark=1, overdue=1)},
    "overdue=false": {"rm": standing(total=2, done=1, planned=1)},
    "responsible=ИМЦ": {"r3": standing(total=1, no_mark=1, overdue=1),
                        "rm": standing(total=2, done=1, no_mark=1, overdue=1)},
    "responsible=муниципальная рабочая группа": {"rm": standing(total=1, planned=1)},
    "section=б. сеть": {"rm": standing(total=1, planned=1)},
    "section=": {"r3": standing(total=1, no_mark=1, overdue=1)},
    "section=В": {},
    "organisation=s1": {"rm": standing(total=2, done=1, planned=1)},
    "organisation=gorodets": {"r9": standing(), "rm": standing(total=3, done=1, no_mark=1, planned=1, overdue=1)},
    "organisation=gorodets&overdue=true": {"rm": standing(total=1, no_mark=1, overdue=1)},
    "organisation=s1&status=done&responsible=ИМЦ&section=А. Кадры&overdue=false": {"rm": standing(total=1, done=1)},
    "organisation=s1&status=done&responsible=РУО": {},
}  # fmt: skip


@pytest.mark.parametrize("query", LISTED)
def test_the_list_counts_the_targets_that_filters_ask_for(region: Reader, plans: Vertikal, query: str) -> None:
    found = region.json(f"/v1/roadmaps?{ON}&{quote(query, safe='=&')}")["items"]
    assert {each["roadmap"]: each["targets"] for each in found} == LISTED[query]


SHOWN = {
    "": {"01": ["s1", "s2"], "02": ["s1"]},
    "status=done": {"01": ["s1"]},
    "overdue=true": {"01": ["s2"]},
    "overdue=false": {"01": ["s1"], "02": ["s1"]},
    "responsible=РУО": {"02": ["s1"]},
    "responsible=Рабочая группа": {"02": ["s1"]},
    "section=А. Кадры": {"01": ["s1", "s2"]},
    "section=": {},
    "organisation=s2": {"01": ["s2"]},
    "organisation=chemal": {},
    "organisation=gorodets&status=planned&responsible=РУО": {"02": ["s1"]},
}


@pytest.mark.parametrize("query", SHOWN)
def test_a_road_map_shows_what_filters_ask_for(region: Reader, plans: Vertikal, query: str) -> None:
    found = detail(region, query=f"{ON}&{quote(query, safe='=&')}")
    shown = {each["activity"]: [one["organisation"] for one in each["targets"]] for each in found["activities"]}
    assert shown == SHOWN[query]
    assert found["targets"]["total"] == sum(map(len, shown.values()))


def test_pages_of_filtered_road_maps_equal_one_big_page(region: Reader, plans: Vertikal) -> None:
    path = f"/v1/roadmaps?{ON}&overdue=true"
    assert region.pages(path, 1) == region.json(path)["items"]


def test_the_counts_of_all_road_maps_are_the_figure(region: Reader, plans: Vertikal) -> None:
    found = [each["targets"] for each in region.json(f"/v1/roadmaps?{ON}&organisation=obr")["items"]]
    counted = [sum(each[name] for each in found) for name in ("done", "overdue", "total")]
    assert counted == [1, 2, 4]
    assert plans.figure("roadmap_done", "obr") == (1, 4)
    assert plans.figure("roadmap_overdue", "obr") == (2, 4)


WRONG = {
    "status=выполнено": ("status", "допустимые значения: " + ", ".join(STATUSES)),
    "overdue=yes": ("overdue", "допустимые значения: true, false"),
    "responsible=РУО, ИМЦ": ("responsible", "укажите одного ответственного; указано: РУО, ИМЦ"),
    "responsible= ": ("responsible", "укажите одного ответственного; указано: никого"),
    "organisation=с1": ("organisation", None),
}


@pytest.mark.parametrize("query", WRONG)
def test_a_wrong_value_of_a_filter_is_refused_and_the_allowed_ones_are_named(
    region: Reader, plans: Vertikal, query: str
) -> None:
    name, text = WRONG[query]
    for path in ("/v1/roadmaps", "/v1/roadmaps/rm"):
        errors = problem(region.get(f"{path}?{ON}&{quote(query, safe='=&')}"), 400)["errors"]
        assert list(errors) == [name]
        assert RUSSIAN & set(errors[name][0])
        assert text in (None, errors[name][0])


def test_a_filter_by_an_organisation_that_is_unknown_or_of_others_is_refused(
    client: FlaskClient, region: Reader, plans: Vertikal
) -> None:
    gorodets = Reader(client, plans.token("gorodets", "municipality"))
    for path in ("/v1/roadmaps", "/v1/roadmaps/rm"):
        problem(region.get(f"{path}?organisation=s77"), 404)
        problem(gorodets.get(f"{path}?organisation=s3"), 403)


# Who answers for it


def test_an_activity_shows_who_answers_for_it(region: Reader, plan: Vertikal) -> None:
    activity(plan, responsible=["РУО, рабочая группа; директора школ", "6 команд ШНОР"])
    found = first(region)
    assert found["responsible"] == ["РУО, рабочая группа; директора школ", "6 команд ШНОР"]
    assert found["bodies"] == [
        {"body": "РУО", "raw": "РУО", "kind": "body", "confidence": "1"},
        {"body": "Муниципальная рабочая группа", "raw": "рабочая группа", "kind": "body", "confidence": "0.9"},
        {"body": "Директора школ", "raw": "директора школ", "kind": "person", "confidence": "1"},
        {"body": "6 команд ШНОР", "raw": "6 команд ШНОР", "kind": "target_group", "confidence": "1"},
    ]
    assert detail(region)["aliases"] == "1"
