"""``POST /v1/events`` and the refusals of the API, against INTERFACE.md. On both databases."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event as happening
from sqlalchemy import text
from werkzeug.test import TestResponse

from tests.conftest import Vertikal
from tests.readers import head, problem
from vertikal.contracts.catalogue import CATALOGUE
from vertikal.events.database import connect, writing
from vertikal.services import access, projector

STRUCTURED, BATCH, JSON = "application/cloudevents+json", "application/cloudevents-batch+json", "application/json"


@pytest.fixture
def region(vertical: Vertikal) -> dict[str, str]:
    return {"Authorization": f"Bearer {vertical.token('obr', 'region')}"}


def staff(vertical: Vertikal, **more: Any) -> dict[str, Any]:
    data = {"organisation": "s1", "on": "2020-09-20", "teachers": 30, "managers": 3} | more.pop("data", {})
    return vertical.event("staff.reported", data["organisation"], data, **more)


def unknown(vertical: Vertikal) -> dict[str, Any]:
    return staff(vertical, data={"organisation": "nowhere"})


def post(client: FlaskClient, headers: dict[str, str], body: Any, kind: str = STRUCTURED, query: str = "",
         **more: str) -> TestResponse:  # fmt: skip
    sent = body if isinstance(body, bytes | str) else json.dumps(body)
    return client.post(f"/v1/events{query}", data=sent, content_type=kind, headers={**headers, **more})


def outcomes(body: Any) -> list[str]:
    return [result["status"] for result in body["results"]]


# Outcomes and statuses


def test_201_something_new(client: FlaskClient, vertical: Vertikal, region: dict[str, str]) -> None:
    answer = post(client, region, staff(vertical, id="a"))
    assert (answer.status_code, answer.mimetype) == (201, JSON)
    accepted = {"id": "a", "status": "accepted", "position": 8, "errors": {}}
    assert answer.json == {"accepted": 1, "duplicates": 0, "rejected": 0, "head": 8, "results": [accepted]}


def test_200_nothing_new(client: FlaskClient, vertical: Vertikal, region: dict[str, str]) -> None:
    event = staff(vertical, id="a")
    post(client, region, event)
    answer = post(client, region, [event, event], BATCH)
    known = {"id": "a", "status": "duplicate", "position": 8, "errors": {}}
    assert (answer.status_code, answer.mimetype) == (200, JSON)
    assert answer.json == {"accepted": 0, "duplicates": 2, "rejected": 0, "head": 8, "results": [known, known]}


def test_201_new_beside_known(client: FlaskClient, vertical: Vertikal, region: dict[str, str]) -> None:
    event = staff(vertical)
    answer = post(client, region, [event, event], BATCH)
    assert answer.status_code == 201
    assert outcomes(answer.json) == ["accepted", "duplicate"]


def test_207_refused_beside_taken_and_the_others_are_taken(
    client: FlaskClient, vertical: Vertikal, region: dict[str, str]
) -> None:
    conflict = staff(vertical, id="a", data={"teachers": 31})
    answer = post(client, region, [staff(vertical, id="a"), unknown(vertical), conflict, 17, staff(vertical)], BATCH)
    assert (answer.status_code, answer.mimetype) == (207, JSON)
    assert outcomes(answer.json) == ["accepted", "rejected", "conflict", "rejected", "accepted"]
    body = answer.json or {}
    assert (body["accepted"], body["duplicates"], body["rejected"], body["head"]) == (2, 0, 3, 9)
    assert [result["position"] for result in body["results"]] == [8, None, None, None, 9]
    assert list(body["results"][1]["errors"]) == ["data.organisation"]
    assert body["results"][3]["id"] is None


def test_207_a_duplicate_counts_as_taken(client: FlaskClient, vertical: Vertikal, region: dict[str, str]) -> None:
    event = staff(vertical)
    post(client, region, event)
    assert post(client, region, [event, unknown(vertical)], BATCH).status_code == 207


def test_422_all_refused_with_the_members_of_the_normal_answer(
    client: FlaskClient, vertical: Vertikal, region: dict[str, str]
) -> None:
    body = problem(post(client, region, [unknown(vertical), unknown(vertical)], BATCH), 422)
    assert (body["accepted"], body["duplicates"], body["rejected"], body["head"]) == (0, 0, 2, 7)
    assert outcomes(body) == ["rejected", "rejected"]


def test_409_all_refused_and_one_of_them_a_conflict(
    client: FlaskClient, vertical: Vertikal, region: dict[str, str]
) -> None:
    post(client, region, staff(vertical, id="a"))
    other = staff(vertical, id="a", data={"teachers": 31})
    body = problem(post(client, region, [unknown(vertical), other], BATCH), 409)
    assert outcomes(body) == ["rejected", "conflict"]
    assert list(body["results"][1]["errors"]) == ["id"]


def test_409_another_version_than_expected(client: FlaskClient, vertical: Vertikal, region: dict[str, str]) -> None:
    body = problem(post(client, region, staff(vertical, expectedversion=5)), 409)
    assert list(body["results"][0]["errors"]) == ["expectedversion"]


@pytest.mark.parametrize("kind", ["new", "known"])
def test_atomic_takes_all_or_nothing(
    client: FlaskClient, vertical: Vertikal, region: dict[str, str], kind: str
) -> None:
    """A refused event beside a known one is 422 too: nothing was taken."""
    event = staff(vertical)
    if kind == "known":
        post(client, region, event)
    before = head(vertical)
    body = problem(post(client, region, [event, unknown(vertical)], BATCH, "?atomic=true"), 422)
    assert (body["accepted"], body["head"]) == (0, before)
    problem(post(client, region, [event, {**event, "actor": "x"}, staff(vertical)], BATCH, "?atomic=true"), 409)
    assert head(vertical) == before
    assert post(client, region, [event, staff(vertical)], BATCH, "?atomic=true").status_code == 201
    assert post(client, region, [event, unknown(vertical)], BATCH, "?atomic=false").status_code == 207


def test_dry_run_says_what_would_happen(client: FlaskClient, vertical: Vertikal, region: dict[str, str]) -> None:
    answer = post(client, region, [staff(vertical), unknown(vertical)], BATCH, "?dry_run=true")
    assert answer.status_code == 207
    assert outcomes(answer.json) == ["accepted", "rejected"]
    assert head(vertical) == 7
    assert post(client, region, staff(vertical), query="?dry_run=true").status_code == 200
    problem(post(client, region, unknown(vertical), query="?dry_run=true"), 422)


# Forms of CloudEvents


@pytest.mark.parametrize("kind", [STRUCTURED, JSON, f"{STRUCTURED}; charset=utf-8", f"{JSON}; charset=utf-8"])
def test_a_structured_event(client: FlaskClient, vertical: Vertikal, region: dict[str, str], kind: str) -> None:
    assert post(client, region, staff(vertical), kind).status_code == 201


@pytest.mark.parametrize("kind", [BATCH, JSON])
def test_a_batch(client: FlaskClient, vertical: Vertikal, region: dict[str, str], kind: str) -> None:
    answer = post(client, region, [staff(vertical) for _ in range(1_000)], kind)
    assert answer.status_code == 201
    assert (answer.json or {})["accepted"] == 1_000


def binary(event: dict[str, Any]) -> dict[str, str]:
    return {f"ce-{name}": str(value) for name, value in event.items() if name != "data"}


def test_a_binary_event_is_the_same_as_a_structured_one(
    client: FlaskClient, vertical: Vertikal, region: dict[str, str]
) -> None:
    """Attributes in headers, percent-encoded where they are not ASCII."""
    event = staff(vertical, expectedversion=1, actor="Иванова А. А.")
    headers = binary({**event, "actor": "%D0%98%D0%B2%D0%B0%D0%BD%D0%BE%D0%B2%D0%B0%20%D0%90.%20%D0%90."})
    assert post(client, region, event["data"], JSON, **headers).status_code == 201
    assert outcomes(post(client, region, event).json) == ["duplicate"]


def test_a_binary_event_that_is_wrong_is_told_by_field(
    client: FlaskClient, vertical: Vertikal, region: dict[str, str]
) -> None:
    headers = binary(staff(vertical, time="вчера".encode().hex())) | {"ce-expectedversion": "9" * 5_000}
    body = problem(post(client, region, {"organisation": "s1"}, JSON, **headers), 422)
    assert {"time", "expectedversion", "data.on"} <= set(body["results"][0]["errors"])
    problem(post(client, region, "{}", "text/xml", **headers), 415)


def test_a_structured_content_type_beats_headers_of_a_binary_event(
    client: FlaskClient, vertical: Vertikal, region: dict[str, str]
) -> None:
    assert post(client, region, staff(vertical), **{"ce-specversion": "1.0"}).status_code == 201


def test_prefer_wait_answers_when_the_figures_hold_what_was_accepted(
    client: FlaskClient, vertical: Vertikal, region: dict[str, str]
) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=projector.follow, args=(vertical.engine, stop))
    thread.start()
    try:
        answer = post(client, region, staff(vertical), prefer="wait=5")
        ready = client.get("/readyz").json or {}
    finally:
        stop.set()
        thread.join()
    assert answer.headers["Preference-Applied"] == "wait"
    assert ready["projected"] == (answer.json or {})["head"] == 8


def test_prefer_wait_answers_without_the_figures_when_they_do_not_come(
    client: FlaskClient, vertical: Vertikal, region: dict[str, str]
) -> None:
    answer = post(client, region, staff(vertical), prefer="wait=0")
    assert answer.status_code == 201
    assert "Preference-Applied" not in answer.headers


# What is refused as a whole


@pytest.mark.parametrize(
    ("body", "kind", "word"),
    [
        (b"", STRUCTURED, "пусто"),
        (b"[]", BATCH, "пакет пуст"),
        (b"[]", JSON, "пакет пуст"),
        (b"{}", BATCH, "списком"),
        (b'{"id": 1,}', STRUCTURED, "строка 1, столбец 9"),
        (b'{"id": NaN}', STRUCTURED, "не является JSON"),
        (b'"\\ud800"', STRUCTURED, "не является JSON"),
        (b"\xef\xbb\xbf{}", STRUCTURED, "BOM"),
        ('{"actor": "Иванова"}'.encode("cp1251"), STRUCTURED, "не UTF-8: байт 11"),
        ("{}".encode("utf-16"), STRUCTURED, "не UTF-8"),
        (b"[" * 100_000 + b"]" * 100_000, STRUCTURED, "вложенность"),
    ],
)
def test_400_what_cannot_be_read(
    client: FlaskClient, region: dict[str, str], body: bytes, kind: str, word: str
) -> None:
    assert word in problem(post(client, region, body, kind), 400)["detail"]


@pytest.mark.parametrize("deep", [b"[" * 1_000 + b"]" * 1_000, b'{"data":' * 1_000 + b"1" + b"}" * 1_000])
def test_a_thousandfold_nested_body_is_refused_and_says_so(
    client: FlaskClient, region: dict[str, str], deep: bytes
) -> None:
    body = problem(post(client, region, b'[{"id": "a", "data": ' + deep + b"}," + deep + b"]", BATCH), 422)
    assert [result["errors"] for result in body["results"]] == [{"": ["вложенность больше 32 уровней"]}] * 2


@pytest.mark.parametrize("query", ["?atomic=yes", "?dry_run=", "?dryrun=true"])
def test_400_a_wrong_or_unknown_parameter_is_named(
    client: FlaskClient, vertical: Vertikal, region: dict[str, str], query: str
) -> None:
    body = problem(post(client, region, staff(vertical), query=query), 400)
    assert list(body["errors"]) == [query[1:].partition("=")[0]]
    assert head(vertical) == 7


def test_401_without_a_token_in_force(client: FlaskClient, vertical: Vertikal) -> None:
    token = vertical.token("obr", "region")
    with writing(vertical.engine) as connection:
        assert access.revoke(connection, 1, vertical.clock())
    for given in ({}, {"Authorization": "Bearer x"}, {"Authorization": f"Bearer {token}"}, {"Authorization": token}):
        answer = post(client, given, staff(vertical))
        problem(answer, 401)
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        for path in ("/v1/log", "/v1/organisations", "/v1/indicators", "/v1/roadmaps", "/v1/log/1"):
            problem(client.get(path, headers=given), 401)
    problem(client.get("/v1/indicators/quality?organisation=obr&min_position=99"), 401)


def test_403_a_token_that_may_not_write_at_all(client: FlaskClient, vertical: Vertikal) -> None:
    headers = {"Authorization": f"Bearer {vertical.token('obr', 'auditor')}"}
    problem(post(client, headers, staff(vertical)), 403)


def test_422_not_403_an_event_outside_the_own_subtree(client: FlaskClient, vertical: Vertikal) -> None:
    headers = {"Authorization": f"Bearer {vertical.token('chemal', 'municipality')}"}
    assert outcomes(problem(post(client, headers, staff(vertical)), 422)) == ["rejected"]


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/log/8", "/v1/log/99999999999999999999", "/v1/organisations/x",
                                  "/v1/roadmaps/x", "/v1/indicators/x?organisation=obr",
                                  "/v1/indicators/quality?organisation=x", "/contracts/risk.assessed/2",
                                  f"/contracts/{'a' * 300}/1", "/contracts/a%00b/1"])  # fmt: skip
def test_404_what_is_not_there(client: FlaskClient, region: dict[str, str], path: str) -> None:
    problem(client.get(path, headers=region), 404)


def test_405_names_the_methods_that_are_allowed(client: FlaskClient, region: dict[str, str]) -> None:
    answer = client.delete("/v1/log", headers=region)
    problem(answer, 405)
    assert "GET" in answer.headers["Allow"]
    problem(client.get("/v1/events", headers=region), 405)


def test_413_a_body_beyond_8_mb(client: FlaskClient, region: dict[str, str]) -> None:
    assert "8 МБ" in problem(post(client, region, b" " * (8 * 1024 * 1024 + 1)), 413)["detail"]
    assert problem(post(client, region, b" " * (8 * 1024 * 1024)), 400)  # control: as far as it goes


def test_413_more_than_a_thousand_events(client: FlaskClient, vertical: Vertikal, region: dict[str, str]) -> None:
    assert "1001" in problem(post(client, region, [staff(vertical)] * 1_001, BATCH), 413)["detail"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_415_another_content_type(client: FlaskClient, vertical: Vertikal, region: dict[str, str], kind: str) -> None:
    problem(post(client, region, staff(vertical), kind), 415)


def test_422_a_number_that_is_no_count(client: FlaskClient, vertical: Vertikal, region: dict[str, str]) -> None:
    for number in ("30.0", "3e1", "1e308", "-0.0", "18446744073709551616", "true", '"30"', "null"):
        sent = json.dumps(staff(vertical)).replace('"teachers": 30', f'"teachers": {number}')
        body = problem(post(client, region, sent), 422)
        assert list(body["results"][0]["errors"]) == ["data.teachers"], number


def test_422_a_date_that_does_not_exist(client: FlaskClient, vertical: Vertikal, region: dict[str, str]) -> None:
    event = staff(vertical, data={"on": "2021-02-30"}, time="2021-02-29T10:00:00+03:00")
    errors = problem(post(client, region, event), 422)["results"][0]["errors"]
    assert errors == {
        "data.on": ["такой даты нет в календаре (получено: «2021-02-30»)"],
        "time": ["такой даты нет в календаре (получено: «2021-02-29T10:00:00+03:00»)"],
    }


def test_every_type_is_known_at_the_door(client: FlaskClient, vertical: Vertikal, region: dict[str, str]) -> None:
    batch = [vertical.event(type_, "s1", {}) for type_ in CATALOGUE.newest]
    body = problem(post(client, region, batch, BATCH), 422)
    assert all("type" not in result["errors"] for result in body["results"])


def test_503_when_the_database_is_busy(
    client: FlaskClient, vertical: Vertikal, region: dict[str, str], database_url: str
) -> None:
    """On SQLite a writer elsewhere; on PostgreSQL a head that stays locked. Never a 500, and sending again is safe."""
    vertical.engine.dispose()
    happening.listen(vertical.engine, "connect", _be_impatient)
    event, other = staff(vertical), connect(database_url)
    with other.execution_options(writes=True).connect() as blocker:
        blocker.execute(text("UPDATE head SET position = position"))
        answer = post(client, region, event)
        blocker.rollback()
    other.dispose()
    problem(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0
    assert post(client, region, event).status_code == 201


def _be_impatient(connection: Any, _: object) -> None:
    cursor = connection.cursor()
    sqlite = "sqlite3" in type(connection).__module__
    cursor.execute("PRAGMA busy_timeout = 100" if sqlite else "SET lock_timeout = '100ms'")
    cursor.close()
    connection.commit()
