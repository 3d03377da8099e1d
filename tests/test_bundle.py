"""A bundle proves itself offline: whatever is done to it is found, and the first position that differs is named."""

from __future__ import annotations

import base64
import random
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vertikal.events import bundle
from vertikal.events.bundle import Trailer
from vertikal.events.merkle import BLOCK, leaf_hash, root_of
from vertikal.events.notes import Checkpoint, Signer, add_signatures, sign
from vertikal.events.verifying import Verdict, verify

SIGNER = Signer.generate("obr.example/log")
SOURCES = ({"organisation": "obr", "source": "/regions/obr"},)
SIZE = 700
Lines = list[bytes]


def leaf(number: int) -> bytes:
    return b'{"event":{"id":"e%d","type":"t"},"recorded_at":"2020-09-01T07:00:00.000000Z"}' % number


def note(size: int, signer: Signer = SIGNER, leaves: Callable[[int], bytes] = leaf) -> str:
    root = root_of(leaf_hash(leaves(number)) for number in range(1, size + 1))
    return sign(Checkpoint(signer.name, size, root).text(), signer)


def trailer(size: int, *earlier: int) -> Trailer:
    return Trailer((str(SIGNER.verifier),), SOURCES, tuple(note(each) for each in (*earlier, size)))


def write(
    path: Path, size: int, *earlier: int, leaves: Callable[[int], bytes] = leaf, kept: Callable[[int], bytes] = leaf
) -> Path:
    """A bundle; ``leaves`` are the lines, ``kept`` those whose hashes the database kept beside them."""

    def after(position: int) -> Iterator[tuple[bytes, bytes]]:
        return ((leaves(number), leaf_hash(kept(number))) for number in range(position + 1, size + 1))

    bundle.write(path, after, lambda _: trailer(size, *earlier))
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write(tmp_path_factory.mktemp("bundle") / "log", SIZE, 300).read_bytes()


@pytest.fixture
def check(tmp_path: Path) -> Callable[[bytes], Verdict]:
    def judge(content: bytes) -> Verdict:
        file = tmp_path / "bundle"
        file.write_bytes(content)
        return verify(file)

    return judge


Check = Callable[[bytes], Verdict]


def place(position: int) -> int:
    """The number of the line that holds a position."""
    return position + (position - 1) // BLOCK


def edited(content: bytes, change: Callable[[Lines], object]) -> bytes:
    """The bundle with its lines changed; the digest at its end is made to fit again."""
    lines = content.splitlines(keepends=True)
    change(lines)
    return resealed(b"".join(lines))


def resealed(content: bytes) -> bytes:
    import hashlib  # noqa: PLC0415  # only a forger needs it

    before = content[: content.rindex(b"sha256 ")]
    return before + b"sha256 %s\n" % hashlib.sha256(before).hexdigest().encode()


def owners(content: bytes) -> list[tuple[str, int | None]]:
    """What verify must name for a damaged byte, byte by byte: the part of the bundle, and the position.

    A line of hashes names the event whose hash is damaged, or the first of the block for what stands beside them.
    """
    found: list[tuple[str, int | None]] = []
    position = 0
    for line in content.splitlines(keepends=True):
        if line.startswith(b"{"):
            position += 1
            found += [("events", position)] * len(line)
        elif line.startswith(b"#"):
            name, _, listed = line.partition(b" ")
            first = int(name[1:])
            found += [("hashes", first)] * (len(name) + 1)
            found += [("hashes", first + at // 64) for at in range(len(listed) - 1)] + [("hashes", first)]
        else:
            found += [("header" if line == bundle.HEADER else "trailer", None)] * len(line)
    return found


def named(verdict: Verdict) -> tuple[str | None, int | None]:
    part = "trailer" if verdict.part in ("trailer", "keys", "checkpoint", "digest") else verdict.part
    return part, verdict.position


# What is good


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 512, 700])
def test_a_good_bundle_is_proven(tmp_path: Path, size: int) -> None:
    verdict = verify(write(tmp_path / "log", size))
    assert (verdict.ok, verdict.size, verdict.reason) == (True, size, None)
    assert verdict.root == root_of(leaf_hash(leaf(number)) for number in range(1, size + 1))
    assert verdict.signed_by == (str(SIGNER.verifier),)


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    path = write(tmp_path / "log", 300)
    assert list(bundle.read(path)) == [leaf(number) for number in range(1, 301)]
    assert bundle.read_trailer(path) == trailer(300)


# What is not


@pytest.mark.parametrize("seed", range(4))
def test_every_damaged_byte_is_found_and_its_place_is_named(whole: bytes, check: Check, seed: int) -> None:
    """A quarter in each run: of bytes all over a bundle, and of every byte around the ends of blocks.

    Each becomes another by one bit, by chance, and what begins or ends a line.
    """
    chance, due = random.Random(seed), owners(whole)
    for offset in [*range(seed * 401, len(whole), 1_604), *ends_of_blocks(whole)[seed::4]]:
        for byte in {whole[offset] ^ 1 << chance.randrange(8), chance.randrange(256), *b'\n#{"k'} - {whole[offset]}:
            damaged = bytearray(whole)
            damaged[offset] = byte
            verdict = check(bytes(damaged))
            assert not verdict.ok, (offset, byte)
            assert named(verdict) == due[offset], (offset, byte, verdict)


def test_a_damaged_line_of_hashes_does_not_hide_an_edited_event_behind_it(whole: bytes, check: Check) -> None:
    def edit(lines: Lines) -> None:
        lines[257] = lines[257].replace(b" ", b"_")
        lines[place(600)] = lines[place(600)].replace(b'"t"', b'"u"')

    assert named(check(edited(whole, edit))) == ("events", 600)


def ends_of_blocks(content: bytes) -> list[int]:
    found = []
    at = content.find(b"\n#")
    while at >= 0:
        end = content.find(b"\n", at + 1)
        found += [*range(at - 4, at + 8), at + 64 + 6, *range(end - 3, end + 14)]
        at = content.find(b"\n#", end)
    return found


def test_a_damaged_byte_of_the_trailer_names_no_position_but_what_it_is(whole: bytes, check: Check) -> None:
    start = whole.index(b"key ")
    for offset in [*range(start, len(whole), 7), *(at + 1 for at in range(start, len(whole) - 1) if whole[at] == 10)]:
        for byte in {whole[offset] ^ 1, *b"\n#{"} - {whole[offset]}:
            damaged = bytearray(whole)
            damaged[offset] = byte
            assert named(check(bytes(damaged))) == ("trailer", None), (offset, byte)


POSITIONS = (1, 2, 255, 256, 257, 512, 513, 700)


@pytest.mark.parametrize("position", POSITIONS)
def test_an_edited_event_is_named(whole: bytes, check: Check, position: int) -> None:
    def edit(lines: Lines) -> None:
        lines[place(position)] = lines[place(position)].replace(b'"t"', b'"u"')

    assert check(edited(whole, edit)).position == position


@pytest.mark.parametrize("position", POSITIONS)
def test_a_deleted_event_is_named(whole: bytes, check: Check, position: int) -> None:
    assert check(edited(whole, lambda lines: lines.pop(place(position)))).position == position


@pytest.mark.parametrize("position", [*POSITIONS, 701])
def test_an_inserted_event_is_named(whole: bytes, check: Check, position: int) -> None:
    at = place(position) if position <= SIZE else place(SIZE) + 1
    assert check(edited(whole, lambda lines: lines.insert(at, leaf(9999) + b"\n"))).position == position


@pytest.mark.parametrize(("first", "second"), [(1, 2), (2, 600), (255, 257), (256, 257), (512, 700), (699, 700)])
def test_of_two_swapped_events_the_first_is_named(whole: bytes, check: Check, first: int, second: int) -> None:
    def swap(lines: Lines) -> None:
        a, b = place(first), place(second)
        lines[a], lines[b] = lines[b], lines[a]

    assert check(edited(whole, swap)).position == first


def blocks_of(lines: Lines) -> list[Lines]:
    return [lines[1:258], lines[258:515], lines[515:704]]


@pytest.mark.parametrize(
    ("order", "position"), [((1, 2), 1), ((0, 2), 257), ((0, 1), 513), ((1, 0, 2), 1), ((0, 0, 1, 2), 257)]
)
def test_blocks_missing_moved_or_doubled_are_named(
    whole: bytes, check: Check, order: tuple[int, ...], position: int
) -> None:
    def arrange(lines: Lines) -> None:
        blocks = blocks_of(lines)
        lines[1:704] = [line for number in order for line in blocks[number]]

    assert check(edited(whole, arrange)).position == position


@pytest.mark.parametrize("kept", [0, 1, 100, 255, 256, 257, 512, 600, 699])
def test_a_log_cut_behind_an_event_is_named_at_the_next(whole: bytes, check: Check, kept: int) -> None:
    """With its trailer, as an old backup under a new signature; and cut off with everything behind."""
    cut = place(kept + 1)

    def drop(lines: Lines) -> None:
        del lines[cut : place(SIZE) + 1]

    assert check(edited(whole, drop)).position == kept + 1
    assert check(b"".join(whole.splitlines(keepends=True)[:cut])).position == kept + 1


def test_a_file_cut_anywhere_in_its_events_is_named_at_the_first_that_is_not_whole(whole: bytes, check: Check) -> None:
    for size in random.Random(1).sample(range(len(bundle.HEADER), whole.index(b"key ")), 150):
        complete = [line for line in whole[:size].splitlines(keepends=True) if line[:1] == b"{" and line[-1:] == b"\n"]
        assert check(whole[:size]).position == len(complete) + 1, size


@pytest.mark.parametrize("content", [b"", b"x", b"vertikal-bundle/2\n", bytes(range(256)) * 40, b"{" * 5000])
def test_what_is_no_bundle_is_refused(check: Check, content: bytes) -> None:
    assert not check(content).ok


def test_an_edit_in_the_database_is_named(tmp_path: Path) -> None:
    """The hashes beside the events are the log's; the event is not."""
    path = write(tmp_path / "log", 600, leaves=lambda number: leaf(number if number != 400 else 9999))
    assert verify(path).position == 400


def test_events_and_hashes_forged_together_are_narrowed_down_by_earlier_checkpoints(tmp_path: Path) -> None:
    forged: Callable[[int], bytes] = lambda number: leaf(number if number != 400 else 9999)  # noqa: E731
    verdict = verify(write(tmp_path / "log", 700, 100, 300, 500, leaves=forged, kept=forged))
    assert (verdict.ok, verdict.position) == (False, 301)
    assert "между позициями 301 и 500" in str(verdict.reason)


# Who signed


def test_an_old_backup_does_not_pass_beside_a_newer_checkpoint(tmp_path: Path) -> None:
    old = write(tmp_path / "log", 300)
    assert verify(old, newest=note(300)).ok
    verdict = verify(old, newest=note(450))
    assert (verdict.ok, verdict.position) == (False, 301)


def test_another_history_does_not_pass_beside_an_older_checkpoint(tmp_path: Path) -> None:
    other = note(200, leaves=lambda number: leaf(number + 1))
    assert not verify(write(tmp_path / "log", 300), newest=other).ok


def test_a_trusted_key_must_have_signed(tmp_path: Path) -> None:
    path = write(tmp_path / "log", 300)
    assert verify(path, [SIGNER.verifier]).ok
    verdict = verify(path, [Signer.generate("obr.example/log").verifier])
    assert (verdict.ok, verdict.part, verdict.position) == (False, "checkpoint", None)


def test_a_bundle_signed_by_a_stranger_is_told_by_its_key(tmp_path: Path) -> None:
    """Without a trusted key only the name of the signer can be compared: that is what the verdict tells."""
    verdict = verify(write(tmp_path / "log", 10))
    assert verdict.signed_by == (str(SIGNER.verifier),)


def test_cosignatures_are_kept_and_do_no_harm(tmp_path: Path) -> None:
    witness = Signer.generate("gorodets.example")
    signed = note(10)
    cosigned = add_signatures(signed, [witness.cosign(signed.split("\n\n")[0] + "\n", 1)])
    path = tmp_path / "log"
    held = Trailer((str(SIGNER.verifier),), (), (cosigned,))
    bundle.write(path, lambda at: ((leaf(n), leaf_hash(leaf(n))) for n in range(at + 1, 11)), lambda _: held)
    assert verify(path).ok
    assert base64.b64encode(cosigned.encode()) in path.read_bytes()


# Streams


def test_an_interrupted_export_goes_on_and_ends_with_the_same_bytes(tmp_path: Path, whole: bytes) -> None:
    for size in [0, 5, 18, 1000, *random.Random(2).sample(range(len(whole)), 25)]:
        path = tmp_path / "log"
        path.with_name("log.part").write_bytes(whole[:size])
        assert write(path, SIZE, 300).read_bytes() == whole, size
        assert not path.with_name("log.part").exists()


def test_an_interrupted_export_goes_on_behind_its_whole_blocks(tmp_path: Path, whole: bytes) -> None:
    (tmp_path / "log.part").write_bytes(whole[: whole.index(b"\n#513")])
    asked = []

    def after(position: int) -> Iterator[tuple[bytes, bytes]]:
        asked.append(position)
        return ((leaf(number), leaf_hash(leaf(number))) for number in range(position + 1, SIZE + 1))

    bundle.write(tmp_path / "log", after, lambda _: trailer(SIZE, 300))
    assert asked == [512]


def test_memory_does_not_grow_with_the_log(tmp_path: Path) -> None:
    path = tmp_path / "log"
    held = Trailer((str(SIGNER.verifier),), (), (note(20_000),))
    tracemalloc.start()
    bundle.write(path, lambda at: ((leaf(n), leaf_hash(leaf(n))) for n in range(at + 1, 20_001)), lambda _: held)
    verified = verify(path).ok
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert verified
    assert peak < 3_000_000
