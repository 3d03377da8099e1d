"""The bundle: a whole log in one text file that proves itself, written and read as a stream.

    vertikal-bundle/1
    {"event":…,"recorded_at":…}        the leaf of position 1, then of 2, …: up to 256 lines
    #1 <hashes>                        first position of the block, and the leaf hashes, 64 hex digits each
    …                                  further blocks; all but the last have 256 leaves
    key <verifier key>                 every public key that the log has had
    source {…}                         whose token used a source first
    checkpoint <base64 of a note>      signed checkpoints in rising size, the last one over all leaves of the bundle
    sha256 <hex>                       over all bytes before this line

The hashes are those that the database keeps beside the leaves. They are proven by the checkpoint's root, so they tell
at which position a leaf is another one.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import ne
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from .canonical import canonical
from .merkle import BLOCK, Frontier, leaf_hash

HEADER = b"vertikal-bundle/1\n"
LINE_MAX = 16 << 20
TRAILER_MAX = 64 << 20
HEX = 64
LEAF = b'{"event":'
TRAILER = (b"key ", b"source ", b"checkpoint ", b"sha256 ")
FIRST_WORD = re.compile(rb"(?s).(key |source |checkpoint |sha256 )")  # the byte before it should end a line
HASHES = re.compile(rb"#[0-9]+ |[^{\"][^\"]{0,20}?[0-9a-f]{48}")  # also where its beginning is damaged
WHOLE_HASHES = re.compile(rb"#[0-9]+ (?:[0-9a-f]{64})+\n")

Leaves = Iterable[tuple[bytes, bytes]]  # (leaf, the hash kept beside it) in the order of positions


class NotABundle(ValueError):
    """The file cannot be read as a bundle; the text says where it stops being one."""


@dataclass(frozen=True)
class Trailer:
    """What stands behind the leaves: texts of public keys, sources with their organisations, signed notes."""

    keys: tuple[str, ...]
    sources: tuple[Mapping[str, Any], ...]
    checkpoints: tuple[str, ...]

    def lines(self) -> Iterator[bytes]:
        yield from (f"key {key}\n".encode() for key in self.keys)
        yield from (b"source " + canonical(dict(source)) + b"\n" for source in self.sources)
        yield from (b"checkpoint " + base64.b64encode(note.encode()) + b"\n" for note in self.checkpoints)


def write(
    path: Path,
    leaves_after: Callable[[int], Leaves],
    trailer_at: Callable[[int], Trailer],
    progress: Callable[[int], None] = lambda _: None,
    is_ours: Callable[[int, bytes], bool] = lambda _size, _root: True,
) -> int:
    """Write the bundle; how many leaves it holds.

    A file ``.part`` of an interrupted run is gone on with: ``leaves_after`` is asked for what lies behind its position.
    ``is_ours`` is asked whether its leaves, by their number and root, are of this log; if not, it is begun anew.
    ``trailer_at`` is asked for the trailer over so many leaves.
    """
    part = path.with_name(path.name + ".part")
    with part.open("a+b") as file:
        written, digest = _resume(file, is_ours)
        progress(written)
        written = _write_blocks(file, leaves_after(written), written, digest, progress)
        for line in trailer_at(written).lines():
            digest.update(line)
            file.write(line)
        file.write(f"sha256 {digest.hexdigest()}\n".encode())
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    return written


def read(path: Path) -> Iterator[bytes]:
    """The leaves of a bundle in their order; it should have been verified before."""
    with path.open("rb") as file:
        for line in file:
            if line.startswith(b"{"):
                yield line[:-1]


def read_trailer(path: Path) -> Trailer:
    """What stands behind the leaves. Raises ``NotABundle``."""
    with path.open("rb") as file:
        _, lines = find_trailer(file)
    return parse_trailer(lines)


def find_trailer(file: BinaryIO) -> tuple[int, list[bytes]]:
    """Where the trailer begins, and its lines; read from the end of the file. Raises ``NotABundle``."""
    end = file.seek(0, os.SEEK_END)
    size = min(end, 1 << 16)
    while True:
        file.seek(end - size)
        tail = file.read(size)
        begin = _behind_last_block(tail, whole=size == end)
        if begin is not None:
            break
        if size >= min(end, TRAILER_MAX):
            raise NotABundle("the end of the file holds no trailer")
        size = min(end, size * 4, TRAILER_MAX)
    return end - size + begin, tail[begin:].splitlines(keepends=True)


def is_hash_line(line: bytes) -> bool:
    """Whether a line is one of hashes, or was before it was damaged."""
    return not line.startswith(TRAILER) and bool(HASHES.match(line))


def near(found: bytes, expected: bytes, most: int = 8) -> bool:
    """Whether bytes are the expected ones but for a few that were damaged in their places."""
    return found == expected or (len(found) == len(expected) and sum(map(ne, found, expected)) <= most)


def first_damaged(line: bytes, expected: bytes) -> int:
    """Which hash of a damaged line of hashes is the first that is not whole; 0 where the damage lies beside them."""
    at = next(place for place, pair in enumerate(zip(line, expected, strict=True)) if pair[0] != pair[1])
    before = expected.index(b" ") + 1
    return (at - before) // HEX if before <= at < len(line) - 1 else 0


def parse_trailer(lines: Sequence[bytes]) -> Trailer:
    """The trailer of its lines without the digest's. Raises ``NotABundle`` for anything else among them."""
    found: dict[bytes, list[Any]] = {b"key": [], b"source": [], b"checkpoint": []}
    for line in lines:
        kind, _, content = line.rstrip(b"\n").partition(b" ")
        if kind == b"sha256":
            continue
        try:
            found[kind].append(_READ[kind](content))
        except (KeyError, ValueError) as error:
            raise NotABundle(f"the trailer has a line that cannot be read: {line[:40]!r}") from error
    return Trailer(tuple(found[b"key"]), tuple(found[b"source"]), tuple(found[b"checkpoint"]))


def hash_line(first: int, hashes: Sequence[bytes]) -> bytes:
    """The line behind the leaves of a block."""
    return f"#{first} ".encode() + b"".join(hashes).hex().encode() + b"\n"


def _write_blocks(file: BinaryIO, leaves: Leaves, written: int, digest: Any, progress: Callable[[int], None]) -> int:
    lines: list[bytes] = []
    hashes: list[bytes] = []

    def flush() -> int:
        block = b"".join(lines) + hash_line(written + 1, hashes)
        digest.update(block)
        file.write(block)
        progress(len(lines))
        return written + len(lines)

    for leaf, hash_ in leaves:
        lines.append(leaf + b"\n")
        hashes.append(hash_)
        if len(lines) == BLOCK:
            written = flush()
            lines, hashes = [], []
    return flush() if lines else written


def _resume(file: BinaryIO, is_ours: Callable[[int, bytes], bool]) -> tuple[int, Any]:
    """How many leaves an interrupted run left in whole blocks, and the digest so far; the rest is cut off."""
    digest, leaves = hashlib.sha256(HEADER), Frontier()
    file.seek(0)
    good = 0
    if file.readline(len(HEADER)) == HEADER:
        good = len(HEADER)
        while (block := _whole_block(file, leaves)) is not None:
            digest.update(block)
            good += len(block)
    if good and is_ours(leaves.size, leaves.root()):
        file.truncate(good)
        file.seek(good)
        return leaves.size, digest
    file.truncate(0)
    file.write(HEADER)
    return 0, hashlib.sha256(HEADER)


def _whole_block(file: BinaryIO, leaves: Frontier) -> bytes | None:
    """The next block of 256 leaves whose hashes are those of its leaves, which are added to ``leaves``."""
    lines = [file.readline(LINE_MAX) for _ in range(BLOCK)]
    if not all(line.startswith(b"{") and line.endswith(b"\n") for line in lines):
        return None
    hashes = [leaf_hash(line[:-1]) for line in lines]
    listed = hash_line(leaves.size + 1, hashes)
    if file.readline(LINE_MAX) != listed:
        return None
    for hash_ in hashes:
        leaves.append(hash_)
    return b"".join([*lines, listed])


def _behind_last_block(tail: bytes, *, whole: bool) -> int | None:
    """Where in the end of a file its last block (or the header) is over; None where neither lies in it."""
    last = tail.rfind(b"\n" + LEAF) + 1
    if not last and not whole:
        return None
    end = tail.find(b"\n", last)  # of the last leaf, or of the header
    if end < 0:
        return len(tail)
    word = FIRST_WORD.search(tail, end)
    line = tail.find(b"\n", end + 1) + 1 or len(tail) if last else end + 1
    if word is None or (line < word.start(1) and _is_damaged_word(tail[line : line + 16])):
        return line
    return word.start(1)


def _is_damaged_word(text: bytes) -> bool:
    return any(near(text[: len(word)], word, 1) for word in TRAILER)


def _note(content: bytes) -> str:
    note = base64.b64decode(content, validate=True)
    if base64.b64encode(note) != content:
        raise ValueError("not base64 in its one form")
    return note.decode()


def _source(content: bytes) -> Mapping[str, Any]:
    source = orjson.loads(content)
    if not isinstance(source, dict) or source.keys() != {"organisation", "source"}:
        raise ValueError("not a source")
    return source


_READ: dict[bytes, Callable[[bytes], Any]] = {b"key": bytes.decode, b"source": _source, b"checkpoint": _note}
