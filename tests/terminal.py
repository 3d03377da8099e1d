"""The command line as the tests use it."""

from __future__ import annotations

import json
from typing import Any

import structlog
from click.testing import CliRunner, Result

from vertikal.services.cli import main


class Terminal:
    """``vertikal`` with its database, and what else is given, in the environment."""

    def __init__(self, url: str, **environment: str) -> None:
        self._environment = {"VERTIKAL_DATABASE_URL": url, "VERTIKAL_TOKEN": None, **environment}
        self._runner = CliRunner()

    def run(self, *words: str, code: int = 0, sent: bytes | str | None = None, **environment: str) -> Result:
        """The result of a command that must end with ``code``."""
        try:
            result = self._runner.invoke(main, list(words), input=sent, env={**self._environment, **environment})
        finally:
            structlog.reset_defaults()  # the command configures the log of its process, which here is that of all tests
        assert result.exit_code == code, (result.output, result.exception)
        return result

    def json(self, *words: str, code: int = 0, **more: Any) -> Any:
        return json.loads(self.run(*words, "--json", code=code, **more).stdout)
