"""Make the first tables.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic.operations import Operations

revision = "0001"
down_revision = None


def upgrade(op: Operations) -> None:
    """Make the tables of offer sets and all that hangs on them."""
    _offer_sets(op)
    _routes(op)
    _winners(op)
    _releases(op)
    _watches(op)
    _phase_history(op)
    _write_probes(op)


def _offer_sets(op: Operations) -> None:
    op.create_table(
        "offer_sets",
        sa.Column("uuid", sa.Text, nullable=False),
        sa.Column("issuer", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("open", sa.Boolean, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("uuid", name="pk_offer_sets"),
    )
    op.create_index("ix_offer_sets_created", "offer_sets", ["created"])


def _routes(op: Operations) -> None:
    op.create_table(
        "routes",
        sa.Column("session", sa.Text, nullable=False),
        sa.Column("offer_set", sa.Text, nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("site_session", sa.Text, nullable=False),
        sa.Column("issuer", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("dialect", sa.Text, nullable=False),
        sa.Column("residue", sa.LargeBinary, nullable=False),
        sa.Column("expires", sa.BigInteger),
        sa.Column("estimated_start", sa.BigInteger),
        sa.Column("overlay", sa.Text),
        sa.Column("last_payload", sa.LargeBinary, nullable=False),
        sa.Column("last_residue", sa.LargeBinary, nullable=False),
        sa.Column("last_read", sa.BigInteger),
        sa.PrimaryKeyConstraint("session", name="pk_routes"),
        sa.ForeignKeyConstraint(
            ["offer_set"],
            ["offer_sets.uuid"],
            name="fk_routes_offer_set",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_routes_offer_set_position", "routes", ["offer_set", "position"])


def _winners(op: Operations) -> None:
    op.create_table(
        "winners",
        sa.Column("offer_set", sa.Text, nullable=False),
        sa.Column("session", sa.Text, nullable=False),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("site_session", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("give_up", sa.BigInteger),
        sa.Column("lease_owner", sa.Text),
        sa.Column("lease_until", sa.BigInteger),
        sa.PrimaryKeyConstraint("offer_set", name="pk_winners"),
        sa.ForeignKeyConstraint(
            ["offer_set"],
            ["offer_sets.uuid"],
            name="fk_winners_offer_set",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_winners_state_lease_until", "winners", ["state", "lease_until"])


def _releases(op: Operations) -> None:
    op.create_table(
        "releases",
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("session", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("queued", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due", sa.BigInteger, nullable=False),
        sa.Column("lease_owner", sa.Text),
        sa.Column("lease_until", sa.BigInteger),
        sa.Column("outcome", sa.Text),
        sa.Column("finished", sa.BigInteger),
        sa.PrimaryKeyConstraint("site", "session", name="pk_releases"),
    )
    op.create_index("ix_releases_finished", "releases", ["finished"])
    op.create_index("ix_releases_outcome_due", "releases", ["outcome", "due"])


def _watches(op: Operations) -> None:
    op.create_table(
        "watches",
        sa.Column("session", sa.Text, nullable=False),
        sa.Column("due", sa.BigInteger, nullable=False),
        sa.Column("lease_owner", sa.Text),
        sa.Column("lease_until", sa.BigInteger),
        sa.PrimaryKeyConstraint("session", name="pk_watches"),
        sa.ForeignKeyConstraint(
            ["session"],
            ["routes.session"],
            name="fk_watches_session",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_watches_due", "watches", ["due"])


def _phase_history(op: Operations) -> None:
    op.create_table(
        "phase_history",
        sa.Column("session", sa.Text, nullable=False),
        sa.Column("component", sa.Text, nullable=False),
        sa.Column("phase", sa.Text, nullable=False),
        sa.Column("seen", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint(
            "session", "component", "phase", name="pk_phase_history"
        ),
        sa.ForeignKeyConstraint(
            ["session"],
            ["routes.session"],
            name="fk_phase_history_session",
            ondelete="CASCADE",
        ),
    )


def _write_probes(op: Operations) -> None:
    op.create_table(
        "write_probes",
        sa.Column("uuid", sa.Text, nullable=False),
        sa.Column("filler", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("uuid", name="pk_write_probes"),
    )
