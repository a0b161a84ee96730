"""Alembic's place: one file for each change of the schema."""
