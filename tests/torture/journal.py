"""What the processes of a run leave behind: lines that are written at once, so that ``kill -9`` cuts none of them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any


class Journal:
    """An append-only file of JSON arrays."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def add(self, lines: Iterable[Iterable[Any]]) -> None:
        """All lines or none of them, whatever happens to this process."""
        text = "".join(json.dumps(list(line)) + "\n" for line in lines).encode()
        if os.write(self._file, text) != len(text):
            raise OSError("the disk is full")


def lines_of(path: Path) -> list[list[Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
