"""The draft of an analysis: its findings, the figures that they rest on, and that it can be published as it is."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.conftest import TODAY, Vertikal
from tests.readers import Reader, head, problem
from tests.sayings import GORODETS
from tests.test_cycles import adopt, open_, record, tell
from tests.test_figures import course, result, staff
from vertikal.read_models import INDICATORS
from vertikal.read_models.contradictions.found import VERSIONS
from vertikal.services import drafting
from vertikal.services.values import Value

BELOW = "Доля участников ниже минимального порога"
TARGET = {"value": "0.2", "comparator": "<=", "by": "2021-08-31"}


def draft(client: FlaskClient, vertical: Vertikal, code: str = "cy", of: str = "obr", **query: Any) -> dict[str, Any]:
    given = "&".join(f"{name}={value}" for name, value in {"as_of": TODAY, **query}.items())
    role = "region" if of == "obr" else "municipality"
    found: dict[str, Any] = Reader(client, vertical.token(of, role)).json(f"/v1/cycles/{code}/draft?{given}")
    return found


def findings(client: FlaskClient, vertical: Vertikal, kind: str, **query: Any) -> list[dict[str, Any]]:
    """The findings of a kind."""
    found = draft(client, vertical, **query)
    return [each for each in found["analysis"]["findings"] if found["kinds"][each["finding"]] == kind]


def sides(finding: dict[str, Any]) -> list[tuple[str, str, Any, Any]]:
    names = ("organisation", "period", "numerator", "denominator")
    return [(each[names[0]], each[names[1]], each[names[2]], each[names[3]]) for each in finding["figures"]]


@pytest.fixture
def cycle(vertical: Vertikal) -> Vertikal:
    """The cycle cy of gorodets, 2020/2021, with a goal."""
    open_(vertical, "cy")
    tell(vertical, "goal.set", "2020-09-04", goal="g1", text="Снизить долю")
    return vertical


@pytest.fixture
def busy(cycle: Vertikal) -> Vertikal:
    """With results of two schools in two years, a target that was missed, and a claim without events."""
    adopt(cycle, "below_minimum", target=TARGET)
    result(cycle, "s1", 20, 5)
    result(cycle, "s2", 30, 9)
    result(cycle, "s1", 20, 2, year="2019/2020", held_on="2020-03-15")
    claim = {"claim": "c1", "organisation": "gorodets", "text": "Всё выполнено", "about": {}, "on": "2021-05-01"}
    cycle.send("claim.made", "gorodets", claim)
    return cycle


# What is found


def test_a_draft_holds_missed_targets_changes_units_and_contradictions_in_this_order(
    client: FlaskClient, busy: Vertikal
) -> None:
    found = draft(client, busy)
    analysis = found["analysis"]
    assert list(analysis) == ["cycle", "analysis", "findings"]
    assert (analysis["cycle"], analysis["analysis"]) == ("cy", "analysis-1")
    assert found["kinds"] == {"1": "missed_target", "2": "change", "3": "units", "4": "contradictions"}
    assert [each["text"] for each in analysis["findings"]] == [
        f"{BELOW}: 28 % (14 из 50); план (не больше 20 %, срок 2021-08-31) не выполнен",
        f"{BELOW}: за 2019/2020 — 10 % (2 из 20), за 2020/2021 — 28 % (14 из 50); ухудшение на 18 п. п.",
        f"{BELOW} по школам: хуже всего — S2: 30 % (9 из 30), лучше всего — S1: 25 % (5 из 20)",
        "Противоречия в данных: утверждение без подтверждающих событий — 1. Показателей для этого вывода нет",
    ]
    assert [sides(each) for each in analysis["findings"]] == [
        [("gorodets", "2020/2021", 14, 50)],
        [("gorodets", "2019/2020", 2, 20), ("gorodets", "2020/2021", 14, 50)],
        [("s2", "2020/2021", 9, 30), ("s1", "2020/2021", 5, 20)],
        [],
    ]


def test_each_cited_figure_is_what_the_ledger_answers(client: FlaskClient, busy: Vertikal) -> None:
    cited = [figure for each in draft(client, busy)["analysis"]["findings"] for figure in each["figures"]]
    assert len(cited) == 5
    for figure in cited:
        given = {name: figure[name] for name in ("period", "as_of", "known_at")}
        asked = busy.figure(figure["indicator"], figure["organisation"], **given)
        assert asked == (figure["numerator"], figure["denominator"])
        assert figure["known_at"] == head(busy)


def test_a_draft_is_published_as_it_is(client: FlaskClient, busy: Vertikal) -> None:
    analysis = draft(client, busy)["analysis"]
    headers = {"Authorization": f"Bearer {busy.token('gorodets', 'municipality')}"}
    answer = client.post("/v1/cycles/cy/analyses", json=analysis, headers=headers)
    assert answer.status_code == 201, answer.text
    assert (answer.json or {})["event"]["data"] == analysis
    assert draft(client, busy, known_at=head(busy) - 1)["analysis"]["findings"][0]["finding"] == "5"


def test_a_draft_of_what_was_known_then_can_still_be_published(client: FlaskClient, busy: Vertikal) -> None:
    known = head(busy)
    before = draft(client, busy, known_at=known)
    data = {"school": "s1", "procedure": "vpr", "subject": "math", "grade": 5, "year": "2020/2021"}
    corrected = {"participants": 20, "below_minimum": 0, "reason": "appeal"}
    busy.send("assessment.corrected", "s1", data | corrected)
    assert draft(client, busy, known_at=known) == before
    assert sides(findings(client, busy, "change")[0])[1] == ("gorodets", "2020/2021", 9, 50)
    assert findings(client, busy, "missed_target") == []
    headers = {"Authorization": f"Bearer {busy.token('gorodets', 'municipality')}"}
    answer = client.post("/v1/cycles/cy/analyses", json=before["analysis"], headers=headers)
    assert answer.status_code == 201, answer.text


def test_no_data_makes_no_finding(client: FlaskClient, cycle: Vertikal) -> None:
    for code in ("below_minimum", "trained_teachers", "contest_entries", "unheard_of"):
        adopt(cycle, code, target=TARGET)
    found = draft(client, cycle)
    assert found == {"analysis": {"cycle": "cy", "analysis": "analysis-1", "findings": []}, "kinds": {}}


def test_a_cycle_without_indicators_is_told_of_every_one_that_has_data(client: FlaskClient, cycle: Vertikal) -> None:
    result(cycle, "s1", 20, 5, marks={"2": 5, "3": 5, "4": 5, "5": 5})
    result(cycle, "s2", 30, 9, marks={"2": 9, "3": 21, "4": 0, "5": 0})
    told = findings(client, cycle, "units")
    assert {each["figures"][0]["indicator"] for each in told} == {"below_minimum", "quality"}
    adopt(cycle, "quality")
    told = findings(client, cycle, "units")
    assert [each["figures"][0]["indicator"] for each in told] == ["quality"]


def test_worst_is_less_where_more_is_better(client: FlaskClient, cycle: Vertikal) -> None:
    adopt(cycle, "trained_teachers")
    for school, people in (("s1", 1), ("s2", 3)):
        staff(cycle, school, 10)
        for number in range(people):
            course(cycle, f"{school}-{number}", school, "2020-12-18")
    assert sides(findings(client, cycle, "units")[0]) == [("s1", "2020/2021", 1, 10), ("s2", "2020/2021", 3, 10)]


def test_of_units_that_share_an_end_the_number_is_told(client: FlaskClient, cycle: Vertikal) -> None:
    cycle.register("s4", "school", "gorodets")
    adopt(cycle, "below_minimum")
    for school, below in (("s1", 5), ("s2", 5), ("s4", 2)):
        result(cycle, school, 20, below)
    assert "S1: 25 % (5 из 20) (и ещё 1 с тем же значением)" in findings(client, cycle, "units")[0]["text"]


def test_units_that_are_all_alike_have_no_worst(client: FlaskClient, cycle: Vertikal) -> None:
    adopt(cycle, "below_minimum")
    for school in ("s1", "s2"):
        result(cycle, school, 20, 5)
    assert findings(client, cycle, "units") == []


def test_a_share_of_few_participants_is_not_compared(client: FlaskClient, cycle: Vertikal) -> None:
    adopt(cycle, "below_minimum", target=TARGET)
    for school, participants, below in (("s1", 19, 19), ("s2", 20, 5)):
        result(cycle, school, participants, below)
    result(cycle, "s2", 19, 1, year="2019/2020", held_on="2020-03-15")
    assert set(draft(client, cycle)["kinds"].values()) == {"missed_target"}
    cycle.register("s4", "school", "gorodets")
    result(cycle, "s4", 20, 2)
    assert [each[0] for each in sides(findings(client, cycle, "units")[0])] == ["s2", "s4"]


def test_a_region_is_told_of_its_municipalities_and_a_school_of_none(client: FlaskClient, vertical: Vertikal) -> None:
    for code, of in (("cr", "obr"), ("cs", "s1")):
        open_(vertical, code, of=of)
    for school, below in (("s1", 5), ("s3", 10)):
        result(vertical, school, 20, below)
    (finding,) = findings(client, vertical, "units", code="cr")
    assert [each[0] for each in sides(finding)] == ["chemal", "gorodets"]
    assert "по муниципалитетам: хуже всего — CHEMAL: 50 % (10 из 20)" in finding["text"]
    assert findings(client, vertical, "units", code="cs") == []


def test_a_school_that_has_left_since_is_not_cited(client: FlaskClient, busy: Vertikal) -> None:
    busy.register("s4", "school", "gorodets")
    result(busy, "s4", 20, 20)
    worst = sides(findings(client, busy, "units")[0])[0][0]
    busy.send("organisation.moved", "s4", {"code": "s4", "parent": "chemal", "valid_from": "2023-01-01"})
    left = sides(findings(client, busy, "units", as_of="2022-06-01")[0])[0][0]
    assert (worst, left) == ("s4", "s2")


def test_a_running_period_is_compared_with_the_same_days_of_the_one_before(
    client: FlaskClient, cycle: Vertikal
) -> None:
    adopt(cycle, "trained_teachers")
    staff(cycle, "s1", 10, "2019-09-01")
    for number, on in enumerate(("2019-12-18", "2020-05-18", "2020-06-18", "2020-12-18", "2020-12-19")):
        course(cycle, f"p{number}", "s1", on)
    (finding,) = findings(client, cycle, "change", as_of="2020-12-31")
    assert sides(finding) == [("gorodets", "2019/2020", 1, 10), ("gorodets", "2020/2021", 2, 10)]
    assert [each["as_of"] for each in finding["figures"]] == ["2019-12-31", "2020-12-31"]
    assert "улучшение на 10 п. п." in finding["text"]
    (finding,) = findings(client, cycle, "change")
    assert sides(finding)[0] == ("gorodets", "2019/2020", 3, 10)
    assert "ухудшение" in finding["text"]


def test_a_count_is_cited_with_the_denominator_one(client: FlaskClient, cycle: Vertikal) -> None:
    adopt(cycle, "contest_entries")
    entry = {"organisation": "s1", "contest": "Учитель года", "level": "region"}
    for code, people, on in (("e1", 2, "2019-10-01"), ("e2", 3, "2020-10-01"), ("e3", 3, "2020-11-01")):
        data = {**entry, "entry": code, "people": people, "on": on}
        cycle.send("contest.entered", "s1", data, source="/gorodets", party=GORODETS)
    (finding,) = findings(client, cycle, "change")
    assert sides(finding) == [("gorodets", "2019/2020", 2, 1), ("gorodets", "2020/2021", 6, 1)]
    assert "за 2019/2020 — 2, за 2020/2021 — 6; улучшение на 4" in finding["text"]


def test_an_indicator_of_the_cycle_s_own_is_cited_by_what_was_recorded(client: FlaskClient, cycle: Vertikal) -> None:
    adopt(cycle, "visited", target={"value": "0.5", "comparator": ">=", "by": "2099"})
    record(cycle, 4, 10)
    (finding,) = findings(client, cycle, "missed_target")
    assert sides(finding) == [("gorodets", "ever", 4, 10)]
    assert finding["text"] == "Показатель «visited»: 40 % (4 из 10); план (не меньше 50 %, срок 2099) пока не выполнен"


def test_no_more_than_twelve_findings_and_the_contradictions_among_them(client: FlaskClient, busy: Vertikal) -> None:
    for number in range(20):
        adopt(busy, f"own-{number}", target=TARGET)
        data = {"cycle": "cy", "indicator": f"own-{number}", "organisation": "gorodets", "on": "2020-10-08"}
        busy.send("monitoring.recorded", "gorodets", data | {"numerator": 9, "denominator": 10, "origin": "Карты"})
    kinds = list(draft(client, busy)["kinds"].values())
    assert len(kinds) <= drafting.FINDINGS_MAX
    assert kinds == ["missed_target"] * drafting.MISSED_MAX + ["change", "units", "contradictions"]


def test_the_largest_changes_come_first_and_shares_before_counts() -> None:
    def found(text: str, *weight: Any) -> drafting.Found:
        return drafting.Found(drafting.CHANGE, text, (), (weight[0], Fraction(weight[1])))

    ordered = drafting._largest(iter([found("a", False, 9), found("b", True, "0.1"), found("c", True, "0.2")]))
    assert [each.text for each in ordered] == ["c", "b", "a"]


# Who may ask


def test_a_draft_is_for_those_who_see_the_organisation_of_the_cycle(client: FlaskClient, busy: Vertikal) -> None:
    assert draft(client, busy, of="gorodets") == draft(client, busy)
    for organisation, role in (("chemal", "municipality"), ("s1", "school")):
        stranger = Reader(client, busy.token(organisation, role))
        problem(stranger.get("/v1/cycles/cy/draft"), 403)
    problem(Reader(client, busy.token("obr", "region")).get("/v1/cycles/none/draft"), 404)
    problem(Reader(client, busy.token("obr", "region")).get("/v1/cycles/cy/draft?as_of=yesterday"), 400)


def test_every_kind_of_contradiction_and_every_direction_has_words() -> None:
    assert drafting.FOUND.keys() == VERSIONS.keys()
    assert {indicator.better for indicator in INDICATORS.values()} <= {"more", "less"}


@pytest.mark.parametrize(
    ("numerator", "denominator", "told"),
    [
        (1, 3, "33,3 % (1 из 3)"),
        ("33", "34.5", "95,7 % (33 из 34.5)"),
        (5, None, "5"),
        (0, 0, "0"),
        (0, 7, "0 % (0 из 7)"),
    ],
)
def test_a_figure_is_told_as_russian_texts_write_it(numerator: Any, denominator: Any, told: str) -> None:
    assert Value("staffing", "s1", "2021", TODAY, 1, numerator, denominator).told() == told
