"""Commands that prove the log, take it away as a file, and bring it back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from ...events import log as events_log
from ...events import merkle
from ...events.database import reading, writing
from ...events.notes import PROOF_HEADER, Checkpoint, NoteError, TlogProof, Verifier, open_note, text_of
from ...events.verifying import Verdict
from ...events.verifying import verify as verify_bundle
from .. import archive, keys, projector, proving, store, terminal, witnessing
from ..settings import Settings
from ..terminal import REFUSED, UNPROVEN, as_json, err, out

File = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option("-o", "--output", required=True, type=File, help="The file to write; an interrupted export goes on.")
@as_json
@click.pass_obj
def export(settings: Settings, output: Path, as_json: bool) -> None:
    """Write the whole log into one file that can be verified offline and restored. It never holds keys."""
    engine, signer = store.open_store(settings.database_url, "ingest"), keys.signer(settings)
    with reading(engine) as connection:
        head = events_log.read_head(connection).position
    try:
        with terminal.progress("events into the bundle", head) as advance:
            note = archive.export(engine, signer, output, advance)
    except OSError as error:
        terminal.fail(REFUSED, f"cannot write {output}: {error.strerror}")
    checkpoint = Checkpoint.parse(text_of(note))
    if as_json:
        terminal.print_json({"file": str(output), "size": checkpoint.size, "root": terminal.base64_of(checkpoint.root)})
        return
    out.print(f"{checkpoint.size} events in {output}, root {terminal.base64_of(checkpoint.root)}", soft_wrap=True)


@click.command()
@click.argument("file", type=File)
@click.option("--key", "given", multiple=True, metavar="KEY", help="A public key that you trust, or a file with it.")
@click.option("--checkpoint", "newest", type=File, help="A checkpoint you hold: an older bundle then does not pass.")
@click.option("--leaf", type=File, help="With a tlog-proof: the leaf that it is to prove.")
@as_json
def verify(file: Path, given: tuple[str, ...], newest: Path | None, leaf: Path | None, as_json: bool) -> None:
    """Prove a bundle (or a tlog-proof) offline; name the first position that is not what was signed."""
    try:
        trusted = [_read_key(key) for key in given]
        if _is_proof(file):
            verdict = _verify_proof(file, trusted, leaf)
        else:
            note = newest.read_text(encoding="utf-8") if newest else None
            with terminal.progress("events verified", None) as advance:
                verdict = verify_bundle(file, trusted, note, advance)
    except (OSError, UnicodeDecodeError) as error:
        terminal.fail(REFUSED, f"файл не читается: {error}")
    _show_verdict(verdict, trusted, as_json)


@click.command()
@click.argument("file", type=File)
@click.option("--key", "given", multiple=True, metavar="KEY", help="A public key that you trust, or a file with it.")
@as_json
@click.pass_obj
def restore(settings: Settings, file: Path, given: tuple[str, ...], as_json: bool) -> None:
    """Verify a bundle and make a working database of it: the same positions, roots and figures."""
    try:
        trusted = [_read_key(key) for key in given]
        with terminal.progress("events verified", None) as advance:
            verdict = verify_bundle(file, trusted, None, advance)
    except OSError as error:
        terminal.fail(REFUSED, f"файл не читается: {error}")
    if not verdict.ok:
        _show_verdict(verdict, trusted, as_json)
    with terminal.progress("events into the log", verdict.size) as advance:
        engine = archive.restore(settings, file, advance)
    with terminal.progress("events into figures", verdict.size) as advance:
        projector.catch_up(engine, progress=advance)
    root = terminal.base64_of(verdict.root or b"")
    if as_json:
        terminal.print_json({"restored": verdict.size, "root": root, "database": engine.url.render_as_string()})
        return
    out.print(f"{verdict.size} events restored into {engine.url.render_as_string()}, root {root}", soft_wrap=True)


@click.group("log")
def log() -> None:
    """Checkpoints and proofs of the log, and witnesses."""


@log.command("checkpoint")
@click.pass_obj
def log_checkpoint(settings: Settings) -> None:
    """Print the signed checkpoint over the log as it is."""
    engine = store.open_store(settings.database_url, "ingest")
    click.echo(proving.checkpoint(engine, keys.signer(settings)), nl=False)


@log.command("key")
@click.pass_obj
def log_key(settings: Settings) -> None:
    """Print the public key that checkpoints are verified with, and the one of this log as a witness."""
    signer = keys.signer(settings)
    click.echo(f"{signer.verifier}\n{signer.witness}")


@log.command("inclusion")
@click.argument("position", type=click.IntRange(1))
@click.option("--size", type=click.IntRange(1), help="Of the tree; default the whole log.")
@click.pass_obj
def log_inclusion(settings: Settings, position: int, size: int | None) -> None:
    """Print the proof that the event at POSITION is in the log, as JSON."""
    with reading(store.open_store(settings.database_url, "reader")) as connection:
        terminal.print_json(proving.inclusion(connection, position, size))


@log.command("consistency")
@click.argument("old", type=click.IntRange(0))
@click.argument("new", type=click.IntRange(0), required=False)
@click.pass_obj
def log_consistency(settings: Settings, old: int, new: int | None) -> None:
    """Print the proof that the log of size NEW (default: all of it) begins with that of size OLD, as JSON."""
    with reading(store.open_store(settings.database_url, "reader")) as connection:
        terminal.print_json(proving.consistency(connection, old, new))


@log.command("proof")
@click.argument("position", type=click.IntRange(1))
@click.option("--leaf", type=File, help="Write the leaf into this file, too.")
@click.pass_obj
def log_proof(settings: Settings, position: int, leaf: Path | None) -> None:
    """Print a tlog-proof: the event at POSITION is in the log of a signed checkpoint."""
    engine = store.open_store(settings.database_url, "ingest")
    note = proving.checkpoint(engine, keys.signer(settings))
    with reading(engine) as connection:
        click.echo(proving.tlog_proof(connection, position, note), nl=False)
        if leaf is not None:
            leaf.write_bytes(events_log.read_at(connection, [position])[position].leaf)


@log.command("trust")
@click.argument("key")
@click.pass_obj
def log_trust(settings: Settings, key: str) -> None:
    """Become a witness of the log with this public KEY (text or file)."""
    verifier = _read_key(key)
    with writing(store.open_store(settings.database_url)) as connection:
        witnessing.trust(connection, verifier)
    out.print(f"checkpoints of {verifier.name} will be cosigned at /v1/witness/add-checkpoint", soft_wrap=True)


@log.command("cosign")
@click.argument("url")
@click.option("--witness", required=True, metavar="KEY", help="The witness's public key, or a file with it.")
@click.pass_obj
def log_cosign(settings: Settings, url: str, witness: str) -> None:
    """Have the witness at URL cosign the present checkpoint, and keep its cosignature."""
    engine = store.open_store(settings.database_url, "ingest")
    note = witnessing.submit(engine, keys.signer(settings), url, _read_key(witness))
    click.echo(note, nl=False)


def _read_key(text: str) -> Verifier:
    try:
        return Verifier.parse(text if "+" in text else Path(text).read_text(encoding="ascii").split("\n")[0])
    except (OSError, UnicodeDecodeError, NoteError) as error:
        raise click.BadParameter(f"{text!r} is no public key: {error}", param_hint="KEY") from error


def _is_proof(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(len(PROOF_HEADER)) == PROOF_HEADER.encode()


def _verify_proof(file: Path, trusted: list[Verifier], leaf: Path | None) -> Verdict:
    if leaf is None or not trusted:
        raise click.UsageError("a tlog-proof needs --leaf and --key")
    try:
        proof = TlogProof.parse(file.read_text(encoding="utf-8"))
        opened = open_note(proof.checkpoint, trusted)
        checkpoint = Checkpoint.parse(opened.text)
    except (NoteError, UnicodeDecodeError) as error:
        return Verdict(False, 0, part="proof", reason=f"доказательство не читается: {error}")
    hash_ = merkle.leaf_hash(leaf.read_bytes())
    if not merkle.check_inclusion(hash_, proof.index, checkpoint.size, proof.hashes, checkpoint.root):
        reason = "запись не та, что подписана"
        return Verdict(False, checkpoint.size, position=proof.index + 1, part="leaf", reason=reason)
    who = tuple(str(signature.verifier) for signature in opened.signatures)
    return Verdict(True, checkpoint.size, checkpoint.origin, checkpoint.root, signed_by=who)


def _show_verdict(verdict: Verdict, trusted: list[Verifier], as_json: bool) -> None:
    """Print it and, where it is no, end with 3."""
    found: dict[str, Any] = {
        "ok": verdict.ok,
        "size": verdict.size,
        "origin": verdict.origin,
        "root": terminal.base64_of(verdict.root) if verdict.root else None,
        "position": verdict.position,
        "part": verdict.part,
        "reason": verdict.reason,
        "signed_by": list(verdict.signed_by),
        "trusted": bool(trusted),
    }
    if as_json:
        terminal.print_json(found)
    elif verdict.ok:
        out.print(f"доказано: {verdict.size} событий, журнал {verdict.origin}, корень {found['root']}", soft_wrap=True)
        for signer in verdict.signed_by:
            out.print(f"подпись: {signer}", soft_wrap=True)
        if not trusted:
            out.print("ключ взят из самого файла: сверьте его с известным вам (--key)", soft_wrap=True)
    else:
        where = f"позиция {verdict.position}: " if verdict.position else ""
        err.print(f"[red]не доказано:[/] {where}{verdict.reason}", soft_wrap=True)
    if not verdict.ok:
        sys.exit(UNPROVEN)
