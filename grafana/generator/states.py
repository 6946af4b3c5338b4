"""States of sites as numbers, which Grafana needs to draw them over time."""

from typing import Final

from aggregator.domain.events import SiteState
from grafana.generator.panels import BAD, CALM, DOUBTFUL, FAINT, FAIR, GOOD

_FROM_GOOD_TO_BAD: Final = {
    SiteState.UP: GOOD,
    SiteState.DEGRADED: FAIR,
    SiteState.HALF_OPEN: FAIR,
    SiteState.UNKNOWN: FAINT,
    SiteState.MAINTENANCE: CALM,
    SiteState.DRAINED: CALM,
    SiteState.DISABLED: FAINT,
    SiteState.EJECTED: DOUBTFUL,
    SiteState.DOWN: BAD,
}

STATES: Final = {
    number: (state.value, color)
    for number, (state, color) in enumerate(_FROM_GOOD_TO_BAD.items(), start=1)
}
"""The name and colour of each state by its number; the higher, the worse."""


def state_number(selector: str = "") -> str:
    """Return an expression for the state of each site, the worst of all replicas.

    Args:
        selector: Label matchers, each followed by a comma.
    """
    return "max by (site) (%s)" % " or ".join(  # noqa: UP031 -- braces are PromQL's
        f'{number} * (metabroker_site_state{{{selector}state="{name}"}} == 1)'
        for number, (name, _) in STATES.items()
    )
