"""The API as readers see it, and some facts for them to read."""

from __future__ import annotations

import json
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.conftest import Vertikal
from tests.sayings import GORODETS, said
from vertikal.events.database import reading
from vertikal.events.log import read_head

TEACHERS = "/v1/indicators/trained_teachers"
ON = "as_of=2023-06-01"
PROBLEM = "application/problem+json"
RUSSIAN = set("абвгдеёжзийклмнопрстуфхцчшщъыьэюя")


class Reader:
    """The API as one token sees it."""

    def __init__(self, client: FlaskClient, token: str) -> None:
        self._client = client
        self._headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str, **headers: str) -> TestResponse:
        return self._client.get(path, headers={**self._headers, **headers})

    def json(self, path: str) -> Any:
        answer = self.get(path)
        assert (answer.status_code, answer.mimetype) == (200, "application/json"), answer.text
        return answer.json

    def lines(self, path: str) -> list[dict[str, Any]]:
        answer = self.get(path)
        assert (answer.status_code, answer.mimetype) == (200, "application/x-ndjson"), answer.text
        assert not answer.data or answer.data.endswith(b"\n")
        return [json.loads(line) for line in answer.data.splitlines()]

    def pages(self, path: str, limit: int) -> list[Any]:
        """All items, page after page; every page but the last is full."""
        items: list[Any] = []
        cursor = ""
        while True:
            page = self.json(f"{path}{'&' if '?' in path else '?'}limit={limit}{cursor}")
            assert page.keys() == {"items", "next"}
            items += page["items"]
            if page["next"] is None:
                return items
            assert len(page["items"]) == limit
            cursor = f"&cursor={page['next']}"


def teach(vertical: Vertikal, people: int, school: str = "s1", on: str = "2020-12-18") -> None:
    """So many people of a school finish a course."""
    courses = [
        said(vertical, GORODETS, "course.finished", organisation=school, person=f"{school}-{n}", role="teacher",
             finished_on=on) for n in range(people)
    ]  # fmt: skip
    vertical.accept(*courses, party=GORODETS)


def employ(vertical: Vertikal, teachers: int = 30) -> int:
    return vertical.accept(said(vertical, GORODETS, "staff.reported", teachers=teachers), party=GORODETS)


def problem(response: TestResponse, status: int) -> dict[str, Any]:
    """The body of a refusal, which is RFC 9457 with a Russian detail."""
    assert (response.status_code, response.mimetype) == (status, PROBLEM), response.text
    body: dict[str, Any] = response.json or {}
    assert body["status"] == status
    assert body["type"] == "about:blank"
    assert body["title"]
    assert RUSSIAN & set(body["detail"].lower())
    return body


def head(vertical: Vertikal) -> int:
    with reading(vertical.engine) as connection:
        return read_head(connection).position
