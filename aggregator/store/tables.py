"""Tables: offer sets and what hangs on them, and what operators did.

Everything that belongs to somebody carries its owner, ``(issuer, subject)``.
A change here needs a migration; a test compares the two.
"""

from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    false,
)

from aggregator.store.columns import Document, Instant, Name

METADATA: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

OFFER_SETS: Final = Table(
    "offer_sets",
    METADATA,
    Column("uuid", Name, primary_key=True),
    Column("issuer", Name, nullable=False),
    Column("subject", Name, nullable=False),
    Column("created", Instant, nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("open", Boolean(create_constraint=False), nullable=False),
    Column("document", LargeBinary, nullable=False),
)
"""``version`` and ``open`` overrule what the document says of them."""

ROUTES: Final = Table(
    "routes",
    METADATA,
    Column("session", Name, primary_key=True),
    Column(
        "offer_set",
        Name,
        ForeignKey("offer_sets.uuid", ondelete="CASCADE"),
        nullable=False,
    ),
    Column("position", Integer, nullable=False),
    Column("site", Text, nullable=False),
    Column("site_session", Name, nullable=False),
    Column("issuer", Name, nullable=False),
    Column("subject", Name, nullable=False),
    Column("dialect", Text, nullable=False),
    Column("residue", Document, nullable=False),
    Column("expires", Instant),
    Column("estimated_start", Instant),
    Column("overlay", Text),
    Column("last_payload", Document, nullable=False),
    Column("last_residue", Document, nullable=False),
    Column("last_read", Instant),
    Index(None, "offer_set", "position"),
    Index(None, "expires", "issuer", "subject"),
)

WINNERS: Final = Table(
    "winners",
    METADATA,
    Column(
        "offer_set",
        Name,
        ForeignKey("offer_sets.uuid", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("session", Name, nullable=False),
    Column("site", Text, nullable=False),
    Column("site_session", Name, nullable=False),
    Column("state", Text, nullable=False),
    Column("since", Instant, nullable=False),
    Column("give_up", Instant),
    Column("lease_owner", Text),
    Column("lease_until", Instant),
    Index(None, "state", "lease_until"),
    Index(None, "since"),
)
"""The primary key is what makes a set's winner the only one."""

RELEASES: Final = Table(
    "releases",
    METADATA,
    Column("site", Text, primary_key=True),
    Column("session", Name, primary_key=True),
    Column("reason", Name, nullable=False),
    Column("queued", Instant, nullable=False),
    Column("expires", Instant),
    Column("attempts", Integer, nullable=False),
    Column("due", Instant, nullable=False),
    Column("lease_owner", Text),
    Column("lease_until", Instant),
    Column("outcome", Text),
    Column("finished", Instant, index=True),
    Column(
        "until_expiry",
        Boolean(create_constraint=False),
        nullable=False,
        server_default=false(),
    ),
    Index(None, "outcome", "due"),
)
"""A release whose ``outcome`` is set has left the queue, and isn't queued again."""

WATCHES: Final = Table(
    "watches",
    METADATA,
    Column(
        "session",
        Name,
        ForeignKey("routes.session", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("due", Instant, nullable=False, index=True),
    Column("lease_owner", Text),
    Column("lease_until", Instant),
)

PHASE_HISTORY: Final = Table(
    "phase_history",
    METADATA,
    Column(
        "session",
        Name,
        ForeignKey("routes.session", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("component", Name, primary_key=True),
    Column("phase", Name, primary_key=True),
    Column("seen", Instant, nullable=False),
)

REQUEST_CLAIMS: Final = Table(
    "request_claims",
    METADATA,
    Column("issuer", Name, primary_key=True),
    Column("subject", Name, primary_key=True),
    Column("key", Name, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("offer_set", Name, nullable=False),
    Column("made", Instant, nullable=False, index=True),
)
"""No foreign key: a key is claimed before its offer set is kept."""

DECISIONS: Final = Table(
    "decisions",
    METADATA,
    Column("offer_set", Name, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("issuer", Name, nullable=False),
    Column("subject", Name, nullable=False),
    Column("moment", Instant, nullable=False),
    Column("policy", Name, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("best", Name),
    Column("inputs", LargeBinary, nullable=False),
    Index(None, "moment", "offer_set"),
)
"""``inputs`` is compressed JSON. No foreign key: a decision may outlive its set."""

DRAINS: Final = Table(
    "drains",
    METADATA,
    Column("site", Name, primary_key=True),
    Column("since", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("by", Name, nullable=False),
    Column("reason", Name, nullable=False),
)

AUDIT_ENTRIES: Final = Table(
    "audit_entries",
    METADATA,
    Column("uuid", Name, primary_key=True),
    Column("moment", Instant, nullable=False),
    Column("by", Name, nullable=False),
    Column("action", Text, nullable=False),
    Column("site", Name, nullable=False),
    Column("reason", Name, nullable=False),
    Column("until", Instant),
    Index(None, "moment", "uuid"),
)

REGISTRATIONS: Final = Table(
    "registrations",
    METADATA,
    Column("registry", Name, primary_key=True),
    Column("read", Instant, nullable=False),
    Column("document", LargeBinary, nullable=False),
)
"""What the site registry said last, by the registry's URL."""

COUNTED_EXPIRIES: Final = Table(
    "counted_expiries",
    METADATA,
    Column("part", Name, primary_key=True),
    Column("until", Instant, nullable=False),
)
"""Until when expired offers have been counted: one row, that all replicas move on."""

WRITE_PROBES: Final = Table(
    "write_probes",
    METADATA,
    Column("uuid", Name, primary_key=True),
    Column("filler", LargeBinary, nullable=False),
)
"""What a check of the store writes, to see that it can be written."""
