"""The filters and weighers that come with the meta-broker."""

from typing import Final

from aggregator.domain.ranking.components import Components
from aggregator.domain.ranking.limit_filters import (
    Capability,
    CostLimit,
    Deadline,
    MaxMove,
    MetricRequirement,
)
from aggregator.domain.ranking.site_filters import (
    Expired,
    Health,
    InDowntime,
    RequiredRse,
    SiteList,
)
from aggregator.domain.ranking.user_weighers import FairShare, HomeSite
from aggregator.domain.ranking.weighers import (
    Cost,
    DataMoved,
    FailureRisk,
    Metric,
    Preference,
    TimeToStart,
)

BUILT_IN: Final = Components.of(
    filters=(
        Expired,
        Health,
        InDowntime,
        Capability,
        CostLimit,
        MetricRequirement,
        Deadline,
        SiteList,
        RequiredRse,
        MaxMove,
    ),
    weighers=(
        TimeToStart,
        DataMoved,
        Cost,
        FailureRisk,
        Metric,
        Preference,
        HomeSite,
        FairShare,
    ),
)
"""Third parties' components are put beside these by ``BUILT_IN.extended``."""
