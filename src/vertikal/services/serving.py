"""``vertikal serve``: gunicorn for the web and, on SQLite, the projector beside it, both watched over."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import structlog
from gunicorn.app.base import BaseApplication

from . import projector, store
from .settings import Settings
from .web.app import create_app

POLL_S = 0.2
RESTART_AFTER_S, RESTART_AFTER_MAX_S, SETTLED_S = 1.0, 30.0, 60.0
logger = structlog.get_logger()


class PortInUse(Exception):
    """Another process listens there already."""


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn ships no types
    """Gunicorn over one Vertikal database; every worker opens its own connections."""

    def __init__(self, settings: Settings, host: str, port: int) -> None:
        self._settings = settings
        self._address = f"{host}:{port}"
        super().__init__()

    def load_config(self) -> None:
        options = {
            "bind": self._address,
            "workers": self._settings.workers,
            "worker_class": "gthread",
            "threads": 8,
            "timeout": 60,
            "accesslog": None,
            "loglevel": "warning",
            "proc_name": "vertikal",
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return create_app(self._settings, store.open_store(self._settings.database_url, "ingest"))


def serve(settings: Settings, host: str, port: int, *, with_projector: bool) -> None:
    """Serve until SIGTERM or Ctrl-C. Raises ``PortInUse`` before anything is started."""
    _require_free(host, port)
    if with_projector:
        _supervise(settings, host, port)
    else:
        Server(settings, host, port).run()


def run_projector(url: str, parent: int | None = None) -> None:
    """Project until SIGTERM, Ctrl-C or the end of the process ``parent``, which started this one.

    Raises ``NotReady``, and ``OtherModels`` where the figures are to be rebuilt first.
    """
    stop = stop_on_signals()
    engine = store.open_store(url, "projector")
    store.require_sound(engine)
    if parent is not None:
        threading.Thread(target=_stop_with, args=(parent, stop), daemon=True).start()
    projector.begin(engine)
    logger.info("projecting", behind=projector.behind(engine))
    projector.follow(engine, stop)


def _supervise(settings: Settings, host: str, port: int) -> None:
    """Run the web and the projector as processes of their own; a projector that ends is started again."""
    stop = stop_on_signals()
    web = _start(settings, "serve", "--host", host, "--port", str(port), "--without-projector", "--quiet")
    projecting = Restarted(lambda: _start(settings, "project", "--parent", str(os.getpid())))
    while not stop.wait(POLL_S) and web.poll() is None:
        projecting.look()
    ended = web.poll()
    for process in (web, projecting.process):
        process.terminate()
        process.wait()
    sys.exit(ended or 0)


class Restarted:
    """The projector's process, started again some time after it has ended."""

    def __init__(self, start: Callable[[], subprocess.Popen[bytes]]) -> None:
        self._start = start
        self._wait = 0.0
        self._due: float | None = None
        self._begin()

    def look(self) -> None:
        """Start it again if it has ended and its time has come."""
        now = time.monotonic()
        if self._due is None and self.process.poll() is not None:
            self._wait = restart_after(self._wait, now - self._started)
            self._due = now + self._wait
            logger.warning("the projector ended", exitcode=self.process.returncode, started_again_after_s=self._wait)
        if self._due is not None and now >= self._due:
            self._begin()

    def _begin(self) -> None:
        self.process, self._started, self._due = self._start(), time.monotonic(), None


def restart_after(waited_s: float, ran_s: float) -> float:
    """How long to wait before a projector is started again: longer each time while it ends soon after its start.

    >>> restart_after(0.0, 0.5), restart_after(1.0, 0.5), restart_after(30.0, 0.5), restart_after(30.0, 3_600.0)
    (1.0, 2.0, 30.0, 1.0)
    """
    return min(2 * waited_s, RESTART_AFTER_MAX_S) if waited_s and ran_s < SETTLED_S else RESTART_AFTER_S


def _start(settings: Settings, *arguments: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "VERTIKAL_DATABASE_URL": settings.database_url}  # arguments are shown to everybody
    return subprocess.Popen([sys.executable, "-m", "vertikal", *arguments], env=environment)  # noqa: S603  # our own


def stop_on_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _stop_with(parent: int, stop: threading.Event) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    stop.set()


def _require_free(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortInUse(f"cannot listen on {host}:{port}: {error.strerror}; try --port") from error
