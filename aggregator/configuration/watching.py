"""The holder of the present federation, which a reload replaces whole."""

from dataclasses import replace

from aggregator.ports.snapshot import Federation


class CurrentFederation:
    """Implements ``ports.snapshot.FederationHolder``; belongs to one event loop."""

    def __init__(self, federation: Federation) -> None:
        self._federation = federation

    def current(self) -> Federation:
        """Return the federation as it is configured now."""
        return self._federation

    def replace(self, federation: Federation) -> Federation:
        """Put a new federation in the place of the present one, at once and whole.

        Sites that the new one doesn't have any more are kept as retired, so that
        their live sessions can still be reached; one that comes back is not.

        Args:
            federation: The new one; its revision and retired sites are set here.

        Returns:
            The new federation as it is from now on.
        """
        before = self._federation
        retired = {
            name: site
            for name, site in {**before.retired, **before.sites}.items()
            if name not in federation.sites
        }
        self._federation = replace(
            federation, retired=retired, revision=before.revision + 1
        )
        return self._federation
