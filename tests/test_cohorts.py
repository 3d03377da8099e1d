"""Cohorts: who belongs when, and figures of their schools alone."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.conftest import TODAY, Vertikal
from tests.test_figures import course, report, result, staff
from vertikal.services.access import Party
from vertikal.services.refusals import Refusal

PERIOD = {"start": "2020-09-01", "end": "2021-08-31"}


def define(vertical: Vertikal, code: str, kind: str = "shnor", owner: str = "gorodets") -> int:
    data = {"cohort": code, "title": f"Группа {code}", "kind": kind, "owner": owner, "period": PERIOD}
    return vertical.send("cohort.defined", owner, data)


def include(vertical: Vertikal, code: str, school: str, since: str = "2020-09-01", basis: str = "Приказ 1") -> int:
    return vertical.send("school.included", school, {"cohort": code, "school": school, "from": since, "basis": basis})


def exclude(vertical: Vertikal, code: str, school: str, to: str) -> int:
    return vertical.send("school.excluded", school, {"cohort": code, "school": school, "to": to})


@pytest.fixture
def cohort(vertical: Vertikal) -> Vertikal:
    """The cohort c1 of gorodets with the school s1, which has 5 of 20 below the minimum; s2 has 9 of 30."""
    define(vertical, "c1")
    include(vertical, "c1", "s1")
    result(vertical, "s1")
    result(vertical, "s2", 30, 9)
    return vertical


def members(client: FlaskClient, vertical: Vertikal, code: str, **query: Any) -> dict[str, Any]:
    header = {"Authorization": f"Bearer {vertical.token('obr', 'region')}"}
    answer = client.get(f"/v1/cohorts/{code}", headers=header, query_string={"as_of": TODAY, **query})
    assert answer.status_code == 200, answer.json
    return dict(answer.json or {})


# Who belongs


def test_a_school_belongs_from_its_inclusion_up_to_and_without_the_day_of_its_exclusion(
    client: FlaskClient, cohort: Vertikal
) -> None:
    exclude(cohort, "c1", "s1", "2021-06-01")
    sizes = {
        on: members(client, cohort, "c1", as_of=on)["size"]
        for on in ("2020-08-31", "2020-09-01", "2021-05-31", "2021-06-01")
    }
    assert sizes == {"2020-08-31": 0, "2020-09-01": 1, "2021-05-31": 1, "2021-06-01": 0}


def test_a_cohort_is_shown_with_the_grounds_of_each_member(client: FlaskClient, cohort: Vertikal) -> None:
    assert members(client, cohort, "c1") == {
        "cohort": "c1",
        "kind": "shnor",
        "title": "Группа c1",
        "owner": "gorodets",
        "period": PERIOD,
        "size": 1,
        "members": [{"school": "s1", "from": "2020-09-01", "to": None, "basis": "Приказ 1"}],
    }


def test_a_school_that_is_included_again_belongs_again(client: FlaskClient, cohort: Vertikal) -> None:
    exclude(cohort, "c1", "s1", "2021-02-01")
    include(cohort, "c1", "s1", "2021-04-01", "Приказ 2")
    found = members(client, cohort, "c1", as_of="2021-05-01")["members"]
    assert found == [{"school": "s1", "from": "2021-04-01", "to": None, "basis": "Приказ 2"}]


def test_a_school_that_is_closed_leaves_its_cohorts(client: FlaskClient, cohort: Vertikal) -> None:
    cohort.send("organisation.closed", "s1", {"code": "s1", "valid_from": "2021-03-01"})
    assert members(client, cohort, "c1", as_of="2021-02-28")["members"][0]["to"] == "2021-03-01"
    assert members(client, cohort, "c1", as_of="2021-03-01")["size"] == 0


def test_a_cohort_is_shown_as_it_was_known(client: FlaskClient, cohort: Vertikal) -> None:
    before = include(cohort, "c1", "s2") - 1
    assert members(client, cohort, "c1", known_at=before)["size"] == 1
    assert members(client, cohort, "c1")["size"] == 2


def test_cohorts_are_listed_by_kind_with_their_sizes(client: FlaskClient, cohort: Vertikal) -> None:
    define(cohort, "m1", "model")
    header = {"Authorization": f"Bearer {cohort.token('gorodets', 'municipality')}"}
    answers = [
        client.get("/v1/cohorts", headers=header, query_string={"as_of": TODAY, **query}).json or {}
        for query in ({}, {"kind": "model"})
    ]
    assert [[(each["cohort"], each["size"]) for each in answer["items"]] for answer in answers] == [
        [("c1", 1), ("m1", 0)],
        [("m1", 0)],
    ]


def test_a_cohort_of_others_is_not_shown(client: FlaskClient, cohort: Vertikal) -> None:
    header = {"Authorization": f"Bearer {cohort.token('chemal', 'municipality')}"}
    assert client.get("/v1/cohorts/c1", headers=header).status_code == 403
    assert (client.get("/v1/cohorts", headers=header).json or {})["items"] == []


def test_a_cohort_that_nobody_defined_is_not_found(client: FlaskClient, cohort: Vertikal) -> None:
    header = {"Authorization": f"Bearer {cohort.token('obr', 'region')}"}
    answer = client.get("/v1/cohorts/c9", headers=header)
    assert (answer.status_code, (answer.json or {})["detail"]) == (404, "группа школ «c9» не найдена")


# Figures of its schools


def test_a_figure_of_a_cohort_counts_its_schools_alone(cohort: Vertikal) -> None:
    assert cohort.figure("below_minimum", "obr") == (14, 50)
    for organisation in ("obr", "gorodets", "s1"):
        assert cohort.figure("below_minimum", organisation, cohort="c1") == (5, 20)
    assert cohort.figure("below_minimum", "s2", cohort="c1") == (0, 0)


def test_what_was_reported_above_the_schools_is_no_part_of_a_cohort(cohort: Vertikal) -> None:
    staff(cohort, "s1", 20)
    course(cohort, "p1", "s1", "2020-12-18")
    report(cohort, "r1", 64, "2020-10-01", "2020-12-31")
    assert cohort.figure("trained_teachers", "gorodets", period="2020") == (65, 20)
    assert cohort.figure("trained_teachers", "gorodets", period="2020", cohort="c1") == (1, 20)


def test_the_schools_of_a_cohort_are_those_of_the_day_that_one_asks_about(cohort: Vertikal) -> None:
    include(cohort, "c1", "s2", "2021-06-01")
    assert cohort.figure("below_minimum", "obr", cohort="c1", as_of="2021-05-31") == (5, 20)
    assert cohort.figure("below_minimum", "obr", cohort="c1", as_of="2021-06-01") == (14, 50)


def test_the_postings_of_a_figure_of_a_cohort_sum_to_it(cohort: Vertikal) -> None:
    include(cohort, "c1", "s2", "2021-06-01")
    postings = cohort.postings("below_minimum", "obr", cohort="c1")
    sides = {
        side: sum(each["delta"] for each in postings if each["side"] == side) for side in ("numerator", "denominator")
    }
    assert sides == {"numerator": 14, "denominator": 50}


@pytest.mark.parametrize("by", ["school", "municipality", "procedure"])
def test_the_rows_of_a_figure_of_a_cohort_sum_to_it(cohort: Vertikal, by: str) -> None:
    include(cohort, "c1", "s9")
    result(cohort, "s9", 10, 1)
    answer = cohort.ask("below_minimum", "obr", cohort="c1", by=by)
    assert [sum(row[side] for row in answer["rows"]) for side in ("numerator", "denominator")] == [6, 30]
    keys = {"school": ["s1", "s9"], "municipality": ["gorodets", "s9"], "procedure": ["vpr"]}
    assert [row["key"] for row in answer["rows"]] == keys[by]


def test_schools_are_compared_by_their_models_of_support(cohort: Vertikal) -> None:
    define(cohort, "m1", "model")
    define(cohort, "m2", "model")
    for code, school in (("m1", "s1"), ("m2", "s1"), ("m2", "s2")):
        include(cohort, code, school)
    result(cohort, "s9", 10, 1)
    answer = cohort.ask("below_minimum", "obr", by="model")
    assert [(row["key"], row["name"], row["numerator"], row["denominator"]) for row in answer["rows"]] == [
        ("m1+m2", "Группа m1, Группа m2", 5, 20),
        ("m2", "Группа m2", 9, 30),
        ("obr", "OBR", 1, 10),
    ]


def test_a_cohort_that_nobody_defined_is_refused_as_a_filter(cohort: Vertikal) -> None:
    with pytest.raises(Refusal, match="группа школ «c9» не определена"):
        cohort.ask("below_minimum", "obr", cohort="c9")


def test_a_reader_of_the_totals_above_does_not_see_those_of_a_cohort(client: FlaskClient, cohort: Vertikal) -> None:
    header = {"Authorization": f"Bearer {cohort.token('s2', 'school')}"}
    url = "/v1/indicators/below_minimum?organisation=gorodets"
    assert client.get(url, headers=header).status_code == 200
    assert client.get(f"{url}&cohort=c1", headers=header).status_code == 403
    assert client.get(f"{url}&by=model", headers=header).status_code == 403


def test_only_who_may_define_a_cohort_does(vertical: Vertikal) -> None:
    data = {"cohort": "c1", "title": "Г", "kind": "shnor", "owner": "gorodets", "period": PERIOD}
    answer = vertical.submit(vertical.event("cohort.defined", "gorodets", data), party=Party("s1", "school"))
    assert answer.refused == 1
