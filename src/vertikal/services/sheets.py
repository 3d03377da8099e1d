"""Events as a workbook: one row for each, all texts kept to the letter, none of them taken for a formula."""

from __future__ import annotations

from collections.abc import Iterator
from errno import EIO
from pathlib import Path
from typing import Any

import orjson
import xlsxwriter
from xlsxwriter.exceptions import XlsxFileError

from .telling import Told

COLUMNS = (
    ("позиция", 10),
    ("записано", 28),
    ("дата факта", 12),
    ("организация", 40),
    ("код", 20),
    ("кто", 30),
    ("что сделано", 80),
    ("отзыв", 28),
    ("тип", 24),
    ("отправитель", 28),
    ("id", 24),
    ("данные", 60),
)
TEXT_MAX = 16_000  # a cell holds 32,767 units of UTF-16, of which a character may take two
ROWS_MAX = 1_000_000  # of a sheet, below its 1,048,576
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Workbook:
    """Written row by row, in constant memory; data that are too long for a cell go on in those to the right."""

    def __init__(self, file: Path) -> None:
        options = {"constant_memory": True, "strings_to_urls": False, "strings_to_formulas": False}
        self._book = xlsxwriter.Workbook(str(file), options)
        self._bold = self._book.add_format({"bold": True})
        self._quoted = self._book.add_format({"quote_prefix": True})
        self._sheets = 0
        self._turn()

    def add(self, told: Told) -> None:
        if self._row > ROWS_MAX:
            self._turn()
        self._sheet.write_number(self._row, 0, told.entry.position)
        for column, text in enumerate((*_texts(told), *_data(told)), 1):
            self._write(column, text)
        self._row += 1

    def close(self) -> None:
        """Write the file. Raises ``OSError``."""
        try:
            self._book.close()
        except XlsxFileError as error:
            raise OSError(EIO, str(error)) from error

    def _turn(self) -> None:
        """Begin a sheet."""
        self._sheets += 1
        self._sheet: Any = self._book.add_worksheet(f"Журнал {self._sheets}")
        self._sheet.freeze_panes(1, 0)
        for column, (title, width) in enumerate(COLUMNS):
            self._sheet.set_column(column, column, width)
            self._sheet.write_string(0, column, title, self._bold)
        self._row = 1

    def _write(self, column: int, text: str) -> None:
        """A text is never a formula; one that looks like it stays a text even when somebody edits the cell."""
        self._sheet.write_string(self._row, column, text, self._quoted if text.startswith(FORMULA) else None)


def _texts(told: Told) -> Iterator[str]:
    """All columns but the first and the last; words that are too long for a cell are cut, for the data has them all."""
    entry, event = told.entry, told.entry.event
    who = (told.organisation, event["subject"], told.actor)
    identity = (event["type"], event["source"], event["id"])
    for text in (entry.recorded_at, entry.date, *who, told.what, told.mark, *identity):
        yield text if len(text) <= TEXT_MAX else text[: TEXT_MAX - 1] + "…"


def _data(told: Told) -> list[str]:
    text = orjson.dumps(told.entry.event["data"]).decode()
    return [text[start : start + TEXT_MAX] for start in range(0, len(text), TEXT_MAX)]
