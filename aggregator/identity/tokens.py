"""Tokens: JSON Web Tokens checked locally, against the issuer's keys.

Source: RFC 7519, RFC 8725 (algorithms are allow-listed), RFC 9068.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jws import extract_compact

from aggregator.domain.errors import InvalidToken
from aggregator.domain.principal import Principal
from aggregator.identity.keys import IssuerKeys

_GROUP_CLAIMS: Final = ("groups", "wlcg.groups")
_LONGEST: Final = 16_384


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What a token must be.

    Attributes:
        issuer: Its ``iss``; one trailing slash makes no difference.
        audience: What its ``aud`` must contain.
        algorithms: With which it may be signed.
        leeway: Seconds by which clocks may differ.
        operators: The group whose members are operators, None where there is none.
        home_site_claim: The claim that names the user's home site, None where none
            does.
    """

    issuer: str
    audience: str
    algorithms: tuple[str, ...] = ("RS256", "ES256")
    leeway: float = 60.0
    operators: str | None = None
    home_site_claim: str | None = None


class JwtVerifier:
    """Implements ``ports.identity.TokenVerifier``."""

    def __init__(
        self,
        rules: TokenRules,
        keys: IssuerKeys,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._rules = rules
        self._keys = keys
        self._now = now

    async def verify(self, token: str) -> Principal:
        """Return the principal whom ``token`` names, checked with the issuer's keys."""
        if len(token) > _LONGEST:
            raise InvalidToken("the token is too long")
        keys = await self._keys.having(_kid(token))
        try:
            decoded = jwt.decode(token, keys, algorithms=list(self._rules.algorithms))
        except (JoseError, ValueError, TypeError) as error:
            # A header such as ``crit`` of a wrong type is a TypeError of the library.
            raise InvalidToken(
                f"the token is not valid ({type(error).__name__})"
            ) from None
        return self._principal(decoded.claims)

    def _principal(self, claims: Mapping[str, Any]) -> Principal:
        issuer = str(claims.get("iss", ""))
        if issuer.removesuffix("/") != self._rules.issuer.removesuffix("/"):
            raise InvalidToken("the token is of another issuer")
        if self._rules.audience not in _texts(claims.get("aud")):
            raise InvalidToken("the token is not for this service (aud)")
        now, leeway = self._now(), self._rules.leeway
        if not _seconds(claims, "exp") > now - leeway:
            raise InvalidToken("the token has expired")
        if "nbf" in claims and _seconds(claims, "nbf") > now + leeway:
            raise InvalidToken("the token is not valid yet")
        subject = claims.get("sub")
        if not isinstance(subject, str) or not subject:
            raise InvalidToken("the token names nobody (sub)")
        groups = frozenset(_groups(claims))
        return Principal(
            self._rules.issuer.removesuffix("/"),
            subject,
            groups,
            self._home_site(claims),
            is_operator=self._rules.operators is not None
            and f"/{self._rules.operators.strip('/')}" in groups,
        )

    def _home_site(self, claims: Mapping[str, Any]) -> str:
        claim = self._rules.home_site_claim
        value = None if claim is None else claims.get(claim)
        return value if isinstance(value, str) else ""


def _kid(token: str) -> str | None:
    try:
        kid = extract_compact(token.encode()).headers().get("kid")
    except (JoseError, ValueError):
        raise InvalidToken("the token is not a JSON Web Token") from None
    return kid if isinstance(kid, str) else None


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [v for v in value if isinstance(v, str)] if isinstance(value, list) else []


def _seconds(claims: Mapping[str, Any], claim: str) -> float:
    value = claims.get(claim)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidToken(f"the token has no usable time ({claim})")
    return value


def _groups(claims: Mapping[str, Any]) -> Iterable[str]:
    """Yield the groups with a leading slash: some issuers leave it out."""
    for claim in _GROUP_CLAIMS:
        for group in _texts(claims.get(claim)):
            yield group if group.startswith("/") else f"/{group}"
