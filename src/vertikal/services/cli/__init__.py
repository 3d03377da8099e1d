"""The command line. Exit codes: 0 ok, 1 refused or differs, 2 usage, 3 verification failed, 4 partly accepted,
75 unavailable, try again."""

from __future__ import annotations

import logging
import sys
from dataclasses import replace
from typing import Any

import click
import structlog
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError

from ... import __version__
from ...projections.engine import OtherModels
from .. import serving, store, terminal
from ..keys import NoKey
from ..proving import KeyNotInUse, LogChanged
from ..refusals import Refusal
from ..settings import BadSetting, read_settings
from ..stream.topics import Unavailable
from ..terminal import REFUSED, UNAVAILABLE, UNPROVEN, USAGE
from . import (
    asking,
    auditing,
    contradicting,
    cycles,
    inbox,
    judging,
    kafka,
    notices,
    operating,
    personal,
    proofs,
    rebuilding,
    tokens,
)


class Commands(click.Group):
    """Turns what can go wrong into one clear line and the right exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Refusal as refusal:
            terminal.fail(UNAVAILABLE if refusal.status == 503 else REFUSED, refusal.detail, refusal.errors)
        except BadSetting as error:
            terminal.fail(USAGE, str(error))
        except ArgumentError as error:
            terminal.fail(USAGE, f"VERTIKAL_DATABASE_URL or --database: {error}")
        except (OtherModels, store.NotReady, serving.PortInUse, NoKey, KeyNotInUse) as error:
            terminal.fail(REFUSED, str(error))
        except LogChanged as error:
            terminal.fail(UNPROVEN, str(error))
        except Unavailable as error:
            terminal.fail(UNAVAILABLE, f"Kafka cannot be reached, or refuses what was asked: {error}")
        except OperationalError as error:
            terminal.fail(UNAVAILABLE, f"the database is busy or cannot be reached: {error.orig}")
        except DatabaseError as error:
            if type(error) is not DatabaseError:  # the others are mistakes of ours
                raise
            terminal.fail(REFUSED, f"the database cannot be used: {error.orig}")


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="vertikal")
@click.option("--database", metavar="URL", help="Database to use instead of VERTIKAL_DATABASE_URL.")
@click.pass_context
def main(ctx: click.Context, database: str | None) -> None:
    """Vertikal: reports for region, municipality and school, each figure proven by its events."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    settings = read_settings()
    ctx.obj = replace(settings, database_url=database) if database else settings


for command in (
    operating.init,
    operating.demo_command,
    operating.serve,
    operating.project,
    rebuilding.rebuild,
    operating.push,
    personal.forget,
    operating.doctor_command,
    asking.query,
    asking.why,
    asking.changes,
    contradicting.contradictions,
    judging.rules,
    cycles.cycle,
    inbox.inbox,
    notices.notices,
    auditing.replay,
    tokens.token,
    kafka.kafka,
    proofs.export,
    proofs.verify,
    proofs.restore,
    proofs.log,
):
    main.add_command(command)
