"""The client of the Site Capabilities service.

Everything is asked for with ``include_inactive=true``: without it the service drops
every member whose value is 0, false or empty, and judges downtimes itself.
"""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Final

import aiohttp
import orjson
from pydantic import SecretStr
from yarl import URL

from aggregator.credentials.secrets import Secret, SecretMissing
from aggregator.domain.registry import Registration
from aggregator.ports.clock import Clock
from aggregator.ports.registry import RegistryUnavailable
from aggregator.registry.nodes import NoNodes, read_nodes

LARGEST_ANSWER: Final = 16 * 2**20
_CALLER: Final = "metabroker"
_CHUNK: Final = 64 * 1024
_OK: Final = 200
_WANT_CREDENTIALS: Final = frozenset({401, 403})


class SiteCapabilities:
    """Reads the service: ``ports.registry.SiteRegistry``.

    Args:
        url: Its base, such as ``https://site-capabilities.example/api/v1``.
        session: Makes the connections.
        clock: The time of day.
        token: The token that it wants; None where it wants none, or a file has it.
        token_file: That file, which may be written anew: tokens end.
    """

    def __init__(
        self,
        url: str,
        session: aiohttp.ClientSession,
        clock: Clock,
        token: SecretStr | None = None,
        token_file: Path | None = None,
    ) -> None:
        self._url = URL(f"{url}/nodes?include_inactive=true", encoded=True)
        self._session = session
        self._clock = clock
        self._token = Secret(token, token_file) if token or token_file else None
        self._token_file = token_file

    async def read(self, deadline: float) -> Registration:
        """Return what the service says now.

        Raises:
            RegistryUnavailable: It doesn't answer, or with what can't be used.
        """
        try:
            async with asyncio.timeout_at(deadline):
                body = await self._ask()
                return await asyncio.to_thread(_read, body, self._clock.now())
        except TimeoutError:
            raise RegistryUnavailable("it didn't answer in time") from None
        except (aiohttp.ClientError, OSError) as error:
            raise RegistryUnavailable(
                f"it can't be reached: {type(error).__name__}"
            ) from error

    async def _ask(self) -> bytes:
        headers = {"Accept": "application/json", "X-Calling-Service": _CALLER}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {await self._shown(self._token)}"
        async with self._session.get(
            self._url,
            headers=headers,
            allow_redirects=False,
            raise_for_status=False,
            timeout=aiohttp.ClientTimeout(total=None),
        ) as response:
            if response.status in _WANT_CREDENTIALS:
                if self._token is not None:
                    self._token.doubt()
                raise RegistryUnavailable(
                    f"it answered {response.status}: it wants another token"
                )
            if response.status != _OK:
                raise RegistryUnavailable(f"it answered {response.status}")
            return await _bounded(response)

    async def _shown(self, token: Secret) -> str:
        try:
            return await token.current()
        except SecretMissing:
            where = self._token_file or "the environment"
            raise RegistryUnavailable(f"{where} holds no token") from None


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > LARGEST_ANSWER:
            raise RegistryUnavailable(
                f"its answer is larger than {LARGEST_ANSWER} bytes"
            )
    return bytes(body)


def _read(body: bytes, now: datetime) -> Registration:
    try:
        return read_nodes(orjson.loads(body), now)
    except orjson.JSONDecodeError:
        raise RegistryUnavailable("its answer is no JSON") from None
    except NoNodes as error:
        raise RegistryUnavailable(str(error)) from None
