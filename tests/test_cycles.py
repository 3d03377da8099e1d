"""The management cycle: its nine components and their links, what breaks when one is taken back, and its lists."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.conftest import TODAY, Vertikal
from tests.terminal import Terminal
from tests.test_figures import course, result, staff

YEAR = {"start": "2020-09-01", "end": "2021-08-31"}
COMPONENTS = ["goals", "indicators", "methods", "monitoring", "analysis", "recommendations", "measures", "decisions",
              "effectiveness"]  # fmt: skip
ACTIVITY = {"roadmap": "rm", "activity": "a1"}


def tell(vertical: Vertikal, type_: str, on: str, subject: str = "gorodets", **data: Any) -> str:
    """Say something of the cycle cy, unless ``cycle`` names another; the id of the event."""
    if type_ != "recommendation.answered":
        data = {"cycle": "cy", **data}
    vertical.send(type_, subject, data, time=f"{on}T10:00:00+03:00")
    return f"e{vertical._ids}"


def open_(vertical: Vertikal, code: str, on: str = "2020-09-03", of: str = "gorodets") -> str:
    data = {"organisation": of, "direction": "Поддержка школ", "period": YEAR}
    return tell(vertical, "cycle.opened", on, of, cycle=code, **data)


def plan(vertical: Vertikal) -> str:
    roadmap = {"roadmap": "rm", "owner": "gorodets", "title": "ДК", "period": YEAR}
    vertical.send("roadmap.adopted", "gorodets", roadmap)
    timing = {"raw": "", "kind": "missing"}
    vertical.send("activity.planned", "gorodets", {**ACTIVITY, "number": "1", "title": "М", "timing": timing,
                                                   "responsible": []})  # fmt: skip
    return f"e{vertical._ids}"


def adopt(vertical: Vertikal, indicator: str, on: str = "2020-09-05", **more: Any) -> str:
    return tell(
        vertical, "indicator.adopted", on, **{"goal": "g1", "indicator": indicator, "method": "По картам", **more}
    )


def record(vertical: Vertikal, numerator: Any, denominator: Any, on: str = "2020-10-08", of: str = "gorodets") -> str:
    data = {"cycle": "cy", "indicator": "visited", "organisation": of, "on": on, "origin": "Карты"}
    vertical.send("monitoring.recorded", of, {**data, "numerator": numerator, "denominator": denominator})
    return f"e{vertical._ids}"


def decide(vertical: Vertikal, on: str = "2021-02-07", **more: Any) -> str:
    act = {"number": "17", "date": on}
    data = {"decision": "d1", "recommendations": ["r1"], "act": act, "text": "Помочь", "activities": [ACTIVITY]}
    return tell(vertical, "decision.taken", on, **{**data, **more})


def assess(vertical: Vertikal, on: str = "2021-06-08", **more: Any) -> str:
    data = {"effectiveness": "ef1", "activities": [ACTIVITY], "outcome": "partly", "text": "Доля выросла"}
    return tell(vertical, "effectiveness.assessed", on, **{**data, **more})


def cite(indicator: str, numerator: Any, denominator: Any, known_at: int | str, **more: Any) -> dict[str, Any]:
    """A figure of gorodets and the school year as a finding cites it."""
    asked = {"organisation": "gorodets", "period": "2020/2021", "as_of": "2020-11-08"}
    told = {"numerator": numerator, "denominator": denominator}
    return {"indicator": indicator, **asked, "known_at": known_at, **told, **more}


def recommend(vertical: Vertikal, on: str = "2020-12-08", **more: Any) -> str:
    data = {"recommendation": "r1", "finding": "f1", "addressees": ["s1", "s2"], "text": "Обучить"}
    return tell(vertical, "recommendation.issued", on, **{**data, **more})


def answer(vertical: Vertikal, school: str, on: str, says: str = "accepted") -> str:
    data = {"recommendation": "r1", "organisation": school, "answer": says, "text": "План есть"}
    return tell(vertical, "recommendation.answered", on, school, **data)


def retract(vertical: Vertikal, id_: str) -> int:
    return vertical.send("event.retracted", "obr", {"source": "/regions/obr", "id": id_, "reason": "ошибка"})


@pytest.fixture
def told(vertical: Vertikal) -> dict[str, str]:
    """The cycle cy of gorodets through all nine components; the ids of its events."""
    ids = {"activity": plan(vertical), "opening": open_(vertical, "cy")}
    ids["goal"] = tell(vertical, "goal.set", "2020-09-04", goal="g1", text="Снизить долю")
    ids["indicator"] = adopt(vertical, "visited", target={"value": "0.5", "comparator": ">=", "by": "2021-08-31"})
    ids["monitoring"] = record(vertical, 5, 10)
    visited = cite("visited", 5, 10, head(vertical))
    findings = [{"finding": "f1", "text": "Мало обученных", "figures": [visited]}]
    ids["analysis"] = tell(vertical, "analysis.published", "2020-11-08", analysis="an1", findings=findings)
    ids["recommendation"] = recommend(vertical)
    ids["decision"] = decide(vertical)
    ids["effectiveness"] = assess(vertical)
    return ids


def get(client: FlaskClient, vertical: Vertikal, path: str, of: str = "obr", code: int = 200, **query: Any) -> Any:
    role = {"obr": "region", "gorodets": "municipality", "chemal": "municipality"}.get(of, "school")
    header = {"Authorization": f"Bearer {vertical.token(of, role)}"}
    found = client.get(f"/v1/{path}", headers=header, query_string={"as_of": TODAY, **query})
    assert found.status_code == code, found.json
    return found.json


def head(vertical: Vertikal) -> int:
    """The last position that the figures hold."""
    return int(vertical.ask("cycle_completeness", "obr")["known_at"]["position"])


def complete(cycle: dict[str, Any]) -> list[str]:
    return [each["component"] for each in cycle["components"] if each["complete"]]


# The chain


def test_a_cycle_is_shown_with_the_evidence_of_each_of_its_nine_components(
    client: FlaskClient, vertical: Vertikal, told: dict[str, str]
) -> None:
    cycle = get(client, vertical, "cycles/cy")
    assert [each["component"] for each in cycle["components"]] == complete(cycle) == COMPONENTS
    assert {each["component"]: [(e["code"], e["on"], e["event_id"]) for e in each["evidence"]]
            for each in cycle["components"]} == {
        "goals": [("g1", "2020-09-04", told["goal"])],
        "indicators": [("visited", "2020-09-05", told["indicator"])],
        "methods": [("visited", "2020-09-05", told["indicator"])],
        "monitoring": [("visited", "2020-10-08", told["monitoring"])],
        "analysis": [("an1", "2020-11-08", told["analysis"])],
        "recommendations": [("r1", "2020-12-08", told["recommendation"])],
        "measures": [("rm/a1", "2021-02-07", told["decision"])],
        "decisions": [("d1", "2021-02-07", told["decision"])],
        "effectiveness": [("ef1", "2021-06-08", told["effectiveness"])],
    }  # fmt: skip
    assert (cycle["completeness"], cycle["kind"], cycle["broken"]) == ({"numerator": 9, "denominator": 9}, "full", [])


@pytest.mark.usefixtures("told")
def test_each_component_counts_from_its_date_until_the_cycle_is_closed(vertical: Vertikal) -> None:
    tell(vertical, "cycle.closed", "2021-08-05")
    days = {
        "2020-09-02": (0, 0),
        "2020-09-03": (0, 9),
        "2020-09-04": (1, 9),
        "2020-09-05": (3, 9),
        "2020-10-08": (4, 9),
        "2020-11-08": (5, 9),
        "2020-12-08": (6, 9),
        "2021-02-07": (8, 9),
        "2021-06-08": (9, 9),
        "2021-08-04": (9, 9),
        "2021-08-05": (0, 0),
    }
    assert {day: vertical.figure("cycle_completeness", "gorodets", as_of=day) for day in days} == days


@pytest.mark.usefixtures("told")
def test_the_completeness_of_a_region_is_that_of_its_cycles_by_both_clocks(vertical: Vertikal) -> None:
    open_(vertical, "cz", "2020-10-01", "chemal")
    before = head(vertical)
    tell(vertical, "goal.set", "2021-01-15", "chemal", cycle="cz", goal="g1", text="Обучить")
    assert vertical.figure("cycle_completeness", "obr", as_of="2020-09-30") == (3, 9)
    assert vertical.figure("cycle_completeness", "obr", as_of="2020-10-01") == (3, 18)
    assert vertical.figure("cycle_completeness", "obr") == (10, 18)
    assert vertical.figure("cycle_completeness", "obr", known_at=before) == (9, 18)
    rows = vertical.ask("cycle_completeness", "obr", by="municipality")["rows"]
    assert [(row["key"], row["numerator"], row["denominator"]) for row in rows if row["denominator"]] == [
        ("chemal", 1, 9),
        ("gorodets", 9, 9),
    ]


BROKEN: dict[str, tuple[int, list[tuple[str, str, str]]]] = {
    "goal": (5, [
        ("indicators", "visited", "цель «g1» не поставлена или отозвана"),
        ("monitoring", "visited", "показатель «visited» не принят, отозван или не связан с целью"),
    ]),
    "indicator": (6, [("monitoring", "visited", "показатель «visited» не принят, отозван или не связан с целью")]),
    "monitoring": (8, []),
    "analysis": (4, [
        ("recommendations", "r1", "вывод «f1» не опубликован или отозван вместе с анализом"),
        ("decisions", "d1", "рекомендация «r1» не дана этой организации, отозвана или не обоснована"),
        ("measures", "rm/a1", "решение «d1» не обосновано рекомендацией"),
        ("effectiveness", "ef1", "мероприятие «rm/a1» не назначено действующим решением"),
    ]),
    "recommendation": (5, [
        ("decisions", "d1", "рекомендация «r1» не дана этой организации, отозвана или не обоснована"),
        ("measures", "rm/a1", "решение «d1» не обосновано рекомендацией"),
        ("effectiveness", "ef1", "мероприятие «rm/a1» не назначено действующим решением"),
    ]),
    "decision": (6, [("effectiveness", "ef1", "мероприятие «rm/a1» не назначено действующим решением")]),
    "effectiveness": (8, []),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_a_retraction_breaks_what_rests_on_it_and_each_broken_link_is_named(
    client: FlaskClient, vertical: Vertikal, told: dict[str, str], what: str
) -> None:
    known = retract(vertical, told[what]) - 1
    cycle = get(client, vertical, "cycles/cy")
    numerator, broken = BROKEN[what]
    assert [(each["kind"], each["code"], each["reason"]) for each in cycle["broken"]] == broken
    assert cycle["completeness"] == {"numerator": numerator, "denominator": 9}
    assert len(complete(cycle)) == numerator
    assert vertical.figure("cycle_completeness", "obr") == (numerator, 9)
    assert get(client, vertical, "cycles/cy", known_at=known)["broken"] == []
    assert vertical.figure("cycle_completeness", "obr", known_at=known) == (9, 9)


def test_an_activity_that_was_taken_back_is_named_in_the_cycle_and_counts_for_nothing(
    client: FlaskClient, vertical: Vertikal, told: dict[str, str]
) -> None:
    known = retract(vertical, told["activity"]) - 1
    cycle = get(client, vertical, "cycles/cy")
    assert [(each["kind"], each["code"], each["reason"]) for each in cycle["broken"]] == [
        ("measures", "rm/a1", "мероприятие не запланировано или отозвано"),
        ("decisions", "d1", "нет действующего мероприятия"),
        ("effectiveness", "ef1", "мероприятие «rm/a1» не назначено действующим решением"),
    ]
    assert complete(cycle) == COMPONENTS[:6]
    assert get(client, vertical, "cycles")["items"][0]["completeness"] == {"numerator": 6, "denominator": 9}
    assert vertical.figure("cycle_completeness", "gorodets") == (6, 9)
    assert vertical.figure("cycle_completeness", "gorodets", known_at=known) == (9, 9)


def test_a_retraction_that_is_itself_taken_back_restores_the_chain(
    client: FlaskClient, vertical: Vertikal, told: dict[str, str]
) -> None:
    retract(vertical, told["goal"])
    retract(vertical, f"e{vertical._ids}")
    assert get(client, vertical, "cycles/cy")["broken"] == []
    assert vertical.figure("cycle_completeness", "gorodets") == (9, 9)


def test_a_cycle_whose_opening_was_taken_back_is_not_there(
    client: FlaskClient, vertical: Vertikal, told: dict[str, str]
) -> None:
    known = retract(vertical, told["opening"]) - 1
    assert get(client, vertical, "cycles/cy", code=404)["detail"] == "управленческий цикл «cy» не найден"
    assert get(client, vertical, "cycles")["items"] == []
    assert vertical.figure("cycle_completeness", "gorodets") == (0, 0)
    assert get(client, vertical, "cycles/cy", known_at=known)["kind"] == "full"


@pytest.mark.usefixtures("told")
def test_a_link_without_what_it_needs_is_broken_from_the_start(client: FlaskClient, vertical: Vertikal) -> None:
    adopt(vertical, "passed", method="")
    tell(vertical, "analysis.published", "2020-11-09", analysis="an2", findings=[])
    bare = [{"finding": "f2", "text": "Так кажется", "figures": []}]
    tell(vertical, "analysis.published", "2020-11-09", analysis="an3", findings=bare)
    recommend(vertical, recommendation="r2", finding="f2")
    decide(vertical, decision="d2", activities=[])
    decide(vertical, decision="d3", recommendations=[])
    assess(vertical, effectiveness="ef2", activities=[])
    cycle = get(client, vertical, "cycles/cy")
    assert [(each["kind"], each["code"], each["reason"]) for each in cycle["broken"]] == [
        ("methods", "passed", "метод сбора не указан"),
        ("analysis", "an2", "в анализе нет выводов"),
        ("recommendations", "r2", "вывод «f2» не опирается на показатели"),
        ("decisions", "d2", "нет действующего мероприятия"),
        ("decisions", "d3", "не указана рекомендация"),
        ("effectiveness", "ef2", "не указано мероприятие"),
    ]
    assert cycle["kind"] == "full"


def test_a_decision_stands_on_one_sound_recommendation_and_the_unsound_one_is_named(
    client: FlaskClient, vertical: Vertikal, told: dict[str, str]
) -> None:
    second = recommend(vertical, recommendation="r2")
    decide(vertical, recommendations=["r1", "r2"])
    retract(vertical, told["decision"])
    retract(vertical, second)
    cycle = get(client, vertical, "cycles/cy")
    assert [(each["kind"], each["code"]) for each in cycle["broken"]] == [("decisions", "d1")]
    assert "«r2»" in cycle["broken"][0]["reason"]
    assert cycle["kind"] == "full"


def test_measures_decisions_and_effectiveness_alone_are_an_incomplete_cycle(
    client: FlaskClient, vertical: Vertikal
) -> None:
    plan(vertical)
    open_(vertical, "cy")
    assert get(client, vertical, "cycles/cy")["kind"] == "partial"
    decide(vertical, recommendations=[])
    assess(vertical)
    cycle = get(client, vertical, "cycles/cy")
    assert (cycle["kind"], complete(cycle)) == ("incomplete", [])
    assert [(each["kind"], each["code"]) for each in cycle["broken"]] == [
        ("decisions", "d1"),
        ("measures", "rm/a1"),
        ("effectiveness", "ef1"),
    ]
    tell(vertical, "goal.set", "2021-01-10", goal="g1", text="Обучить")
    assert get(client, vertical, "cycles/cy", as_of="2021-06-08")["kind"] == "partial"


# Its indicators


def shown(client: FlaskClient, vertical: Vertikal, code: str, **query: Any) -> tuple[Any, ...]:
    found = get(client, vertical, "cycles/cy", **query)["indicators"]
    row = next(each for each in found if each["indicator"] == code)
    return tuple(row[name] for name in ("numerator", "denominator", "value", "origin", "met"))


@pytest.mark.usefixtures("told")
def test_an_indicator_outside_the_catalogue_has_the_value_that_was_recorded_last(
    client: FlaskClient, vertical: Vertikal
) -> None:
    record(vertical, "4.5", 10, "2021-01-08")
    record(vertical, 9, 10, "2021-05-08")
    found = {on: shown(client, vertical, "visited", as_of=on) for on in ("2020-10-07", "2020-12-31", TODAY)}
    assert found == {
        "2020-10-07": (None, None, None, None, None),
        "2020-12-31": (5, 10, "0.5", "monitoring", True),
        TODAY: (9, 10, "0.9", "monitoring", True),
    }
    assert shown(client, vertical, "visited", as_of="2021-02-01") == ("4.5", 10, "0.45", "monitoring", False)


def test_where_the_organisation_of_the_cycle_recorded_nothing_those_below_it_sum_up(
    client: FlaskClient, vertical: Vertikal, told: dict[str, str]
) -> None:
    record(vertical, 2, 4, of="s1")
    record(vertical, 3, 4, "2020-11-01", of="s1")
    record(vertical, 0, 6, of="s2")
    assert shown(client, vertical, "visited")[:3] == (5, 10, "0.5")
    retract(vertical, told["monitoring"])
    assert shown(client, vertical, "visited") == (3, 10, "0.3", "monitoring", False)


@pytest.mark.usefixtures("told")
def test_an_indicator_of_the_catalogue_has_the_figure_of_the_cycle_s_organisation_and_period(
    client: FlaskClient, vertical: Vertikal
) -> None:
    for code, comparator, value in (("below_minimum", "<=", "0.28"), ("trained_teachers", "=", "0.05")):
        adopt(vertical, code, target={"value": value, "comparator": comparator, "by": "2021"})
    before = result(vertical, "s1")
    result(vertical, "s2", 30, 9)
    result(vertical, "s3", 10, 9)
    staff(vertical, "s1", 20)
    course(vertical, "p1", "s1", "2020-12-18")
    course(vertical, "p2", "s1", "2022-12-18")
    assert shown(client, vertical, "below_minimum") == (14, 50, "0.28", "ledger", True)
    assert shown(client, vertical, "below_minimum", known_at=before) == (5, 20, "0.25", "ledger", True)
    assert shown(client, vertical, "trained_teachers") == (1, 20, "0.05", "ledger", True)


@pytest.mark.usefixtures("told")
def test_a_target_without_data_is_neither_met_nor_missed(client: FlaskClient, vertical: Vertikal) -> None:
    adopt(vertical, "quality", target={"value": "0.4", "comparator": ">=", "by": "2021"})
    assert shown(client, vertical, "quality") == (0, 0, None, "ledger", None)
    adopt(vertical, "support_of_our_own")
    assert shown(client, vertical, "support_of_our_own") == (None, None, None, None, None)


# What is carried on


@pytest.mark.usefixtures("told")
def test_the_next_cycle_begins_with_what_the_previous_one_was_assessed_to_have_brought(
    client: FlaskClient, vertical: Vertikal
) -> None:
    closing = tell(vertical, "cycle.closed", "2021-08-05", next="cy2")
    open_(vertical, "cy2", "2021-09-02")
    previous = get(client, vertical, "cycles/cy2")["previous"]
    assert previous == {
        "cycle": "cy",
        "effectiveness": {
            "effectiveness": "ef1", "outcome": "partly", "text": "Доля выросла", "on": "2021-06-08", "sound": True,
        },
    }  # fmt: skip
    assert get(client, vertical, "cycles/cy")["next"] == "cy2"
    retract(vertical, closing)
    assert get(client, vertical, "cycles/cy2")["previous"] is get(client, vertical, "cycles/cy")["next"] is None


@pytest.mark.usefixtures("told")
def test_what_came_of_a_cycle_of_another_organisation_is_not_carried_on(
    client: FlaskClient, vertical: Vertikal
) -> None:
    tell(vertical, "cycle.closed", "2021-08-05", next="cy2")
    open_(vertical, "cy2", "2021-09-02", "chemal")
    found = get(client, vertical, "cycles/cy2", of="chemal")["previous"]
    assert found == {"cycle": "cy", "effectiveness": None}


# Lists


@pytest.mark.usefixtures("told")
def test_cycles_are_listed_by_organisation_and_state(client: FlaskClient, vertical: Vertikal) -> None:
    queries: tuple[dict[str, Any], ...]
    open_(vertical, "cz", "2020-10-01", "chemal")
    tell(vertical, "cycle.closed", "2021-08-05")
    items = get(client, vertical, "cycles")["items"]
    assert items[0] == {
        "cycle": "cy",
        "organisation": "gorodets",
        "direction": "Поддержка школ",
        "period": YEAR,
        "opened_on": "2020-09-03",
        "closed_on": "2021-08-05",
        "open": False,
        "kind": "full",
        "completeness": {"numerator": 9, "denominator": 9},
    }
    queries = ({}, {"organisation": "chemal"}, {"open": "false"}, {"open": "true"}, {"as_of": "2020-09-30"})
    listed = [[each["cycle"] for each in get(client, vertical, "cycles", **query)["items"]] for query in queries]
    assert listed == [["cy", "cz"], ["cz"], ["cy"], ["cz"], ["cy"]]


@pytest.mark.usefixtures("told")
def test_a_cycle_of_others_is_not_shown(client: FlaskClient, vertical: Vertikal) -> None:
    for stranger in ("chemal", "s1"):
        get(client, vertical, "cycles/cy", of=stranger, code=403)
        assert get(client, vertical, "cycles", of=stranger)["items"] == []
    assert get(client, vertical, "cycles/cy", of="gorodets")["cycle"] == "cy"


@pytest.mark.usefixtures("told")
def test_a_recommendation_is_listed_with_its_answers_and_those_who_owe_one(
    client: FlaskClient, vertical: Vertikal
) -> None:
    answer(vertical, "s1", "2021-01-10", "declined")
    answer(vertical, "s1", "2021-01-20")
    item = get(client, vertical, "recommendations")["items"][0]
    assert item == {
        "recommendation": "r1",
        "cycle": "cy",
        "organisation": "gorodets",
        "on": "2020-12-08",
        "finding": "f1",
        "addressees": ["s1", "s2"],
        "text": "Обучить",
        "due": None,
        "answers": [{"on": "2021-01-20", "organisation": "s1", "answer": "accepted", "text": "План есть"}],
        "unanswered": ["s2"],
        "decided": True,
        "decisions": [{"on": "2021-02-07", "organisation": "gorodets", "cycle": "cy", "decision": "d1"}],
    }
    then = get(client, vertical, "recommendations", as_of="2021-01-15")["items"][0]
    assert (then["answers"][0]["answer"], then["decided"]) == ("declined", False)
    assert get(client, vertical, "recommendations", as_of="2020-12-07")["items"] == []


@pytest.mark.usefixtures("told")
def test_an_addressee_sees_what_is_recommended_to_it_and_its_own_answer_alone(
    client: FlaskClient, vertical: Vertikal
) -> None:
    answer(vertical, "s1", "2021-01-10")
    s1, s2 = (get(client, vertical, "recommendations", of=school)["items"] for school in ("s1", "s2"))
    assert [(each["addressees"], len(each["answers"]), each["unanswered"]) for each in (*s1, *s2)] == [
        (["s1"], 1, []),
        (["s2"], 0, ["s2"]),
    ]
    assert get(client, vertical, "recommendations", of="chemal")["items"] == []
    assert len(get(client, vertical, "recommendations", organisation="s2")["items"]) == 1
    assert get(client, vertical, "recommendations", organisation="chemal")["items"] == []


def test_a_recommendation_that_was_taken_back_is_not_listed(
    client: FlaskClient, vertical: Vertikal, told: dict[str, str]
) -> None:
    retract(vertical, told["recommendation"])
    assert get(client, vertical, "recommendations")["items"] == []
    assert vertical.figure("recommendations_answered", "obr") == (0, 0)


@pytest.mark.usefixtures("told")
def test_recommendations_count_as_answered_with_the_first_answer_of_each_addressee(vertical: Vertikal) -> None:
    answer(vertical, "s1", "2021-09-10", "declined")
    answer(vertical, "s1", "2021-10-20")
    days = {"2020-12-07": (0, 0), "2020-12-08": (0, 2), "2021-09-09": (0, 2), "2021-09-10": (1, 2)}
    assert {day: vertical.figure("recommendations_answered", "gorodets", as_of=day) for day in days} == days
    assert vertical.figure("recommendations_answered", "s1") == (1, 1)
    assert vertical.figure("recommendations_answered", "s2") == (0, 1)


@pytest.mark.usefixtures("told")
def test_an_answer_belongs_to_the_period_in_which_it_was_asked_for(vertical: Vertikal) -> None:
    answer(vertical, "s1", "2021-09-10")
    years = {"2020/2021": (1, 2), "2021/2022": (0, 0), "2020": (1, 2), "2021": (0, 0)}
    assert {year: vertical.figure("recommendations_answered", "obr", period=year) for year in years} == years
    assert sum(each["delta"] for each in vertical.postings("recommendations_answered", "obr", period="2020")) == 3


@pytest.mark.usefixtures("told")
def test_a_recommendation_sent_again_replaces_the_first_and_keeps_what_was_answered(vertical: Vertikal) -> None:
    answer(vertical, "s1", "2021-01-10")
    recommend(vertical, "2021-03-01", addressees=["s1", "s3", "s9"])
    assert vertical.figure("recommendations_answered", "obr") == (1, 3)
    assert vertical.figure("recommendations_answered", "obr", as_of="2021-02-28") == (0, 0)


def test_a_proposal_is_listed_with_what_became_of_it(client: FlaskClient, vertical: Vertikal) -> None:
    named = {"proposal": "p1", "rule": "overdue", "version": 2, "organisation": "s1"}
    declined, adopted = {**named, "reason": "нет оснований"}, {**named, "event": "e77"}
    vertical.send("proposal.declined", "s1", declined, time="2021-02-01T10:00:00+03:00")
    vertical.send("proposal.adopted", "s1", adopted, time="2021-03-01T10:00:00+03:00")
    then, now = (get(client, vertical, "proposals", as_of=day)["items"] for day in ("2021-02-28", "2021-03-01"))
    assert then == [named | {"status": "declined", "on": "2021-02-01", "reason": "нет оснований", "event": None,
                             "until": None}]  # fmt: skip
    assert now == [named | {"status": "adopted", "on": "2021-03-01", "reason": None, "event": "e77", "until": None}]
    assert get(client, vertical, "proposals", of="s2")["items"] == []


# On the terminal


def test_the_command_line_prints_the_components_and_the_broken_links(
    vertical: Vertikal, told: dict[str, str], terminal: Terminal
) -> None:
    retract(vertical, told["recommendation"])
    printed = terminal.run("cycle", "cy", "--as-of", TODAY).stdout
    for line in (
        "компоненты: 5 из 9 (неполный состав)",
        "есть  анализ ",
        "нет   управленческие решения",
        "разрыв: управленческие решения «d1»: рекомендация «r1» не дана этой организации, отозвана или не обоснована",
    ):
        assert line in printed
    assert terminal.json("cycle", "cy", "--as-of", TODAY)["completeness"]["numerator"] == 5
    before = str(head(vertical) - 1)
    assert "компоненты: 9 из 9 (полный)" in terminal.run("cycle", "cy", "--known-at", before).stdout


@pytest.mark.usefixtures("vertical")
def test_the_command_line_says_that_a_cycle_is_not_there(terminal: Terminal) -> None:
    assert "управленческий цикл «none» не найден" in terminal.run("cycle", "none", code=1).stderr
