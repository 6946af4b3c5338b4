"""Alembic's migrations of the store, applied at start."""
