"""The log, the organisations and the descriptions over HTTP, against INTERFACE.md. On both databases."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
import rfc8785
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.conftest import Vertikal
from tests.examples import at, places
from tests.readers import ON, TEACHERS, Reader, employ, head, problem, teach
from tests.sayings import GORODETS, said
from vertikal.contracts import publish
from vertikal.contracts.catalogue import CATALOGUE
from vertikal.events.database import reading
from vertikal.events.log import timestamp
from vertikal.services import access


@pytest.fixture
def region(client: FlaskClient, vertical: Vertikal) -> Reader:
    return Reader(client, vertical.token("obr", "region"))


@pytest.fixture
def gorodets(client: FlaskClient, vertical: Vertikal) -> Reader:
    return Reader(client, vertical.token("gorodets", "municipality"))


# The log


def test_the_log_is_one_flat_event_per_line_with_position_and_time(region: Reader, vertical: Vertikal) -> None:
    event = said(vertical, GORODETS, "staff.reported")
    vertical.clock.time = datetime(2020, 9, 7, 8, 59, 59, tzinfo=UTC)
    vertical.accept(event, party=GORODETS)
    lines = region.lines("/v1/log")
    assert [line["position"] for line in lines] == list(range(1, 9))
    stored = {"dataschema": "/contracts/staff.reported/1", "recorded_at": "2020-09-07T09:00:00.000000Z"}
    assert lines[-1] == {**event, **stored, "position": 8}
    assert region.json("/v1/log/8") == lines[-1]


def test_the_log_is_read_behind_a_position_up_to_a_limit(region: Reader, vertical: Vertikal) -> None:
    assert [line["position"] for line in region.lines("/v1/log?after=2&limit=3")] == [3, 4, 5]
    assert region.lines("/v1/log?after=7") == []
    teach(vertical, 100)
    assert len(region.lines("/v1/log")) == 100
    assert len(region.lines("/v1/log?limit=1000")) == 107


def test_the_log_is_filtered_by_type_and_by_subtree(region: Reader, gorodets: Reader, vertical: Vertikal) -> None:
    employ(vertical)
    assert [line["position"] for line in region.lines("/v1/log?type=staff.reported")] == [8]
    assert region.lines("/v1/log?type=risk.assessed") == []
    assert [line["subject"] for line in region.lines("/v1/log?organisation=chemal")] == ["chemal", "s3"]
    own = gorodets.lines("/v1/log")
    assert [line["subject"] for line in own] == ["gorodets", "s1", "s2", "s1"]
    assert gorodets.lines("/v1/log?organisation=s1&type=staff.reported") == own[-1:]
    problem(gorodets.get("/v1/log?organisation=chemal"), 403)
    problem(gorodets.get("/v1/log/1"), 403)
    assert gorodets.json("/v1/log/8") == own[-1]


def test_a_leaf_is_exactly_the_canonical_bytes(region: Reader, vertical: Vertikal) -> None:
    employ(vertical)
    line = region.json("/v1/log/8")
    recorded_at, position = line.pop("recorded_at"), line.pop("position")
    leaf = region.get(f"/v1/log/{position}/leaf")
    assert leaf.data == rfc8785.dumps({"event": line, "recorded_at": recorded_at})


def test_whole_log_reads_are_journalled_and_a_get_never_moves_the_head(
    region: Reader, gorodets: Reader, vertical: Vertikal
) -> None:
    gorodets.lines("/v1/log")
    region.lines("/v1/log?organisation=gorodets")
    assert journal(vertical) == []
    region.lines("/v1/log?after=3")
    assert journal(vertical) == [("obr", "region", "log after 3")]
    for path in ("/v1/log/1", "/v1/log/1/leaf", "/v1/organisations", f"{TEACHERS}?organisation=obr", "/readyz"):
        assert region.get(path).status_code == 200
    assert head(vertical) == 7


def journal(vertical: Vertikal) -> list[tuple[str, ...]]:
    with reading(vertical.engine) as connection:
        columns = (access.journal.c[name] for name in ("organisation", "role", "what"))
        return [tuple(row) for row in connection.execute(select(*columns))]


# Organisations and descriptions


def test_an_organisation_shows_its_history(region: Reader, vertical: Vertikal) -> None:
    vertical.send("organisation.moved", "s1", {"code": "s1", "parent": "chemal", "valid_from": "2021-01-01"})
    vertical.send("organisation.renamed", "s1", {"code": "s1", "name": "Гимназия", "valid_from": "2022-01-01"})
    now, then = region.json(f"/v1/organisations/s1?{ON}"), region.json("/v1/organisations/s1?as_of=2020-06-01")
    assert (now["name"], now["parent"], now["path"]) == ("Гимназия", "chemal", ["obr", "chemal", "s1"])
    assert (then["name"], then["parent"]) == ("S1", "gorodets")
    assert [each["name"] for each in now["names"]] == ["S1", "Гимназия"]
    assert [each["parent"] for each in now["parents"]] == ["gorodets", "chemal"]
    assert region.json(f"/v1/organisations/s1?{ON}&known_at=7")["parent"] == "gorodets"
    problem(region.get("/v1/organisations/s1?known_at=2"), 404)


def children(reader: Reader, code: str, as_of: str, **more: int) -> list[str]:
    found = reader.json(f"/v1/organisations/{code}?as_of={as_of}" + "".join(f"&{k}={v}" for k, v in more.items()))
    return list(found["children"])


def test_the_tree_stands_as_of_a_date_whenever_it_was_told(region: Reader, vertical: Vertikal) -> None:
    """Registered from September 2019; a move of January 2021 that is told last holds from its own day on."""
    told = vertical.send("organisation.closed", "s2", {"code": "s2", "valid_from": "2022-09-01"})
    moved = vertical.send("organisation.moved", "s1", {"code": "s1", "parent": "chemal", "valid_from": "2021-01-01"})
    days = ("2019-08-31", "2020-12-31", "2021-01-01", "2022-09-01")
    assert [children(region, "gorodets", on) for on in days] == [[], ["s1", "s2"], ["s2"], []]
    assert [children(region, "chemal", on) for on in days] == [[], ["s3"], ["s1", "s3"], ["s1", "s3"]]
    assert children(region, "gorodets", days[2], known_at=told) == ["s1", "s2"]
    assert children(region, "gorodets", days[3], known_at=told - 1) == ["s1", "s2"]
    assert children(region, "gorodets", days[2], known_at=moved) == ["s2"]


def test_a_merged_organisation_names_its_survivor_from_the_position_of_the_merger_on(
    region: Reader, vertical: Vertikal
) -> None:
    data = {"codes": ["s1", "s2"], "into": "s9", "valid_from": "2022-09-01"}
    merged = vertical.send("organisation.merged", "s9", data)
    for known_at, survivor, ended in ((merged, "s9", "2022-09-01"), (merged - 1, None, None)):
        found = region.json(f"/v1/organisations/s1?{ON}&known_at={known_at}")
        assert (found["merged_into"], found["closed_from"]) == (survivor, ended)
    assert region.json(f"/v1/organisations/s9?{ON}")["closed_from"] is None


def test_the_list_is_the_readers_subtree_as_of_the_date_and_as_known_at_the_position(
    client: FlaskClient, vertical: Vertikal
) -> None:
    gorodets = Reader(client, vertical.token("gorodets", "municipality"))
    vertical.send("organisation.moved", "s1", {"code": "s1", "parent": "chemal", "valid_from": "2021-01-01"})
    for query, codes in (
        ("as_of=2020-12-31", ["gorodets", "s1", "s2"]),
        ("as_of=2021-01-01", ["gorodets", "s2"]),
        ("as_of=2021-01-01&known_at=7", ["gorodets", "s1", "s2"]),
        ("as_of=2021-01-01&known_at=4", ["gorodets", "s1"]),
    ):
        assert [item["code"] for item in gorodets.json(f"/v1/organisations?{query}")["items"]] == codes


def test_a_retracted_registration_is_still_there_as_known_before(region: Reader, vertical: Vertikal) -> None:
    vertical.send("event.retracted", "obr", {"source": "/regions/obr", "id": "e5", "reason": "ошибка"})
    problem(region.get("/v1/organisations/s2"), 404)
    assert region.json(f"/v1/organisations/s2?{ON}&known_at=7")["parent"] == "gorodets"
    assert region.json(f"/v1/indicators/trained_teachers?organisation=s2&{ON}&known_at=7")["numerator"] == 0


def test_the_published_contracts_are_served_without_a_token(client: FlaskClient) -> None:
    for contract in CATALOGUE.contracts:
        answer = client.get(contract.path)
        assert answer.mimetype == "application/schema+json"
        assert json.loads(answer.data) == publish.documents()[f"{contract.type}.{contract.version}.json"]
    assert client.get("/asyncapi.json").json == publish.asyncapi()


def test_openapi_lists_every_path_and_its_references_resolve(client: FlaskClient) -> None:
    document = client.get("/openapi.json").json or {}
    rules = {re.sub(r"<(?:[a-z]+:)?([a-z_]+)>", r"{\1}", rule.rule) for rule in client.application.url_map.iter_rules()}
    unlisted = rules - document["paths"].keys()
    # The page of the API itself, its files and Flask's folder of static files are no part of the API.
    assert {rule for rule in unlisted if not rule.startswith(("/docs", "/static", "/openapi"))} == set()
    for reference in (at(document, path) for path in places(document) if path[-1] == "$ref"):
        assert at(document, tuple(reference.removeprefix("#/").split("/")))


def test_the_page_of_the_api_needs_no_other_site(client: FlaskClient) -> None:
    page = client.get("/docs")
    assert page.status_code == 200
    used = re.findall(r"(?:src|href)=\"([^\"]+)\"", page.text)
    assert used
    for address in used:
        assert address.startswith("/docs/assets/")
        with client.get(address) as answer:
            assert answer.status_code == 200
    assert not re.search(r"https?://", page.text)


def test_health_needs_no_token_and_readiness_tells_the_lag(client: FlaskClient, vertical: Vertikal) -> None:
    assert client.get("/healthz").json == {"status": "ok"}
    held = {"status": "ok", "projected": 7, "blocked": 0, "closing": 0, "stopped": None}
    nothing = {"lag": 0, "lag_seconds": 0, "oldest_unapplied": None}
    assert client.get("/readyz").json == {**held, "head": 7, **nothing}
    vertical.submit(said(vertical, GORODETS, "staff.reported"), party=GORODETS)
    recorded = vertical.clock.time
    vertical.submit(said(vertical, GORODETS, "staff.reported", organisation="s2"), party=GORODETS)
    vertical.clock.time = recorded + timedelta(seconds=89.5)
    oldest = {"position": 8, "recorded_at": timestamp(recorded)}
    assert client.get("/readyz").json == {
        **held, "head": 9, "lag": 2, "lag_seconds": 90.5, "oldest_unapplied": oldest
    }  # fmt: skip
