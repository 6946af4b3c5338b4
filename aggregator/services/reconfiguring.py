"""Reconfiguring: a changed federation takes effect, at once and as a whole.

What is under way keeps the federation that it began with; whatever begins afterwards
has the new one.
"""

from collections.abc import Callable

from aggregator.ports.snapshot import Federation, FederationHolder
from aggregator.services.background import Background
from aggregator.services.preparing import Preparing
from aggregator.services.site_health import SiteHealth


class Reconfiguring:
    """Replaces the present federation, and tells everybody who must know.

    Args:
        holder: Holds the present federation.
        health: Begins to know new sites.
        preparing: Prepares sites whose broker is new.
        background: Owns that preparation, for which nobody waits.
        show: Has the federation's sites and policies in the metrics.
    """

    def __init__(
        self,
        *,
        holder: FederationHolder,
        health: SiteHealth,
        preparing: Preparing,
        background: Background,
        show: Callable[[Federation], None],
    ) -> None:
        self._holder = holder
        self._health = health
        self._preparing = preparing
        self._background = background
        self._show = show

    def begin(self) -> None:
        """Have the first federation known, and its sites prepared."""
        self._announce(self._holder.current(), None)

    def apply(self, federation: Federation) -> Federation:
        """Put ``federation`` in the place of the present one.

        Sites that it doesn't have any more stay reachable for their sessions.

        Returns:
            The new federation as it is from now on.
        """
        before = self._holder.current()
        after = self._holder.replace(federation)
        self._announce(after, before)
        return after

    def _announce(self, after: Federation, before: Federation | None) -> None:
        self._show(after)
        self._health.configure(site.site for site in after.sites.values())
        new = {
            name: site.preparation
            for name, site in after.sites.items()
            if site.preparation is not None and not _knows(before, name, site.broker)
        }
        if new:
            self._background.detach(self._preparing.prepare(new), name="prepare_sites")


def _knows(before: Federation | None, name: str, broker: object) -> bool:
    site = None if before is None else before.owner(name)
    return site is not None and site.broker is broker
