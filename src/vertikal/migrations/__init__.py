"""The tables of the database, step by step; `vertikal init` takes the steps that are missing (alembic)."""
