"""The examples of docs/kafka.md, run as they stand against a real Kafka: only host, key and event are put in."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from tests.stream import test_commands
from tests.stream.senders import CONTENT_TYPE, Stream
from tests.test_docs import ROOT
from vertikal.services.stream import signing

usual = test_commands.usual
TEXT = (ROOT / "docs" / "kafka.md").read_text()
BLOCKS: list[str] = re.findall(r"^```\w*\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
pytestmark = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


@pytest.fixture
def gorodets(usual: Stream) -> Stream:
    """The sender of the examples."""
    usual.number, usual.key = usual.sender("gorodets", "municipality")
    return usual


def test_the_sender_in_python_is_taken(gorodets: Stream) -> None:
    run = f"event = {event(gorodets)}\n{block('KafkaProducer', gorodets)}"
    subprocess.run([sys.executable, "-c", run], check=True, timeout=60)
    assert gorodets.take(1)["accepted"] == 1
    assert gorodets.ids() == ["e1"]


def test_the_reader_in_python_shows_the_reasons_of_its_own_refusals_alone(gorodets: Stream) -> None:
    bad = orjson.dumps(event(gorodets, on="2020-02-30"))
    for key in (b"chemal", b"gorodets"):
        gorodets.producer.send(
            gorodets.inbox, bad, key, [CONTENT_TYPE, signing.sign(gorodets.number, gorodets.key, [], bad)], 0
        )
    gorodets.take(2)
    command = [sys.executable, "-c", block("KafkaConsumer", gorodets)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reading:
        assert reading.stdout is not None
        assert reading.stdout.readline() == "1 data.on такой даты нет в календаре (получено: «2020-02-30»)\n"
        reading.kill()


def test_the_signature_made_by_openssl_is_taken(gorodets: Stream, tmp_path: Path) -> None:
    (tmp_path / "event.json").write_bytes(value := orjson.dumps(event(gorodets)) + b"\n")
    line = next(line for line in TEXT.splitlines() if line.startswith("SIGNATURE="))
    signature = shell(f'{line}\necho "$SIGNATURE"', gorodets, tmp_path).strip()
    headers = [CONTENT_TYPE, (signing.HEADER, f"{gorodets.number}:{signature}".encode())]
    gorodets.producer.send(gorodets.inbox, value, b"gorodets", headers)
    assert gorodets.take(1)["accepted"] == 1


@pytest.mark.skipif(shutil.which("kcat") is None, reason="kcat is not installed (Debian: apt-get install kcat)")
def test_what_kcat_sends_is_taken_and_what_is_refused_kcat_shows(gorodets: Stream, tmp_path: Path) -> None:
    (tmp_path / "event.json").write_bytes(orjson.dumps(event(gorodets)))
    shell(block("kcat -P", gorodets), gorodets, tmp_path)
    (tmp_path / "event.json").write_bytes(b"{")
    shell(block("kcat -P", gorodets), gorodets, tmp_path)
    counts = gorodets.take(2)
    assert (counts["accepted"], counts["refused"]) == (1, 1)
    shown = shell(block("kcat -C", gorodets).replace("kcat -C", "kcat -C -e"), gorodets, tmp_path)
    assert shown.startswith("gorodets content-type=application/cloudevents+json,")
    assert "refused-status=rejected" in shown
    assert shown.endswith("\n{\n")


def event(stream: Stream, on: str = "2020-09-01") -> dict[str, object]:
    data = {"organisation": "s1", "on": on, "teachers": 20, "managers": 1}
    return stream.vertikal.event("staff.reported", "s1", data, id="e1", source="/schools/s1")


def block(word: str, stream: Stream) -> str:
    """The example with a word in it, with the test's host, number and key."""
    found = next(each for each in BLOCKS if word in each)
    found = found.replace("kafka.example:9092", stream.servers).replace("7:$", f"{stream.number}:$")
    return found.replace('7, bytes.fromhex("…")', f'{stream.number}, bytes.fromhex("{stream.key.hex()}")')


def shell(lines: str, stream: Stream, folder: Path) -> str:
    command, environment = ["bash", "-euo", "pipefail", "-c", lines], {**os.environ, "KEY": stream.key.hex()}
    return subprocess.check_output(command, cwd=folder, env=environment, timeout=60, text=True)
