"""Add idempotency keys, and find open reservations quickly.

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0002"
down_revision = "0001"


def upgrade(op: Operations) -> None:
    """Make the table of request claims and an index on the expiry of routes."""
    op.create_table(
        "request_claims",
        sa.Column("issuer", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("offer_set", sa.Text, nullable=False),
        sa.Column("made", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("issuer", "subject", "key", name="pk_request_claims"),
    )
    op.create_index("ix_request_claims_made", "request_claims", ["made"])
    op.create_index(
        "ix_routes_expires_issuer_subject", "routes", ["expires", "issuer", "subject"]
    )
