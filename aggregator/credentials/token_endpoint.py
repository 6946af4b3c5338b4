"""A token issuer's token endpoint: asking for tokens, as the service's own client.

Sources: RFC 6749 (sections 2.3.1, 4.4, 5), RFC 8693 (sections 2.1, 2.2).
"""

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import quote_plus

import aiohttp
import structlog
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from yarl import URL

from aggregator.credentials.secrets import Secret, SecretMissing
from aggregator.domain.events import TokenAsked, TokenGrant
from aggregator.domain.outcomes import Outcome
from aggregator.ports.telemetry import Telemetry

_log = structlog.get_logger(__name__)

_OK: Final = 200
_UNAUTHORIZED: Final = 401
_SERVER_ERRORS: Final = range(500, 600)
_CLIENT_ERRORS: Final = range(400, 500)
_OF_STATUS: Final = {
    401: Outcome.UNAUTHORIZED,
    403: Outcome.FORBIDDEN,
    408: Outcome.TIMEOUT,
    429: Outcome.THROTTLED,
}
_LARGEST_ANSWER: Final = 256 * 1024
_LONGEST_LIFETIME: Final = 86400.0
_ERROR_CODES: Final = frozenset(
    {
        "access_denied",
        "insufficient_scope",
        "invalid_client",
        "invalid_grant",
        "invalid_request",
        "invalid_scope",
        "invalid_target",
        "invalid_token",
        "server_error",
        "temporarily_unavailable",
        "unauthorized_client",
        "unsupported_grant_type",
        "unsupported_token_type",
    }
)
"""The codes that are passed on: anything else might repeat what was sent."""
_ACCESS_TOKENS: Final = frozenset(
    {
        "urn:ietf:params:oauth:token-type:access_token",
        "urn:ietf:params:oauth:token-type:jwt",
    }
)
_NO_TIMEOUT: Final = aiohttp.ClientTimeout(total=None)
_BAD_CLIENT: Final = "invalid_client"


@dataclass(frozen=True, slots=True)
class TokenIssuer:
    """A token issuer, and how it knows the service.

    Attributes:
        name: In the configuration.
        token_endpoint: The URL of its token endpoint.
        client_id: The name that it knows the service by.
        secret: The client's secret; None where a file holds it.
        secret_file: That file.
        client_authentication: How the secret is shown: as ``Authorization: Basic``, or
            in the form.
        timeout: The longest that one token may take, in seconds.
    """

    name: str
    token_endpoint: str
    client_id: str
    secret: SecretStr | None = None
    secret_file: Path | None = None
    client_authentication: Literal["basic", "post"] = "basic"
    timeout: float = 3.0


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token that was issued.

    Attributes:
        text: The token; never stored, never logged.
        lifetime: For how many seconds it is good; None where the issuer didn't say.
    """

    text: str = field(repr=False)
    lifetime: float | None = None


@dataclass(frozen=True, slots=True)
class NotIssued:
    """Why no token was issued.

    Attributes:
        outcome: How the call to the issuer ended.
        reason: What was wrong, in words for the user.
        error: The code by which the issuer refused, empty where it named none.
        is_ours: Whether it was the waiting that ended, and not the issuer that failed.
    """

    outcome: Outcome
    reason: str
    error: str = ""
    is_ours: bool = False


class _Answer(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    access_token: Annotated[str, Field(pattern=r"^[\x21-\x7e]+$", max_length=65536)]
    token_type: Annotated[str, Field(pattern=r"(?i)^bearer$")]
    expires_in: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    issued_token_type: str | None = None


class _Refusal(BaseModel):
    error: str = ""


class TokenEndpoint:
    """Asks one issuer for tokens.

    A call has one deadline that covers everything, and follows no redirect: what is
    sent stays here. What the issuer says is never quoted but for its error's code.

    Args:
        issuer: The issuer.
        session: Makes the connections.
        telemetry: Is told of every call.
    """

    def __init__(
        self, issuer: TokenIssuer, session: aiohttp.ClientSession, telemetry: Telemetry
    ) -> None:
        self._issuer = issuer
        self._secret = Secret(issuer.secret, issuer.secret_file)
        self._url = URL(issuer.token_endpoint, encoded=True)
        self._session = session
        self._telemetry = telemetry

    async def issue(
        self, grant: TokenGrant, form: Mapping[str, str], deadline: float
    ) -> IssuedToken | NotIssued:
        """Ask for a token by ``deadline``, and within the issuer's own time.

        Args:
            grant: What it is asked for with, for the record.
            form: The parameters of the request, but for the client's own.
            deadline: On the event loop's clock.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        own = began + self._issuer.timeout
        outcome, error = Outcome.CANCELLED, ""
        try:
            issued = await self._asked(form, min(own, deadline))
            if isinstance(issued, NotIssued):
                outcome, error = issued.outcome, issued.error
                return self._explained(issued, cut_short=deadline < own)
            outcome = Outcome.OK
            return issued
        finally:
            seconds = loop.time() - began
            name = self._issuer.name
            self._telemetry.record(TokenAsked(name, grant, outcome, seconds, error))

    async def _asked(
        self, form: Mapping[str, str], deadline: float
    ) -> IssuedToken | NotIssued:
        try:
            async with asyncio.timeout_at(deadline):
                return await self._exchange(form)
        except SecretMissing:
            reason = "the service has no client secret to show it"
            return NotIssued(Outcome.MISCONFIGURED, reason)
        except TimeoutError:
            return NotIssued(Outcome.TIMEOUT, "it didn't answer in time")
        except aiohttp.InvalidURL:
            return NotIssued(Outcome.MISCONFIGURED, "its URL can't be used")
        except (aiohttp.ClientConnectionError, OSError):
            return NotIssued(Outcome.CONNECT_ERROR, "it couldn't be reached")
        except aiohttp.ClientError:
            return NotIssued(Outcome.BAD_PAYLOAD, "its answer isn't well-formed HTTP")

    async def _exchange(self, form: Mapping[str, str]) -> IssuedToken | NotIssued:
        secret = await self._secret.current()
        client, headers = self._client(secret)
        async with self._session.post(
            self._url,
            data={**form, **client},
            headers={"Accept": "application/json", **headers},
            allow_redirects=False,
            raise_for_status=False,
            timeout=_NO_TIMEOUT,
        ) as response:
            body = await response.content.read(_LARGEST_ANSWER + 1)
            while not response.content.at_eof() and len(body) <= _LARGEST_ANSWER:
                body += await response.content.read(_LARGEST_ANSWER + 1)
            if len(body) > _LARGEST_ANSWER:
                return NotIssued(Outcome.TOO_LARGE, "it answered more than is read")
            if response.status == _OK:
                return _issued(body)
            return self._refused(response.status, body)

    def _client(self, secret: str) -> tuple[dict[str, str], dict[str, str]]:
        """Return what shows who we are: of the form, and of the headers."""
        if self._issuer.client_authentication == "post":
            return {"client_id": self._issuer.client_id, "client_secret": secret}, {}
        pair = f"{quote_plus(self._issuer.client_id)}:{quote_plus(secret)}"
        encoded = base64.b64encode(pair.encode()).decode()
        return {}, {"Authorization": f"Basic {encoded}"}

    def _refused(self, status: int, body: bytes) -> NotIssued:
        error = _error_code(body)
        if error == _BAD_CLIENT or (status == _UNAUTHORIZED and not error):
            self._secret.doubt()
        outcome = _OF_STATUS.get(status)
        if outcome is None:
            outcome = (
                Outcome.REFUSED_4XX
                if status in _CLIENT_ERRORS
                else Outcome.ERROR_5XX
                if status in _SERVER_ERRORS
                else Outcome.MISCONFIGURED
            )
        reason = f"it refused: {error}" if error else f"it answered {status}"
        return NotIssued(outcome, reason, error)

    def _explained(self, failed: NotIssued, *, cut_short: bool) -> NotIssued:
        is_ours = cut_short and failed.outcome is Outcome.TIMEOUT
        if not is_ours:
            _log.warning(
                "token_not_issued",
                issuer=self._issuer.name,
                outcome=failed.outcome.value,
                reason=failed.reason,
            )
        reason = f"of the token issuer {self._issuer.name}: {failed.reason}"
        return NotIssued(failed.outcome, reason, failed.error, is_ours)


def _issued(body: bytes) -> IssuedToken | NotIssued:
    try:
        answer = _Answer.model_validate_json(body)
    except ValidationError:
        return NotIssued(Outcome.BAD_PAYLOAD, "its answer has no token to be used")
    kind = answer.issued_token_type
    if kind is not None and kind not in _ACCESS_TOKENS:
        return NotIssued(Outcome.BAD_PAYLOAD, "its answer has no access token")
    lifetime = answer.expires_in
    return IssuedToken(
        answer.access_token,
        None if lifetime is None else min(lifetime, _LONGEST_LIFETIME),
    )


def _error_code(body: bytes) -> str:
    """Return the code of a refusal, empty where it has none that is known."""
    try:
        error = _Refusal.model_validate_json(body).error
    except ValidationError:
        return ""
    return error if error in _ERROR_CODES else ""
