"""Links are built on our public URL, whatever the client's Host header says."""

import json

import pytest

from site_adapters.simulated import SimulatedSite
from tests.support.raw_site import closed_port
from tests.support.running import running_federation
from tests.support.simulated_dialogue import Dialogue

JSON = {"Content-Type": "application/json"}
NEW = Dialogue("2026-07")
PUBLIC = "https://broker.example/federation"


def links_in(value):
    if isinstance(value, dict):
        for key, one in value.items():
            if key == "url":
                yield one
            yield from links_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from links_in(one)


async def answers(federation, **headers):
    """Return a set, a session and a direct one, with the Locations that came."""
    body = json.dumps(NEW.request())
    posted = await federation.post("/requests", body, headers={**JSON, **headers})
    offer_set = await posted.json()
    path = f"/sessions/{NEW.uuid(offer_set['offers'][0])}"
    got = await federation.get(path, headers=headers)
    direct = await federation.post("/direct", body, headers={**JSON, **headers})
    locations = [posted.headers["Location"], direct.headers["Location"]]
    return [offer_set, await got.json(), await direct.json()], locations


@pytest.mark.parametrize(
    ("host", "base"),
    [
        (None, PUBLIC),
        ("evil.example", PUBLIC),
        ("broker.example", PUBLIC),
        ("inside.example:8080", "http://inside.example:8080"),
    ],
)
async def test_every_link_is_on_the_public_url(tmp_path, host, base):
    port = closed_port()
    async with running_federation(
        tmp_path,
        SimulatedSite(name="old", dialect="2025-11"),
        SimulatedSite(name="new", dialect="2026-07"),
        settings={
            "listen": {"port": port},
            "public_url": PUBLIC + "/",
            "trusted_hosts": ["inside.example:8080"],
        },
    ) as federation:
        assert federation.url == PUBLIC
        federation.url = f"http://127.0.0.1:{port}"
        headers = {"Host": host} if host else {}
        documents, locations = await answers(federation, **headers)
        links = [*locations, *links_in(documents)]
        assert len(links) > 20
        assert {link[: len(base) + 1] for link in links} == {base + "/"}
        text = json.dumps(documents)
        assert "evil.example" not in text
        for site in federation.sites.values():
            assert site.url not in text


async def test_links_of_components_name_them_by_role_and_uuid(tmp_path):
    async with running_federation(
        tmp_path, SimulatedSite(name="new", dialect="2026-07")
    ) as federation:
        (offer_set, *_), _ = await answers(federation)
        for offer in offer_set["offers"]:
            parts = {
                "sessions": [offer],
                "executables": [offer["executable"]],
                "compute": [offer["compute"]],
                "storage": offer["storage"],
                "data": offer["data"],
                "volumes": offer["compute"]["volumes"],
            }
            for route, nodes in parts.items():
                for node in nodes:
                    expected = f"{federation.url}/{route}/{node['meta']['uuid']}"
                    assert node["meta"]["url"] == expected
