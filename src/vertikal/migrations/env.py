"""Alembic's entry: takes the steps on the connection that the caller brings, in the caller's transaction."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
