"""``vertikal demo``: the sample region through the real door of the log, and three questions to it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Console
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from ..events.database import reading, writing
from ..events.log import read_head
from ..projections.book import Book
from ..sample import Recorded, region
from . import access, queries, store
from .intake import BATCH_MAX, Intake
from .refusals import Refusal
from .settings import Settings, now

QUESTIONS = (
    ("trained_teachers", "obr", {"period": "2021", "as_of": "2023-12-31", "by": "municipality"}),
    ("roadmap_overdue", "gorodets", {"as_of": "2021-03-01"}),
    ("below_minimum", "obr", {"period": "2021/2022", "as_of": "2022-06-30", "known_at": "2022-07-01T00:00:00+03:00"}),
)
TOKENS = (("obr", "region"), ("gorodets", "municipality"), ("obr", "auditor"))


@dataclass
class SampleClock:
    """The clock by which the sample was recorded, so that its ``known_at`` has a history."""

    time: datetime

    def __call__(self) -> datetime:
        return self.time


def open_empty(settings: Settings, *, fresh: bool) -> Engine:
    """An empty database. Raises ``Refusal`` where events are already."""
    url = settings.database_url
    file = make_url(url).database
    if fresh and url.startswith("sqlite") and file:
        for suffix in ("", "-wal", "-shm"):
            Path(file + suffix).unlink(missing_ok=True)
    engine, *_ = store.init(settings)
    with reading(engine) as connection:
        if read_head(connection).position:
            raise Refusal(409, "в базе уже есть события: укажите другую базу (--database) или --fresh для файла SQLite")
    return engine


def fill(engine: Engine, settings: Settings, size: str, progress: Callable[[int], None]) -> None:
    """Record the sample of a size."""
    record(engine, settings, region(size), progress)


def record(engine: Engine, settings: Settings, sample: Iterator[Recorded], progress: Callable[[int], None]) -> None:
    """Record a sample by its own clock. Raises ``RuntimeError`` if the log refuses any of it.

    Nothing is projected meanwhile, so the figures that the sample cites are not checked here but by its tests.
    """
    clock = SampleClock(datetime.min.replace(tzinfo=UTC))
    intake = Intake(engine, clock, settings.timezone, cites_freely=True)
    for batch in batches(sample):
        clock.time = batch[-1].at
        answer = intake.submit(access.Party(*batch[0].sender), [each.event for each in batch])
        if answer.refused:
            raise RuntimeError(next(f"{o.id}: {o.errors}" for o in answer.results if o.errors))
        progress(len(batch))


def batches(recorded: Iterator[Recorded]) -> Iterator[list[Recorded]]:
    """Runs of one sender and one day, at most 1,000 events each."""
    for _, run in groupby(recorded, key=lambda each: (each.sender, each.at.date())):
        batch: list[Recorded] = []
        for each in run:
            batch.append(each)
            if len(batch) == BATCH_MAX:
                yield batch
                batch = []
        if batch:
            yield batch


def show(out: Console, engine: Engine, settings: Settings) -> None:
    """Three real answers, and how to go on."""
    with reading(engine) as connection:
        ledger = Book().open(connection)
        file, last = engine.url.database, read_head(connection).recorded_at
        out.print(f"\n{ledger.head} events in {file}, the last recorded {last}\n", soft_wrap=True)
        for code, organisation, given in QUESTIONS:
            parameters: dict[str, str | None] = {"organisation": organisation, **given}
            question = queries.ask(ledger, code, parameters, settings.today())
            _show_answer(out, question.indicator.title, queries.answer(ledger, question), since="known_at" in given)
    with writing(engine) as connection:
        tokens = [(*whose, access.create(connection, access.Party(*whose), now())) for whose in TOKENS]
    here = f"VERTIKAL_DATABASE_URL={settings.database_url} {sys.argv[0]}"
    out.print(f"why:    {here} why roadmap_overdue --organisation gorodets --as-of 2021-03-01", soft_wrap=True)
    out.print(f"serve:  {here} serve   →   http://127.0.0.1:8080/docs", soft_wrap=True)
    for organisation, role, token in tokens:
        out.print(f"token:  {token}   ({role} {organisation})", soft_wrap=True)


def _show_answer(out: Console, title: str, answer: dict[str, Any], *, since: bool) -> None:
    value = answer["value"]
    share = "нет данных" if value is None else f"{float(value) * 100:.1f} %"
    asked = f"{answer['organisation']}, {answer['period']}, на {answer['as_of']}"
    known = f", как было известно {answer['known_at']['time'][:10]}" if since else ""
    out.print(f"[bold]{title}[/] — {asked}{known}", soft_wrap=True)
    out.print(f"  {answer['numerator']} / {answer['denominator']} = {share}", soft_wrap=True)
    for row in answer.get("rows", ()):
        out.print(f"    {row['name']}: {row['numerator']} / {row['denominator']}", soft_wrap=True)
    out.print()
