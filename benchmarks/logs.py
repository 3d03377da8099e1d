"""Databases filled with a sample: made once, then used by every part that asks for a log of that size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine

from benchmarks import remake
from benchmarks.remake import Remade
from vertikal.events.database import connect, writing
from vertikal.sample import Scale, region
from vertikal.services import demo, store
from vertikal.services.settings import read_settings

Urls = Callable[[], str]


@dataclass(frozen=True)
class Size:
    """``events``: about how many. ``earlier``: where the log is first rebuilt; its partitions are as full as later."""

    scale: str | Scale
    events: int
    earlier: int


SIZES = {
    "small": Size("small", 5_084, 2_500),
    "region": Size("region", 198_552, 99_274),
    "large": Size("large", 2_018_269, 249_000),
    "huge": Size(Scale(25, 3736, 250, 520.0, 300, 70, 34, 24, 1), 10_020_000, 999_000),
}


class Logs:
    """Fresh databases of one store, and those that are filled."""

    def __init__(self, urls: Urls) -> None:
        self.fresh = urls
        self.made: dict[str, Remade] = {}  # by URL: the rebuild that made the figures
        self._filled: dict[str | Scale, str] = {}

    def filled(self, scale: str | Scale) -> str:
        """The URL of a database with the whole sample and figures of all of it, made by a rebuild."""
        if scale not in self._filled:
            url = self.fresh()
            engine = connect(url)
            store.create(engine)
            demo.record(engine, read_settings({}), region(scale), lambda _: None)
            analyse(engine)
            engine.dispose()
            self.made[url] = remake.apart(url)
            self.keep(scale, url)
        return self._filled[scale]

    def keep(self, scale: str | Scale, url: str) -> None:
        """Remember a database that somebody filled."""
        self._filled[scale] = url


def analyse(engine: Engine) -> None:
    """Have the database count its rows, as it does by itself in the course of a day."""
    with writing(engine) as connection:
        connection.exec_driver_sql("ANALYZE")
