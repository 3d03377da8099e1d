"""What people do in a management cycle, over HTTP: the event that is said, its codes, and what happened since."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.conftest import Vertikal
from tests.readers import head, problem
from tests.sayings import GORODETS
from vertikal.events import log
from vertikal.events.database import reading
from vertikal.services import commands, projector
from vertikal.services.commands import Command
from vertikal.services.settings import now

YEAR = {"start": "2020-09-01", "end": "2021-08-31"}
CYCLE = {"cycle": "cy", "organisation": "gorodets", "direction": "Поддержка школ", "period": YEAR}
FINDING = {"text": "Мало обученных", "figures": []}
FIGURE = {"indicator": "below_minimum", "organisation": "gorodets", "period": "2020/2021", "as_of": "2020-09-01",
          "known_at": 7, "numerator": 0, "denominator": 0}  # fmt: skip
DECISION = {"recommendations": ["cy-rec-1"], "act": {"number": "17", "date": "2020-09-01"}, "text": "Помочь",
            "activities": [{"roadmap": "rm", "activity": "a1"}]}  # fmt: skip
ROLES = {"obr": "region", "gorodets": "municipality", "chemal": "municipality"}


class Person:
    """Somebody of an organisation at a screen."""

    def __init__(self, client: FlaskClient, vertical: Vertikal, organisation: str, role: str = "") -> None:
        self._client = client
        token = vertical.token(organisation, role or ROLES.get(organisation, "school"))
        self._headers = {"Authorization": f"Bearer {token}"}

    def post(self, path: str, data: Any, query: str = "", **headers: str) -> TestResponse:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        body, kind = json.dumps(data), "application/json"
        return self._client.post(f"/v1/{path}{query}", data=body, content_type=kind, headers=self._headers | given)

    def done(self, path: str, data: Any, **headers: str) -> dict[str, Any]:
        """The answer to a command that must be taken."""
        answer = self.post(path, data, **headers)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json or {}
        return found

    def get(self, path: str) -> TestResponse:
        return self._client.get(f"/v1/{path}", headers=self._headers)


@pytest.fixture
def person(client: FlaskClient, vertical: Vertikal) -> Person:
    """Somebody of gorodets, with a plan of one activity."""
    vertical.send("roadmap.adopted", "gorodets", {"roadmap": "rm", "owner": "gorodets", "title": "ДК", "period": YEAR})
    plan = {"roadmap": "rm", "activity": "a1", "number": "1", "title": "М", "timing": {"raw": "", "kind": "missing"}}
    vertical.send("activity.planned", "gorodets", plan | {"responsible": []})
    return Person(client, vertical, "gorodets")


@pytest.fixture
def cycle(person: Person) -> Person:
    """Somebody of gorodets, with an open cycle cy."""
    person.done("cycles", CYCLE)
    return person


def stored(vertical: Vertikal, position: int) -> dict[str, Any]:
    with reading(vertical.engine) as connection:
        return log.read_at(connection, [position])[position].event


# What is said


def test_a_whole_cycle_is_led_without_an_envelope_and_without_inventing_codes(
    client: FlaskClient, vertical: Vertikal, person: Person
) -> None:
    person.done("cycles", CYCLE)
    goal = person.done("cycles/cy/goals", {"text": "Обучить"})["event"]["data"]["goal"]
    adopted = {"goal": goal, "indicator": "visited", "method": "По картам"}
    person.done("cycles/cy/indicators", adopted)
    record = {"indicator": "visited", "on": "2020-09-01", "numerator": 5, "denominator": 10, "origin": "Карты"}
    person.done("cycles/cy/monitoring", record)
    founded = {"text": "Нет результатов", "figures": [FIGURE]}
    analysis = person.done("cycles/cy/analyses", {"findings": [FINDING, founded]})["event"]["data"]
    issue = {"finding": analysis["findings"][1]["finding"], "addressees": ["s1"], "text": "Обучить"}
    recommendation = person.done("cycles/cy/recommendations", issue)["event"]["data"]["recommendation"]
    school = Person(client, vertical, "s1")
    school.done(f"recommendations/{recommendation}/answers", {"answer": "accepted"})
    decision = person.done("cycles/cy/decisions", {**DECISION, "recommendations": [recommendation]})["event"]["data"]
    outcome = {"activities": DECISION["activities"], "outcome": "partly", "text": "Доля выросла"}
    assessed = person.done("cycles/cy/effectiveness", outcome)["event"]["data"]["effectiveness"]
    codes = [goal, analysis["analysis"], *(each["finding"] for each in analysis["findings"])]
    assert codes == ["goal-1", "analysis-1", "1", "2"]
    assert (recommendation, decision["decision"], assessed) == ("cy-rec-1", "decision-1", "effectiveness-1")
    person.done("cycles/cy/closing", {})
    projector.catch_up(vertical.engine)
    shown = person.get("cycles/cy?as_of=2020-09-01").json or {}
    assert [each["component"] for each in shown["components"] if not each["complete"]] == []
    assert (shown["open"], shown["broken"]) == (False, [])


def test_the_event_says_who_and_when_and_the_answer_where_it_stands(cycle: Person, vertical: Vertikal) -> None:
    answer = cycle.post("cycles/cy/goals", {"text": "Обучить"}, "?actor=%D0%98%D0%B2%D0%B0%D0%BD%D0%BE%D0%B2%D0%B0")
    body = answer.json or {}
    event = stored(vertical, body["position"])
    assert {**body["event"], "dataschema": "/contracts/goal.set/1"} == event
    assert (event["source"], event["subject"], event["actor"]) == ("/vertikal/gorodets", "gorodets", "Иванова")
    assert event["time"].startswith("2020-09-01T12:00:")
    assert event["time"].endswith("+03:00")
    assert (answer.headers["Location"], answer.get_etag()[0]) == ("/v1/cycles/cy", str(head(vertical)))


def test_the_region_speaks_for_the_owner_from_a_source_of_its_own(
    client: FlaskClient, cycle: Person, vertical: Vertikal
) -> None:
    event = Person(client, vertical, "obr").done("cycles/cy/goals", {"text": "Обучить"})["event"]
    assert (event["source"], event["subject"]) == ("/vertikal/obr", "gorodets")
    assert cycle.done("cycles/cy/goals", {"text": "Помочь"})["event"]["data"]["goal"] == "goal-2"


def test_an_answer_leads_to_the_cycle_of_its_recommendation(
    client: FlaskClient, cycle: Person, vertical: Vertikal
) -> None:
    cycle.done("cycles/cy/analyses", {"findings": [FINDING]})
    cycle.done("cycles/cy/recommendations", {"finding": "1", "addressees": ["s1"], "text": "Обучить"})
    answer = Person(client, vertical, "s1").post("recommendations/cy-rec-1/answers", {"answer": "declined"})
    assert answer.headers["Location"] == "/v1/cycles/cy"
    assert (answer.json or {})["event"]["data"] == {
        "recommendation": "cy-rec-1", "organisation": "s1", "answer": "declined",
    }  # fmt: skip


def test_a_dry_run_says_what_would_be_said_and_writes_nothing(cycle: Person, vertical: Vertikal) -> None:
    before = head(vertical)
    answer = cycle.post("cycles/cy/goals", {"text": "Обучить"}, "?dry_run=true")
    assert (answer.status_code, (answer.json or {})["position"], head(vertical)) == (200, None, before)
    assert (answer.json or {})["event"]["data"]["goal"] == "goal-1"
    assert "ETag" not in answer.headers


def test_prefer_wait_answers_when_the_figures_hold_the_step(cycle: Person, vertical: Vertikal) -> None:
    projector.catch_up(vertical.engine)
    answer = cycle.post("cycles/cy/goals", {"text": "Обучить"}, "?dry_run=true", Prefer="wait=0")
    assert "Preference-Applied" not in answer.headers
    key = {"Idempotency_Key": "k1"}
    cycle.done("cycles/cy/goals", {"text": "Обучить"}, **key)
    projector.catch_up(vertical.engine)
    again = cycle.post("cycles/cy/goals", {"text": "Обучить"}, Prefer="wait=1", **key)
    assert again.headers["Preference-Applied"] == "wait"


# Codes


def test_codes_go_on_behind_those_that_people_gave_and_those_that_were_taken_back(
    cycle: Person, vertical: Vertikal
) -> None:
    given = {"goal": "goal-7", "text": "Обучить"}
    cycle.done("cycles/cy/goals", given)
    event = cycle.done("cycles/cy/analyses", {"findings": [FINDING, {"finding": "9", **FINDING}]})["event"]
    back = {"source": event["source"], "id": event["id"], "reason": "ошибка"}
    vertical.send("event.retracted", "gorodets", back, source="/gorodets", party=GORODETS)
    assert cycle.done("cycles/cy/goals", {"text": "Ещё"})["event"]["data"]["goal"] == "goal-8"
    again = cycle.done("cycles/cy/analyses", {"findings": [FINDING]})["event"]["data"]
    assert (again["analysis"], [each["finding"] for each in again["findings"]]) == ("analysis-2", ["11"])


def test_a_code_that_a_system_used_about_another_organisation_is_not_given_again(
    cycle: Person, vertical: Vertikal
) -> None:
    vertical.send("goal.set", "obr", {"cycle": "cy", "goal": "goal-1", "text": "Обучить"})
    assert cycle.done("cycles/cy/goals", {"text": "Ещё"})["event"]["data"]["goal"] == "goal-2"


@pytest.mark.usefixtures("cycle")
def test_of_two_people_at_once_neither_overwrites_the_other(vertical: Vertikal) -> None:
    def set_goal(number: int) -> str:
        command = Command("goals", {"text": f"Цель {number}"}, "cy")
        done = commands.act(vertical.intake, vertical.engine, GORODETS, command, now().astimezone()).require()
        return str(done.event["data"]["goal"])

    with ThreadPoolExecutor(8) as threads:
        codes = list(threads.map(set_goal, range(24)))
    assert sorted(codes) == sorted(f"goal-{number}" for number in range(1, 25))


# Again


def test_the_same_key_again_says_nothing_twice_whatever_time_it_is(cycle: Person, vertical: Vertikal) -> None:
    key = {"Idempotency_Key": "8e03978e"}
    data = {"findings": [FINDING, {"finding": "f2", **FINDING}]}
    first = cycle.done("cycles/cy/analyses", data, **key)
    cycle.done("cycles/cy/analyses", {"findings": [FINDING]})
    again = cycle.post("cycles/cy/analyses", data, **key)
    assert (again.status_code, again.json) == (200, first)
    assert first["event"]["id"] == "8e03978e"


@pytest.mark.parametrize("path", ["goals", "closing"])
def test_the_same_key_for_something_else_is_a_conflict(cycle: Person, path: str) -> None:
    cycle.done("cycles/cy/goals", {"text": "Обучить"}, Idempotency_Key="k")
    data = {"text": "Другое"} if path == "goals" else {}
    body = problem(cycle.post(f"cycles/cy/{path}", data, Idempotency_Key="k"), 409)
    assert list(body["errors"]) == ["id"]
    assert "since" not in body


def test_the_same_key_sent_twice_at_once_is_one_event(cycle: Person, vertical: Vertikal) -> None:
    command = Command("goals", {"text": "Обучить"}, "cy", id="k")

    def set_goal(_: int) -> int | None:
        moment = vertical.clock().astimezone()
        return commands.act(vertical.intake, vertical.engine, GORODETS, command, moment).require().outcome.position

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(set_goal, range(8)))) == 1
    assert cycle.post("cycles/cy/goals", {"text": "Обучить"}, Idempotency_Key="k").status_code == 200


# What the person had seen


@pytest.mark.parametrize("how", ["If-Match", "seen"])
def test_who_did_not_see_the_last_events_is_told_what_they_were(cycle: Person, vertical: Vertikal, how: str) -> None:
    seen = head(vertical)
    vertical.send("goal.set", "gorodets", {"cycle": "cy", "goal": "g1", "text": "Обучить"}, actor="Петров П. П.")
    vertical.send("staff.reported", "s1", {"organisation": "s1", "on": "2020-09-20", "teachers": 30, "managers": 3})
    query, headers = ("", {"If_Match": f'"{seen}"'}) if how == "If-Match" else (f"?seen={seen}", {})
    body = problem(cycle.post("cycles/cy/goals", {"text": "Помочь"}, query, **headers), 409)
    assert list(body["errors"]) == ["expectedversion"]
    assert body["since"] == [
        {
            "position": seen + 1,
            "event_id": f"e{vertical._ids - 1}",
            "type": "goal.set",
            "actor": "Петров П. П.",
            "text": "ставит цель g1: Обучить",
        }
    ]
    assert "«gorodets»" in body["detail"]


def test_who_saw_the_last_events_may_go_on_from_answer_to_answer(cycle: Person) -> None:
    etag = str(cycle.post("cycles/cy/goals", {"text": "Обучить"}).headers["ETag"])
    for number in range(2, 5):
        answer = cycle.post("cycles/cy/goals", {"text": "Ещё"}, If_Match=etag)
        assert (answer.json or {})["event"]["data"]["goal"] == f"goal-{number}"
        etag = str(answer.headers["ETag"])
    answer = cycle.post("cycles/cy/goals", {"goal": "g9", "text": "Ещё"}, If_Match="*")
    assert "expectedversion" not in (answer.json or {})["event"]


def test_the_etag_of_a_cycle_that_was_read_is_what_was_seen(cycle: Person, vertical: Vertikal) -> None:
    projector.catch_up(vertical.engine)
    etag = str(cycle.get("cycles/cy?as_of=2020-09-01").headers["ETag"])
    vertical.send("staff.reported", "s2", {"organisation": "s2", "on": "2020-09-20", "teachers": 30, "managers": 3})
    cycle.done("cycles/cy/goals", {"text": "Обучить"}, If_Match=etag)
    problem(cycle.post("cycles/cy/goals", {"text": "Обучить"}, If_Match=etag), 409)


def test_no_more_than_ten_events_are_told(cycle: Person, vertical: Vertikal) -> None:
    seen = head(vertical)
    for number in range(12):
        cycle.done("cycles/cy/goals", {"text": f"Цель {number}"})
    body = problem(cycle.post("cycles/cy/goals", {"text": "Ещё"}, f"?seen={seen}"), 409)
    assert [each["position"] for each in body["since"]] == list(range(seen + 1, seen + 11))


@pytest.mark.parametrize(
    ("query", "headers", "field"),
    [
        ("?seen=99999", {}, "seen"),
        ("?seen=-1", {}, "seen"),
        ("", {"If_Match": '"99999"'}, "seen"),
        ("", {"If_Match": '"1", "2"'}, "If-Match"),
        ("", {"If_Match": "abc"}, "If-Match"),
        ("?atomic=true", {}, "atomic"),
    ],
)
def test_400_a_position_that_cannot_have_been_seen(
    cycle: Person, vertical: Vertikal, query: str, headers: dict[str, str], field: str
) -> None:
    before = head(vertical)
    body = problem(cycle.post("cycles/cy/goals", {"text": "Обучить"}, query, **headers), 400)
    assert (list(body["errors"]), head(vertical)) == ([field], before)


# What is refused


def test_what_is_wrong_is_told_by_field(cycle: Person) -> None:
    body = problem(cycle.post("cycles/cy/goals", {"text": 5, "colour": "red"}), 422)
    assert body["errors"] == {
        "data.text": ["ожидалась строка (получено: «5»)"],
        "data.colour": ["неизвестное поле (получено: «red»)"],
    }
    body = problem(cycle.post("cycles/cy/indicators", {"goal": "none", "indicator": "i", "method": "м"}), 422)
    assert body["errors"] == {"data.goal": ["цель не найдена (получено: «cy/none»)"]}


@pytest.mark.parametrize(
    "data", [[], "x", None, 5, {"findings": 5}, {"findings": [5]}, {"findings": [[]]}, {"findings": {}, "analysis": []}]
)
@pytest.mark.parametrize("path", ["cycles", "cycles/cy/analyses", "cycles/cy/closing", "cycles/cy/monitoring"])
def test_422_a_body_of_another_shape(cycle: Person, path: str, data: Any) -> None:
    assert problem(cycle.post(path, data), 422)["errors"]


@pytest.mark.parametrize("organisation", ["a\0b", "", 5, "я"])
def test_422_an_organisation_that_is_no_code(cycle: Person, organisation: Any) -> None:
    data = {**CYCLE, "cycle": "cz", "organisation": organisation}
    body = problem(cycle.post("cycles", data, "?seen=1"), 422)
    assert "data.organisation" in body["errors"]


def test_the_address_says_which_cycle_and_the_body_may_repeat_it_only(cycle: Person) -> None:
    cycle.done("cycles/cy/goals", {"cycle": "cy", "text": "Обучить"})
    cycle.done("cycles", {**CYCLE, "cycle": "cz"})
    body = problem(cycle.post("cycles/cy/goals", {"cycle": "cz", "text": "Обучить"}), 422)
    assert list(body["errors"]) == ["data.cycle"]


@pytest.mark.parametrize("path", ["cycles/none/goals", "cycles/a%00b/goals", "recommendations/none/answers"])
def test_404_what_the_address_names_is_not_there(cycle: Person, path: str) -> None:
    problem(cycle.post(path, {}), 404)


def test_403_an_auditor_says_nothing(client: FlaskClient, cycle: Person, vertical: Vertikal) -> None:
    before = head(vertical)
    auditor = Person(client, vertical, "gorodets", "auditor")
    problem(auditor.post("cycles/cy/goals", {"text": "Обучить"}), 403)
    assert head(vertical) == before


@pytest.mark.parametrize("organisation", ["chemal", "s1"])
def test_422_nobody_leads_the_cycle_of_others(
    client: FlaskClient, cycle: Person, vertical: Vertikal, organisation: str
) -> None:
    stranger = Person(client, vertical, organisation)
    body = problem(stranger.post("cycles/cy/goals", {"text": "Обучить"}, "?seen=1"), 422)
    assert {"subject", "data.cycle"} & set(body["errors"])
    assert "since" not in body


@pytest.mark.usefixtures("cycle")
def test_401_without_a_token(client: FlaskClient) -> None:
    problem(client.post("/v1/cycles/cy/goals", json={}), 401)


@pytest.mark.usefixtures("cycle")
def test_415_another_content_type_and_400_a_body_that_cannot_be_read(client: FlaskClient, vertical: Vertikal) -> None:
    headers = {"Authorization": f"Bearer {vertical.token('gorodets', 'municipality')}"}
    problem(client.post("/v1/cycles/cy/goals", data="text=x", headers=headers, content_type="text/plain"), 415)
    problem(client.post("/v1/cycles/cy/goals", data="{", headers=headers, content_type="application/json"), 400)


# For others that say events in a person's name


def test_an_event_in_an_organisation_s_name_can_be_said_with_its_cause(vertical: Vertikal) -> None:
    data = {"proposal": "p1", "rule": "overdue", "version": 1, "organisation": "gorodets", "event": "e1"}
    moment, more = vertical.clock().astimezone(), {"causationid": "e1", "actor": None}
    event = commands.envelope(GORODETS, "proposal.adopted", "gorodets", data, moment, **more)
    position = vertical.accept(event, party=GORODETS)
    assert stored(vertical, position) == event | {"dataschema": "/contracts/proposal.adopted/1"}
    assert ("actor" in event, event["causationid"], event["source"]) == (False, "e1", "/vertikal/gorodets")
