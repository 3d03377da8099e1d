"""One damaged byte anywhere in a bundle of 100,000 events: is it found, and is the place that is named the right one?

Bytes all over the bundle, and first, last and inner bytes of every kind of line. Each becomes another by one bit, by
chance, or one that begins or ends a line.
"""

from __future__ import annotations

import random
import tempfile
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from benchmarks.results import Result
from vertikal.events.bundle import HEADER
from vertikal.events.database import connect, writing
from vertikal.events.notes import Signer
from vertikal.events.verifying import Verdict, verify
from vertikal.sample import region
from vertikal.services import archive, demo, proving, store
from vertikal.services.settings import read_settings

EVENTS, ANYWHERE, OF_EACH_KIND, SEED = 100_000, 120, 15, 20_221_028
SIGNER = Signer.generate("obr.example/log")


@dataclass(frozen=True)
class Line:
    """A line of the bundle. ``first``: the position of a leaf, or the first one of a line of hashes."""

    start: int
    length: int
    part: str
    first: int | None

    def due(self, offset: int, hashes_from: int) -> int | None:
        """The position to be named for a damaged byte of this line."""
        at = offset - self.start - hashes_from
        if self.part != "hashes" or not 0 <= at < self.length - hashes_from - 1:
            return self.first
        return (self.first or 0) + at // 64


def measure(name: str, url: str) -> list[Result]:
    """How many of the damaged bytes were found and named; anything missed ends the run."""
    with tempfile.TemporaryDirectory(prefix="vertikal-flips-") as folder:
        path = Path(folder) / "log.bundle"
        _make(url, path)
        whole = verify(path, [SIGNER.verifier])
        assert whole.ok, whole.reason
        lines = list(_lines(path))
        chosen = list(_choose(lines, random.Random(SEED)))
        missed = [each for each in chosen if not _is_named(path, lines, *each)]
    if missed:
        raise SystemExit(f"not found, or named wrongly: {missed}")
    title = f"bytes damaged in a bundle of {whole.size:,} events: found and named"
    return [Result(title, name, len(chosen), "bytes", len(chosen), 1.0, "all", True)]


def _make(url: str, path: Path) -> None:
    """The bundle of a real sample, with a checkpoint on the way."""
    engine, settings, sample = connect(url), read_settings({}), region("large")
    store.create(engine)
    with writing(engine) as connection:
        proving.take_into_use(connection, SIGNER.verifier, 0)
    for count in (EVENTS * 2 // 5, EVENTS * 3 // 5):
        demo.record(engine, settings, islice(sample, count), lambda _: None)
        proving.checkpoint(engine, SIGNER)
    archive.export(engine, SIGNER, path, lambda _: None)


def _lines(path: Path) -> Iterator[Line]:
    start = position = 0
    with path.open("rb") as file:
        for text in file:
            if text.startswith(b"{"):
                position += 1
                yield Line(start, len(text), "events", position)
            elif text.startswith(b"#"):
                yield Line(start, len(text), "hashes", int(text[1 : text.index(b" ")]))
            else:
                yield Line(start, len(text), "header" if text == HEADER else "trailer", None)
            start += len(text)


def _choose(lines: list[Line], chance: random.Random) -> Iterator[tuple[int, int]]:
    """(offset, number of the line) of the bytes to damage."""
    starts, size = [line.start for line in lines], lines[-1].start + lines[-1].length
    for offset in chance.sample(range(size), ANYWHERE):
        yield offset, bisect_right(starts, offset) - 1
    for part in ("header", "events", "hashes", "trailer"):
        numbers = [number for number, line in enumerate(lines) if line.part == part]
        for number in chance.sample(numbers, min(OF_EACH_KIND, len(numbers))):
            line = lines[number]
            for at in {0, 1, line.length - 1, chance.randrange(line.length)}:
                yield line.start + at, number


def _is_named(path: Path, lines: list[Line], offset: int, number: int) -> bool:
    """Damage a byte, verify, and put it back."""
    line, chance = lines[number], random.Random(offset)
    with path.open("r+b") as file:
        file.seek(line.start)
        text = file.read(line.length)
        byte = text[offset - line.start]
        others = {byte ^ 1 << chance.randrange(8), chance.randrange(256), *b'\n#{"'} - {byte}
        _put(file, offset, chance.choice(sorted(others)))
        verdict = verify(path, [SIGNER.verifier])
        _put(file, offset, byte)
    due = line.due(offset, text.index(b" ") + 1 if line.part == "hashes" else 0)
    return not verdict.ok and (_part(verdict), verdict.position) == (line.part, due)


def _put(file: BinaryIO, offset: int, byte: int) -> None:
    file.seek(offset)
    file.write(bytes([byte]))
    file.flush()


def _part(verdict: Verdict) -> str | None:
    return "trailer" if verdict.part in ("trailer", "keys", "checkpoint", "digest") else verdict.part
