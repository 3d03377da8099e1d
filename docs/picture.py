"""Draws docs/demo.svg from a real run of the demo: ``make picture``."""

from __future__ import annotations

import re
import sys
import tempfile
from contextlib import chdir
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from vertikal.services import demo, projector
from vertikal.services.settings import read_settings

FILE = Path(__file__).parent.resolve() / "demo.svg"


def main() -> None:
    """Build the small sample, record what ``vertikal demo`` shows, hide the tokens."""
    sys.argv[0] = "vertikal"
    out = Console(record=True, width=120, file=sys.stderr, force_terminal=True, highlight=False)
    settings = replace(read_settings(), database_url="sqlite:///demo.db")
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        engine = demo.open_empty(settings, fresh=True)
        demo.fill(engine, settings, "small", lambda _: None)
        projector.catch_up(engine)
        demo.show(out, engine, settings)
        engine.dispose()
    svg = re.sub(r"@font-face \{.*?\}\s*", "", out.export_svg(title="make demo"), flags=re.DOTALL)  # no fonts from afar
    FILE.write_text(re.sub(r"vk_[\w-]+", lambda token: "vk_" + "·" * (len(token[0]) - 3), svg), encoding="utf-8")


if __name__ == "__main__":
    main()
