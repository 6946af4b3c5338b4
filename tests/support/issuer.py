"""A token issuer on loopback: discovery, keys, and tokens to its bearer's wish.

Its token endpoint issues tokens to clients that it knows: for the token of a user
(RFC 8693), and for the client itself (RFC 6749 section 4.4).
"""

import asyncio
import base64
import itertools
import json
import time
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

from aiohttp import web
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, RSAKey

AUDIENCE = "execution-broker-api"
CLIENT = "metabroker"
CLIENT_SECRET = "canary-secret-of-the-client"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


@dataclass(frozen=True)
class Asked:
    """What the token endpoint was asked: the form, and how the client showed itself."""

    form: dict[str, str]
    authentication: str
    query: str


@dataclass
class Issuer:
    """The issuer.

    Attributes:
        down: Whether the keys can't be had.
        strangers: What is listed among the keys, and can't be read.
        jwks: What is given in the place of the keys.
        clients: The secrets of the clients that the token endpoint knows.
        opaque: Whether tokens that it issues are no JWTs.
        users: The users of opaque tokens.
        lifetime: Seconds for which tokens are good that it issues; None leaves it
            unsaid.
        delay: Seconds before the token endpoint answers.
        script: Answers that it gives instead, each a status and a document.
        asked: What it was asked.
        issued: The tokens that it issued.
    """

    url: str = ""
    keys: list[RSAKey] = field(default_factory=list)
    fetches: int = 0
    down: bool = False
    strangers: list[Any] = field(default_factory=list)
    jwks: dict[str, Any] | None = None
    clients: dict[str, str] = field(default_factory=lambda: {CLIENT: CLIENT_SECRET})
    opaque: bool = False
    users: dict[str, str] = field(default_factory=dict)
    lifetime: float | None = 600
    delay: float = 0.0
    script: deque = field(default_factory=deque)
    asked: list[Asked] = field(default_factory=list)
    issued: list[str] = field(default_factory=list)
    numbers: Any = field(default_factory=itertools.count)

    @property
    def grants(self) -> list[str]:
        """The grants of what was asked, in short."""
        return [asked.form["grant_type"].rpartition(":")[2] for asked in self.asked]

    def entry(self, directory: Path, **changes: Any) -> dict[str, Any]:
        """Return the issuer's entry in ``sites.yaml``, with its secret in a file."""
        (directory / "client-secret").write_text(CLIENT_SECRET)
        return {
            "token_endpoint": f"{self.url}/token",
            "client_id": CLIENT,
            "client_secret_file": str(directory / "client-secret"),
            **changes,
        }

    def token(self, subject: str = "ana", *, key: RSAKey | None = None, **claims: Any):
        key = key or self.keys[-1]
        now = int(time.time())
        content = {
            "iss": self.url,
            "sub": subject,
            "aud": AUDIENCE,
            "exp": now + 600,
            "iat": now,
            **claims,
        }
        content = {name: value for name, value in content.items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": key.kid}, content, key)

    def bearer(self, subject: str = "ana", **claims: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(subject, **claims)}"}

    def subject_of(self, token: str) -> str | None:
        """Return whose token it is; None where it isn't good."""
        if token in self.users:
            return self.users[token]
        try:
            claims = jwt.decode(token, KeySet(self.keys)).claims
        except (JoseError, ValueError):
            return None
        return claims["sub"] if claims["exp"] > time.time() else None

    async def answer(self, request: web.Request) -> tuple[int, Any]:
        """Return status and document of an answer of the token endpoint."""
        form = dict(await request.post())
        client, secret, how = _client_of(request, form)
        self.asked.append(Asked(form, how, request.query_string))
        await asyncio.sleep(self.delay)
        if self.script:
            return self.script.popleft()
        if secret is None or self.clients.get(client) != secret:
            return 401, {"error": "invalid_client"}
        if form["grant_type"] == "client_credentials":
            return self.issue(client, form)
        if form["grant_type"] != EXCHANGE or form["subject_token_type"] != ACCESS_TOKEN:
            return 400, {"error": "unsupported_grant_type"}
        subject = self.subject_of(form["subject_token"])
        if subject is None:
            said = f"{form['subject_token']} is not active"
            return 400, {"error": "invalid_request", "error_description": said}
        return self.issue(subject, form)

    def issue(self, subject: str, form: dict[str, str]) -> tuple[int, Any]:
        number = next(self.numbers)
        if self.opaque:
            token = f"canary-issued-{number}-to-{subject}"
        else:
            asked = {name: form.get(name) for name in ("scope",)}
            ends = int(time.time() + (self.lifetime or 0))
            token = self.token(
                subject, aud=form.get("audience"), jti=str(number), exp=ends, **asked
            )
        self.issued.append(token)
        answer = {"access_token": token, "token_type": "Bearer"}
        if self.lifetime is not None:
            answer["expires_in"] = self.lifetime
        if form["grant_type"] == EXCHANGE:
            answer["issued_token_type"] = ACCESS_TOKEN
        return 200, answer


def _client_of(request: web.Request, form: dict[str, str]):
    scheme, _, pair = request.headers.get("Authorization", "").partition(" ")
    if scheme == "Basic":
        client, _, secret = base64.b64decode(pair).decode().partition(":")
        return unquote_plus(client), unquote_plus(secret), "basic"
    return form.get("client_id", ""), form.get("client_secret"), "post"


def claims_of(authorization: str) -> dict[str, Any]:
    """Return the claims of a JWT in an Authorization header, unchecked."""
    body = authorization.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def new_key(kid: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"})


@asynccontextmanager
async def running_issuer():
    issuer = Issuer(keys=[new_key("first")])

    async def discovery(_):
        return web.json_response(
            {"issuer": issuer.url + "/", "jwks_uri": issuer.url + "/jwks"}
        )

    async def jwks(_):
        issuer.fetches += 1
        if issuer.down:
            raise web.HTTPInternalServerError
        document = KeySet(issuer.keys).as_dict(private=False)
        document["keys"] = [*issuer.strangers, *document["keys"]]
        return web.json_response(issuer.jwks or document)

    async def token(request):
        status, document = await issuer.answer(request)
        if isinstance(document, web.Response):
            return document
        return web.json_response(document, status=status)

    app = web.Application()
    app.router.add_post("/token", token)
    app.router.add_get("/.well-known/openid-configuration", discovery)
    app.router.add_get("/jwks", jwks)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    issuer.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield issuer
    finally:
        await runner.cleanup()
