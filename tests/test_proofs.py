"""What an auditor gets: checkpoints, proofs and leaves over HTTP and on the command line, and witnesses."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, text

from tests.conftest import SIGNER, Vertikal
from vertikal.events import log, merkle, tree
from vertikal.events.database import reading, writing
from vertikal.events.notes import AddCheckpoint, Checkpoint, Signer, TlogProof, Verifier, open_note, sign, text_of
from vertikal.events.tables import checkpoints
from vertikal.events.tables import tree as tree_table
from vertikal.services import proving, witnessing
from vertikal.services.web.app import create_app

HASH = base64.b64decode


def fill(store: Vertikal, count: int) -> int:
    """Events until the log has more than ``count``."""
    while True:
        data = {"organisation": "s1", "on": "2020-09-20", "teachers": 30, "managers": 3}
        head = store.submit(*(store.event("staff.reported", "s1", data) for _ in range(300))).head
        if head > count:
            return head


def header(store: Vertikal) -> dict[str, str]:
    return {"Authorization": f"Bearer {store.token('obr', 'auditor')}"}


def leaves(store: Vertikal) -> list[bytes]:
    with reading(store.engine) as connection:
        return [recorded.leaf for recorded in log.read(connection, 0, 10_000)]


# The tree in the database


@pytest.mark.parametrize("sizes", [(1, 1, 1), (255, 1), (256,), (257, 300), (100, 900, 7)])
def test_the_tree_in_the_database_is_the_tree_over_its_leaves(vertical: Vertikal, sizes: tuple[int, ...]) -> None:
    data = {"organisation": "s1", "on": "2020-09-20", "teachers": 30, "managers": 3}
    for size in sizes:
        vertical.submit(*(vertical.event("staff.reported", "s1", data) for _ in range(size)))
    whole = list(map(merkle.leaf_hash, leaves(vertical)))
    with reading(vertical.engine) as connection:
        for size in {0, 1, len(whole) // 2, len(whole)}:
            assert tree.root(connection, size) == merkle.root_of(whole[:size])
        assert connection.execute(select(func.count()).select_from(tree_table)).scalar() == len(whole) // 256


# Over HTTP


def test_a_checkpoint_signs_the_log_as_it_is(vertical: Vertikal, client: FlaskClient) -> None:
    answer = client.get("/v1/log/checkpoint", headers=header(vertical))
    assert answer.mimetype == "text/plain"
    key = client.get("/v1/log/key", headers=header(vertical)).text
    checkpoint = Checkpoint.parse(open_note(answer.text, [Verifier.parse(key)]).text)
    whole = list(map(merkle.leaf_hash, leaves(vertical)))
    assert (checkpoint.origin, checkpoint.size) == (SIGNER.name, len(whole))
    assert checkpoint.root == merkle.root_of(whole)


def test_the_same_log_has_the_same_checkpoint(vertical: Vertikal, client: FlaskClient) -> None:
    first, second = (client.get("/v1/log/checkpoint", headers=header(vertical)).text for _ in range(2))
    assert first == second


def test_a_leaf_is_proven_to_be_in_the_log(vertical: Vertikal, client: FlaskClient) -> None:
    head = fill(vertical, 600)
    for position in (1, 2, 256, 257, head):
        leaf = client.get(f"/v1/log/{position}/leaf", headers=header(vertical)).data
        proof: Any = client.get(
            f"/v1/log/proofs/inclusion?position={position}&size={head}", headers=header(vertical)
        ).json
        assert (proof["position"], proof["size"]) == (position, head)
        assert HASH(proof["leaf_hash"]) == merkle.leaf_hash(leaf)
        path = list(map(HASH, proof["hashes"]))
        assert merkle.check_inclusion(merkle.leaf_hash(leaf), position - 1, head, path, HASH(proof["root"]))


def test_a_log_is_proven_to_continue_an_earlier_one(vertical: Vertikal, client: FlaskClient) -> None:
    before: Any = client.get("/v1/log/proofs/consistency?old=0", headers=header(vertical)).json
    head = fill(vertical, 600)
    url = f"/v1/log/proofs/consistency?old={before['new']}&new={head}"
    proof: Any = client.get(url, headers=header(vertical)).json
    assert proof["old_root"] == before["new_root"]
    path = list(map(HASH, proof["hashes"]))
    old_root, new_root = HASH(proof["old_root"]), HASH(proof["new_root"])
    assert merkle.check_consistency(before["new"], head, path, old_root, new_root)


def test_a_proof_as_a_text_stands_alone(vertical: Vertikal, client: FlaskClient) -> None:
    text_ = client.get("/v1/log/proofs/tlog-proof?position=3", headers=header(vertical)).text
    proof = TlogProof.parse(text_)
    checkpoint = Checkpoint.parse(open_note(proof.checkpoint, [SIGNER.verifier]).text)
    hash_ = merkle.leaf_hash(leaves(vertical)[2])
    assert merkle.check_inclusion(hash_, proof.index, checkpoint.size, proof.hashes, checkpoint.root)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("inclusion?position=99", "position"),
        ("inclusion?position=0", "position"),
        ("inclusion?position=3&size=2", "position"),
        ("inclusion?position=1&size=99", "size"),
        ("inclusion", "position"),
        ("consistency?old=5&new=4", "old"),
        ("consistency?old=1&new=99", "new"),
        ("consistency?old=x", "old"),
    ],
)
def test_a_proof_of_what_is_not_there_is_refused(
    vertical: Vertikal, client: FlaskClient, query: str, field: str
) -> None:
    answer: Any = client.get(f"/v1/log/proofs/{query}", headers=header(vertical))
    assert answer.status_code == 400
    assert list(answer.json["errors"]) == [field]


@pytest.mark.parametrize("url", ["checkpoint", "key", "proofs/inclusion?position=1", "proofs/consistency?old=1"])
def test_proofs_ask_for_a_token(client: FlaskClient, url: str) -> None:
    assert client.get(f"/v1/log/{url}").status_code == 401


def test_without_a_signing_key_there_is_no_checkpoint_but_an_answer(vertical: Vertikal, tmp_path: Path) -> None:
    from dataclasses import replace  # noqa: PLC0415

    settings = replace(vertical.settings, signing_key=str(tmp_path / "nowhere"))
    answer = (
        create_app(settings, vertical.engine, vertical.clock)
        .test_client()
        .get("/v1/log/checkpoint", headers=header(vertical))
    )
    assert answer.status_code == 503


# A log that was changed


def tamper(store: Vertikal, statement: str) -> None:
    """Change the log behind the triggers' back, as an administrator could."""
    with writing(store.engine) as connection:
        if store.engine.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE events DISABLE TRIGGER ALL"))
        else:
            connection.execute(text("DROP TRIGGER events_never_UPDATE"))
        connection.execute(text(statement))


def test_a_log_that_was_changed_gets_no_signature_any_more(vertical: Vertikal) -> None:
    proving.checkpoint(vertical.engine, SIGNER)
    tamper(vertical, "UPDATE events SET hash = leaf WHERE position = 2")
    fill(vertical, 10)
    with pytest.raises(proving.LogChanged):
        proving.checkpoint(vertical.engine, SIGNER)


def test_control_a_log_that_was_only_continued_is_signed_again(vertical: Vertikal) -> None:
    proving.checkpoint(vertical.engine, SIGNER)
    fill(vertical, 10)
    assert proving.checkpoint(vertical.engine, SIGNER)
    with reading(vertical.engine) as connection:
        assert connection.execute(select(func.count()).select_from(checkpoints)).scalar() == 2


# Keys


def test_a_key_that_nobody_took_into_use_does_not_sign(vertical: Vertikal) -> None:
    with pytest.raises(proving.KeyNotInUse):
        proving.checkpoint(vertical.engine, Signer.generate(SIGNER.name))


def test_a_new_key_is_introduced_by_the_old_one(vertical: Vertikal) -> None:
    new = Signer.generate(SIGNER.name)
    note = proving.rotate(vertical.engine, SIGNER, new)
    assert len(open_note(note, [SIGNER.verifier, new.verifier]).signatures) == 2
    fill(vertical, 10)
    assert open_note(proving.checkpoint(vertical.engine, new), [new.verifier]).signatures


# Witnesses


class Municipality:
    """Another Vertikal that witnesses this one's log; requests go straight to its functions."""

    def __init__(self, store: Vertikal) -> None:
        self.signer = Signer.generate("gorodets.example/log")
        self._store = store
        with writing(store.engine) as connection:
            witnessing.trust(connection, SIGNER.verifier)

    def cosign(self, old: int, hashes: list[bytes], note: str) -> str:
        with writing(self._store.engine) as connection:
            submitted = AddCheckpoint(old, tuple(hashes), note)
            return witnessing.cosign(connection, submitted, self.signer, self._store.clock())


def declined(witness: Municipality, old: int, hashes: list[bytes], note: str) -> tuple[int, int | None]:
    with pytest.raises(witnessing.Declined) as refusal:
        witness.cosign(old, hashes, note)
    return refusal.value.status, refusal.value.size


def test_a_witness_cosigns_a_log_that_continues_itself(vertical: Vertikal) -> None:
    witness = Municipality(vertical)
    first = proving.checkpoint(vertical.engine, SIGNER)
    line = witness.cosign(0, [], first)
    signatures = open_note(f"{first}{line}\n", [SIGNER.verifier, witness.signer.witness]).signatures
    assert signatures[1].time is not None
    old = Checkpoint.parse(text_of(first)).size
    fill(vertical, 300)
    second = proving.checkpoint(vertical.engine, SIGNER)
    with reading(vertical.engine) as connection:
        hashes = merkle.consistency(old, Checkpoint.parse(text_of(second)).size, tree.blocks(connection))
    assert witness.cosign(old, hashes, second)


def test_a_witness_declines_as_the_standard_says(vertical: Vertikal) -> None:
    witness = Municipality(vertical)
    note = proving.checkpoint(vertical.engine, SIGNER)
    size = Checkpoint.parse(text_of(note)).size
    stranger, forger = Signer.generate("other.example"), Signer.generate(SIGNER.name)
    assert declined(witness, 0, [], sign(Checkpoint("other.example", 1, bytes(32)).text(), stranger)) == (404, None)
    assert declined(witness, 0, [], sign(text_of(note), forger)) == (403, None)
    assert declined(witness, size + 1, [], note) == (400, None)
    assert declined(witness, 1, [], note) == (409, 0)
    assert witness.cosign(0, [], note)
    other = sign(Checkpoint(SIGNER.name, size, bytes(32)).text(), SIGNER)
    assert declined(witness, size, [], other) == (409, size)
    longer = sign(Checkpoint(SIGNER.name, size + 1, bytes(32)).text(), SIGNER)
    assert declined(witness, size, [bytes(32)], longer) == (422, None)


def test_the_witness_speaks_the_protocol_over_http(vertical: Vertikal, client: FlaskClient) -> None:
    note = proving.checkpoint(vertical.engine, SIGNER)
    body = AddCheckpoint(0, (), note).text()
    assert client.post("/v1/witness/add-checkpoint", data=body).status_code == 404
    with writing(vertical.engine) as connection:
        witnessing.trust(connection, SIGNER.verifier)
    answer = client.post("/v1/witness/add-checkpoint", data=body)
    assert (answer.status_code, answer.text[:2]) == (200, "— ")
    again = client.post("/v1/witness/add-checkpoint", data=body)
    size = Checkpoint.parse(text_of(note)).size
    assert (again.status_code, again.mimetype, again.text) == (409, "text/x.tlog.size", f"{size}\n")
    assert client.post("/v1/witness/add-checkpoint", data="rubbish").status_code == 400
