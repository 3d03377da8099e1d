"""Competences and risk profiles: figures and lists worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.conftest import TODAY, Vertikal
from tests.terminal import Terminal
from tests.test_figures import course
from vertikal.read_models import factors
from vertikal.services.access import Party
from vertikal.services.refusals import Refusal

OBR = ("obr", "region")


def assess(vertical: Vertikal, code: str, organisation: str, people: int, on: str = "2021-03-12", **more: Any) -> int:
    data = {"assessment": code, "organisation": organisation, "people": people, "kind": "method", "on": on, **more}
    parent = "chemal" if organisation == "s3" else "gorodets"
    party = Party(parent, "municipality")
    return vertical.send("competence.assessed", organisation, data, source=f"/m/{parent}", party=party)


def risk(vertical: Vertikal, school: str, factor: str, on: str = "2021-10-01", **more: Any) -> int:
    data = {"school": school, "factor": factor, "significance": "high", "on": on, **more}
    return vertical.send("risk.assessed", school, data)


def listed(client: FlaskClient, vertical: Vertikal, path: str, of: tuple[str, str] = OBR, **query: Any) -> Any:
    header = {"Authorization": f"Bearer {vertical.token(*of)}"}
    answer = client.get(f"/v1/{path}", headers=header, query_string={"as_of": TODAY, **query})
    assert answer.status_code == 200, answer.json
    return (answer.json or {})["items"]


def codes(client: FlaskClient, vertical: Vertikal, of: tuple[str, str] = OBR, **query: Any) -> list[str]:
    return [each["assessment"] for each in listed(client, vertical, "competences", of, **query)]


def profile(client: FlaskClient, vertical: Vertikal, **query: Any) -> dict[str, str]:
    """The significance of each factor that is shown for s1."""
    found = listed(client, vertical, "risks", organisation="s1", **query)
    return {each["factor"]: each["significance"] for school in found for each in school["factors"]}


# Competences


@pytest.fixture
def assessed(vertical: Vertikal) -> Vertikal:
    """Eleven people of gorodets, seven of them in mathematics, and six of chemal."""
    assess(vertical, "k1", "s1", 7, kind="subject", subject="math", deficits=["Задачи с параметром"])
    assess(vertical, "k2", "s2", 4, "2021-04-20")
    assess(vertical, "k3", "s3", 6, "2022-02-01", kind="ict")
    return vertical


def test_people_whose_competences_were_assessed_are_a_count(assessed: Vertikal) -> None:
    assert assessed.figure("competence_assessed", "gorodets") == (11, None)
    assert assessed.figure("competence_assessed", "obr") == (17, None)
    assert assessed.figure("competence_assessed", "obr", period="2020/2021") == (11, None)
    assert assessed.figure("competence_assessed", "obr", as_of="2021-03-31") == (7, None)


def test_competences_are_told_apart_by_kind_and_subject(assessed: Vertikal) -> None:
    rows = assessed.ask("competence_assessed", "obr", by="kind")["rows"]
    assert {row["key"]: row["numerator"] for row in rows} == {"ict": 6, "method": 4, "subject": 7}
    assert assessed.figure("competence_assessed", "obr", kind="subject") == (7, None)
    assert assessed.figure("competence_assessed", "obr", subject="math") == (7, None)


def test_the_same_assessment_again_replaces_the_first(assessed: Vertikal) -> None:
    before = assess(assessed, "k1", "s1", 9, kind="method") - 1
    assert assessed.figure("competence_assessed", "s1") == (9, None)
    assert assessed.figure("competence_assessed", "s1", kind="subject") == (0, None)
    assert assessed.figure("competence_assessed", "s1", known_at=before) == (7, None)


def test_growth_of_a_count_is_the_difference(assessed: Vertikal) -> None:
    answer = assessed.ask("competence_assessed", "obr", period="2022")
    assert (answer["numerator"], answer["previous"]["numerator"], answer["growth"]) == (6, 11, "-5")


def test_a_few_assessed_people_are_hidden_from_readers_of_the_totals_above(
    client: FlaskClient, vertical: Vertikal
) -> None:
    assess(vertical, "k2", "s2", 4)
    url, shown = f"/v1/indicators/competence_assessed?organisation=gorodets&as_of={TODAY}", {}
    for of in (("s1", "school"), ("gorodets", "municipality")):
        answer = client.get(url, headers={"Authorization": f"Bearer {vertical.token(*of)}"})
        shown[of[0]] = (answer.json or {})["numerator"]
    assert shown == {"s1": None, "gorodets": 4}


def test_an_assessment_is_listed_with_its_deficits_and_without_its_person(
    client: FlaskClient, vertical: Vertikal
) -> None:
    assess(vertical, "k1", "s1", 1, kind="ict", person="p-1", deficits=["Таблицы"])
    assert listed(client, vertical, "competences") == [
        {
            "assessment": "k1",
            "organisation": "s1",
            "kind": "ict",
            "subject": None,
            "people": 1,
            "on": "2021-03-12",
            "deficits": ["Таблицы"],
        }
    ]


def test_assessments_are_listed_by_kind_organisation_and_date(client: FlaskClient, assessed: Vertikal) -> None:
    assert codes(client, assessed) == ["k1", "k2", "k3"]
    assert codes(client, assessed, kind="method") == ["k2"]
    assert codes(client, assessed, organisation="gorodets") == ["k1", "k2"]
    assert codes(client, assessed, as_of="2021-04-19") == ["k1"]


def test_assessments_are_listed_as_they_were_known(client: FlaskClient, assessed: Vertikal) -> None:
    before = assess(assessed, "k1", "s1", 9) - 1
    people = [
        listed(client, assessed, "competences", organisation="s1", known_at=at)[0]["people"]
        for at in (before, before + 1)
    ]
    assert people == [7, 9]


def test_assessments_of_others_are_not_listed(client: FlaskClient, assessed: Vertikal) -> None:
    assert codes(client, assessed, ("chemal", "municipality")) == ["k3"]


def test_a_kind_of_competences_that_does_not_exist_is_refused(client: FlaskClient, vertical: Vertikal) -> None:
    header = {"Authorization": f"Bearer {vertical.token(*OBR)}"}
    answer = client.get("/v1/competences?kind=x", headers=header)
    assert (answer.status_code, list((answer.json or {})["errors"])) == (400, ["kind"])


def test_the_role_of_trained_people_is_in_the_indicator_and_no_filter(vertical: Vertikal) -> None:
    course(vertical, "p1", "s1", "2020-12-18")
    with pytest.raises(Refusal) as refused:
        vertical.ask("trained_teachers", "obr", role="teacher")
    assert refused.value.errors == {
        "role": ["показатель «trained_teachers» не делится по «role»; делится по: cohort, origin, subject"]
    }


def test_the_console_shows_a_count_without_a_share(assessed: Vertikal, terminal: Terminal) -> None:
    asked = ("query", "competence_assessed", "--organisation", "obr", "--as-of", TODAY, "--period", "2022")
    text = terminal.run(*asked, "--by", "kind").stdout
    assert "\n6   (2021: 11)\n" in text
    assert "нет данных" not in text


# Risk profiles


def test_a_profile_shows_the_latest_assessment_of_each_factor_on_the_date(
    client: FlaskClient, vertical: Vertikal
) -> None:
    risk(vertical, "s1", "teachers_lacking", significance="medium")
    risk(vertical, "s1", "equipment_low", "2021-11-01", significance="low")
    risk(vertical, "s1", "teachers_lacking", "2022-10-01")
    risk(vertical, "s1", "equipment_low", "2021-10-01")
    assert profile(client, vertical, as_of="2021-09-30") == {}
    assert profile(client, vertical, as_of="2021-10-31") == {"teachers_lacking": "medium", "equipment_low": "high"}
    assert profile(client, vertical) == {"teachers_lacking": "high", "equipment_low": "low"}


def test_a_profile_is_shown_as_it_was_known(client: FlaskClient, vertical: Vertikal) -> None:
    risk(vertical, "s1", "teachers_lacking", significance="medium")
    before = risk(vertical, "s1", "teachers_lacking", significance="low") - 1
    assert profile(client, vertical, known_at=before) == {"teachers_lacking": "medium"}
    assert profile(client, vertical) == {"teachers_lacking": "low"}


def test_a_factor_of_the_list_is_shown_by_its_code_and_another_as_it_was_sent(
    client: FlaskClient, vertical: Vertikal
) -> None:
    risk(vertical, "s1", "Дефицит педагогических кадров", activated=True)
    risk(vertical, "s1", "Ветхий спортзал", significance="low")
    ids = [f"e{vertical._ids + back}" for back in (-1, 0)]
    seen = {"on": "2021-10-01", "significance": "high", "activated": True, "event_id": ids[0]}
    other = {"on": "2021-10-01", "significance": "low", "activated": False, "event_id": ids[1]}
    assert listed(client, vertical, "risks") == [
        {
            "school": "s1",
            "factors": [
                {"factor": "teachers_lacking", "title": "Дефицит педагогических кадров", "known": True, **seen},
                {"factor": "Ветхий спортзал", "title": "Ветхий спортзал", "known": False, **other},
            ],
        }
    ]


def test_a_factor_sent_by_its_title_and_by_its_code_is_one(client: FlaskClient, vertical: Vertikal) -> None:
    risk(vertical, "s1", "НИЗКИЙ УРОВЕНЬ ВОВЛЕЧЕННОСТИ РОДИТЕЛЕЙ", activated=True)
    risk(vertical, "s1", "parents_distant", "2022-10-01", significance="low", activated=True)
    assert profile(client, vertical) == {"parents_distant": "low"}
    assert vertical.figure("risk_factors", "s1") == (1, None)


def test_a_factor_assessed_before_the_first_list_is_not_known(client: FlaskClient, vertical: Vertikal) -> None:
    risk(vertical, "s1", "teachers_lacking", "2020-12-31")
    assert listed(client, vertical, "risks")[0]["factors"][0]["known"] is False


def test_profiles_narrow_to_the_factors_that_are_asked_for(client: FlaskClient, vertical: Vertikal) -> None:
    risk(vertical, "s1", "teachers_lacking", activated=True)
    risk(vertical, "s1", "equipment_low", significance="low")
    assert profile(client, vertical, factor="teachers_lacking") == {"teachers_lacking": "high"}
    assert profile(client, vertical, significance="low") == {"equipment_low": "low"}
    assert profile(client, vertical, activated="true") == {"teachers_lacking": "high"}
    assert profile(client, vertical, activated="true", significance="low") == {}


def test_profiles_of_others_and_of_closed_schools_are_not_listed(client: FlaskClient, vertical: Vertikal) -> None:
    for school in ("s1", "s2", "s3"):
        risk(vertical, school, "teachers_lacking")
    vertical.send("organisation.closed", "s2", {"code": "s2", "valid_from": "2022-07-01"})
    schools = [
        [each["school"] for each in listed(client, vertical, "risks", ("gorodets", "municipality"), as_of=on)]
        for on in ("2022-06-30", "2022-07-01")
    ]
    assert schools == [["s1", "s2"], ["s1"]]


def test_activated_factors_are_counted_by_significance_on_the_date(vertical: Vertikal) -> None:
    risk(vertical, "s1", "teachers_lacking", activated=True)
    risk(vertical, "s1", "equipment_low")
    risk(vertical, "s3", "equipment_low", significance="medium", activated=True)
    risk(vertical, "s1", "teachers_lacking", "2022-10-01", significance="medium", activated=True)
    risk(vertical, "s3", "equipment_low", "2022-11-01", significance="medium", activated=False)
    counted = {
        on: {
            row["key"]: row["numerator"]
            for row in vertical.ask("risk_factors", "obr", as_of=on, by="significance")["rows"]
            if row["numerator"]
        }
        for on in ("2021-10-01", "2022-10-01", "2022-11-01")
    }
    assert counted == {
        "2021-10-01": {"high": 1, "medium": 1},
        "2022-10-01": {"medium": 2},
        "2022-11-01": {"medium": 1},
    }


def test_each_list_has_ten_factors_with_codes_of_their_own() -> None:
    for each in factors.LISTS:
        assert len({factor.code for factor in each.factors}) == len(each.factors) == 10
