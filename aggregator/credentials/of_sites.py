"""What calls to sites show, by the mode of each site: ``ports.credentials``."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Final

import aiohttp

from aggregator.credentials.memory import MemoryLimits, TokenMemory
from aggregator.credentials.token_endpoint import NotIssued, TokenEndpoint, TokenIssuer
from aggregator.domain.events import TokenGrant
from aggregator.domain.outcomes import Outcome
from aggregator.domain.sites import CredentialsMode, ReleaseCredentials, Site
from aggregator.ports.credentials import (
    Authorization,
    NoAuthorization,
    SiteCredentials,
)
from aggregator.ports.telemetry import Telemetry

_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
_ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - its type
_SERVICE: Final = b"service"
"""The key of the service's own token; those of users have the length of a digest."""

_OF_ERROR: Final = {
    "invalid_grant": Outcome.UNAUTHORIZED,
    "invalid_request": Outcome.UNAUTHORIZED,
    "invalid_token": Outcome.UNAUTHORIZED,
    "access_denied": Outcome.FORBIDDEN,
}
"""Codes by which an issuer refuses a user's token; all others are no user's affair."""


class IssuedCredentials:
    """The credentials of a site for which tokens are issued.

    Args:
        site: The site.
        endpoint: Where its tokens come from.
        limits: How long they are remembered.
    """

    def __init__(
        self, site: Site, endpoint: TokenEndpoint, limits: MemoryLimits | None = None
    ) -> None:
        self._mode = site.credentials
        self._releases_itself = (
            site.release_credentials is ReleaseCredentials.CLIENT_CREDENTIALS
        )
        self._wish = {
            name: value
            for name, value in (("audience", site.audience), ("scope", site.scope))
            if value
        }
        self._endpoint = endpoint
        self._memory = TokenMemory(limits)

    async def for_call(
        self, authorization: str | None, deadline: float
    ) -> Authorization | NoAuthorization:
        """Return what a call for the sender of ``authorization`` shows.

        A sender without a token has none to be exchanged: the site is shown nothing.
        """
        match self._mode:
            case CredentialsMode.CLIENT_CREDENTIALS:
                return await self._own(deadline)
            case CredentialsMode.EXCHANGE:
                token = _bearer_token(authorization)
                if not token:
                    return Authorization(None)
                return await self._exchanged(token, deadline)
            case CredentialsMode.RELAY:
                return Authorization(authorization)
            case CredentialsMode.NONE:
                return Authorization(None)

    @property
    def releases_itself(self) -> bool:
        """Whether the service may release at the site in a name of its own."""
        return self._releases_itself

    async def for_release(self, deadline: float) -> Authorization | NoAuthorization:
        """Return what shows the service itself."""
        return await self._own(deadline)

    def doubt(self, shown: Authorization) -> bool:
        """Take note of a 401; say whether there may be a newer token."""
        if shown.key is None or shown.header is None:
            return False
        return self._memory.doubt(shown.key, _bearer_token(shown.header))

    async def _exchanged(
        self, token: str, deadline: float
    ) -> Authorization | NoAuthorization:
        form = {
            "grant_type": _EXCHANGE,
            "subject_token": token,
            "subject_token_type": _ACCESS_TOKEN,
            "requested_token_type": _ACCESS_TOKEN,
        }
        key = hashlib.sha256(token.encode()).digest()
        return await self._token(key, TokenGrant.EXCHANGE, form, deadline)

    async def _own(self, deadline: float) -> Authorization | NoAuthorization:
        form = {"grant_type": "client_credentials"}
        return await self._token(
            _SERVICE, TokenGrant.CLIENT_CREDENTIALS, form, deadline
        )

    async def _token(
        self, key: bytes, grant: TokenGrant, form: Mapping[str, str], deadline: float
    ) -> Authorization | NoAuthorization:
        issued = await self._memory.get(
            key,
            lambda: self._endpoint.issue(grant, {**form, **self._wish}, deadline),
            deadline,
        )
        if isinstance(issued, NotIssued):
            return NoAuthorization(_outcome(grant, issued), issued.reason)
        return Authorization(f"Bearer {issued.text}", key)


def _outcome(grant: TokenGrant, failed: NotIssued) -> Outcome:
    if grant is TokenGrant.EXCHANGE:
        return _OF_ERROR.get(failed.error, Outcome.NO_TOKEN)
    return Outcome.NO_TOKEN


def _bearer_token(authorization: str | None) -> str:
    """Return the token of an ``Authorization`` header, empty where there is none."""
    scheme, _, token = (authorization or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


class CredentialsPool:
    """The credentials of all sites: they are kept while what concerns them is the same.

    Args:
        session: By which issuers are called.
        telemetry: Is told of the calls.
        limits: How long tokens are remembered.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        telemetry: Telemetry,
        limits: MemoryLimits | None = None,
    ) -> None:
        self._session = session
        self._telemetry = telemetry
        self._limits = limits
        self._endpoints: dict[TokenIssuer, TokenEndpoint] = {}
        self._credentials: dict[tuple[object, ...], IssuedCredentials] = {}

    def credentials(
        self, sites: Iterable[Site], issuers: Mapping[str, TokenIssuer]
    ) -> Mapping[str, SiteCredentials]:
        """Return the credentials of those of ``sites`` that need an issuer, by name.

        All others are forgotten, with the tokens that were issued for them.
        """
        self._endpoints = {
            issuer: self._endpoints.get(issuer)
            or TokenEndpoint(issuer, self._session, self._telemetry)
            for issuer in issuers.values()
        }
        wanted = {
            _key(site, issuers[site.token_issuer]): site
            for site in sites
            if site.token_issuer
        }
        self._credentials = {
            key: self._credentials.get(key)
            or IssuedCredentials(
                site, self._endpoints[issuers[site.token_issuer]], self._limits
            )
            for key, site in wanted.items()
        }
        return {site.name: self._credentials[key] for key, site in wanted.items()}


def _key(site: Site, issuer: TokenIssuer) -> tuple[object, ...]:
    return (
        site.name,
        site.url,
        site.credentials,
        site.release_credentials,
        site.audience,
        site.scope,
        issuer,
    )
