"""Answers as sites give them, for sites that are less than a broker."""

import json
from uuid import uuid4

import aiohttp

from site_adapters.simulated import SimulatedSite, run
from tests.support.conversation import JSON, REQUEST

DIALECT = "2026-07"


async def offer_set(**site):
    """Return the offer set with which a broker answers ``REQUEST``, as a document."""
    site = {"name": "model", "offers": 2, **site}
    async with (
        run(SimulatedSite(dialect=DIALECT, **site)) as model,
        aiohttp.ClientSession() as client,
        await client.post(
            model.url + "/requests", data=REQUEST, headers=JSON, allow_redirects=False
        ) as answer,
    ):
        return json.loads(await answer.read())


def renamed(document):
    """Return the offer set with other uuids, as of another request."""
    text = json.dumps(document)
    for part in (document, *document["offers"]):
        text = text.replace(part["meta"]["uuid"], str(uuid4()))
    return json.loads(text)
