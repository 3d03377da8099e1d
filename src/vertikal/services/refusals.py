"""A request that cannot be answered: the one exception of the services, shown as problem+json or on the terminal."""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """``status`` is the HTTP status, ``detail`` says in Russian what is wrong, ``errors`` which field and why."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: dict[str, list[str]] | None = None,
        more: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.more = more or {}
        self.headers = headers or {}
