"""Add decisions: rankings with all that they rested on.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0003"
down_revision = "0002"


def upgrade(op: Operations) -> None:
    """Make the table of decisions."""
    op.create_table(
        "decisions",
        sa.Column("offer_set", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("issuer", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("moment", sa.BigInteger, nullable=False),
        sa.Column("policy", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("best", sa.Text),
        sa.Column("inputs", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("offer_set", name="pk_decisions"),
    )
    op.create_index(
        "ix_decisions_moment_offer_set", "decisions", ["moment", "offer_set"]
    )
