"""The Merkle tree: vectors of the standard, a naive tree beside ours, and proofs that are corrupted in every place."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vertikal.events.merkle import (
    BLOCK,
    Frontier,
    check_consistency,
    check_inclusion,
    completed,
    consistency,
    inclusion,
    leaf_hash,
    node_hash,
    root,
    root_of,
)

EMPTY = hashlib.sha256(b"").digest()
LARGEST = 65_537
AROUND_BLOCKS = [1, 2, 3, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537]
SIZES = [*range(20), *AROUND_BLOCKS]


# The naive tree: RFC 6962, section 2.1, word for word


def split(size: int) -> int:
    """The largest power of two smaller than ``size``."""
    power = 1
    while power * 2 < size:
        power *= 2
    return power


@cache
def leaf(index: int) -> bytes:
    return leaf_hash(f"leaf {index}".encode())


@cache
def naive(start: int, stop: int) -> bytes:
    """MTH over the leaves [start, stop)."""
    if stop == start:
        return EMPTY
    if stop - start == 1:
        return leaf(start)
    middle = start + split(stop - start)
    return node_hash(naive(start, middle), naive(middle, stop))


# A step of a proof: the side on which its hash stands ("seed": where both trees begin), and the range it covers.
Step = tuple[str, int, int]


def naive_inclusion(index: int, start: int, stop: int) -> list[Step]:
    """PATH(index, D[start:stop])."""
    if stop - start == 1:
        return []
    middle = start + split(stop - start)
    if index < middle:
        return [*naive_inclusion(index, start, middle), ("right", middle, stop)]
    return [*naive_inclusion(index, middle, stop), ("left", start, middle)]


def naive_consistency(old: int, start: int, stop: int, *, whole: bool = True) -> list[Step]:
    """SUBPROOF(old, D[start:stop], whole), where ``old`` counts from the first leaf of the tree."""
    if old == stop:
        return [] if whole else [("seed", start, stop)]
    middle = start + split(stop - start)
    if old <= middle:
        return [*naive_consistency(old, start, middle, whole=whole), ("right", middle, stop)]
    return [*naive_consistency(old, middle, stop, whole=False), ("left", start, middle)]


def hashes(steps: Sequence[Step]) -> list[bytes]:
    return [naive(start, stop) for _, start, stop in steps]


def sides(steps: Sequence[Step]) -> list[str]:
    return [side for side, _, _ in steps]


# A store as the log keeps it: leaves on level 0, above them what ``completed`` says


class Store:
    def __init__(self) -> None:
        self.levels: dict[int, list[bytes]] = {0: []}
        self.read: set[tuple[int, int]] = set()

    def append(self, added: Sequence[bytes]) -> None:
        rows = list(completed(len(self.levels[0]), added, self.blocks))
        self.levels[0].extend(added)
        for level, number, hash_ in rows:
            row = self.levels.setdefault(level, [])
            assert number == len(row), "a hash was skipped or given twice"
            row.append(hash_)

    def blocks(self, level: int, number: int) -> Sequence[bytes]:
        self.read.add((level, number))
        return self.levels.get(level, [])[number * BLOCK : (number + 1) * BLOCK]


def store_of(size: int, batches: Iterator[int]) -> Store:
    store, at = Store(), 0
    while at < size:
        stop = min(size, at + next(batches))
        store.append([leaf(index) for index in range(at, stop)])
        at = stop
    return store


def endless(batch: int) -> Iterator[int]:
    while True:
        yield batch


@pytest.fixture(scope="module")
def full() -> Store:
    return store_of(LARGEST, endless(1_000))


# Vectors


def unhex(*texts: str) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]


# Leaves, hashes of nodes and roots: transparency-dev/merkle, testonly/constants.go (from Certificate Transparency).
LEAVES = unhex(
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"
)  # fmt: skip
L0, L1, L2, L3, L4, L5, L6, L7 = unhex(
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7",
    "07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7",
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "4271a26be0d8a84f0bd54c8c302e7cb3a3b5d1fa6780a40bcce2873477dab658",
    "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
    "46f6ffadd3d06a09ff3c5860d2755c8b9819db7df44251788c7d8e3180de8eb1",
)
N01, N23, N45, N67, N0123, N4567 = unhex(
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
)
ROOTS = unhex(
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
# (index, size): proof. The first seven: transparency-dev/merkle, testonly/reference_test.go; the others: the example
# of RFC 6962, section 2.1.3, for d0, d3, d4 and d6, over these leaves.
INCLUSIONS = {
    (0, 1): [],
    (0, 2): [L1],
    (1, 2): [L0],
    (2, 3): [N01],
    (1, 5): [L0, N23, L4],
    (0, 8): [L1, N23, N4567],
    (5, 8): [L4, N67, N0123],
    (0, 7): [L1, N23, node_hash(N45, L6)],
    (3, 7): [L2, N01, node_hash(N45, L6)],
    (4, 7): [L5, L6, N0123],
    (6, 7): [N45, N0123],
}
# (old, new): proof. The first four: transparency-dev/merkle, testonly/reference_test.go; 6 → 7: its
# testdata/consistency/4; 3 → 7 and 4 → 7: the example of RFC 6962, section 2.1.3.
CONSISTENCIES = {
    (1, 1): [],
    (1, 8): [L1, N23, N4567],
    (2, 5): [N23, L4],
    (6, 8): [N45, N67, N0123],
    (6, 7): [N45, L6, N0123],
    (3, 7): [L2, L3, N01, node_hash(N45, L6)],
    (4, 7): [node_hash(N45, L6)],
}


def vector_blocks(level: int, number: int) -> Sequence[bytes]:
    return list(map(leaf_hash, LEAVES)) if (level, number) == (0, 0) else []


def test_leaves_and_nodes_are_hashed_as_the_standard_says() -> None:
    # transparency-dev/merkle, rfc6962/rfc6962_test.go
    assert root_of(()).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert leaf_hash(b"L123456").hex() == "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
    assert node_hash(b"N123", b"N456").hex() == "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb"


def test_a_node_cannot_be_passed_off_as_a_leaf() -> None:
    assert leaf_hash(L0 + L1) != node_hash(L0, L1) != node_hash(L1, L0)


def test_the_eight_leaves_have_the_published_hashes() -> None:
    assert list(map(leaf_hash, LEAVES)) == [L0, L1, L2, L3, L4, L5, L6, L7]
    assert [node_hash(L0, L1), node_hash(L2, L3), node_hash(L4, L5), node_hash(L6, L7)] == [N01, N23, N45, N67]
    assert [node_hash(N01, N23), node_hash(N45, N67)] == [N0123, N4567]


@pytest.mark.parametrize("size", range(9))
def test_the_published_root(size: int) -> None:
    assert root_of(map(leaf_hash, LEAVES[:size])) == ROOTS[size]
    assert root(size, vector_blocks) == ROOTS[size]


@pytest.mark.parametrize(("index", "size"), INCLUSIONS)
def test_the_published_inclusion_proof(index: int, size: int) -> None:
    proof = INCLUSIONS[index, size]
    assert inclusion(index, size, vector_blocks) == proof
    assert check_inclusion(leaf_hash(LEAVES[index]), index, size, proof, ROOTS[size])


@pytest.mark.parametrize(("old", "new"), CONSISTENCIES)
def test_the_published_consistency_proof(old: int, new: int) -> None:
    proof = CONSISTENCIES[old, new]
    assert consistency(old, new, vector_blocks) == proof
    assert check_consistency(old, new, proof, ROOTS[old], ROOTS[new])


# Beside the naive tree


def indexes(size: int) -> list[int]:
    """All of a small tree; of a large one its ends, the seams of blocks, and some by chance."""
    if size <= 20:
        return list(range(size))
    chosen = random.Random(size).choices(range(size), k=9)
    seams = {0, 1, 254, 255, 256, 257, size // 2, size - 2, size - 1, 65_535, *chosen}
    return sorted(index for index in seams if index < size)


@pytest.mark.parametrize("size", SIZES)
def test_a_root_is_that_of_the_naive_tree(full: Store, size: int) -> None:
    assert root(size, full.blocks) == naive(0, size)


@pytest.mark.parametrize("size", SIZES)
def test_a_root_grown_leaf_by_leaf_is_that_of_the_naive_tree(size: int) -> None:
    frontier = Frontier()
    for index in range(size):
        frontier.append(leaf(index))
    assert (frontier.size, frontier.root()) == (size, naive(0, size))


@pytest.mark.parametrize("size", SIZES)
def test_an_inclusion_proof_is_that_of_the_naive_tree_and_holds(full: Store, size: int) -> None:
    for index in indexes(size):
        proof = inclusion(index, size, full.blocks)
        assert proof == hashes(naive_inclusion(index, 0, size))
        assert check_inclusion(leaf(index), index, size, proof, naive(0, size))


@pytest.mark.parametrize("new", SIZES)
def test_a_consistency_proof_is_that_of_the_naive_tree_and_holds(full: Store, new: int) -> None:
    for old in [*indexes(new)[1:], new]:
        proof = consistency(old, new, full.blocks)
        assert proof == hashes(naive_consistency(old, 0, new) if old else [])
        assert check_consistency(old, new, proof, naive(0, old), naive(0, new))


def test_the_empty_tree_begins_every_tree_without_a_proof(full: Store) -> None:
    assert consistency(0, 5, full.blocks) == []
    assert check_consistency(0, 5, [], EMPTY, naive(0, 5))
    assert check_consistency(0, 0, [], EMPTY, EMPTY)


@pytest.mark.parametrize("size", [20, 257, 513, 65_535, 65_537])
def test_a_proof_reads_at_most_two_blocks_of_each_level(full: Store, size: int) -> None:
    for index in indexes(size):
        for read in (inclusion, consistency):
            full.read.clear()
            read(index, size, full.blocks)
            levels = [level for level, _ in full.read]
            assert all(levels.count(level) <= 2 for level in levels)


def test_what_a_tree_does_not_have_is_refused(full: Store) -> None:
    for function, number in ((inclusion, 5), (inclusion, -1), (consistency, 6), (consistency, -1)):
        with pytest.raises(ValueError, match=r"tree of|one of 5"):
            function(number, 5, full.blocks)


@pytest.mark.parametrize("size", [LARGEST + 1, 65_536 * 2])
def test_a_tree_larger_than_what_is_stored_has_no_root(full: Store, size: int) -> None:
    with pytest.raises(ValueError, match="lacks hashes"):
        root(size, full.blocks)


# What is stored


def agrees(store: Store, size: int) -> bool:
    """Whether every level holds every full subtree, and nothing else."""
    levels, width = {0: [leaf(index) for index in range(size)]}, BLOCK
    while width <= size:
        levels[len(levels)] = [naive(at, at + width) for at in range(0, size - width + 1, width)]
        width *= BLOCK
    return store.levels == levels


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 700), max_size=8))
def test_any_batches_store_the_same_subtrees(batches: list[int]) -> None:
    size = sum(batches)
    assert agrees(store_of(size, iter(batches)), size)


@pytest.mark.parametrize("seed", range(4))
def test_random_batches_store_the_subtrees_of_the_second_level_too(seed: int) -> None:
    chance = random.Random(seed)
    batches = iter(lambda: chance.choice([1, 2, 255, 256, 257, chance.randrange(1, 9_000)]), 0)
    store = store_of(LARGEST, batches)
    assert len(store.levels[2]) == 1
    assert agrees(store, LARGEST)


def test_one_batch_stores_what_many_do(full: Store) -> None:
    assert store_of(LARGEST, endless(LARGEST)).levels == full.levels


@pytest.mark.parametrize("before", [0, 1, 255, 256, 65_535])
def test_an_empty_batch_completes_nothing(full: Store, before: int) -> None:
    assert list(completed(before, [], full.blocks)) == []


@pytest.mark.parametrize("before", [1, 254])
def test_a_batch_that_fills_no_block_completes_nothing(full: Store, before: int) -> None:
    assert list(completed(before, [leaf(before)], full.blocks)) == []


# Corruption


@dataclass(frozen=True)
class Inclusion:
    hash: bytes
    index: int
    size: int
    proof: tuple[bytes, ...]
    root: bytes

    def holds(self) -> bool:
        return check_inclusion(self.hash, self.index, self.size, self.proof, self.root)


@dataclass(frozen=True)
class Consistency:
    old: int
    new: int
    proof: tuple[bytes, ...]
    old_root: bytes
    new_root: bytes

    def holds(self) -> bool:
        return check_consistency(self.old, self.new, self.proof, self.old_root, self.new_root)


def flips(hash_: bytes) -> Iterator[bytes]:
    """The hash with each one of its bits turned."""
    for bit in range(8 * len(hash_)):
        value = bytearray(hash_)
        value[bit // 8] ^= 1 << bit % 8
        yield bytes(value)


def edited(proof: tuple[bytes, ...]) -> Iterator[tuple[bytes, ...]]:
    """The proof with a bit turned, a hash dropped, doubled, put before or behind, or two hashes swapped."""
    for at, hash_ in enumerate(proof):
        yield from ((*proof[:at], flipped, *proof[at + 1 :]) for flipped in flips(hash_))
        yield (*proof[:at], *proof[at + 1 :])
        yield (*proof[:at], hash_, *proof[at:])
        if at:
            yield (*proof[: at - 1], hash_, proof[at - 1], *proof[at + 1 :])
    yield from ((*proof, extra) for extra in (EMPTY, leaf(0), leaf(LARGEST)))
    yield from ((extra, *proof) for extra in (EMPTY, leaf(0), leaf(LARGEST)))


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 8, 256, 257, 65_537])
def test_an_inclusion_proof_with_anything_changed_is_refused(size: int) -> None:
    for index in {0, size // 3, size - 1}:
        steps = naive_inclusion(index, 0, size)
        good = Inclusion(leaf(index), index, size, tuple(hashes(steps)), naive(0, size))
        assert good.holds()
        assert not any(replace(good, hash=flipped).holds() for flipped in flips(good.hash))
        assert not any(replace(good, root=flipped).holds() for flipped in flips(good.root))
        assert not any(replace(good, proof=proof).holds() for proof in edited(good.proof))
        assert not any(replace(good, index=other).holds() for other in {*others(index), *range(min(size, 9))} - {index})


SMALL_PAIRS = [(1, 2), (1, 8), (2, 3), (3, 7), (4, 7), (6, 7), (6, 8)]
LARGE_PAIRS = [(255, 257), (256, 512), (257, 513), (511, 65_537), (65_536, 65_537)]


@pytest.mark.parametrize(("old", "new"), SMALL_PAIRS + LARGE_PAIRS)
def test_a_consistency_proof_with_anything_changed_is_refused(old: int, new: int) -> None:
    proof = tuple(hashes(naive_consistency(old, 0, new)))
    good = Consistency(old, new, proof, naive(0, old), naive(0, new))
    assert good.holds()
    assert not any(replace(good, old_root=flipped).holds() for flipped in flips(good.old_root))
    assert not any(replace(good, new_root=flipped).holds() for flipped in flips(good.new_root))
    assert not any(replace(good, proof=changed).holds() for changed in edited(proof))
    assert not replace(good, old_root=good.new_root, new_root=good.old_root).holds()
    assert not replace(good, old=new, new=old).holds()


def others(number: int) -> set[int]:
    """Numbers one bit away, one away, half and double, and out of range."""
    bits = {number ^ 1 << bit for bit in range(number.bit_length() + 2)}
    return {*bits, number - 1, number + 1, number // 2, number * 2, -1, 2**62} - {number}


# The size is part of what a root means, not of what a proof hashes: where a leaf lies on the same path in two trees,
# the same proof leads to the same root. It is the signed checkpoint that ties the root to its size.


@pytest.mark.parametrize("size", [*range(1, 20), 255, 256, 257, 65_537])
def test_another_size_is_refused_wherever_it_would_mean_another_path(size: int) -> None:
    for index in {0, size // 3, size - 1}:
        steps = naive_inclusion(index, 0, size)
        good = Inclusion(leaf(index), index, size, tuple(hashes(steps)), naive(0, size))
        for other in others(size):
            same = index < other and sides(naive_inclusion(index, 0, other)) == sides(steps)
            assert replace(good, size=other).holds() == same


@pytest.mark.parametrize("new", [*range(2, 20), 255, 256, 257, 65_537])
def test_other_sizes_of_a_consistency_proof_are_refused_wherever_they_would_mean_other_paths(new: int) -> None:
    for old in {1, (new + 1) // 2, new - 1}:
        steps = naive_consistency(old, 0, new)
        good = Consistency(old, new, tuple(hashes(steps)), naive(0, old), naive(0, new))
        changed = [replace(good, old=other) for other in others(old)]
        changed += [replace(good, new=other) for other in others(new)]
        for wrong in changed:
            alike = 0 < wrong.old < wrong.new and sides(naive_consistency(wrong.old, 0, wrong.new)) == sides(steps)
            assert wrong.holds() == alike


def test_a_proof_longer_than_its_tree_is_refused_even_where_its_hashes_lead_to_the_root() -> None:
    above = leaf(9)
    higher = [node_hash(above, naive(0, size)) for size in (3, 7)]
    path = hashes(naive_inclusion(6, 0, 7))
    assert not check_inclusion(leaf(6), 6, 7, [*path, above], higher[1])
    proof = hashes(naive_consistency(3, 0, 7))
    assert not check_consistency(3, 7, [*proof, above], higher[0], higher[1])


def test_trees_of_one_size_are_consistent_only_when_they_are_equal() -> None:
    assert check_consistency(3, 3, [], naive(0, 3), naive(0, 3))
    assert not check_consistency(3, 3, [], naive(0, 3), naive(1, 4))
    assert not check_consistency(3, 3, [leaf(0)], naive(0, 3), naive(0, 3))


def test_a_tree_of_no_leaves_has_only_the_empty_root() -> None:
    assert not check_consistency(0, 5, [], leaf(0), naive(0, 5))
    assert not check_consistency(0, 5, [leaf(0)], EMPTY, naive(0, 5))
    assert not check_consistency(0, 0, [], leaf(0), leaf(0))
    assert not check_consistency(-1, -1, [], leaf(0), leaf(0))


def test_a_longer_tree_without_a_proof_is_refused() -> None:
    for old in (1, 3, 4):
        assert not check_consistency(old, 7, [], naive(0, old), naive(0, 7))


def test_a_log_that_rewrote_its_past_has_no_proof() -> None:
    """The honest proof of another history ends in other roots."""
    other = [leaf(9), *(leaf(index) for index in range(1, 7))]
    blocks = {(0, 0): other}
    proof = consistency(3, 7, lambda level, number: blocks.get((level, number), []))
    assert check_consistency(3, 7, proof, root_of(other[:3]), root_of(other))
    assert not check_consistency(3, 7, proof, naive(0, 3), root_of(other))
