"""A token issuer on loopback: discovery, keys, and tokens to its bearer's wish."""

import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

AUDIENCE = "execution-broker-api"


@dataclass
class Issuer:
    url: str = ""
    keys: list[RSAKey] = field(default_factory=list)
    fetches: int = 0
    down: bool = False

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
        return web.json_response(KeySet(issuer.keys).as_dict(private=False))

    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", discovery)
    app.router.add_get("/jwks", jwks)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    issuer.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield issuer
    finally:
        await runner.cleanup()
