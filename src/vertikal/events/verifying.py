"""Proves a bundle offline, in one pass and bounded memory, and names the first position that is not what was signed.

The leaves give a root, and the signed checkpoint says whether it is the log's. If not, the first leaf that is not the
one whose hash is listed is where the bundle differs.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from .bundle import (
    HEADER,
    HEX,
    LEAF,
    LINE_MAX,
    TRAILER,
    WHOLE_HASHES,
    NotABundle,
    Trailer,
    find_trailer,
    first_damaged,
    hash_line,
    is_hash_line,
    near,
    parse_trailer,
)
from .merkle import BLOCK, Frontier, leaf_hash
from .notes import Checkpoint, NoteError, Opened, Verifier, open_note, text_of

DAMAGED = "строка хешей повреждена, события на месте"


@dataclass(frozen=True)
class Verdict:
    """``position`` is the first that differs; ``part`` says what of it does. ``reason`` is in Russian.

    ``events``: the event is not the one that was signed. ``hashes``: all events are, but the hash listed for this one
    was damaged. The other parts (``header``, ``trailer``, ``keys``, ``checkpoint``, ``digest``) have no position.
    """

    ok: bool
    size: int
    origin: str | None = None
    root: bytes | None = None
    position: int | None = None
    part: str | None = None
    reason: str | None = None
    signed_by: tuple[str, ...] = ()


class _Broken(Exception):
    def __init__(self, part: str, reason: str, position: int | None = None) -> None:
        super().__init__(reason)
        self.part = part
        self.position = position


@dataclass
class _Pass:
    """What one reading of the blocks found. ``roots``: of the leaves, at the sizes that were asked for.

    ``differs`` and ``why``: the first difference between leaves and listed hashes. ``damaged``: the first position
    whose listed hash was itself damaged, which says nothing of the event.
    """

    leaves: Frontier = field(default_factory=Frontier)
    roots: dict[int, bytes] = field(default_factory=dict)
    digest: Any = field(default_factory=hashlib.sha256)
    differs: int | None = None
    why: str | None = None
    damaged: int | None = None

    def note(self, position: int | None, why: str) -> None:
        if self.why is None:
            self.differs, self.why = position, why


def verify(
    path: Path,
    trusted: Sequence[Verifier] = (),
    newest: str | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Verdict:
    """Whether the bundle is the log that its checkpoint signs.

    ``trusted``: keys that the auditor knows; without any, those in the bundle are believed. ``newest``: a signed
    checkpoint that the auditor holds, so that an old bundle does not pass for the present log. Raises ``OSError``.
    """
    with path.open("rb") as file:
        try:
            begin, lines = find_trailer(file)
        except NotABundle:
            begin, lines = file.seek(0, 2), []
        file.seek(0)
        trailer, problem = _read_trailer(lines)
        held = [*trailer.checkpoints, *([newest] if newest else [])]
        found = _read_blocks(file, begin, {size for note in held if (size := _size(note)) is not None}, progress)
    try:
        signed = _signed(trailer, trusted, problem)
        _compare(found, _checkpoints(trailer, trusted, newest))
        _require_digest(found, lines)
    except _Broken as broken:
        return _refused(found, broken, cut=not any(line.startswith(TRAILER) for line in lines))
    checkpoint = Checkpoint.parse(signed.text)
    who = tuple(str(signature.verifier) for signature in signed.signatures)
    return Verdict(True, checkpoint.size, checkpoint.origin, checkpoint.root, signed_by=who)


def _refused(found: _Pass, broken: _Broken, *, cut: bool) -> Verdict:
    """The verdict where something does not hold; a leaf that differs says more than a signature that fails."""
    position, part, reason = broken.position, broken.part, str(broken)
    if position is None and found.why is not None:
        position, reason = found.differs, found.why
        part = "events" if found.differs is not None else "header"
    elif position is None and found.damaged is not None:
        position, part, reason = found.damaged, "hashes", DAMAGED
    elif position is None and cut:
        position, part = found.leaves.size + 1, "events"
    return Verdict(False, found.leaves.size, position=position, part=part, reason=reason)


# Reading


def _read_blocks(file: BinaryIO, end: int, sizes: set[int], progress: Callable[[int], None]) -> _Pass:
    """Read all blocks up to the byte ``end``; notes the first position where leaf and listed hash differ."""
    found = _Pass()
    found.roots[0] = found.leaves.root()
    header = file.read(min(len(HEADER), end))
    found.digest.update(header)
    if header != HEADER:
        found.note(None, "файл начинается не так, как пакет журнала")
    while file.tell() < end:
        first = found.leaves.size + 1
        lines, hashes, listed = _read_block(file, end, found, first)
        _judge_block(found, first, lines, hashes, listed)
        for hash_ in hashes:
            found.leaves.append(hash_)
            if found.leaves.size in sizes:
                found.roots[found.leaves.size] = found.leaves.root()
        progress(len(lines))
    return found


def _read_block(file: BinaryIO, end: int, found: _Pass, first: int) -> tuple[list[bytes], list[bytes], bytes]:
    """The leaves up to the next line of hashes, their hashes, and that line; of a block that is too long, one more."""
    lines: list[bytes] = []
    hashes: list[bytes] = []
    while file.tell() < end:
        line = file.readline(min(LINE_MAX, end - file.tell()))
        listed = b"" if line.startswith(LEAF) else _listed_from(file, end, line, hash_line(first, hashes))
        found.digest.update(listed or line)
        if listed or is_hash_line(line):
            return lines, hashes, listed or line
        if len(lines) <= BLOCK:
            lines.append(line)
            hashes.append(leaf_hash(line[:-1]))
    return lines, hashes, b""


def _listed_from(file: BinaryIO, end: int, line: bytes, expected: bytes) -> bytes:
    """The expected line of hashes where the line just read begins, though a few of its bytes are others; or nothing.

    By its length, for a damaged byte may have been the end of the line, or become one.
    """
    behind = file.tell()
    if len(line) > len(expected) and WHOLE_HASHES.fullmatch(line):  # of more leaves: some are gone
        return b""
    file.seek(behind - len(line))
    listed = file.read(min(len(expected), end - file.tell()))
    if near(listed, expected):
        return listed
    file.seek(behind)
    return b""


def _judge_block(found: _Pass, first: int, lines: list[bytes], hashes: list[bytes], line: bytes) -> None:
    """Compare the listed hashes with those of the leaves, as text: every digit counts.

    A line that is whole and bears the number of another block was moved, not damaged.
    """
    expected = hash_line(first, hashes)
    if line == expected and len(hashes) <= BLOCK:
        return
    if near(line, expected) and not (WHOLE_HASHES.fullmatch(line) and not line.startswith(b"#%d " % first)):
        found.damaged = found.damaged or first + first_damaged(line, expected)
    else:
        _find_difference(found, first, lines, hashes, line)


def _find_difference(found: _Pass, first: int, lines: list[bytes], hashes: list[bytes], line: bytes) -> None:
    """Note the first position at which leaves and the line behind them do not belong together."""
    whole = [leaf.startswith(LEAF) and leaf.endswith(b'"}\n') for leaf in lines]
    broken = first + whole.index(False) if False in whole else None
    if not (line.startswith(b"#%d " % first) and line.endswith(b"\n")):
        if broken is not None:
            found.note(broken, "запись события повреждена или оборвана")
        elif line.endswith(b"\n") and not _of_a_later_block(line, first, hashes):
            found.note(first, "строка хешей повреждена или стоит не на своём месте")
        else:
            found.note(first + min(len(hashes), BLOCK), "событий не хватает: за последними нет их хешей")
        return
    listed = line.rstrip(b"\n").partition(b" ")[2].decode("ascii", "replace")
    pieces = [listed[at : at + HEX] for at in range(0, len(listed), HEX)]
    unequal = [number for number, pair in enumerate(zip(hashes, pieces, strict=False)) if pair[0].hex() != pair[1]]
    if unequal:
        found.note(first + unequal[0], "событие не то, хеш которого записан")
    else:
        found.note(first + min(len(hashes), len(pieces)), "событий не столько, сколько хешей")


def _of_a_later_block(line: bytes, first: int, hashes: list[bytes]) -> bool:
    """Whether the leaves in front of a line of hashes are what is left of a block whose own line is gone."""
    named = re.match(rb"#([0-9]{1,18}) ", line)
    later = named is not None and int(named[1]) > first
    return later and len(hashes) < BLOCK and b"".join(hashes).hex().encode() not in line


def _read_trailer(lines: Sequence[bytes]) -> tuple[Trailer, str | None]:
    try:
        return parse_trailer(lines), None
    except NotABundle as error:
        return Trailer((), (), ()), str(error)


# Judging


def _signed(trailer: Trailer, trusted: Sequence[Verifier], problem: str | None) -> Opened:
    """The last checkpoint, opened."""
    if problem is not None:
        raise _Broken("trailer", f"окончание пакета повреждено: {problem}")
    if not trailer.checkpoints:
        raise _Broken("checkpoint", "в пакете нет контрольной точки: он оборван или неполон")
    return _open(trailer.checkpoints[-1], trailer, trusted)


def _open(note: str, trailer: Trailer, trusted: Sequence[Verifier]) -> Opened:
    try:
        keys = list(trusted) or [Verifier.parse(key) for key in trailer.keys]
    except NoteError as error:
        raise _Broken("keys", f"открытый ключ в пакете повреждён: {error}") from error
    try:
        opened = open_note(note, keys)
        Checkpoint.parse(opened.text)
    except NoteError as error:
        raise _Broken("checkpoint", f"подпись контрольной точки не подтверждена: {error}") from error
    return opened


def _compare(found: _Pass, signed: Iterable[Checkpoint]) -> None:
    """Hold what was read against everything that was signed, in rising size. Raises ``_Broken``."""
    good, size = 0, found.leaves.size
    for held in signed:
        if held.size <= size and found.roots.get(held.size) == held.root:
            good = max(good, held.size)
            continue
        if found.differs is not None and found.differs <= held.size:
            raise _Broken("events", str(found.why), found.differs)
        if held.size > size:
            raise _Broken("events", f"журнал подписан до позиции {held.size}, в пакете событий: {size}", size + 1)
        between = f"первое отличие между позициями {good + 1} и {held.size}"
        raise _Broken("events", f"корень дерева не тот, что подписан: {between}", good + 1)
    if found.why is not None:  # the leaves are what was signed, so the list of hashes (or the header) is not
        raise _Broken("hashes" if found.differs else "header", found.why, found.differs)
    if found.damaged is not None:
        raise _Broken("hashes", DAMAGED, found.damaged)
    if size > good:
        raise _Broken("events", f"за подписанными событиями есть лишние: {size - good}", good + 1)


def _checkpoints(trailer: Trailer, trusted: Sequence[Verifier], newest: str | None) -> Iterator[Checkpoint]:
    """Everything signed, in rising size; earlier ones may be signed by earlier keys."""
    notes = [
        *((note, ()) for note in trailer.checkpoints[:-1]),
        (trailer.checkpoints[-1], trusted),
        *([(newest, trusted)] if newest else []),
    ]
    signed = [Checkpoint.parse(_open(note, trailer, keys).text) for note, keys in notes]
    yield from sorted(signed, key=lambda checkpoint: checkpoint.size)


def _require_digest(found: _Pass, lines: Sequence[bytes]) -> None:
    """The last line is the SHA-256 of all before it: what proves nothing of the log must not be altered, either."""
    for line in lines[:-1]:
        found.digest.update(line)
    if not lines or lines[-1] != f"sha256 {found.digest.hexdigest()}\n".encode():
        raise _Broken("digest", "контрольная сумма файла не сходится: окончание пакета изменено")


def _size(note: str) -> int | None:
    try:
        return Checkpoint.parse(text_of(note)).size
    except NoteError:
        return None
