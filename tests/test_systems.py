"""The five municipal systems of the sample, read back through the HTTP API: figures, bad news, what does not fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.databases import Databases
from vertikal.contracts.catalogue import CATALOGUE
from vertikal.events.database import connect, writing
from vertikal.projections.figures import UNITS
from vertikal.read_models import MODELS
from vertikal.read_models.cohorts import KINDS
from vertikal.services import access, demo, projector
from vertikal.services import store as stores
from vertikal.services.settings import now, read_settings
from vertikal.services.web.app import create_app

AT_THE_END = "2023-12-31"
REPORTED = "2022-07-01T00:00:00+03:00"
OWN_OF_CHEMAL = ("schools_with_teacher_support", "teachers_in_networks", "teachers_with_modern_methods")


class Console:
    """A reader of the whole region with the sample before it."""

    def __init__(self, client: FlaskClient, token: str) -> None:
        self._client = client
        self._header = {"Authorization": f"Bearer {token}"}

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        answer = self._client.get(path, headers=self._header, query_string={"as_of": AT_THE_END, **query})
        assert answer.status_code == 200, (path, query, answer.json)
        return dict(answer.json or {})

    def items(self, path: str, **query: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(path, limit=1000, **query)["items"]
        return found

    def figure(self, code: str, organisation: str, **query: Any) -> tuple[Any, Any]:
        answer = self.get(f"/v1/indicators/{code}", organisation=organisation, **query)
        return answer["numerator"], answer["denominator"]

    def statuses(self, roadmap: str, **query: Any) -> dict[str, int]:
        activities = self.get(f"/v1/roadmaps/{roadmap}", **query)["activities"]
        return dict(Counter(target["status"] for each in activities for target in each["targets"]))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def console(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """The sample region in a database of each kind."""
    databases: Databases = request.getfixturevalue(f"{request.param}_databases")
    with databases.fresh(tmp_path_factory.mktemp("systems") / "sample.db") as url:
        yield from _filled(url)


def _filled(url: str) -> Iterator[Console]:
    engine, settings = connect(url), read_settings({"VERTIKAL_DATABASE_URL": url})
    stores.create(engine)
    demo.fill(engine, settings, "small", lambda _: None)
    projector.catch_up(engine)
    with writing(engine) as connection:
        token = access.create(connection, access.Party("obr", "region"), now())
    yield Console(create_app(settings, engine).test_client(), token)
    engine.dispose()


# Gorodets: an order, four models, a road map of forty activities, eighteen schools


def test_gorodets_has_forty_activities_in_four_sections(console: Console) -> None:
    activities = console.get("/v1/roadmaps/gorodets-rm-2020", as_of="2021-11-30")["activities"]
    assert sorted(Counter(each["section"] for each in activities).values()) == [6, 9, 10, 15]
    assert [each["number"] for each in activities].count("2.6") == 2


def test_gorodets_supports_eighteen_schools_by_four_models(console: Console) -> None:
    models = console.items("/v1/cohorts", organisation="gorodets", kind="model", as_of="2021-05-31")
    assert sorted(each["size"] for each in models) == [2, 4, 6, 6]
    rows = console.get("/v1/indicators/mentored_schools", organisation="gorodets", by="model", as_of="2021-05-31")[
        "rows"
    ]
    assert sum(row["denominator"] for row in rows) == 18


def test_gorodets_trained_half_of_the_heads_and_six_tenths_of_the_teachers_of_its_practice_schools(
    console: Console,
) -> None:
    query = {"period": "2020/2021", "cohort": "gorodets-practice", "as_of": "2021-08-31"}
    assert console.figure("trained_managers", "gorodets", **query) == (6, 12)
    assert console.figure("trained_teachers", "gorodets", **query) == (54, 90)


def test_gorodets_trained_thirty_people_of_six_teams(console: Console) -> None:
    query = {"period": "2020/2021", "cohort": "gorodets-basic", "as_of": "2021-08-31"}
    people = [console.figure(code, "gorodets", **query)[0] for code in ("trained_teachers", "trained_managers")]
    assert sum(people) == 30


def test_gorodets_has_six_agreements_four_and_six_events(console: Console) -> None:
    assert console.figure("networked_schools", "gorodets", cohort="gorodets-basic", as_of="2021-05-31") == (6, 6)
    held = {
        kind: console.figure("support_held", "gorodets", kind=kind)[0]
        for kind in ("masterclass", "seminar", "webinar", "roundtable")
    }
    assert held["masterclass"] == 4
    assert held["seminar"] + held["webinar"] == 6


def test_gorodets_claims_forty_activities_done_and_the_marks_say_otherwise(console: Console) -> None:
    found = console.statuses("gorodets-rm-2020", as_of="2021-11-30")
    assert console.figure("roadmap_done", "gorodets", roadmap="gorodets-rm-2020", as_of="2021-11-30") == (65, 71)
    assert (found["done"], found["partly"], found["not_organised"]) == (65, 2, 1)
    kinds = Counter(each["kind"] for each in console.items("/v1/contradictions", organisation="gorodets"))
    assert kinds["counted_listed"] >= 1
    assert kinds["before_order"] >= 8
    assert kinds["percent_without_denominator"] >= 2


# A city with a methodical centre: twelve items, seven done, one partly, four negative


def test_the_city_reports_seven_items_done_one_partly_and_four_negative(console: Console) -> None:
    found = console.statuses("alternativa-rm-2020", as_of="2021-06-30")
    assert found == {"done": 7, "partly": 1, "not_held": 3, "not_organised": 1}
    assert console.figure("roadmap_done", "alternativa-city", as_of="2021-06-30") == (7, 12)
    assert console.figure("roadmap_overdue", "alternativa-city", as_of="2021-06-30") == (0, 12)


def test_the_city_held_ten_seminars_and_its_schools_came_to_half_of_them(console: Console) -> None:
    query = {"kind": "seminar", "period": "2021"}
    assert console.figure("support_held", "alternativa-city", **query)[0] == 10
    assert [console.figure("support_events", code, **query)[0] for code in ("alternativa-s31", "alternativa-s47")] == [
        5,
        5,
    ]


def test_the_city_trained_teachers_of_nine_subjects(console: Console) -> None:
    answer = console.get(
        "/v1/indicators/trained_teachers", organisation="alternativa-city", by="subject", period="2020/2021",
        cohort="alternativa-shnor", as_of="2021-06-30",
    )  # fmt: skip
    assert (answer["numerator"], answer["denominator"], len(answer["rows"])) == (9, 40, 9)


def test_the_city_has_one_curator_school_for_two_and_no_network(console: Console) -> None:
    mentors = console.items("/v1/mentors", organisation="alternativa-city", as_of="2021-05-31")
    assert [(each["school"], each["mentor"]) for each in mentors] == [
        ("alternativa-s31", "alternativa-s89"),
        ("alternativa-s47", "alternativa-s89"),
    ]
    assert console.figure("mentored_schools", "alternativa-city", as_of="2021-05-31") == (2, 2)
    assert console.figure("networked_schools", "alternativa-city", as_of="2021-05-31") == (0, 2)


# Chemal: the whole cycle described, eight indicators without values, six schools


def test_chemal_diagnosed_and_trained_as_it_reported(console: Console) -> None:
    query = {"period": "2020/2021", "as_of": "2021-08-31"}
    assert console.figure("competence_assessed", "chemal", **query)[0] == 185
    assert console.figure("trained_teachers", "chemal", **query)[0] == 64
    assert console.figure("trained_managers", "chemal", **query)[0] == 5
    assert console.figure("contest_entries", "chemal", **query)[0] == 5


def test_chemal_visited_each_of_six_schools_five_times(console: Console) -> None:
    query = {"kind": "visit", "period": "2020/2021", "as_of": "2021-08-31"}
    rows = console.get("/v1/indicators/support_events", organisation="chemal", by="school", **query)["rows"]
    assert [row["numerator"] for row in rows if row["numerator"]] == [5] * 6


def test_chemal_held_seminars_in_two_schools_one_webinar_and_planned_one_seminar(console: Console) -> None:
    query = {"period": "2020/2021", "as_of": "2021-08-31"}
    held = [console.figure("support_held", "chemal", kind=kind, **query)[0] for kind in ("seminar", "webinar")]
    assert held == [2, 1]
    assert console.figure("roadmap_overdue", "chemal", as_of="2021-08-31") == (0, 1)
    assert console.figure("roadmap_overdue", "chemal", as_of="2021-09-01") == (1, 1)


def test_chemal_describes_eight_indicators_and_those_of_its_own_have_no_values(console: Console) -> None:
    """What the catalogue knows is answered by the ledger; nobody monitored the others."""
    indicators = console.get("/v1/cycles/chemal-cycle-2020")["indicators"]
    own = [each for each in indicators if each["indicator"] in OWN_OF_CHEMAL]
    assert (len(indicators), len(own)) == (8, 3)
    assert [each["value"] for each in own] == [None, None, None]


def test_chemal_recommends_on_findings_without_figures_and_never_monitored_nor_assessed_its_cycle(
    console: Console,
) -> None:
    cycle = console.get("/v1/cycles/chemal-cycle-2020")
    assert [each["component"] for each in cycle["components"] if not each["complete"]] == [
        "monitoring", "recommendations", "measures", "decisions", "effectiveness",
    ]  # fmt: skip
    assert cycle["broken"][0] == {
        "kind": "recommendations", "code": "chemal-rec-2021", "reason": "вывод «1» не опирается на показатели",
    }  # fmt: skip
    assert console.figure("cycle_completeness", "chemal", as_of="2021-08-31") == (4, 9)


# Tersk: seven schools counted and six named, a claim without rows


def test_tersk_trained_five_heads_and_twenty_eight_people_in_eight_subjects(console: Console) -> None:
    query = {"period": "2021/2022", "as_of": "2022-06-30"}
    assert console.figure("trained_managers", "tersk", **query)[0] == 5
    answer = console.get("/v1/indicators/trained_teachers", organisation="tersk", by="subject", **query)
    assert (answer["numerator"], sum(1 for row in answer["rows"] if row["key"])) == (28, 8)


def test_tersk_has_three_centres_at_work_and_two_planned(console: Console) -> None:
    assert console.figure("roadmap_done", "tersk", roadmap="tersk-centres-2021", as_of="2022-06-30") == (4, 6)
    assert console.figure("roadmap_overdue", "tersk", as_of="2022-09-01") == (0, 6)
    assert console.figure("roadmap_overdue", "tersk", as_of="2022-09-02") == (2, 6)


def test_tersk_counts_seven_schools_and_named_six_when_it_reported(console: Console) -> None:
    """The seventh is named in a letter of September; until then the claim and the list differ."""
    cohort = {"as_of": "2022-06-30", "known_at": REPORTED}
    assert console.get("/v1/cohorts/tersk-shnor", **cohort)["size"] == 6
    assert console.get("/v1/cohorts/tersk-shnor", as_of="2022-06-30")["size"] == 7
    assert console.get("/v1/cohorts/tersk-500plus", as_of="2022-06-30")["size"] == 3
    claimed = console.items("/v1/contradictions", organisation="tersk", kind="counted_listed", **cohort)
    assert [(each["about"]["claim"], each["figures"]["counted"]) for each in claimed] == [
        ("tersk-claim-centres", 6),
        ("tersk-claim-seven", 7),
    ]
    assert console.figure("supported_schools", "tersk", as_of="2022-06-30") == (0, 7)


def test_tersk_spells_one_school_in_two_ways_and_nobody_merged_them(console: Console) -> None:
    (found,) = console.items("/v1/contradictions", organisation="tersk", kind="two_names")
    assert found["about"]["organisations"] == ["tersk-sad", "tersk-sad-2"]
    assert 0.9 <= float(found["confidence"]) < 1


def test_tersk_calls_two_centres_open_that_are_planned(console: Console) -> None:
    (found,) = console.items("/v1/contradictions", organisation="tersk", kind="plan_called_done")
    assert found["about"]["claim"] == "tersk-claim-centres"


def test_tersk_says_that_all_is_done_and_nothing_supports_it(console: Console) -> None:
    claims = {each["claim"]: each for each in console.items("/v1/claims", organisation="tersk")}
    assert claims["tersk-claim-all"]["supported_by"] == 0
    found = console.items("/v1/contradictions", organisation="tersk", kind="claim_without_events")
    assert "tersk-claim-all" in [each["about"]["claim"] for each in found]
    assert len(console.items("/v1/recommendations", organisation="tersk")) == 5


# Matveev-Kurgan: ten activities, no schools, no marks


def test_matveev_kurgan_has_ten_activities_without_schools_or_marks(console: Console) -> None:
    roadmap = console.items("/v1/roadmaps", organisation="matveev-kurgan")[0]["roadmap"]
    activities = console.get(f"/v1/roadmaps/{roadmap}")["activities"]
    assert sorted(Counter(each["section"] for each in activities).values()) == [2, 2, 3, 3]
    assert {target["organisation"] for each in activities for target in each["targets"]} == {"matveev-kurgan"}
    assert console.figure("roadmap_done", "matveev-kurgan", as_of="2024-01-01") == (0, 10)
    assert console.figure("roadmap_overdue", "matveev-kurgan", as_of="2024-01-01") == (7, 10)


def test_matveev_kurgan_promised_to_train_everybody_and_reports_nobody(console: Console) -> None:
    numerator, denominator = console.figure("trained_teachers", "matveev-kurgan", period="2023")
    assert numerator == 0
    assert denominator > 0


# The other municipalities


def test_every_figure_that_the_sample_cites_is_what_the_ledger_holds_at_its_clocks(console: Console) -> None:
    codes = [each["cycle"] for each in console.items("/v1/cycles")]
    findings = [each for code in codes for each in console.get(f"/v1/cycles/{code}")["findings"]]
    cited = [figure for each in findings for figure in each["figures"]]
    asked = ("organisation", "period", "as_of", "known_at")
    held = [
        console.get(f"/v1/indicators/{each['indicator']}", **{name: each[name] for name in asked}) for each in cited
    ]
    sides = ("numerator", "denominator", "value")
    assert [each["then"] for each in cited] == [{side: each[side] for side in sides} for each in held]
    assert cited


# All of them


def test_every_indicator_answers_at_every_level_or_says_why_it_cannot(console: Console) -> None:
    codes = [each["code"] for each in console.get("/v1/indicators")["items"]]
    for code in codes:
        for organisation in ("obr", "gorodets", "gorodets-s16"):
            for query in ({}, {"cohort": "gorodets-practice"}):
                answer = console.get(f"/v1/indicators/{code}", organisation=organisation, period="2020/2021", **query)
                assert answer["numerator"] is not None, (code, organisation, query)


def test_a_figure_narrowed_to_a_value_is_the_row_of_that_value(console: Console) -> None:
    """For every indicator and every dimension that it has: what breaks a figure down narrows it, too."""
    for item in console.get("/v1/indicators")["items"]:
        code = item["code"]
        for dimension in set(item["by"]) - {*UNITS, *KINDS}:
            rows = console.get(f"/v1/indicators/{code}", organisation="obr", by=dimension)["rows"]
            assert rows, (code, dimension)
            for row in [row for row in rows if row["key"]][:2]:
                narrowed = console.figure(code, "obr", **{dimension: row["key"]})
                assert narrowed[0] == row["numerator"], (code, dimension, row)
                assert row["denominator"] in (None, narrowed[1]), (code, dimension, row)


def test_every_type_of_event_is_read_by_a_model_or_by_the_engine_itself() -> None:
    """The tree takes organisations, the engine retractions; who is forgotten is a matter of keys."""
    read = {type_ for model in MODELS for type_ in model.types}
    read |= {each for each in CATALOGUE.newest if each.startswith("organisation.")}
    assert CATALOGUE.newest.keys() - read == {"event.retracted", "person.forgotten"}
