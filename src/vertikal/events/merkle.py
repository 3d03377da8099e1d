"""The Merkle tree of RFC 6962 (section 2.1): roots, inclusion and consistency proofs, and their verification.

Pure arithmetic over SHA-256 hashes. A tree of any size is computed from few stored hashes: those of the leaves
(level 0) and the roots of full subtrees of 256ᵏ leaves (level k). They are read in blocks of up to 256 hashes; a root
or a proof needs at most two blocks of each level, whatever the size of the tree.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache

HASH_BYTES = 32
BITS = 8  # of an index within a block
BLOCK = 1 << BITS

# blocks(level, number) answers the hashes of level that exist among [number · 256, (number + 1) · 256), in order.
Blocks = Callable[[int, int], Sequence[bytes]]


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of a leaf's bytes."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees beside each other."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """A tree that grows leaf by leaf and keeps only the roots of its full subtrees: a streamed root in O(log n)."""

    def __init__(self) -> None:
        self.size = 0
        self._roots: list[bytes] = []

    def append(self, hash_: bytes) -> None:
        """Add the hash of the next leaf."""
        size = self.size
        while size & 1:
            hash_ = node_hash(self._roots.pop(), hash_)
            size >>= 1
        self._roots.append(hash_)
        self.size += 1

    def root(self) -> bytes:
        """The root over everything so far."""
        return _rightmost(self._roots)


def root_of(hashes: Iterable[bytes]) -> bytes:
    """The root over leaf hashes."""
    frontier = Frontier()
    for hash_ in hashes:
        frontier.append(hash_)
    return frontier.root()


def root(size: int, blocks: Blocks) -> bytes:
    """The root of the first ``size`` leaves."""
    return _Tree(blocks).range_hash(0, size)


def inclusion(index: int, size: int, blocks: Blocks) -> list[bytes]:
    """The audit path of leaf ``index`` in the tree of ``size`` leaves (RFC 6962, 2.1.1), the lowest hash first."""
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    tree = _Tree(blocks)
    path, start, stop = [], 0, size
    while stop - start > 1:
        middle = start + _largest_power_below(stop - start)
        if index < middle:
            path.append(tree.range_hash(middle, stop))
            stop = middle
        else:
            path.append(tree.range_hash(start, middle))
            start = middle
    return path[::-1]


def consistency(old: int, new: int, blocks: Blocks) -> list[bytes]:
    """The proof that the tree of ``old`` leaves is a prefix of the one of ``new`` (RFC 6962, 2.1.2)."""
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {old} is no prefix of one of {new}")
    if old in (0, new):
        return []
    tree = _Tree(blocks)
    proof, start, stop, whole = [], 0, new, True
    while old != stop:
        middle = start + _largest_power_below(stop - start)
        if old <= middle:
            proof.append(tree.range_hash(middle, stop))
            stop = middle
        else:
            proof.append(tree.range_hash(start, middle))
            start, whole = middle, False
    if not whole:
        proof.append(tree.range_hash(start, stop))
    return proof[::-1]


def check_inclusion(hash_: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether a proof shows a leaf hash at ``index`` of the tree with this root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    number, last, found = index, size - 1, hash_
    for sibling in proof:
        if last == 0:
            return False
        if number & 1 or number == last:
            found = node_hash(sibling, found)
            while number and not number & 1:
                number, last = number >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        number, last = number >> 1, last >> 1
    return last == 0 and found == root


def check_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Whether a proof shows that the new tree begins with the old one (RFC 9162, 2.1.4.2)."""
    if not 0 <= old <= new or (old == 0 and old_root != root_of(())):
        return False
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof
    hashes = list(proof) if old & (old - 1) else [old_root, *proof]
    if not hashes:
        return False
    number, last = old - 1, new - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    first = second = hashes[0]
    for hash_ in hashes[1:]:
        if last == 0:
            return False
        if number & 1 or number == last:
            first, second = node_hash(hash_, first), node_hash(hash_, second)
            while number and not number & 1:
                number, last = number >> 1, last >> 1
        else:
            second = node_hash(second, hash_)
        number, last = number >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root


def completed(before: int, added: Sequence[bytes], blocks: Blocks) -> Iterator[tuple[int, int, bytes]]:
    """(level, number, root) of every full subtree of 256ᵏ leaves that ``added`` completes behind ``before`` leaves.

    ``blocks`` need only know what was stored before.
    """
    level, hashes = 0, list(added)
    while hashes:
        filled = before % BLOCK
        if filled + len(hashes) < BLOCK:
            return
        if filled:
            hashes = [*blocks(level, before // BLOCK)[:filled], *hashes]
        number, level = before // BLOCK, level + 1
        hashes = [root_of(hashes[at : at + BLOCK]) for at in range(0, len(hashes) - BLOCK + 1, BLOCK)]
        yield from ((level, at, hash_) for at, hash_ in enumerate(hashes, number))
        before = number


class _Tree:
    """Hashes of ranges of leaves, each block read once."""

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = cache(blocks)

    def range_hash(self, start: int, stop: int) -> bytes:
        """The hash of the leaves [start, stop), where ``start`` is a multiple of the largest power of two in it."""
        roots, size = [], stop - start
        for bit in reversed(range(size.bit_length())):
            if size >> bit & 1:
                roots.append(self._perfect(bit, start >> bit))
                start += 1 << bit
        return _rightmost(roots)

    def _perfect(self, bit: int, number: int) -> bytes:
        """The root of the perfect subtree of 2^bit leaves with this number, folded from one block."""
        level, bits = divmod(bit, BITS)
        first = number << bits
        block, at = divmod(first, BLOCK)
        hashes = self._blocks(level, block)[at : at + (1 << bits)]
        if len(hashes) != 1 << bits:
            raise ValueError(f"the tree lacks hashes of level {level} from {first} on")
        return root_of(hashes)


def _rightmost(roots: Sequence[bytes]) -> bytes:
    """The root over full subtrees of falling sizes; of nothing, the hash of the empty tree."""
    if not roots:
        return hashlib.sha256(b"").digest()
    found = roots[-1]
    for left in reversed(roots[:-1]):
        found = node_hash(left, found)
    return found


def _largest_power_below(size: int) -> int:
    """The largest power of two smaller than ``size``, which is at least 2."""
    return 1 << (size - 1).bit_length() - 1
