"""Export, verify and restore: events per second, and that memory does not grow with the log.

Each runs in a process of its own, which tells its time and the most memory it ever held. Both logs are larger than the
cache that SQLite is given, so that a cache that fills is not taken for growth.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from benchmarks.results import Result, timed
from vertikal.events.database import connect, writing
from vertikal.events.notes import Signer
from vertikal.events.sealing import MasterKey
from vertikal.events.verifying import verify
from vertikal.sample import region
from vertikal.services import archive, demo, keys, proving, store
from vertikal.services.settings import Settings, read_settings

SIZES = (150_000, 300_000)
GROWTH_MAX = 1.1
WORKS = ("export", "verify", "restore")
SIGNER, MASTER = Signer.generate("obr.example/log").text(), MasterKey.generate().text()


def measure(name: str, urls: Callable[[], str]) -> list[Result]:
    """Rates on the larger log; memory on both."""
    with tempfile.TemporaryDirectory(prefix="vertikal-archive-") as folder:
        small, large = (dict(_works(size, urls, Path(folder) / f"{size}.bundle")) for size in SIZES)
    results = []
    for work in WORKS:
        (_, held_small), (seconds, held_large) = small[work], large[work]
        ratio = held_large / held_small
        results += [
            Result(f"{work} of {SIZES[1]:,} events", name, SIZES[1] / seconds, "events/s"),
            Result(f"{work} of {SIZES[1]:,} and of {SIZES[0]:,} events: most memory", name, held_large, "MiB",
                   held_small, ratio, f"ratio ≤ {GROWTH_MAX}", ratio <= GROWTH_MAX),
        ]  # fmt: skip
    return results


def _works(size: int, urls: Callable[[], str], path: Path) -> Iterator[tuple[str, tuple[float, float]]]:
    """(work, (seconds, MiB)) over a log of a size, which is exported, verified and restored into another database."""
    full, empty = urls(), urls()
    engine, settings = connect(full), _settings(full)
    store.create(engine)
    demo.record(engine, settings, islice(region("large"), size), lambda _: None)
    with writing(engine) as connection:
        proving.take_into_use(connection, keys.signer(settings).verifier, 0)
    engine.dispose()
    for work, url in zip(WORKS, (full, full, empty), strict=True):
        yield work, _apart(work, url, path)


def _apart(work: str, url: str, path: Path) -> tuple[float, float]:
    command = [sys.executable, "-m", "benchmarks.archive", work, url, str(path), SIGNER, MASTER]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return told["seconds"], told["mebibytes"]


def _settings(url: str, signer: str = SIGNER, master: str = MASTER) -> Settings:
    return replace(read_settings({}), database_url=url, signing_key=signer, master_key=master)


def _do(work: str, url: str, path: Path, settings: Settings) -> None:
    if work == "export":
        archive.export(connect(url), keys.signer(settings), path, lambda _: None)
    elif work == "verify":
        verdict = verify(path, [keys.signer(settings).verifier])
        assert verdict.ok, verdict.reason
    else:
        archive.restore(settings, path, lambda _: None)


def main() -> None:
    """One work in this process: ``WORK URL FILE SIGNING-KEY MASTER-KEY``."""
    work, url, path, signer, master = sys.argv[1:]
    seconds = timed(lambda: _do(work, url, Path(path), _settings(url, signer, master)))
    print(json.dumps({"seconds": seconds, "mebibytes": _most_memory()}))


def _most_memory() -> float:
    """Peak MiB of this process. Of getrusage's figure, part is the parent's: it survives fork and exec."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    main()
