"""``vertikal serve`` as a stranger runs it: real processes, real HTTP, figures within a second."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psutil
import pytest

from tests.conftest import Vertikal

START_S, VISIBLE_S = 30, 1.0


@dataclass
class Served:
    """A running service."""

    url: str
    process: subprocess.Popen[str]
    token: str

    def call(self, path: str, body: Any = None, **headers: str) -> Any:
        kind = {"Content-Type": "application/cloudevents+json"} if body is not None else {}
        headers = {"Authorization": f"Bearer {self.token}", **kind, **headers}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers)  # noqa: S310  # our own server
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            return json.load(response)


@contextmanager
def serving(vertikal: Vertikal, *options: str) -> Iterator[Served]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "VERTIKAL_DATABASE_URL": vertikal.settings.database_url}
    command = [sys.executable, "-m", "vertikal", "serve", "--port", str(port), *options]
    process = subprocess.Popen(command, env=environment, text=True, stderr=subprocess.PIPE)
    try:
        served = Served(f"http://127.0.0.1:{port}", process, vertikal.token("obr", "region"))
        wait_until_ready(served)
        yield served
    finally:
        process.send_signal(signal.SIGTERM)
        print(process.communicate(timeout=20)[1])  # noqa: T201  # pytest shows it where a test fails


def wait_until_ready(served: Served) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            served.call("/readyz")
        except (urllib.error.URLError, ConnectionError):
            assert served.process.poll() is None, served.process.communicate()[1]
            assert time.monotonic() < deadline, "the service did not start"
            time.sleep(0.1)
        else:
            return


def staff(vertical: Vertikal, school: str, teachers: int) -> dict[str, Any]:
    data = {"organisation": school, "on": "2020-09-01", "teachers": teachers, "managers": 1}
    return vertical.event("staff.reported", school, data)


def teachers_within(served: Served, organisation: str, expected: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    path = f"/v1/indicators/trained_teachers?organisation={organisation}"
    while served.call(path)["denominator"] != expected:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_an_event_moves_school_municipality_and_region_within_a_second(vertical: Vertikal) -> None:
    with serving(vertical, "--with-projector") as served:
        served.call("/v1/events", staff(vertical, "s2", 0))
        wait_for_lag(served)
        served.call("/v1/events", staff(vertical, "s1", 20))
        assert all(teachers_within(served, code, 20, VISIBLE_S) for code in ("s1", "gorodets", "obr"))


def test_a_sender_can_wait_for_its_figures(vertical: Vertikal) -> None:
    with serving(vertical, "--with-projector") as served:
        served.call("/v1/events", staff(vertical, "s1", 20), Prefer="wait=5")
        assert served.call("/v1/indicators/trained_teachers?organisation=obr")["denominator"] == 20


def test_a_killed_projector_is_started_again_and_loses_nothing(vertical: Vertikal) -> None:
    with serving(vertical, "--with-projector") as served:
        for pid in projectors_of(served.process.pid):
            os.kill(pid, signal.SIGKILL)
        served.call("/v1/events", staff(vertical, "s1", 20))
        assert teachers_within(served, "obr", 20, START_S)


def test_without_a_projector_the_figures_stand_still(vertical: Vertikal) -> None:
    """The control of the tests above."""
    with serving(vertical, "--without-projector") as served:
        served.call("/v1/events", staff(vertical, "s1", 20))
        assert not teachers_within(served, "obr", 20, VISIBLE_S)


def test_the_projector_ends_with_the_service(vertical: Vertikal) -> None:
    with serving(vertical, "--with-projector") as served:
        projectors = projectors_of(served.process.pid)
    deadline = time.monotonic() + 10
    while any(psutil.pid_exists(pid) for pid in projectors):
        assert time.monotonic() < deadline, "the projector outlived its service"
        time.sleep(0.1)


def test_a_port_in_use_is_said_at_once(vertical: Vertikal) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = [sys.executable, "-m", "vertikal", "serve", "--port", str(taken.getsockname()[1])]
        environment = {**os.environ, "VERTIKAL_DATABASE_URL": vertical.settings.database_url}
        ended = subprocess.run(command, env=environment, text=True, capture_output=True, timeout=30, check=False)
    assert ended.returncode == 1
    assert "cannot listen" in ended.stderr


def wait_for_lag(served: Served) -> None:
    """Wait until the projector runs and has caught up."""
    deadline = time.monotonic() + START_S
    while served.call("/readyz")["lag"]:
        assert time.monotonic() < deadline, "the projector did not start"
        time.sleep(0.05)


def projectors_of(parent: int) -> list[int]:
    """The projector processes of a service, once it has started one."""
    deadline = time.monotonic() + START_S
    while True:
        children = psutil.Process(parent).children()
        found = [child.pid for child in children if "project" in child.cmdline()]
        if found:
            return found
        assert time.monotonic() < deadline, "the service started no projector"
        time.sleep(0.05)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
