"""The GETs of the API: figures, lists, lists and who may see them, against INTERFACE.md. On both databases."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from tests.conftest import Vertikal
from tests.readers import ON, RUSSIAN, TEACHERS, Reader, employ, problem, teach
from tests.sayings import GORODETS, enlarge, said
from vertikal.services import projector
from vertikal.services.web import service


@pytest.fixture
def region(client: FlaskClient, vertical: Vertikal) -> Reader:
    return Reader(client, vertical.token("obr", "region"))


@pytest.fixture
def gorodets(client: FlaskClient, vertical: Vertikal) -> Reader:
    return Reader(client, vertical.token("gorodets", "municipality"))


@pytest.fixture
def school(client: FlaskClient, vertical: Vertikal) -> Reader:
    return Reader(client, vertical.token("s1", "school"))


# Figures


def test_a_figure_has_the_shape_of_the_interface(region: Reader, vertical: Vertikal) -> None:
    employ(vertical)
    teach(vertical, 9)
    time = region.json("/v1/log/17")["recorded_at"]
    assert region.json(f"{TEACHERS}?organisation=obr&period=2020&{ON}") == {
        "indicator": "trained_teachers",
        "organisation": "obr",
        "period": "2020",
        "as_of": "2023-06-01",
        "known_at": {"position": 17, "time": time},
        "numerator": 9,
        "denominator": 30,
        "value": "0.3",
        "unit": "people",
        "incomplete": 0,
        "previous": {"period": "2019", "numerator": 0, "denominator": 0, "value": None},
        "growth": None,
    }


def test_no_data_is_null_and_not_nought(region: Reader) -> None:
    figure = region.json(f"{TEACHERS}?organisation=obr&{ON}")
    assert (figure["numerator"], figure["denominator"], figure["value"]) == (0, 0, None)


def test_rows_have_key_and_name_and_sum_to_the_total(region: Reader, vertical: Vertikal) -> None:
    employ(vertical)
    teach(vertical, 9)
    figure = region.json(f"{TEACHERS}?organisation=obr&{ON}&by=municipality")
    expected = {"key": "gorodets", "name": "GORODETS", "numerator": 9, "denominator": 30, "value": "0.3"}
    assert expected in figure["rows"]
    assert {row["key"] for row in figure["rows"]} == {"gorodets", "chemal", "s9"}
    assert sum(row["numerator"] for row in figure["rows"]) == figure["numerator"]


WRONG = {
    "period=202x": ["period"],
    "period=2021/2023": ["period"],
    "period=2021-02-01..2021-01-01": ["period"],
    "period=": ["period"],
    "as_of=2021-02-30": ["as_of"],
    "as_of=вчера": ["as_of"],
    "known_at=8": ["known_at"],
    "known_at=99999999999999999999999": ["known_at"],
    "known_at=yesterday": ["known_at"],
    "known_at=2099-01-01T00:00:00Z": ["known_at"],
    "known_at=2021-02-30T00:00:00Z": ["known_at"],
    "by=colour": ["by"],
    "grade=5": ["grade"],
    "colour=red": ["colour"],
    "min_position=x": ["min_position"],
    "period=x&as_of=y&known_at=z&by=q": ["as_of", "by", "known_at", "period"],
}


@pytest.mark.parametrize("path", [TEACHERS, f"{TEACHERS}/postings"])
def test_400_names_every_parameter_that_is_wrong(region: Reader, path: str) -> None:
    for query, names in WRONG.items():
        errors = problem(region.get(f"{path}?organisation=obr&{query}"), 400)["errors"]
        assert sorted(errors) == names, query
        assert all(RUSSIAN & set("".join(messages)) for messages in errors.values()), errors


@pytest.mark.parametrize("path", ["/v1/organisations", "/v1/organisations/s1", "/v1/roadmaps", "/v1/roadmaps/rm"])
def test_400_names_the_clock_that_is_wrong(region: Reader, path: str) -> None:
    assert sorted(problem(region.get(f"{path}?as_of=x&known_at=99"), 400)["errors"]) == ["as_of", "known_at"]
    assert sorted(problem(region.get(f"{path}?colour=red"), 400)["errors"]) == ["colour"]


@pytest.mark.parametrize("path", ["/v1/organisations", "/v1/roadmaps", "/v1/log", f"{TEACHERS}/postings"])
def test_400_a_limit_outside_1_to_1000(region: Reader, path: str) -> None:
    path += "?organisation=obr&" if "indicators" in path else "?"
    for limit in ("0", "1001", "-1", "x", "1.0", ""):
        assert list(problem(region.get(f"{path}limit={limit}"), 400)["errors"]) == ["limit"]
    for limit in ("1", "1000"):
        assert region.get(f"{path}limit={limit}").status_code == 200


def test_400_a_cursor_that_is_not_ours(region: Reader) -> None:
    for cursor in ("x", "WzFd", "e30=", "W251bGxd", "я"):
        answer = region.get(f"{TEACHERS}/postings?organisation=obr&cursor={cursor}")
        assert list(problem(answer, 400)["errors"]) == ["cursor"]


def test_400_without_an_organisation(region: Reader) -> None:
    assert list(problem(region.get(TEACHERS), 400)["errors"]) == ["organisation"]


def test_422_distinct_people_over_a_period_that_has_none(region: Reader) -> None:
    for period in ("2021-03", "2021-Q2", "2021-01-01..2021-05-31"):
        body = problem(region.get(f"{TEACHERS}?organisation=obr&period={period}"), 422)
        assert list(body["errors"]) == ["period"]


def test_known_at_takes_a_position_and_a_time(region: Reader, vertical: Vertikal) -> None:
    vertical.clock.time = datetime(2020, 9, 7, 8, 59, 59, tzinfo=UTC)  # read, it says nine o'clock
    first = employ(vertical, 30)
    last = employ(vertical, 40)
    for given, expected in (
        (f"{first}", 30),
        (f"{last}", 40),
        ("2020-09-07T08:59:59.9Z", 0),
        ("2020-09-07T09:00:00Z", 30),
        ("2020-09-07T12:00:01%2B03:00", 40),
        ("2020-09-07T12:00:00.5+03:00", 30),  # a plus that arrived unescaped
    ):
        assert region.json(f"{TEACHERS}?organisation=obr&{ON}&known_at={given}")["denominator"] == expected
    before = region.json(f"{TEACHERS}?organisation=obr&{ON}&known_at=2019-01-01T00:00:00Z")
    assert before["known_at"] == {"position": 0, "time": None}


def test_503_min_position_not_reached_in_time(
    region: Reader, vertical: Vertikal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "WAIT_MAX_S", 0.1)
    for path in (f"{TEACHERS}?organisation=obr&", "/v1/organisations?", "/v1/roadmaps?"):
        answer = region.get(f"{path}min_position=8")
        problem(answer, 503)
        assert int(answer.headers["Retry-After"]) > 0
        assert region.get(f"{path}min_position=7").status_code == 200


def test_min_position_waits_for_the_figures(region: Reader, vertical: Vertikal) -> None:
    vertical.submit(said(vertical, GORODETS, "staff.reported"), party=GORODETS)
    assert region.json(f"{TEACHERS}?organisation=obr&{ON}")["denominator"] == 0  # control: nobody has projected
    problem(region.get(f"{TEACHERS}?organisation=obr&known_at=8"), 503)
    stop = threading.Event()
    thread = threading.Thread(target=projector.follow, args=(vertical.engine, stop))
    thread.start()
    try:
        assert region.json(f"{TEACHERS}?organisation=obr&{ON}&min_position=8")["denominator"] == 30
    finally:
        stop.set()
        thread.join()


# Lists


def test_pages_of_postings_equal_one_big_page_and_sum_to_the_figure(region: Reader, vertical: Vertikal) -> None:
    employ(vertical)
    teach(vertical, 7)
    query = f"?organisation=obr&{ON}"
    whole = region.json(f"{TEACHERS}/postings{query}&limit=1000")
    assert whole["next"] is None
    for limit in (1, 3, 8):
        assert region.pages(f"{TEACHERS}/postings{query}", limit) == whole["items"]
    figure = region.json(f"{TEACHERS}{query}")
    for side in ("numerator", "denominator"):
        assert sum(item["delta"] for item in whole["items"] if item["side"] == side) == figure[side]
    assert whole["items"][0].keys() == {
        *("event_id", "position", "type", "source", "organisation", "date", "side", "delta", "dimensions"),
    }
    assert {item["type"] for item in whole["items"]} == {"course.finished", "staff.reported"}


def test_pages_of_organisations_equal_one_big_page(region: Reader) -> None:
    whole = region.json("/v1/organisations")
    assert [item["code"] for item in whole["items"]] == ["chemal", "gorodets", "obr", "s1", "s2", "s3", "s9"]
    for limit in (1, 3, 7):
        assert region.pages("/v1/organisations", limit) == whole["items"]


def test_pages_of_road_maps_equal_one_big_page(region: Reader, vertical: Vertikal) -> None:
    enlarge(vertical)
    for code in ("a", "b", "c"):
        vertical.accept(said(vertical, GORODETS, "roadmap.adopted", roadmap=code), party=GORODETS)
    whole = region.json(f"/v1/roadmaps?{ON}")
    assert [item["roadmap"] for item in whole["items"]] == ["a", "b", "c", "rm"]
    for limit in (1, 3):
        assert region.pages(f"/v1/roadmaps?{ON}", limit) == whole["items"]


def test_a_road_map_has_the_shape_of_the_interface(region: Reader, vertical: Vertikal) -> None:
    enlarge(vertical)
    mark = said(vertical, GORODETS, "activity.completed")
    vertical.accept(mark, party=GORODETS)
    found = region.json(f"/v1/roadmaps/rm?{ON}")
    assert {"roadmap", "owner", "title", "period", "activities"} <= found.keys()
    activity = next(item for item in found["activities"] if item["activity"] == "a1")
    assert {
        *("activity", "number", "title", "section", "timing", "responsible", "expected", "result", "rescheduled"),
        "targets",
    } <= activity.keys()
    shape = ("organisation", "status", "overdue", "on", "event_id")
    assert [{name: target[name] for name in shape} for target in activity["targets"]] == [
        {"organisation": "s1", "status": "done", "overdue": False, "on": "2020-12-18", "event_id": mark["id"]},
        {"organisation": "s2", "status": "no_mark", "overdue": True, "on": None, "event_id": None},
    ]


# ETags


@pytest.mark.parametrize(
    "path", [f"{TEACHERS}?organisation=obr&{ON}", f"{TEACHERS}/postings?organisation=obr&{ON}", "/v1/log",
             f"/v1/organisations?{ON}", f"/v1/organisations/s1?{ON}", f"/v1/roadmaps?{ON}"]
)  # fmt: skip
def test_304_while_the_log_stands_still(region: Reader, vertical: Vertikal, path: str) -> None:
    first = region.get(path)
    assert first.headers["ETag"] == '"7"'
    assert region.get(path, **{"If-None-Match": '"7"'}).status_code == 304
    employ(vertical)
    again = region.get(path, **{"If-None-Match": '"7"'})
    assert (again.status_code, again.headers["ETag"]) == (200, '"8"')


def test_an_answer_that_depends_on_today_is_sent_anew(region: Reader) -> None:
    assert region.get(f"{TEACHERS}?organisation=obr", **{"If-None-Match": '"7"'}).status_code == 200


# Sight


def test_a_reader_sees_its_own_subtree(gorodets: Reader, school: Reader, region: Reader) -> None:
    assert [item["code"] for item in gorodets.json("/v1/organisations")["items"]] == ["gorodets", "s1", "s2"]
    assert [item["code"] for item in school.json("/v1/organisations")["items"]] == ["s1"]
    for reader, path in ((gorodets, "s3"), (gorodets, "obr"), (school, "s2"), (school, "gorodets")):
        problem(reader.get(f"/v1/organisations/{path}"), 403)
        assert region.get(f"/v1/organisations/{path}").status_code == 200
    problem(gorodets.get(f"{TEACHERS}?organisation=chemal"), 403)
    problem(school.get(f"{TEACHERS}?organisation=obr"), 403)
    problem(school.get(f"{TEACHERS}?organisation=s2"), 403)


def test_a_road_map_of_others_is_not_shown(school: Reader, gorodets: Reader, vertical: Vertikal) -> None:
    enlarge(vertical)
    problem(school.get("/v1/roadmaps/rm"), 403)
    assert school.json("/v1/roadmaps") == {"items": [], "next": None}
    assert gorodets.json(f"/v1/roadmaps?{ON}")["items"] != []


def test_a_reader_sees_the_aggregates_of_its_parent_but_no_rows(gorodets: Reader, vertical: Vertikal) -> None:
    employ(vertical)
    teach(vertical, 6)
    assert gorodets.json(f"{TEACHERS}?organisation=obr&{ON}")["numerator"] == 6
    for by in ("municipality", "school"):
        problem(gorodets.get(f"{TEACHERS}?organisation=obr&by={by}"), 403)
    problem(gorodets.get(f"{TEACHERS}/postings?organisation=obr"), 403)
    assert gorodets.get(f"{TEACHERS}/postings?organisation=gorodets").status_code == 200


def test_small_cells_are_hidden_from_readers_outside_the_unit_and_its_ancestors(
    school: Reader, gorodets: Reader, region: Reader, vertical: Vertikal
) -> None:
    """Four people may be told apart, five may not; the growth must not tell what the value hides."""
    employ(vertical)
    teach(vertical, 5, on="2020-12-18")
    teach(vertical, 4, on="2021-12-18")
    query = f"{TEACHERS}?organisation=gorodets&{ON}"
    small = school.json(f"{query}&period=2021&by=subject")
    hidden = {"numerator": None, "denominator": None, "value": None}
    assert small.items() >= hidden.items()
    assert small["previous"] == {"period": "2020", "numerator": 5, "denominator": 30, "value": "0.166667"}
    assert small["growth"] is None
    assert small["rows"] == [{"key": "management", "name": "management", "numerator": None, "denominator": None,
                              "value": None}]  # fmt: skip
    assert school.json(f"{query}&period=2020")["numerator"] == 5
    assert school.json(f"{query}&period=2022")["previous"].items() >= hidden.items()
    for reader in (gorodets, region):
        assert reader.json(f"{query}&period=2021")["numerator"] == 4
