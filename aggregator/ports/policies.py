"""The port to whoever reads ranking policies."""

from collections.abc import Set as AbstractSet
from typing import Protocol

from aggregator.domain.ranking.policy import Policy


class PolicyReader(Protocol):
    """Reads policies as operators write them."""

    def read(self, text: bytes, sites: AbstractSet[str]) -> Policy:
        """Return the policy that ``text`` is; takes milliseconds.

        Args:
            text: YAML or JSON.
            sites: The names of sites that it may use.

        Raises:
            SyntaxFault: The text isn't well-formed.
            InvalidInput: It isn't a policy; each violation with line and column.
        """
        ...
