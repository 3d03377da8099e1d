"""Signed notes, checkpoints, cosignatures, proofs: vectors of their standards, and nothing changes unseen."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vertikal.events.merkle import check_consistency, root_of
from vertikal.events.notes import (
    NUMBER_MAX,
    SIGNATURES_MAX,
    AddCheckpoint,
    Checkpoint,
    NoteError,
    Signer,
    TlogProof,
    Verifier,
    add_signatures,
    open_note,
    sign,
    text_of,
)

# golang.org/x/mod, sumdb/note: the keys and notes of note.go, note_test.go and example_test.go
PETER_KEY = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
PETER_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
)
ENOCH_LINE = "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ="
PETER_NOTE = f"{PETER_TEXT}\n{PETER_LINE}\n"

# c2sp.org/signed-note, section «Example» of verifier keys
FOO = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
FOO_NOTE = """\
This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
"""

# c2sp.org/tlog-cosignature: the example of a cosigned checkpoint. Its keys are not published.
SOFA_NOTE = """\
example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
"""  # noqa: E501 (signature lines are not wrapped)

# tlog-scales, tests/test_signing.py: a real checkpoint, cosigned by four witnesses on 2026-05-23, with the keys
# of the log and of one witness. The first line is a signature of another kind (type 5).
REAL_LOG = "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
REAL_WITNESS = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"
REAL_NOTE = """\
arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
— witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
— witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==
"""  # noqa: E501
REAL_TIME = 1779573024

# torchwood, cmd/litewitness/testdata/litewitness.txt: a log key and three requests that a witness accepts
STEPS_ORIGIN = "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562"
STEPS_KEY = Verifier(STEPS_ORIGIN, bytes.fromhex("ffdc2d4d98e4124d3feaf788c0c2f9abfd796083d1f0495437f302ec79cf100f"))
STEPS = [
    f"""\
old 0

{STEPS_ORIGIN}
1
KgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

— {STEPS_ORIGIN} UgIom7fPZTqpxWWhyjWduBvTvGVqsokMbqTArsQilegKoFBJQjUFAmQ0+YeSPM3wfUQMFSzVnnNuWRTYrajXpNUbIQY=
""",
    f"""\
old 1
KgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
KgIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

{STEPS_ORIGIN}
3
RcCI1Nk56ZcSmIEfIn0SleqtV7uvrlXNccFx595Iwl0=

— {STEPS_ORIGIN} UgIom2VbtIcdFbwFAy1n7s6IkAxIY6J/GQOTuZF2ORV39d75cbAj2aQYwyJre36kezNobZs4SUUdrcawfAB8WVrx6go=
""",
    f"""\
old 3
KgIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
KgMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
wgiIFdZfYNv6WU1OllBKsWnLYIS/DBMqt8Uh/S4OukE=
KgQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=

{STEPS_ORIGIN}
5
QrtXrQZCCvpIgsSmOsah7HdICzMLLyDfxToMql9WTjY=

— {STEPS_ORIGIN} UgIomw/EOJmWi0i1FQsOj+etB7F8IccFam/jgd6wzRns4QPVmyEZtdvl1U2KEmLOZ/ASRcWJi0tW90dJWAShei7sDww=
""",
]

ROOT = hashlib.sha256(b"root").digest()
LOG = Signer("example.org/log", bytes(range(32)))
WITNESS = Signer("example.org/witness", bytes(range(32, 64)))
CHECKPOINT = Checkpoint(LOG.name, 20_852_163, ROOT)
NOTE = sign(CHECKPOINT.text(), LOG)
TIME = 1_679_315_147
COSIGNED = add_signatures(NOTE, [WITNESS.cosign(CHECKPOINT.text(), TIME)])


def b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def line(name: str, value: bytes) -> str:
    return f"— {name} {b64(value)}"


# Keys


@pytest.mark.parametrize("text", [PETER, ENOCH, FOO, REAL_LOG, REAL_WITNESS])
def test_a_published_key_is_read_and_written_back(text: str) -> None:
    verifier = Verifier.parse(text)
    assert str(verifier) == text
    assert verifier.key_id.hex() == text.split("+")[1]
    assert Verifier.parse(text + "\n") == verifier


def test_the_published_private_key_has_the_published_public_one() -> None:
    signer = Signer.parse(PETER_KEY)
    assert str(signer.verifier) == PETER
    assert signer.text() == PETER_KEY


def test_a_key_that_was_cut_or_changed_anywhere_is_refused() -> None:
    """As the tests of golang.org/x/mod do it: every part of the text, and every character replaced by the next."""
    for text, parse in ((PETER, Verifier.parse), (PETER_KEY, Signer.parse)):
        parts = [text[start:stop] for start in range(len(text)) for stop in range(start + 1, len(text) + 1)]
        parts.remove(text)
        changed = [text[:at] + chr(ord(text[at]) + 1) + text[at + 1 :] for at in range(len(text))]
        for wrong in parts + changed:
            with pytest.raises(NoteError):
                parse(wrong)


@pytest.mark.parametrize(
    "text",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",  # its length: note_test.go
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",  # unknown algorithm: note_test.go
        PETER.upper().replace("C74F20A3", "c74f20a3"),
        PETER.replace("c74f20a3", "C74F20A3"),
        PETER.replace("PeterNeumann", "Peter Neumann"),
        PETER.replace("+ARpc", "+"),
        "PeterNeumann+c74f20a3+",
        str(Verifier("short", bytes(31))),
        str(Verifier("long", bytes(33))),
        "",
        "\ud800" + PETER,
    ],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        Verifier.parse(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\u00a0b", "a\u2003b", "a\tb", "a\x00b", "a\ud800"])
def test_a_key_has_a_name_without_spaces_and_pluses(name: str) -> None:
    with pytest.raises(NoteError, match="name"):
        Signer.generate(name)


def test_a_generated_key_is_new_and_survives_its_text() -> None:
    first, second = Signer.generate("пример.рф/журнал"), Signer.generate("пример.рф/журнал")
    assert first.seed != second.seed
    assert Signer.parse(first.text()) == first


def test_a_private_key_does_not_show_itself() -> None:
    assert "seed" not in repr(LOG)
    assert repr(LOG.seed) not in repr(LOG)


def test_the_keys_of_signatures_and_cosignatures_differ_in_number_only() -> None:
    assert LOG.witness.public_key == LOG.verifier.public_key
    assert LOG.witness.key_id != LOG.verifier.key_id
    assert Verifier.parse(str(LOG.witness)) == LOG.witness


# Notes


@pytest.mark.parametrize(("key", "note"), [(PETER, PETER_NOTE), (FOO, FOO_NOTE)])
def test_a_published_note_opens(key: str, note: str) -> None:
    opened = open_note(note, [Verifier.parse(key)])
    assert f"{opened.text}\n{opened.signatures[0].line}\n" == note
    assert [signature.time for signature in opened.signatures] == [None]
    assert opened.unknown == ()


def test_a_published_note_is_signed_byte_for_byte() -> None:
    assert sign(PETER_TEXT, Signer.parse(PETER_KEY)) == PETER_NOTE


def test_the_published_note_of_two_signers_is_signed_byte_for_byte() -> None:
    """The second key of example_test.go comes from a source of zeroes."""
    enoch = Signer("EnochRoot", bytes(32))
    assert str(enoch.verifier) == ENOCH
    assert add_signatures(PETER_NOTE, [enoch.sign(PETER_TEXT)]) == f"{PETER_NOTE}{ENOCH_LINE}\n"
    assert sign(PETER_TEXT, Signer.parse(PETER_KEY), enoch) == f"{PETER_NOTE}{ENOCH_LINE}\n"


def test_signatures_of_unknown_keys_are_kept_apart() -> None:
    opened = open_note(f"{PETER_NOTE}{ENOCH_LINE}\n", [Verifier.parse(ENOCH)])
    assert [str(signature.verifier) for signature in opened.signatures] == [ENOCH]
    assert opened.unknown == (PETER_LINE,)


def test_a_key_is_known_by_name_and_number_together() -> None:
    renamed = Verifier("Another", Verifier.parse(PETER).public_key)
    for verifiers in ([], [Verifier.parse(ENOCH)], [renamed]):
        with pytest.raises(NoteError, match="none of the known keys"):
            open_note(PETER_NOTE, verifiers)
    foreign = PETER_LINE.replace("PeterNeumann", "Another")
    assert open_note(add_signatures(PETER_NOTE, [foreign]), [Verifier.parse(PETER)]).unknown == (foreign,)


def test_a_wrong_signature_of_one_known_key_refuses_the_whole_note() -> None:
    broken = line(WITNESS.name, WITNESS.verifier.key_id + bytes(64))
    with pytest.raises(NoteError, match=r"example\.org/witness does not hold"):
        open_note(add_signatures(NOTE, [broken]), [LOG.verifier, WITNESS.verifier])
    assert open_note(add_signatures(NOTE, [broken]), [LOG.verifier]).unknown == (broken,)


def test_a_key_that_signs_twice_counts_once() -> None:
    again = [LOG.sign(CHECKPOINT.text()), WITNESS.cosign(CHECKPOINT.text(), TIME + 1)]
    opened = open_note(add_signatures(COSIGNED, again), [LOG.verifier, WITNESS.witness])
    assert [(found.verifier, found.time) for found in opened.signatures] == [
        (LOG.verifier, None),
        (WITNESS.witness, TIME),
    ]


def test_the_second_signature_of_a_key_must_hold_too() -> None:
    broken = line(LOG.name, LOG.verifier.key_id + bytes(64))
    with pytest.raises(NoteError, match="does not hold"):
        open_note(add_signatures(NOTE, [broken]), [LOG.verifier])


def test_a_text_may_hold_blank_lines_and_dashes() -> None:
    """The last blank line of a note ends its text (c2sp.org/signed-note has such an example)."""
    for text in ("\n", "a\n\nb\n", "a\n\n", "\n\n\n", "— not a signature\n", f"a\n\n{PETER_LINE}\n"):
        note = sign(text, LOG)
        assert open_note(note, [LOG.verifier]).text == text_of(note) == text


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.just("\n"), max_size=60))
def test_any_text_survives_being_signed(text: str) -> None:
    assert open_note(sign(text + "\n", LOG, WITNESS), [WITNESS.verifier]).text == text + "\n"


@pytest.mark.parametrize("text", ["", "abc", "a\nb", "a\tb\n", "a\r\n", "a\x00\n", "\x1f\n", "a\ud800\n"])
def test_a_text_that_cannot_be_a_note_is_not_signed(text: str) -> None:
    with pytest.raises(NoteError, match="newline"):
        sign(text, LOG)


def malformed() -> Iterator[str]:
    """The list of note_test.go first."""
    yield PETER_TEXT
    yield f"{PETER_TEXT}\n"
    yield PETER_NOTE[:-1]
    yield f"\x01{PETER_NOTE}"
    yield f"\ud800{PETER_NOTE}"
    yield PETER_NOTE.replace("PeterNeumann x08", "Bad Name x08")[:-1]
    yield f"{PETER_NOTE}Unexpected line.\n"
    yield ""
    yield "\n"
    yield PETER_LINE + "\n"
    yield f"{PETER_TEXT}{PETER_LINE}\n"
    yield f"{PETER_NOTE}\n"
    yield PETER_NOTE.replace("\n", "\r\n")
    yield PETER_NOTE.replace("— ", "- ")
    yield PETER_NOTE.replace("— ", "—  ")
    yield PETER_NOTE.replace("— ", " — ")
    yield PETER_NOTE.replace("— PeterNeumann", "—")
    yield PETER_NOTE.replace("PeterNeumann x08", "Peter+Neumann x08")
    yield PETER_NOTE.replace("PeterNeumann x08", "PeterNeumann\u00a0x08")
    yield PETER_NOTE.replace("nAM=", "nAM= ")
    yield PETER_NOTE.replace("nAM=", "nAM")
    yield PETER_NOTE.replace("nAM=", "nAN=")  # the same bytes in another text
    yield PETER_NOTE.replace("/ZJ", "_ZJ")
    yield f"{PETER_NOTE}— short {b64(b'1234')}\n"
    yield f"{PETER_NOTE}— empty \n"
    yield add_signatures(PETER_NOTE, [PETER_LINE] * SIGNATURES_MAX)


@pytest.mark.parametrize("note", list(malformed()))
def test_what_is_no_note_is_refused(note: str) -> None:
    with pytest.raises(NoteError):
        open_note(note, [Verifier.parse(PETER)])


def test_a_note_may_have_as_many_signatures_as_the_limit() -> None:
    many = [Signer(f"witness{number}", bytes([number] * 32)) for number in range(SIGNATURES_MAX)]
    opened = open_note(sign("a\n", *many), [signer.verifier for signer in many])
    assert len(opened.signatures) == SIGNATURES_MAX >= 16  # c2sp.org/signed-note: at least 16


# Checkpoints


def test_the_published_checkpoint_is_read_and_written_back() -> None:
    text = text_of(SOFA_NOTE)
    checkpoint = Checkpoint.parse(text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20_852_163)
    assert b64(checkpoint.root) == "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
    assert checkpoint.text() == text


@settings(max_examples=200, deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30),
    st.integers(0, NUMBER_MAX),
    st.binary(min_size=32, max_size=32),
    st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=10), max_size=3),
)
def test_a_checkpoint_survives_its_text(origin: str, size: int, root: bytes, extensions: list[str]) -> None:
    checkpoint = Checkpoint(origin, size, root, tuple(extensions))
    assert Checkpoint.parse(checkpoint.text()) == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "log\n",
        "log\n5\n",
        f"log\n5\n{b64(ROOT)}",
        f"log\n5\n{b64(ROOT)}\nextension",
        f"\n5\n{b64(ROOT)}\n",
        f"log\n\n{b64(ROOT)}\n",
        f"log\n05\n{b64(ROOT)}\n",
        f"log\n00\n{b64(ROOT)}\n",
        f"log\n+5\n{b64(ROOT)}\n",
        f"log\n-5\n{b64(ROOT)}\n",
        f"log\n 5\n{b64(ROOT)}\n",
        f"log\n5 \n{b64(ROOT)}\n",
        f"log\n5_0\n{b64(ROOT)}\n",
        f"log\n٥\n{b64(ROOT)}\n",
        f"log\n0x5\n{b64(ROOT)}\n",
        f"log\nbananas\n{b64(ROOT)}\n",
        f"log\n{NUMBER_MAX + 1}\n{b64(ROOT)}\n",
        f"log\n3438945738945739845734895735\n{b64(ROOT)}\n",
        "log\n5\n\n",
        f"log\n5\n{b64(ROOT[:-1])}\n",
        f"log\n5\n{b64(ROOT + b'0')}\n",
        f"log\n5\n{b64(ROOT)[:-1]}\n",
        f"log\n5\n{b64(ROOT)}=\n",
        f"log\n5\n{ROOT.hex()}\n",
        "log\n5\nThisIsn'tBase64\n",
        f"log\n5\n{b64(ROOT)}\n\n",
        f"log\n5\n{b64(ROOT)}\n\nextension\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        Checkpoint.parse(text)


def test_a_signed_checkpoint_with_any_bit_of_any_byte_turned_is_refused() -> None:
    sent = COSIGNED.encode()
    keys = [LOG.verifier, WITNESS.witness]
    assert len(open_note(sent.decode(), keys).signatures) == 2
    for at in range(len(sent)):
        for bit in range(8):
            changed = sent[:at] + bytes([sent[at] ^ 1 << bit]) + sent[at + 1 :]
            assert not stands(changed, keys), (at, bit)


def stands(note: bytes, keys: list[Verifier]) -> bool:
    """Whether all the keys still stand behind it: a line that turns into one of an unknown key proves nothing."""
    try:
        return len(open_note(note.decode(), keys).signatures) == len(keys)
    except (NoteError, UnicodeDecodeError):
        return False


def test_a_signed_checkpoint_that_was_cut_is_refused() -> None:
    for stop in range(len(NOTE)):
        with pytest.raises(NoteError):
            open_note(NOTE[:stop], [LOG.verifier])


# Cosignatures


def test_a_real_checkpoint_is_proven_by_its_log_and_by_its_witness() -> None:
    opened = open_note(REAL_NOTE, [Verifier.parse(REAL_LOG), Verifier.parse(REAL_WITNESS)])
    assert [(str(found.verifier), found.time) for found in opened.signatures] == [
        (REAL_LOG, None),
        (REAL_WITNESS, REAL_TIME),
    ]
    assert [unknown.split()[1] for unknown in opened.unknown] == [
        "arche2025h1.staging.ct.transparency.dev",
        "transparency.dev/DEV:witness-little-garden",
        "witness1.smartit.nu/witness1",
        "witness.stagemole.eu",
    ]
    assert Checkpoint.parse(opened.text).size == 1_432_088_532


@pytest.mark.parametrize("key", [REAL_LOG, REAL_WITNESS])
def test_a_real_checkpoint_of_another_size_is_refused(key: str) -> None:
    with pytest.raises(NoteError, match="does not hold"):
        open_note(REAL_NOTE.replace("\n1432088532\n", "\n1432088533\n"), [Verifier.parse(key)])


def test_a_cosignature_carries_its_time() -> None:
    opened = open_note(COSIGNED, [WITNESS.witness])
    assert [found.time for found in opened.signatures] == [TIME]
    assert opened.unknown == (LOG.sign(CHECKPOINT.text()),)


def test_a_cosignature_says_what_the_standard_prescribes() -> None:
    """c2sp.org/tlog-cosignature: key id, time in eight bytes, signature over a header, the time and the checkpoint."""
    value = base64.b64decode(WITNESS.cosign(CHECKPOINT.text(), TIME).split()[2])
    named = WITNESS.name.encode() + b"\n\x04" + WITNESS.verifier.public_key
    assert value[:4] == hashlib.sha256(named).digest()[:4]
    assert value[4:12] == TIME.to_bytes(8, "big")
    message = f"cosignature/v1\ntime {TIME}\n{CHECKPOINT.text()}"
    assert value[12:] == base64.b64decode(WITNESS.sign(message).split()[2])[4:]


def test_the_published_cosignature_has_the_published_time() -> None:
    value = base64.b64decode(SOFA_NOTE.rsplit(maxsplit=1)[-1])
    assert (len(value), int.from_bytes(value[4:12], "big")) == (4 + 8 + 64, 1_679_315_147)


@pytest.mark.parametrize("time", [TIME + 1, TIME - 1, 0, NUMBER_MAX])
def test_a_cosignature_with_another_time_is_refused(time: int) -> None:
    value = base64.b64decode(WITNESS.cosign(CHECKPOINT.text(), TIME).split()[2])
    moved = line(WITNESS.name, value[:4] + time.to_bytes(8, "big") + value[12:])
    with pytest.raises(NoteError, match="does not hold"):
        open_note(add_signatures(NOTE, [moved]), [LOG.verifier, WITNESS.witness])


def test_a_cosignature_over_another_checkpoint_is_refused() -> None:
    other = Checkpoint(LOG.name, CHECKPOINT.size + 1, ROOT)
    with pytest.raises(NoteError, match="does not hold"):
        open_note(add_signatures(NOTE, [WITNESS.cosign(other.text(), TIME)]), [WITNESS.witness])


def test_a_cosignature_covers_the_extension_lines() -> None:
    extended = Checkpoint(LOG.name, 5, ROOT, ("Extendo",)).text()
    cosigned = add_signatures(sign(extended, LOG), [WITNESS.cosign(extended, TIME)])
    assert len(open_note(cosigned, [WITNESS.witness]).signatures) == 1
    with pytest.raises(NoteError, match="does not hold"):
        open_note(cosigned.replace("Extendo", "Extend@"), [WITNESS.witness])


def test_a_signature_does_not_pass_for_a_cosignature_nor_the_other_way_round() -> None:
    signature = base64.b64decode(WITNESS.sign(CHECKPOINT.text()).split()[2])[4:]
    cosignature = base64.b64decode(WITNESS.cosign(CHECKPOINT.text(), TIME).split()[2])[4:]
    times = TIME.to_bytes(8, "big")
    for verifier, value in (
        (WITNESS.witness, signature),
        (WITNESS.witness, times + signature),
        (WITNESS.verifier, cosignature),
        (WITNESS.verifier, cosignature[8:]),
    ):
        with pytest.raises(NoteError, match=r"does not hold|time"):
            open_note(add_signatures(NOTE, [line(WITNESS.name, verifier.key_id + value)]), [verifier])


@pytest.mark.parametrize("length", [1, 7, 8, 9, 71, 73])
def test_a_cosignature_of_another_length_is_refused(length: int) -> None:
    value = base64.b64decode(WITNESS.cosign(CHECKPOINT.text(), TIME).split()[2])
    cut = line(WITNESS.name, (value + b"0")[: 4 + length])
    with pytest.raises(NoteError, match="does not hold"):
        open_note(add_signatures(NOTE, [cut]), [WITNESS.witness])


@pytest.mark.parametrize("time", [-1, NUMBER_MAX + 1, 2**64 - 1, 2**64])
def test_a_time_out_of_range_is_not_cosigned(time: int) -> None:
    with pytest.raises(NoteError, match="time"):
        WITNESS.cosign(CHECKPOINT.text(), time)


def test_a_time_out_of_range_is_refused_though_it_is_signed() -> None:
    """c2sp.org/tlog-cosignature: it must not exceed 2⁶³ − 1."""
    time = NUMBER_MAX + 1
    signed = base64.b64decode(WITNESS.sign(f"cosignature/v1\ntime {time}\n{CHECKPOINT.text()}").split()[2])[4:]
    forged = line(WITNESS.name, WITNESS.witness.key_id + time.to_bytes(8, "big") + signed)
    with pytest.raises(NoteError, match="time"):
        open_note(add_signatures(NOTE, [forged]), [WITNESS.witness])


# Proofs as text

HASHES = (hashlib.sha256(b"hash1").digest(), hashlib.sha256(b"hash2").digest())
HEADER = "c2sp.org/tlog-proof@v1\n"

# transparency-dev/formats, proof/tlog_proof_test.go, TestMarshal
PROOFS = {
    f"{HEADER}index 5\n{b64(HASHES[0])}\n{b64(HASHES[1])}\n\ntest checkpoint\n": TlogProof(
        5, HASHES, "test checkpoint\n"
    ),
    f"{HEADER}extra {b64(b'extra information')}\nindex 10\n{b64(HASHES[0])}\n\ncheckpoint data\n": TlogProof(
        10, HASHES[:1], "checkpoint data\n", b"extra information"
    ),
    f"{HEADER}index 0\n\ncheckpoint\n": TlogProof(0, (), "checkpoint\n"),
}

# c2sp.org/tlog-proof: its example, whose checkpoint is shortened there
SPECIFIED = f"""\
{HEADER}extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6kYXJ3aW4tYXJ
index 73894
gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=
EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=
RoopEkOdqkYqMB4MJXrbt/hMjOxsVn0IrWjpz1ZMMes=
AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=

{SOFA_NOTE}"""


@pytest.mark.parametrize("text", PROOFS)
def test_a_published_proof_is_read_and_written_back(text: str) -> None:
    assert TlogProof.parse(text) == PROOFS[text]
    assert PROOFS[text].text() == text


def test_the_proof_of_the_standard_is_read_and_written_back() -> None:
    proof = TlogProof.parse(SPECIFIED)
    assert (proof.index, len(proof.hashes), proof.checkpoint) == (73_894, 5, SOFA_NOTE)
    assert (proof.extra or b"").startswith(b"age-v1.2.1-darwin-arm64.tar.gz")
    assert proof.text() == SPECIFIED


@pytest.mark.parametrize(
    "text",
    [
        # transparency-dev/formats, proof/tlog_proof_test.go, TestUnmarshalErrors
        "wrong-header\nindex 0\n\ncheckpoint\n",
        f"{HEADER}extra !!notbase64!!\nindex 0\n\ncheckpoint\n",
        f"{HEADER}\n\ncheckpoint\n",
        f"{HEADER}index notanumber\n\ncheckpoint\n",
        f"{HEADER}index -5\n\ncheckpoint\n",
        f"{HEADER}index 0\n!!notbase64!!\n\ncheckpoint\n",
        f"{HEADER}index 0\n{b64(bytes(64))}\n\ncheckpoint\n",
        # ours
        "",
        HEADER,
        f"{HEADER}index 0",
        f"{HEADER}index 0\n",
        f" {HEADER}index 0\n\ncheckpoint\n",
        f"{HEADER}index 00\n\ncheckpoint\n",
        f"{HEADER}index\n\ncheckpoint\n",
        f"{HEADER}index 0 \n\ncheckpoint\n",
        f"{HEADER}index 0\nindex 0\n\ncheckpoint\n",
        f"{HEADER}index 0\nextra aaaa\n\ncheckpoint\n",
        f"{HEADER}extra aaaa\nextra aaaa\nindex 0\n\ncheckpoint\n",
        f"{HEADER}index 0\r\n\r\ncheckpoint\n",
        HEADER + "index 0\n" + f"{b64(ROOT)}\n" * 64 + "\ncheckpoint\n",
    ],
)
def test_what_is_no_proof_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        TlogProof.parse(text)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, NUMBER_MAX), st.lists(st.binary(min_size=32, max_size=32), max_size=63), st.none() | st.binary())
def test_a_proof_survives_its_text(index: int, hashes: list[bytes], extra: bytes | None) -> None:
    proof = TlogProof(index, tuple(hashes), COSIGNED, extra)
    assert TlogProof.parse(proof.text()) == proof


# What is sent to a witness


@pytest.mark.parametrize("body", STEPS)
def test_a_published_request_is_read_and_written_back(body: str) -> None:
    assert AddCheckpoint.parse(body).text() == body


def test_the_published_requests_prove_a_log_that_only_grows() -> None:
    size, root = 0, root_of(())
    for body in STEPS:
        request = AddCheckpoint.parse(body)
        offered = Checkpoint.parse(open_note(request.checkpoint, [STEPS_KEY]).text)
        assert (offered.origin, request.old) == (STEPS_ORIGIN, size)
        assert check_consistency(request.old, offered.size, request.hashes, root, offered.root)
        size, root = offered.size, offered.root
    assert size == 5


def test_the_published_request_with_a_wrong_proof_is_refused() -> None:
    """The same file has this request with one hash changed: the witness answers 422."""
    request = AddCheckpoint.parse(
        STEPS[1].replace("KgIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "KgIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABA=")
    )
    first = Checkpoint.parse(text_of(AddCheckpoint.parse(STEPS[0]).checkpoint))
    offered = Checkpoint.parse(text_of(request.checkpoint))
    assert not check_consistency(1, 3, request.hashes, first.root, offered.root)


def test_the_published_request_with_a_wrong_signature_is_refused() -> None:
    """The same file has this request with one character of the signature changed: the witness answers 403."""
    request = AddCheckpoint.parse(STEPS[1].replace("rx6go=", "rx6gx="))
    with pytest.raises(NoteError):
        open_note(request.checkpoint, [STEPS_KEY])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "old 0\n",
        "old 0\ncheckpoint\n",
        "old\n\ncheckpoint\n",
        "old 00\n\ncheckpoint\n",
        "old -1\n\ncheckpoint\n",
        "new 1\n\ncheckpoint\n",
        "Old 1\n\ncheckpoint\n",
        " old 1\n\ncheckpoint\n",
        "old 1\n1\n\ncheckpoint\n",
        f"old 1\n{b64(ROOT)} \n\ncheckpoint\n",
        f"old 1\n{b64(ROOT[1:])}\n\ncheckpoint\n",
        "old 1\n" + f"{b64(ROOT)}\n" * 64 + "\ncheckpoint\n",  # c2sp.org/tlog-witness: at most 63
    ],
)
def test_what_is_no_request_is_refused(text: str) -> None:
    with pytest.raises(NoteError):
        AddCheckpoint.parse(text)


def test_a_request_may_carry_63_hashes() -> None:
    request = AddCheckpoint(1, (ROOT,) * 63, NOTE)
    assert AddCheckpoint.parse(request.text()) == request


def test_what_is_wrong_is_said_in_one_line() -> None:
    for parse, text in (
        (Verifier.parse, "x\ny"),
        (Checkpoint.parse, "a\nb\n"),
        (TlogProof.parse, "a\n\nb"),
        (text_of, "\n"),
    ):
        with pytest.raises(NoteError) as refusal:
            parse(text)
        assert str(refusal.value)
        assert "\n" not in str(refusal.value)
