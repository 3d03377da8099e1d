"""The keys: one signs checkpoints, one wraps the keys of persons. They never live in the database.

They come from the settings (the key itself, or a file that holds it), else from files that ``vertikal init`` makes,
mode 0600: beside the SQLite file, or in the user's data directory.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from platformdirs import user_data_path
from sqlalchemy.engine import make_url

from ..events.notes import Signer
from ..events.sealing import MasterKey
from .settings import BadSetting, Settings

Key = TypeVar("Key")


class NoKey(Exception):
    """A key is needed that is nowhere; the text says where it was looked for."""


def signer(settings: Settings) -> Signer:
    """The key that signs checkpoints. Raises ``NoKey`` and ``BadSetting``."""
    return _read(settings.signing_key, "VERTIKAL_SIGNING_KEY", _file(settings, "signing.key"), Signer.parse)


def master(settings: Settings) -> MasterKey:
    """The key that wraps the keys of persons. Raises ``NoKey`` and ``BadSetting``."""
    return _read(settings.master_key, "VERTIKAL_MASTER_KEY", _file(settings, "master.key"), MasterKey.parse)


def signer_if_any(settings: Settings) -> Signer | None:
    """The signing key, None where there is none. Raises ``BadSetting``."""
    try:
        return signer(settings)
    except NoKey:
        return None


def master_if_any(settings: Settings) -> MasterKey | None:
    """The master key, None where there is none. Raises ``BadSetting``."""
    try:
        return master(settings)
    except NoKey:
        return None


def make(settings: Settings, name: str | None = None) -> list[Path]:
    """Make those keys that neither settings nor files hold; the files made. ``name``: what the log is to be called."""
    made = []
    name = name or f"vertikal/{secrets.token_hex(4)}"
    if settings.signing_key is None and not (file := _file(settings, "signing.key")).exists():
        _write(file, Signer.generate(name).text())
        made.append(file)
    if settings.master_key is None and not (file := _file(settings, "master.key")).exists():
        _write(file, MasterKey.generate().text())
        made.append(file)
    return made


def replace_signer(settings: Settings) -> tuple[Signer, Signer]:
    """A new signing key of the same name in the place of the file's; the old one and the new one.

    The old file is kept beside it. Raises ``BadSetting`` where the key comes from the settings.
    """
    if settings.signing_key is not None:
        raise BadSetting("VERTIKAL_SIGNING_KEY holds the signing key: replace it there")
    old, file = signer(settings), _file(settings, "signing.key")
    new = Signer.generate(old.verifier.name)
    file.rename(file.with_name(f"{file.name}.{old.verifier.key_id.hex()}"))
    _write(file, new.text())
    return old, new


def _file(settings: Settings, name: str) -> Path:
    url = make_url(settings.database_url)
    if url.drivername == "sqlite" and url.database:
        return Path(f"{url.database}.{name}")
    return user_data_path("vertikal") / name


def _read(setting: str | None, variable: str, file: Path, parse: Callable[[str], Key]) -> Key:
    if setting is not None and not Path(setting).is_absolute():
        where, text = variable, setting
    else:
        where = setting or str(file)
        try:
            text = Path(where).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise NoKey(f"no key in {where}: run `vertikal init`, or set {variable}") from error
    try:
        return parse(text)
    except ValueError as error:
        raise BadSetting(f"{where} holds no usable key: {error}") from error


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as opened:
        opened.write(text + "\n")
        opened.flush()
        os.fsync(opened.fileno())
