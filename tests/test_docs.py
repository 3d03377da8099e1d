"""The README and the tour are run as they are printed: every command, and every line of output that they show."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

ROOT = Path(__file__).parent.parent
DOCS = sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("docs/**/*.md"))
BLOCK = re.compile(r"^```(\S+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = "== block {} =="


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, what the word behind it says, its text."""

    language: str
    role: str
    text: str


@pytest.mark.parametrize("name", ["README.md", "README.ru.md", "docs/tour.md"])
def test_every_command_shown_runs_and_prints_what_is_shown(name: str, tmp_path: Path) -> None:
    blocks = [Block(*(part or "" for part in found.groups())) for found in BLOCK.finditer((ROOT / name).read_text())]
    shutil.copytree(ROOT / "docs" / "examples", tmp_path / "docs" / "examples")
    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script(blocks)],
        cwd=tmp_path, env=environment(tmp_path), text=True, capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    outputs = ended.stdout.split("== block ")
    for number, block in enumerate(blocks):
        if block.language == "text" and blocks[number - 1].role != "tests":
            shown = next(output for output in outputs if output.startswith(f"{number - 1} =="))
            for line in filter(None, (line.strip() for line in block.text.splitlines())):
                assert squeezed(line) in squeezed(shown), f"{name} shows {line!r}, but the command printed {shown}"


def test_every_link_between_the_documents_leads_somewhere() -> None:
    for document in DOCS:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


def test_the_tour_names_files_that_exist() -> None:
    named = re.findall(r"`((?:services|contracts|events|projections)/[\w/]+\.py)`", (ROOT / "docs/tour.md").read_text())
    assert len(set(named[:8])) == 8
    assert all((ROOT / "src" / "vertikal" / name).is_file() for name in named)


def test_every_command_and_option_is_documented() -> None:
    """A command that is not in docs/cli.md fails the build, and so does one inside another, or an option of either."""
    from vertikal.services.cli import main  # noqa: PLC0415  # the command line is wanted here only

    text = (ROOT / "docs/cli.md").read_text()
    for name, command in every_command("vertikal", main.commands):
        assert name in text, f"`{name}` is not documented"
        for parameter in command.params:
            option = parameter.opts[0]
            hidden = getattr(parameter, "hidden", False)
            assert hidden or not option.startswith("--") or option in text, f"{name} {option} is not documented"


def every_command(under: str, commands: Mapping[str, click.Command]) -> Iterator[tuple[str, click.Command]]:
    for name, command in commands.items():
        yield f"{under} {name}", command
        if isinstance(command, click.Group):
            yield from every_command(f"{under} {name}", command.commands)


def script(blocks: list[Block]) -> str:
    """One shell session over all blocks; servers run in its background until its end."""
    lines = ["trap 'kill $(jobs -p) 2>/dev/null || true' EXIT"]
    for number, block in enumerate(blocks):
        if block.language == "sh" and block.role != "tests":
            lines.append(f"echo '{MARK.format(number)}'")
            lines.append(served(block.text) if block.role == "server" else block.text)
    return "\n".join(lines)


def served(command: str) -> str:
    wait = f'{sys.executable} -c "{WAIT}"'
    return f"{command.strip()} >server.log 2>&1 &\n{wait}"


WAIT = (
    "import socket, time, os\n"
    "for _ in range(300):\n"
    "    with socket.socket() as probe:\n"
    "        if probe.connect_ex(('127.0.0.1', int(os.environ['PORT']))) == 0: break\n"
    "    time.sleep(0.1)\n"
)


def environment(folder: Path) -> dict[str, str]:
    """A machine on which ``make``, ``.venv/bin/vertikal`` and ``curl`` are this checkout's, on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    tools = folder / ".venv" / "bin"
    tools.mkdir(parents=True)
    vertikal = f"{sys.executable} -m vertikal"
    write(tools / "vertikal", f'exec {vertikal} "$@"')
    write(tools / "make", f'case "$1" in demo) exec {vertikal} demo --fresh --database sqlite:///demo.db;; '
                          f"serve) VERTIKAL_DATABASE_URL=sqlite:///demo.db exec {vertikal} serve --port {port};; esac; "
                          "exit 2")  # fmt: skip
    write(tools / "curl", f'exec {sys.executable} {Path(__file__).parent / "curl.py"} {port} "$@"')
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VERTIKAL_")}
    return {**kept, "PATH": f"{tools}:{os.environ['PATH']}", "PORT": port, "COLUMNS": "160", "TERM": "dumb"}


def write(file: Path, command: str) -> None:
    file.write_text(f"#!/bin/sh\n{command}\n")
    file.chmod(0o755)


def squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text)
