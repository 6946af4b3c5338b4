"""Add to releases whether they are repeated until the offer expires.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0005"
down_revision = "0004"


def upgrade(op: Operations) -> None:
    """Add the column; what is queued already is told until it is heard once."""
    op.add_column(
        "releases",
        sa.Column(
            "until_expiry", sa.Boolean, nullable=False, server_default=sa.false()
        ),
    )
