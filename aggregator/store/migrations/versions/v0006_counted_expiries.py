"""Add until when expired offers have been counted.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0006"
down_revision = "0005"


def upgrade(op: Operations) -> None:
    """Make the table; what expired before the first count is never counted."""
    op.create_table(
        "counted_expiries",
        sa.Column("part", sa.Text, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("part", name="pk_counted_expiries"),
    )
