"""Nothing silent: what cannot be applied is listed with its reason until the model is repaired and the figures rebuilt;
and figures that other versions of the models made are not added to."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text, update

from tests.conftest import Vertikal
from tests.terminal import Terminal
from tests.test_ledger import report
from tests.test_serve import serving as served_by
from vertikal.events.database import reading, writing
from vertikal.projections import blocked
from vertikal.projections.book import live
from vertikal.projections.tables import VOLUMES, volumes
from vertikal.read_models import MODELS, VERSIONS
from vertikal.services import rebuilding, serving

REASON = "ValueError('неудобное число')"
STAFF = next(model.stored_as for model in MODELS if model.name == "staff")


def rebuilt(vertical: Vertikal, folder: Path, *names: str, accept: bool = False) -> rebuilding.Rebuilt:
    url = vertical.settings.database_url
    rebuilding.run(url, folder, names, 1, quiet)
    return rebuilding.finish(url, quiet, accept=accept)


def quiet(*_: Any) -> None:
    """Nobody is told of progress."""


# An event that cannot be applied


def test_where_every_event_is_applied_the_list_is_empty(vertical: Vertikal, terminal: Terminal) -> None:
    report(vertical, "s1", 12)
    assert terminal.json("project", "--blocked") == {"blocked": 0, "items": []}
    assert terminal.run("project", "--blocked").stdout == "every event is applied\n"


@pytest.mark.usefixtures("thirteen_fails")
def test_a_blocked_event_is_listed_with_whom_it_concerns_and_why(vertical: Vertikal, terminal: Terminal) -> None:
    position = report(vertical, "s1", 13)
    listed = terminal.json("project", "--blocked", code=1)
    event = {"position": position, "source": "/regions/obr", "id": f"e{vertical._ids}", "type": "staff.reported"}
    stands = {"model": STAFF, "key": "s1", "organisations": ["s1"], "reason": REASON}
    assert listed == {"blocked": 1, "items": [{**event, **stands}]}
    shown = terminal.run("project", "--blocked", code=1).stdout
    assert f"{STAFF} s1, concerns s1: {REASON}" in shown
    assert "1 events could not be applied" in shown
    assert "vertikal rebuild" in shown


@pytest.mark.usefixtures("thirteen_fails")
def test_the_first_blocked_events_are_shown_and_all_are_counted(vertical: Vertikal, terminal: Terminal) -> None:
    first, *_ = [report(vertical, school, 13) for school in ("s2", "s1", "s3")]
    listed = terminal.json("project", "--blocked", "--limit", "1", code=1)
    assert (listed["blocked"], [item["position"] for item in listed["items"]]) == (3, [first])


@pytest.mark.usefixtures("thirteen_fails")
def test_an_event_about_several_organisations_is_one_event_with_all_of_them(vertical: Vertikal) -> None:
    report(vertical, "s1", 13)
    with writing(vertical.engine) as connection:
        copy = "INSERT INTO blocked_a SELECT model, key, position, 'gorodets', reason FROM blocked_a"
        connection.execute(text(copy))
        assert blocked.count(connection, VOLUMES["a"]) == 1
        assert [each.organisations for each in blocked.first(connection, VOLUMES["a"], 9)] == [["gorodets", "s1"]]


@pytest.mark.usefixtures("thirteen_fails")
def test_health_and_doctor_count_blocked_events(vertical: Vertikal, client: FlaskClient, terminal: Terminal) -> None:
    report(vertical, "s1", 13)
    report(vertical, "s1", 12)
    assert (client.get("/readyz").json or {})["blocked"] == 2
    found = {each["check"]: each for each in terminal.json("doctor", code=1)}["blocked events"]
    assert not found["ok"]
    assert found["found"].startswith("2 events could not be applied: see `vertikal project --blocked`")
    assert "vertikal rebuild" in found["found"]


@pytest.mark.usefixtures("thirteen_fails")
def test_a_rebuild_with_the_model_as_it_is_blocks_the_same_events(vertical: Vertikal, tmp_path: Path) -> None:
    """The control of the two below."""
    report(vertical, "s1", 13)
    with reading(vertical.engine) as connection:
        before = blocked.first(connection, live(connection), 9)
    assert rebuilt(vertical, tmp_path / "work").swapped
    with reading(vertical.engine) as connection:
        assert blocked.first(connection, live(connection), 9) == before
        assert live(connection).name == "b"


@pytest.mark.usefixtures("thirteen_fails")
def test_what_a_repaired_model_changes_is_shown_and_waits_to_be_accepted(
    vertical: Vertikal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report(vertical, "s1", 13)
    monkeypatch.undo()
    made = rebuilt(vertical, tmp_path / "work")
    assert not made.swapped
    assert ("obr/gorodets/s1", "staff_teachers", "2020-09-01", 0, 13) in {
        (each.path, each.measure, each.date, each.one, each.other) for each in made.differences
    }
    assert vertical.ask("trained_teachers", "obr")["incomplete"] == 1


@pytest.mark.usefixtures("thirteen_fails")
def test_repairing_the_model_and_rebuilding_releases_what_was_blocked(
    vertical: Vertikal, terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report(vertical, "s1", 13)
    report(vertical, "s2", 7)
    monkeypatch.undo()
    assert rebuilt(vertical, tmp_path / "work", accept=True).swapped
    assert vertical.figure("trained_teachers", "obr") == (0, 20)
    assert vertical.ask("trained_teachers", "obr")["incomplete"] == 0
    assert terminal.json("project", "--blocked")["items"] == []
    report(vertical, "s1", 14)
    assert vertical.figure("trained_teachers", "obr") == (0, 21)


# Figures that other versions of the models made


@pytest.fixture
def older(vertical: Vertikal) -> Vertikal:
    """As an older release leaves it, in which the model of staff had another version."""
    report(vertical, "s1", 12)
    with writing(vertical.engine) as connection:
        connection.execute(update(volumes).values(models=VERSIONS.replace(STAFF, "staff.0")))
        entities = VOLUMES["a"].entities
        connection.execute(update(entities).where(entities.c.model == STAFF).values(model="staff.0"))
    return vertical


@pytest.mark.parametrize("words", [("project",), ("project", "--once")], ids=" ".join)
@pytest.mark.usefixtures("older")
def test_1_the_projector_says_that_the_figures_are_to_be_rebuilt(terminal: Terminal, words: tuple[str, ...]) -> None:
    ended = terminal.run(*words, code=1)
    assert "staff.0" in ended.stderr
    assert "run `vertikal rebuild`" in ended.stderr
    assert "Traceback" not in ended.output


def test_health_says_why_nothing_is_applied(older: Vertikal, client: FlaskClient, terminal: Terminal) -> None:
    assert "run `vertikal rebuild`" in (client.get("/readyz").json or {})["stopped"]
    found = {each["check"]: each for each in terminal.json("doctor", code=1)}["figures"]
    assert "run `vertikal rebuild`" in found["found"]
    assert older.figure("trained_teachers", "obr") == (0, 12)


def test_a_rebuild_makes_the_figures_this_releases_own(older: Vertikal, client: FlaskClient, tmp_path: Path) -> None:
    made = rebuilt(older, tmp_path / "work")
    assert (made.swapped, made.differences) == (True, [])
    assert (client.get("/readyz").json or {})["stopped"] is None
    report(older, "s1", 14)
    assert older.figure("trained_teachers", "obr") == (0, 14)


def test_a_rebuild_of_one_model_also_makes_those_of_other_versions(older: Vertikal, tmp_path: Path) -> None:
    """Taken over, they would be posted a second time: their entities are not known under the new version."""
    assert rebuilt(older, tmp_path / "work", "results").swapped
    report(older, "s1", 14)
    assert older.figure("trained_teachers", "obr") == (0, 14)


def test_a_service_goes_on_without_its_projector_and_says_why(older: Vertikal) -> None:
    with served_by(older, "--with-projector") as served:
        assert "run `vertikal rebuild`" in served.call("/readyz")["stopped"]
        data = {"organisation": "s2", "on": "2020-09-01", "teachers": 5, "managers": 1}
        assert served.call("/v1/events", older.event("staff.reported", "s2", data))
        assert served.call("/readyz")["oldest_unapplied"]["position"] == 9


def test_a_projector_that_cannot_run_is_not_started_in_a_tight_loop() -> None:
    started = []

    def start() -> subprocess.Popen[bytes]:
        started.append(time.monotonic())
        return subprocess.Popen(["true"])

    projecting = serving.Restarted(start)
    deadline = time.monotonic() + 2.5
    while time.monotonic() < deadline:
        projecting.look()
        time.sleep(0.01)
    assert len(started) == 2


def test_a_projector_that_ends_at_once_is_started_again_ever_later() -> None:
    waits = [0.0]
    for _ in range(9):
        waits.append(serving.restart_after(waits[-1], ran_s=1.5))
    assert waits[1:7] == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0]
    assert waits[-1] == 30.0
    assert serving.restart_after(30.0, ran_s=600.0) == 1.0
