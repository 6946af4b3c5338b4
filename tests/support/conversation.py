"""What tests say to a running service, and what they hear."""

import asyncio
import json
import time
from dataclasses import dataclass, field

from tests.support.requests import KINDS

REQUEST = json.dumps(
    {
        "kind": f"{KINDS}/request/execution-request.yaml",
        "executable": {
            "kind": f"{KINDS}/executable/docker-container.yaml",
            "image": {
                "locations": ["images.example/notebook:latest"],
                "digest": "sha256:0000",
            },
        },
        "schedule": {"requested": {"duration": "PT10M"}},
        "compute": {
            "kind": f"{KINDS}/compute/simple-compute-resource.yaml",
            "cores": {"requested": {"min": 2}},
        },
    }
).encode()
"""A request that every broker can serve."""

JSON = {"Content-Type": "application/json"}
STRICT = {"Prefer": "handling=strict"}


@dataclass(frozen=True)
class Heard:
    """An answer of the service, and how long it took."""

    status: int
    headers: object = field(repr=False)
    document: object
    seconds: float

    @property
    def sessions(self):
        """The offers' sessions, best first."""
        return [offer["meta"]["uuid"] for offer in self.document["offers"]]

    @property
    def uuid(self):
        """The offer set's own uuid."""
        return self.document["meta"]["uuid"]

    @property
    def phase(self):
        return self.document["phase"]

    @property
    def kinds(self):
        """What its messages are."""
        return {message["kind"] for message in self.messages}

    @property
    def messages(self):
        return self.document["meta"].get("messages", [])


async def ask(federation, body=REQUEST, **headers):
    """Ask for offers."""
    return await _heard(
        federation.post("/requests", body, headers={**JSON, **_named(headers)})
    )


async def update(federation, session, phase, **headers):
    """Ask for a session to go to ``phase``."""
    body = json.dumps(
        {"kind": "uri:enum-value-update", "path": "/phase", "value": phase}
    )
    return await _heard(
        federation.post(
            f"/sessions/{session}", body, headers={**JSON, **_named(headers)}
        )
    )


async def accept(federation, session, **headers):
    """Accept an offer, strictly: what can't be done is a 409."""
    return await update(federation, session, "ACCEPTED", **{**STRICT, **headers})


async def read(federation, path, **headers):
    """Get what is at ``path``."""
    return await _heard(federation.get(path, headers=_named(headers)))


async def see(federation, session):
    """Get a session."""
    return await read(federation, f"/sessions/{session}")


async def outcomes(federation, offer_set):
    """Return what each site did for an offer set, by name."""
    heard = await read(federation, f"/offersets/{offer_set}/sites")
    return {site["site"]: site["outcome"] for site in heard.document["sites"]}


async def site_reports(federation):
    """Return what is known of each site's health, by name."""
    heard = await read(federation, "/federation/sites")
    return {site["name"]: site for site in heard.document["sites"]}


async def metric(federation, name, **labels):
    """Return the value of a metric, summed over all that have these labels."""
    async with await federation.get("/metrics") as answer:
        text = await answer.text()
    total = 0.0
    for line in text.splitlines():
        sample, _, value = line.rpartition(" ")
        found, _, rest = sample.partition("{")
        if found == name and all(f'{k}="{v}"' in rest for k, v in labels.items()):
            total += float(value)
    return total


async def eventually(check, within=10.0):
    """Wait until ``check``, a coroutine function, gives what is true; return that."""
    until = time.monotonic() + within
    while not (found := await check()):
        assert time.monotonic() < until, f"not within {within} s: {check.__name__}"
        await asyncio.sleep(0.01)
    return found


def _named(headers):
    return {name.replace("_", "-"): value for name, value in headers.items()}


async def _heard(sending):
    began = time.monotonic()
    async with await sending as answer:
        body = await answer.read()
        seconds = time.monotonic() - began
        document = json.loads(body) if body[:1] in {b"{", b"["} else body.decode()
        return Heard(answer.status, answer.headers, document, seconds)
