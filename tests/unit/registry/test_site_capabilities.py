"""The client of the registry, before a real server that behaves like the service."""

import asyncio

import aiohttp
import pytest
from pydantic import SecretStr

from aggregator.ports.registry import RegistryUnavailable
from aggregator.registry import site_capabilities
from aggregator.registry.site_capabilities import SiteCapabilities
from tests.support.raw_site import answers, http, raw_site
from tests.support.registry import (
    NOW_AND_LONG,
    TOKEN,
    area,
    downtime,
    node,
    running_registry,
    site,
    storage,
)
from tests.support.site_calls import CLOCK

NODES = [
    node(
        "UKSRC",
        site(
            "UKSRC-RAL",
            latitude=51.57,
            longitude=0.0,
            storages=[storage(area("RAL_XRD", tier=0), downtime=[])],
        ),
    ),
    node("KRSRC", site("KRSRC", downtime=[downtime(NOW_AND_LONG)])),
    node("CHSRC", site("CHSRC", is_force_disabled=True)),
]


@pytest.fixture
async def session():
    async with aiohttp.ClientSession() as session:
        yield session


async def read(registry, session, seconds=10.0, **credentials):
    client = SiteCapabilities(registry.url, session, CLOCK, **credentials)
    return await client.read(asyncio.get_running_loop().time() + seconds)


async def test_inactive_sites_are_asked_for_too_so_that_nothing_is_dropped(session):
    async with running_registry(nodes=NODES) as registry:
        registration = await read(registry, session)
        [(path, headers)] = registry.asked
    names = [(one.name, one.disabled, one.longitude) for one in registration.sites]
    assert names == [
        ("UKSRC-RAL", False, 0.0),
        ("KRSRC", False, None),
        ("CHSRC", True, None),
    ]
    assert path == "/api/v1/nodes?include_inactive=true"
    assert headers["X-Calling-Service"] == "metabroker"
    assert "Authorization" not in headers


async def test_the_fake_drops_what_the_service_drops(session):
    async with (
        running_registry(nodes=NODES) as registry,
        session.get(registry.url + "/nodes") as response,
    ):
        nodes = await response.json()
    assert [one["name"] for one in nodes] == ["UKSRC", "KRSRC", "CHSRC"]
    assert "sites" not in nodes[1]
    [kept] = nodes[0]["sites"]
    assert "longitude" not in kept
    assert "tier" not in kept["storages"][0]["areas"][0]


async def test_a_date_without_a_zone_breaks_the_service_but_not_us(session):
    naive = downtime("2026-01-01T00:00:00 to 2199-01-01T00:00:00")
    nodes = [node("X", site("X", downtime=[naive]))]
    async with running_registry(nodes=nodes) as registry:
        async with session.get(registry.url + "/nodes") as response:
            assert response.status == 500
        registration = await read(registry, session)
    assert len(registration.sites[0].downtimes) == 1
    assert len(registration.faults) == 1


async def test_the_token_is_shown_as_it_was_given_or_is_in_its_file(session, tmp_path):
    file = tmp_path / "token"
    async with running_registry(nodes=NODES, token=TOKEN) as registry:
        with pytest.raises(RegistryUnavailable, match="403: it wants another token"):
            await read(registry, session)
        assert (await read(registry, session, token=SecretStr(TOKEN))).sites
        file.write_text("older")
        with pytest.raises(RegistryUnavailable, match="403"):
            await read(registry, session, token_file=file)
        file.write_text(f"{TOKEN}\n")
        assert (await read(registry, session, token_file=file)).sites


@pytest.mark.parametrize("content", [None, "", "two words", "ünicode", "a\nb"])
async def test_a_file_without_a_token_is_told_without_its_content(
    session, tmp_path, content
):
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content)
    async with running_registry(nodes=NODES) as registry:
        with pytest.raises(RegistryUnavailable, match="holds no token") as caught:
            await read(registry, session, token_file=file)
        assert registry.asked == []
    assert not content or content not in str(caught.value)


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"status": 500}, "it answered 500"),
        ({"status": 302}, "it answered 302"),
        ({"status": 401}, "it answered 401: it wants another token"),
        ({"body": b"<html>"}, "its answer is no JSON"),
        ({"body": b"[" * 100_000}, "its answer is no JSON"),
        ({"body": b"{}"}, "the answer is no list of nodes"),
        ({"body": b'[{"name": "X"}]'}, "the answer has no site with a name"),
    ],
)
async def test_what_can_not_be_used_is_told(session, members, reason):
    async with running_registry(nodes=NODES, **members) as registry:
        with pytest.raises(RegistryUnavailable, match=reason):
            await read(registry, session)


async def test_an_endless_answer_is_not_read(session, monkeypatch):
    monkeypatch.setattr(site_capabilities, "LARGEST_ANSWER", 1000)
    async with running_registry(body=b"[" + b" " * 2000 + b"]") as registry:
        with pytest.raises(RegistryUnavailable, match="larger than 1000 bytes"):
            await read(registry, session)


async def test_a_registry_that_is_away_or_silent_is_told(session):
    async with running_registry() as registry:
        pass
    with pytest.raises(RegistryUnavailable, match="it can't be reached"):
        await read(registry, session)

    async def say_nothing(_):
        await asyncio.sleep(30)

    async with raw_site(say_nothing) as silent:
        with pytest.raises(RegistryUnavailable, match="in time"):
            await read(silent, session, seconds=0.2)


async def test_an_answer_that_breaks_off_is_told(session):
    whole = http(200, b"[]" + b" " * 500)
    async with raw_site(answers(whole[:-100])) as broken:
        with pytest.raises(RegistryUnavailable, match="it can't be reached"):
            await read(broken, session)
