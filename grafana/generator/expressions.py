"""Expressions in PromQL that several panels are made of.

Names of metrics are given without ``metabroker_``; ``where`` is what stands between
the braces of a selector.
"""

from typing import Final

from aggregator.domain.outcomes import SITE_FAULTS

FAULTS: Final = "|".join(sorted(outcome.value for outcome in SITE_FAULTS))
"""Outcomes of calls that speak against a site, as a regular expression."""

MONITORED: Final = "/metrics|/livez|/readyz|/ping"
"""Routes that only monitors ask for, as a regular expression."""

RATE_INTERVAL: Final = "$__rate_interval"
RANGE: Final = "$__range"


def metric(name: str, where: str = "") -> str:
    """Return a selector of a metric."""
    return f"metabroker_{name}{{{where}}}" if where else f"metabroker_{name}"


def per_minute(name: str, by: str = "", where: str = "") -> str:
    """Return how often a counter grew per minute, for each value of ``by``."""
    return f"60 * {_sum(by)} (rate({metric(name, where)}[{RATE_INTERVAL}]))"


def growth(name: str, by: str = "", where: str = "", over: str = RANGE) -> str:
    """Return by how much a counter grew, for each value of ``by``."""
    return f"{_sum(by)} (increase({metric(name, where)}[{over}]))"


def share(part: str, whole: str) -> str:
    """Return a part of a whole, and nothing where the whole is 0."""
    return f"{part} / ({whole} > 0)"


def share_each(part: str, whole: str) -> str:
    """Return several parts of one whole, and nothing where the whole is 0."""
    return f"{part} / on () group_left () ({whole} > 0)"


def quantile(
    of: float, name: str, by: str = "", where: str = "", over: str = RATE_INTERVAL
) -> str:
    """Return a quantile of a histogram, for each value of ``by``."""
    labels = f"{by}, le" if by else "le"
    buckets = metric(f"{name}_bucket", where)
    return f"histogram_quantile({of:g}, sum by ({labels}) (rate({buckets}[{over}])))"


def _sum(by: str) -> str:
    return f"sum by ({by})" if by else "sum"
