"""The web application: one service object, its routes, its errors, its description."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flask import Flask
from flask_smorest import Api
from sqlalchemy import Engine

from ... import __version__
from .. import keys
from ..intake import Intake
from ..settings import Settings, now
from . import (
    cohorts,
    commands,
    competences,
    contradictions,
    cycles,
    events,
    health,
    inbox,
    indicators,
    log,
    organisations,
    persons,
    problems,
    proofs,
    reporting,
    risks,
    roadmaps,
    rules,
    support,
    witness,
)
from .service import Service

BODY_MAX_BYTES = 8 * 1024 * 1024
ROUTED = (
    events,
    log,
    proofs,
    witness,
    persons,
    organisations,
    indicators,
    cohorts,
    roadmaps,
    support,
    competences,
    risks,
    rules,
    contradictions,
    reporting,
    cycles,
    inbox,
    commands,
    health,
)


def create_app(settings: Settings, engine: Engine, clock: Callable[[], datetime] = now) -> Flask:
    """The application over one database; ``clock`` tells the time of recording."""
    app = described()
    serve(app, settings, engine, clock)
    return app


def serve(app: Flask, settings: Settings, engine: Engine, clock: Callable[[], datetime]) -> None:
    """Have the routes of an application answer from one database."""
    signer, master = keys.signer_if_any(settings), keys.master_if_any(settings)
    intake = Intake(engine, clock, settings.timezone, master)
    app.extensions["vertikal"] = Service(engine, settings, clock, intake, signer, master)


def described() -> Flask:
    """All routes and their description, of no database yet."""
    app = Flask("vertikal")
    app.config.update(
        MAX_CONTENT_LENGTH=BODY_MAX_BYTES,
        API_TITLE="Vertikal",
        API_VERSION=__version__,
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/",
        OPENAPI_SWAGGER_UI_PATH="/docs",
        OPENAPI_SWAGGER_UI_URL="/docs/assets/",
    )
    api = Api(app)
    api.spec.components.security_scheme("token", {"type": "http", "scheme": "bearer"})
    api.spec.options["security"] = [{"token": []}]
    for module in ROUTED:
        api.register_blueprint(module.routes)
    problems.register(app)
    return app
