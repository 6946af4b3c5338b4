"""The issuer's signing keys: fetched by discovery, kept, and refetched with restraint.

Source: OpenID Connect Discovery 1.0, section 4; RFC 7517.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet
from pydantic import TypeAdapter

from aggregator.domain.errors import IdentityUnavailable

_log = structlog.get_logger(__name__)
_OBJECT: Final = TypeAdapter(dict[str, Any])
_LARGEST: Final = 262_144
_DISCOVERY: Final = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """How the keys are fetched, in seconds.

    Attributes:
        timeout: The longest that one fetch may take.
        lifetime: After which keys are fetched anew; old ones serve until that worked.
        pause: The least between two fetches, whatever tokens name.
    """

    timeout: float = 5.0
    lifetime: float = 3600.0
    pause: float = 30.0


class IssuerKeys:
    """The keys of one issuer, the last good ones kept."""

    def __init__(
        self, issuer: str, session: aiohttp.ClientSession, limits: KeyLimits
    ) -> None:
        self._issuer = issuer.rstrip("/")
        self._session = session
        self._limits = limits
        self._keys: KeySet | None = None
        self._fetched = 0.0
        self._tried: float | None = None
        self._lock = asyncio.Lock()

    async def having(self, kid: str | None) -> KeySet:
        """Return the keys, fetched anew where they are old or none is called ``kid``.

        Raises:
            IdentityUnavailable: No keys could ever be fetched.
        """
        async with self._lock:
            if self._wants_fetching(kid):
                await self._fetch()
        if self._keys is None:
            raise IdentityUnavailable(
                "the issuer's keys could not be fetched yet",
                retry_after=self._limits.pause,
            )
        return self._keys

    def _wants_fetching(self, kid: str | None) -> bool:
        now = _monotonic()
        if self._tried is not None and now - self._tried < self._limits.pause:
            return False
        if self._keys is None or now - self._fetched > self._limits.lifetime:
            return True
        return kid is not None and all(key.kid != kid for key in self._keys.keys)

    async def _fetch(self) -> None:
        self._tried = _monotonic()
        try:
            async with asyncio.timeout(self._limits.timeout):
                discovery = await self._get(self._issuer + _DISCOVERY)
                jwks = await self._get(self._keys_url(discovery))
            self._keys = _usable(jwks)
            self._fetched = self._tried
        except (
            aiohttp.ClientError,
            TimeoutError,
            ValueError,
            KeyError,
        ) as error:
            # The last good keys go on serving.
            _log.warning("issuer_keys_not_fetched", reason=type(error).__name__)

    def _keys_url(self, discovery: Mapping[str, Any]) -> str:
        if str(discovery.get("issuer", "")).rstrip("/") != self._issuer:
            raise ValueError("the discovery document is of another issuer")
        return str(discovery["jwks_uri"])

    async def _get(self, url: str) -> dict[str, Any]:
        async with self._session.get(url, allow_redirects=False) as response:
            response.raise_for_status()
            body = bytearray()
            async for chunk in response.content.iter_chunked(65_536):
                body += chunk
                if len(body) > _LARGEST:
                    raise ValueError("the issuer's document is too large")
        return _OBJECT.validate_json(bytes(body))


def _usable(jwks: Mapping[str, Any]) -> KeySet:
    """Return the keys that can be read; others don't cost them (RFC 7517, section 5).

    Raises:
        ValueError: There is none.
    """
    listed = jwks["keys"]
    keys: list[Key] = []
    for entry in listed if isinstance(listed, list) else ():
        # Each kind of key that is wrong fails in a way of its own.
        with contextlib.suppress(JoseError, ValueError, KeyError, TypeError):
            keys.append(JWKRegistry.import_key(entry))
    if not keys:
        raise ValueError("the issuer has no key that can be read")
    return KeySet(keys)


def _monotonic() -> float:
    return asyncio.get_running_loop().time()
