"""Draws docs/demo.svg from a real run: ``make picture``."""

from __future__ import annotations

import re
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from vertikal.services import demo, projector
from vertikal.services.settings import read_settings

FILE = Path(__file__).parent / "demo.svg"


def main() -> None:
    """Build the small sample, record what ``vertikal demo`` shows, hide the tokens."""
    sys.argv[0] = "vertikal"
    out = Console(record=True, width=104, file=sys.stderr, force_terminal=True)
    with tempfile.TemporaryDirectory() as folder:
        settings = replace(read_settings(), database_url=f"sqlite:///{folder}/demo.db")
        engine = demo.open_empty(settings.database_url, fresh=True)
        demo.fill(engine, settings, "small", lambda _: None)
        projector.catch_up(engine)
        demo.show(out, engine, replace(settings, database_url="sqlite:///demo.db"))
        engine.dispose()
        svg = out.export_svg(title="make demo")
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # no fonts from elsewhere
    svg = re.sub(r"vk_[\w-]+", "vk_…", svg).replace(f"{folder}/", "")
    FILE.write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
