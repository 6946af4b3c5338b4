"""Add drains, the audit trail, and what the site registry said last.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0004"
down_revision = "0003"


def upgrade(op: Operations) -> None:
    """Make the three tables, and find wins of late quickly."""
    op.create_table(
        "drains",
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("site", name="pk_drains"),
    )
    op.create_table(
        "audit_entries",
        sa.Column("uuid", sa.Text, nullable=False),
        sa.Column("moment", sa.BigInteger, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("until", sa.BigInteger),
        sa.PrimaryKeyConstraint("uuid", name="pk_audit_entries"),
    )
    op.create_index("ix_audit_entries_moment_uuid", "audit_entries", ["moment", "uuid"])
    op.create_table(
        "registrations",
        sa.Column("registry", sa.Text, nullable=False),
        sa.Column("read", sa.BigInteger, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("registry", name="pk_registrations"),
    )
    op.create_index("ix_winners_since", "winners", ["since"])
