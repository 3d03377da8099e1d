"""Signed notes, checkpoints, cosignatures and proofs as text, in the formats of C2SP.

c2sp.org/signed-note, /tlog-checkpoint, /tlog-cosignature, /tlog-proof and /tlog-witness. Signatures are Ed25519. Pure:
no clock, no files.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from .merkle import HASH_BYTES

SIGNATURE, COSIGNATURE = 1, 4  # the types of signatures that are understood
SIGNATURES_MAX = 64
PROOF_MAX = 63
NUMBER_MAX = 2**63 - 1  # of a size and of a time (tlog-cosignature)
PROOF_HEADER = "c2sp.org/tlog-proof@v1"
DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
UNFIT = re.compile(r"[\x00-\x09\x0b-\x1f\ud800-\udfff]")  # control characters, and what UTF-8 has no bytes for
LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/=]+)")


class NoteError(ValueError):
    """A text is not what it should be, or not signed as it should be; says what is wrong."""


@dataclass(frozen=True)
class Verifier:
    """A public key: ``name+id+key``. ``algorithm`` is that of a note signature (1) or of a cosignature (4)."""

    name: str
    public_key: bytes
    algorithm: int = SIGNATURE

    @property
    def key_id(self) -> bytes:
        named = self.name.encode() + b"\n" + bytes([self.algorithm]) + self.public_key
        return hashlib.sha256(named).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{_encode(bytes([self.algorithm]) + self.public_key)}"

    @classmethod
    def parse(cls, text: str) -> Verifier:
        """Raises ``NoteError``."""
        name, id_, key = _key_parts(text)
        verifier = cls(name, key[1:], key[0])
        if verifier.algorithm not in (SIGNATURE, COSIGNATURE) or len(verifier.public_key) != HASH_BYTES:
            raise NoteError("not an Ed25519 key")
        if verifier.key_id.hex() != id_:
            raise NoteError("the key does not fit its name and number")
        return verifier

    def time_of(self, text: str, signature: bytes) -> int | None:
        """Unix seconds of a cosignature, None of a plain signature. Raises ``NoteError`` where it does not hold."""
        time, message = None, text.encode()
        if self.algorithm == COSIGNATURE:
            time, signature = int.from_bytes(signature[:8], "big"), signature[8:]
            message = _cosigned(text, time)
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        except (InvalidSignature, ValueError) as error:
            raise NoteError(f"the signature of {self.name} does not hold") from error
        return time


@dataclass(frozen=True)
class Signer:
    """A private key; its text form is ``PRIVATE+KEY+name+id+seed``."""

    name: str
    seed: bytes = field(repr=False)

    @classmethod
    def generate(cls, name: str) -> Signer:
        """A new key. Raises ``NoteError`` for a name with spaces or a plus."""
        return cls(_named(name), Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def parse(cls, text: str) -> Signer:
        """Raises ``NoteError``."""
        if not text.startswith("PRIVATE+KEY+"):
            raise NoteError("not a private key: it begins with PRIVATE+KEY+")
        name, id_, key = _key_parts(text.removeprefix("PRIVATE+KEY+"))
        if key[0] != SIGNATURE or len(key) != 1 + HASH_BYTES:
            raise NoteError("not an Ed25519 key")
        signer = cls(name, key[1:])
        if signer.verifier.key_id.hex() != id_:
            raise NoteError("the key does not fit its name and number")
        return signer

    def text(self) -> str:
        return f"PRIVATE+KEY+{self.name}+{self.verifier.key_id.hex()}+{_encode(bytes([SIGNATURE]) + self.seed)}"

    @property
    def verifier(self) -> Verifier:
        """The public key that its signatures are checked with."""
        return Verifier(self.name, self._key.public_key().public_bytes_raw())

    @property
    def witness(self) -> Verifier:
        """The public key that its cosignatures are checked with."""
        return Verifier(self.name, self.verifier.public_key, COSIGNATURE)

    def sign(self, text: str) -> str:
        """The signature line over a text, without its newline."""
        return _line(self.verifier, self._key.sign(text.encode()))

    def cosign(self, text: str, time: int) -> str:
        """The line that says: seen at ``time`` (Unix seconds) and consistent with all that was seen before.

        Raises ``NoteError`` for a time that has no place in a cosignature.
        """
        signature = self._key.sign(_cosigned(text, time))
        return _line(self.witness, time.to_bytes(8, "big") + signature)

    @property
    def _key(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


@dataclass(frozen=True)
class Signature:
    """A signature that holds; ``time`` (Unix seconds) where it is a cosignature."""

    verifier: Verifier
    line: str
    time: int | None


@dataclass(frozen=True)
class Opened:
    """The text of a note, the signatures of known keys, and the lines of keys that nobody here knows."""

    text: str
    signatures: tuple[Signature, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class Checkpoint:
    """What a log commits to: the root over its first ``size`` leaves."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        return "".join(f"{line}\n" for line in (self.origin, self.size, _encode(self.root), *self.extensions))

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Raises ``NoteError``."""
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
            raise NoteError("not a checkpoint: it has an origin, a size and a root, a line each")
        return cls(lines[0], _number(lines[1]), _hash(lines[2]), tuple(lines[3:-1]))


@dataclass(frozen=True)
class TlogProof:
    """That the leaf ``index`` is in the tree of a checkpoint, as a text that stands alone; ``extra`` proves nothing."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None

    def text(self) -> str:
        extra = [] if self.extra is None else [f"extra {_encode(self.extra)}"]
        lines = [PROOF_HEADER, *extra, f"index {self.index}", *map(_encode, self.hashes), ""]
        return "\n".join(lines) + "\n" + self.checkpoint

    @classmethod
    def parse(cls, text: str) -> TlogProof:
        """Raises ``NoteError``."""
        head, blank, checkpoint = text.partition("\n\n")
        lines = head.split("\n")
        if lines[0] != PROOF_HEADER or not blank:
            raise NoteError(f"not a proof: its first line is {PROOF_HEADER}")
        extra = _decode(lines.pop(1)[6:]) if len(lines) > 1 and lines[1].startswith("extra ") else None
        if len(lines) < 2 or not lines[1].startswith("index "):
            raise NoteError("the proof names no index")
        return cls(_number(lines[1][6:]), _hashes(lines[2:]), checkpoint, extra)


@dataclass(frozen=True)
class AddCheckpoint:
    """What a log sends to a witness: a checkpoint and why it continues the one of size ``old``."""

    old: int
    hashes: tuple[bytes, ...]
    checkpoint: str

    def text(self) -> str:
        return "\n".join([f"old {self.old}", *map(_encode, self.hashes), ""]) + "\n" + self.checkpoint

    @classmethod
    def parse(cls, text: str) -> AddCheckpoint:
        """Raises ``NoteError``."""
        head, blank, checkpoint = text.partition("\n\n")
        lines = head.split("\n")
        if not blank or not lines[0].startswith("old "):
            raise NoteError("expected: old SIZE, the proof a hash a line, a blank line, the checkpoint")
        return cls(_number(lines[0][4:]), _hashes(lines[1:]), checkpoint)


def sign(text: str, *signers: Signer) -> str:
    """The note of a text. Raises ``NoteError`` for a text that cannot be one: it ends with a newline."""
    if not text.endswith("\n") or UNFIT.search(text):
        raise NoteError("the text of a note ends with a newline and holds no control characters")
    return f"{text}\n" + "".join(f"{signer.sign(text)}\n" for signer in signers)


def add_signatures(note: str, lines: Iterable[str]) -> str:
    """The note with further signature lines."""
    return note + "".join(f"{line}\n" for line in lines)


def text_of(note: str) -> str:
    """What a note says, unproven. Raises ``NoteError`` for what is no note."""
    return _split(note)[0]


def open_note(note: str, verifiers: Iterable[Verifier]) -> Opened:
    """The note, proven by at least one of the keys, and by every one of them that signed. Raises ``NoteError``.

    Each key counts once, by its first line: a witness that signs twice is still one witness.
    """
    text, lines = _split(note)
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    found: dict[Verifier, Signature] = {}
    unknown: list[str] = []
    for line in lines:
        matched = LINE.fullmatch(line)
        signature = _decode(matched[2]) if matched else b""
        if matched is None or len(signature) < 5:
            raise NoteError("a signature line cannot be read")
        verifier = known.get((matched[1], signature[:4]))
        if verifier is None:
            unknown.append(line)
        else:
            proven = Signature(verifier, line, verifier.time_of(text, signature[4:]))
            found.setdefault(verifier, proven)
    if not found:
        raise NoteError("signed by none of the known keys")
    return Opened(text, tuple(found.values()), tuple(unknown))


def _split(note: str) -> tuple[str, list[str]]:
    text, blank, signatures = note.rpartition("\n\n")
    lines = signatures.split("\n")
    if not blank or len(lines) < 2 or lines.pop() or len(lines) > SIGNATURES_MAX:
        raise NoteError("not a signed note: a text, a blank line, a line for every signature")
    if UNFIT.search(note):
        raise NoteError("the note holds control characters")
    return text + "\n", lines


def _line(verifier: Verifier, signature: bytes) -> str:
    return f"— {verifier.name} {_encode(verifier.key_id + signature)}"


def _cosigned(text: str, time: int) -> bytes:
    if not 0 <= time <= NUMBER_MAX:
        raise NoteError("a cosignature's time lies between 0 and 2⁶³ − 1")
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def _key_parts(text: str) -> tuple[str, str, bytes]:
    parts = text.strip().split("+", 2)
    if len(parts) != 3:
        raise NoteError("not a key: name+number+base64")
    key = _decode(parts[2])
    if not key:
        raise NoteError("the key is empty")
    return _named(parts[0]), parts[1], key


def _named(name: str) -> str:
    if not name or "+" in name or UNFIT.search(name) or any(map(str.isspace, name)):
        raise NoteError(f"a key's name has neither spaces nor a plus: {name!r}")
    return name


def _number(text: str) -> int:
    if not DECIMAL.fullmatch(text) or int(text) > NUMBER_MAX:
        raise NoteError(f"not a plain number: {text[:40]!r}")
    return int(text)


def _hash(text: str) -> bytes:
    found = _decode(text)
    if len(found) != HASH_BYTES:
        raise NoteError("a hash has 32 bytes")
    return found


def _hashes(lines: Sequence[str]) -> tuple[bytes, ...]:
    if len(lines) > PROOF_MAX:
        raise NoteError(f"a proof has at most {PROOF_MAX} hashes")
    return tuple(map(_hash, lines))


def _encode(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _decode(text: str) -> bytes:
    """Strictly: one text for each value, so that no byte of it can be changed unseen."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError("not base64") from error
    if _encode(value) != text:
        raise NoteError("not base64 in its one form")
    return value
