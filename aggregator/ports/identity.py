"""The port to whoever says who a token's bearer is."""

from typing import Protocol

from aggregator.domain.principal import Principal


class TokenVerifier(Protocol):
    """Checks tokens."""

    async def verify(self, token: str) -> Principal:
        """Return the principal whom ``token`` names.

        Raises:
            InvalidToken: It isn't valid, or not for us; says why, without the token.
            IdentityUnavailable: Whether it is valid can't be found out now.
        """
        ...
