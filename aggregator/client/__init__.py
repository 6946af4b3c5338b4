"""The HTTP client of the meta-broker, and of any other Execution Broker."""

from aggregator.client.answers import (
    AuditAnswer,
    MessageAnswer,
    OfferSetAnswer,
    Progress,
    SessionAnswer,
    SiteHealth,
    SiteReport,
)
from aggregator.client.broker import BrokerClient
from aggregator.client.errors import (
    BrokerError,
    BrokerProblem,
    BrokerUnreachable,
    InsecureToken,
    WatchEnded,
)
from aggregator.client.ranking import (
    DecisionAnswer,
    RankedOfferAnswer,
    RankingAnswer,
    ReplayAnswer,
)

__all__ = [
    "AuditAnswer",
    "BrokerClient",
    "BrokerError",
    "BrokerProblem",
    "BrokerUnreachable",
    "DecisionAnswer",
    "InsecureToken",
    "MessageAnswer",
    "OfferSetAnswer",
    "Progress",
    "RankedOfferAnswer",
    "RankingAnswer",
    "ReplayAnswer",
    "SessionAnswer",
    "SiteHealth",
    "SiteReport",
    "WatchEnded",
]
