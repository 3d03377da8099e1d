"""Personal data: sealed on arrival, opened for those who may know, gone for good when the person is forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, inspect, select, text

from tests.conftest import SIGNER, Vertikal
from vertikal.events import log
from vertikal.events.database import reading
from vertikal.events.tables import person_keys
from vertikal.events.verifying import verify
from vertikal.services import access, archive
from vertikal.services.access import Party
from vertikal.services.intake import ACCEPTED, CONFLICT, DUPLICATE, REJECTED, Intake
from vertikal.services.refusals import Refusal

NAME = "Незабудкина Тайна"
MUNICIPALITY = Party("gorodets", "municipality")


def course(store: Vertikal, name: str | None = NAME, person: str = "p-1", **more: Any) -> dict[str, Any]:
    data = {"person": person, "role": "teacher", "organisation": "s1", "programme": "П", "provider": "n", "hours": 72,
            "finished_on": "2020-12-18"}  # fmt: skip
    personal = {"personal": {"full_name": name, "post": "учитель"}} if name else {}
    event = store.event("course.finished", "s1", {**data, **personal}, source="/m/gorodets")
    return {**event, **more}


def forget(store: Vertikal, person: str = "p-1", **more: Any) -> int:
    return store.send("person.forgotten", "obr", {"person": person, "reason": "отзыв согласия"}, **more)


def get(client: FlaskClient, store: Vertikal, organisation: str, role: str, person: str = "p-1") -> Any:
    token = store.token(organisation, role)
    return client.get(f"/v1/persons/{person}", headers={"Authorization": f"Bearer {token}"})


def every_byte(store: Vertikal) -> bytes:
    """All that the database holds, column by column."""
    found = []
    with reading(store.engine) as connection:
        for table in inspect(connection).get_table_names():
            for row in connection.execute(text(f"SELECT * FROM {table}")):  # noqa: S608  # our own names
                found += [bytes(cell) if isinstance(cell, bytes | memoryview) else str(cell).encode() for cell in row]
    return b"\n".join(found)


def test_a_name_is_nowhere_in_the_clear(
    vertical: Vertikal, client: FlaskClient, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not in the database, not in an export, not in what the service prints, not in the log as it is read."""
    vertical.accept(course(vertical), party=MUNICIPALITY)
    vertical.submit(course(vertical, id="bad", subject="s2"), party=MUNICIPALITY)
    archive.export(vertical.engine, SIGNER, tmp_path / "log", lambda _: None)
    header = {"Authorization": f"Bearer {vertical.token('obr', 'auditor')}"}
    shown = client.get("/v1/log", headers=header).data
    printed = "".join(capfd.readouterr()).encode()
    for place in (every_byte(vertical), (tmp_path / "log").read_bytes(), shown, printed):
        assert "Незабудкина".encode() not in place
        assert b"\\u041d\\u0435\\u0437" not in place
    if vertical.engine.dialect.name == "sqlite":
        file = Path(str(vertical.engine.url.database))
        for part in (file, file.with_name(file.name + "-wal")):
            assert not part.exists() or "Незабудкина".encode() not in part.read_bytes()


def test_control_the_name_can_be_read_with_the_keys(vertical: Vertikal, client: FlaskClient) -> None:
    vertical.accept(course(vertical), party=MUNICIPALITY)
    answer = get(client, vertical, "gorodets", "municipality")
    expected = {"full_name": NAME, "post": "учитель"}
    assert answer.json == {"person": "p-1", "forgotten": False, "personal": expected}


@pytest.mark.parametrize(
    ("organisation", "role", "status"),
    [
        ("gorodets", "municipality", 200),
        ("obr", "region", 200),
        ("chemal", "municipality", 404),
        ("s1", "school", 404),
        ("s3", "school", 404),
    ],
)
def test_personal_data_is_for_its_sender_and_those_above(
    vertical: Vertikal, client: FlaskClient, organisation: str, role: str, status: int
) -> None:
    vertical.accept(course(vertical), party=MUNICIPALITY)
    assert get(client, vertical, organisation, role).status_code == status


def test_every_reading_is_journalled(vertical: Vertikal, client: FlaskClient) -> None:
    vertical.accept(course(vertical), party=MUNICIPALITY)
    get(client, vertical, "obr", "region")
    with reading(vertical.engine) as connection:
        noted = connection.execute(select(access.journal.c.what)).scalars().all()
    assert "person p-1" in noted


def test_the_same_again_is_a_duplicate_and_another_name_a_conflict(vertical: Vertikal) -> None:
    event = course(vertical)
    assert vertical.submit(event, party=MUNICIPALITY).results[0].status == ACCEPTED
    assert vertical.submit(event, party=MUNICIPALITY).results[0].status == DUPLICATE
    other = course(vertical, "Другое Имя", id=event["id"])
    assert vertical.submit(other, party=MUNICIPALITY).results[0].status == CONFLICT
    without = course(vertical, None, id=event["id"])
    assert vertical.submit(without, party=MUNICIPALITY).results[0].status == CONFLICT


def test_a_dry_run_keeps_no_key(vertical: Vertikal) -> None:
    assert vertical.submit(course(vertical), party=MUNICIPALITY, dry_run=True).results[0].status == ACCEPTED
    with reading(vertical.engine) as connection:
        assert connection.execute(select(func.count()).select_from(person_keys)).scalar() == 0


def test_a_forgotten_person_is_forgotten_everywhere(vertical: Vertikal, client: FlaskClient) -> None:
    vertical.accept(course(vertical), party=MUNICIPALITY)
    forget(vertical)
    answer = get(client, vertical, "gorodets", "municipality")
    assert answer.json == {"person": "p-1", "forgotten": True, "personal": None}
    with reading(vertical.engine) as connection:
        assert connection.execute(select(func.count()).select_from(person_keys)).scalar() == 0


def test_forgetting_leaves_totals_and_proofs_as_they_were(vertical: Vertikal, tmp_path: Path) -> None:
    before = vertical.accept(course(vertical), course(vertical, person="p-2"), party=MUNICIPALITY)
    figure = vertical.figure("trained_teachers", "obr", period=2020)
    with reading(vertical.engine) as connection:
        leaf = log.read_at(connection, [before])[before].leaf
    forget(vertical)
    assert vertical.figure("trained_teachers", "obr", period=2020) == figure
    with reading(vertical.engine) as connection:
        assert log.read_at(connection, [before])[before].leaf == leaf
    archive.export(vertical.engine, SIGNER, tmp_path / "log", lambda _: None)
    assert verify(tmp_path / "log").ok


def test_of_the_forgotten_nothing_new_is_taken_and_the_old_is_a_duplicate(vertical: Vertikal) -> None:
    event = course(vertical)
    vertical.accept(event, party=MUNICIPALITY)
    forget(vertical)
    assert vertical.submit(event, party=MUNICIPALITY).results[0].status == DUPLICATE
    refused = vertical.submit(course(vertical), party=MUNICIPALITY).results[0]
    assert (refused.status, list(refused.errors)) == (REJECTED, ["data.personal"])
    assert vertical.submit(course(vertical, None), party=MUNICIPALITY).results[0].status == ACCEPTED


def test_forgetting_cannot_be_taken_back(vertical: Vertikal) -> None:
    vertical.accept(course(vertical), party=MUNICIPALITY)
    forget(vertical, id="gone")
    back = vertical.event("event.retracted", "obr", {"source": "/regions/obr", "id": "gone", "reason": "x"})
    outcome = vertical.submit(back).results[0]
    assert (outcome.status, list(outcome.errors)) == (REJECTED, ["data.id"])


def test_without_a_master_key_personal_data_is_not_taken(vertical: Vertikal) -> None:
    intake = Intake(vertical.engine, vertical.clock, vertical.settings.timezone)
    with pytest.raises(Refusal, match="главного ключа"):
        intake.submit(MUNICIPALITY, [course(vertical)])
    assert intake.submit(MUNICIPALITY, [course(vertical, None)]).accepted == 1
