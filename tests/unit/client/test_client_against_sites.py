"""The client speaks to plain brokers of the newer dialects as it does to ours."""

import pytest

from aggregator.client import BrokerClient, BrokerProblem
from site_adapters.simulated import Fault, SimulatedSite, run

REQUEST = """
executable:
  kind: {prefix}/executable/docker-container{suffix}
  image: {{locations: ["images.example/notebook:1"], digest: "sha256:00"}}
schedule: {{requested: {{duration: PT10M}}}}
"""
WORDS = {
    "2026-04": ("https://www.purl.org/ivoa.net/EB/schema/v1.0/types", "-1.0"),
    "2026-07": (
        "https://www.purl.org/ivoa.net/Calycopis-openapi/schema/v1.0/kinds",
        ".yaml",
    ),
}


def request_in(dialect: str) -> str:
    prefix, suffix = WORDS[dialect]
    return REQUEST.format(prefix=prefix, suffix=suffix)


def quick(dialect: str) -> SimulatedSite:
    return SimulatedSite(
        name="jpsrc",
        dialect=dialect,
        first_start=1,
        preparing=1,
        runs=20,
        time_scale=100,
    )


@pytest.mark.parametrize("dialect", WORDS)
async def test_offer_is_accepted_and_followed_to_its_end(dialect):
    async with run(quick(dialect)) as site, BrokerClient(site.url) as client:
        offer_set = await client.submit(request_in(dialect))
        best = offer_set.offers[0]
        accepted = await client.accept(best.uuid)
        looks = [one async for one in client.watch(best.uuid, interval=0.01)]
        again = await client.offer_set(offer_set.uuid)

    assert offer_set.result == "YES"
    assert best.phase == "OFFERED"
    assert (best.cores.min, best.memory.max) == (2, 2)
    assert best.start is not None
    assert best.expires is not None
    assert best.url == f"{site.url}/sessions/{best.uuid}"
    assert accepted.phase == "ACCEPTED"
    assert looks[-1].session.phase == "COMPLETED"
    assert looks[-1].changed["session"] == "COMPLETED"
    assert {offer.phase for offer in again.offers} == {"COMPLETED", "REJECTED"}


async def test_request_goes_out_as_json_and_comes_back_with_every_key():
    document = {
        "executable": {
            "kind": f"{WORDS['2026-07'][0]}/executable/docker-container.yaml",
            "image": {"locations": ["images.example/notebook:1"], "digest": "0000"},
        },
        "x-ours": {"kept": True},
    }
    async with run(quick("2026-07")) as site, BrokerClient(site.url) as client:
        offer_set = await client.submit(document)
        sent = site.requests[-1]

    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["accept"] == "application/json"
    assert b'"x-ours"' in sent.body
    image = offer_set.offers[0].document["executable"]["image"]
    assert image["platform"] == {"architecture": "amd64", "os": "linux"}


async def test_update_that_a_plain_broker_ignores_comes_back_unchanged():
    async with run(quick("2026-07")) as site, BrokerClient(site.url) as client:
        offers = (await client.submit(request_in("2026-07"))).offers
        await client.accept(offers[0].uuid)
        loser = await client.accept(offers[1].uuid)
        cancelled = await client.cancel(offers[0].uuid)

    assert loser.phase == "REJECTED"
    assert cancelled.phase == "CANCELLED"


async def test_rejected_offer_is_rejected():
    async with run(quick("2026-07")) as site, BrokerClient(site.url) as client:
        offers = (await client.submit(request_in("2026-07"))).offers
        assert (await client.reject(offers[0].uuid)).phase == "REJECTED"


async def test_unknown_session_is_a_problem_even_with_an_empty_body():
    async with run(quick("2026-07")) as site, BrokerClient(site.url) as client:
        with pytest.raises(BrokerProblem) as caught:
            await client.session("00000000-0000-4000-8000-000000000000")

    assert caught.value.status == 404
    assert str(caught.value) == "Not Found"
    assert not caught.value.may_pass


async def test_no_has_its_reasons_and_no_offers():
    site = SimulatedSite(name="cansrc", dialect="2026-07", says_no="we are full")
    async with run(site) as running, BrokerClient(running.url) as client:
        offer_set = await client.submit(request_in("2026-07"))

    assert offer_set.result == "NO"
    assert offer_set.offers == ()
    assert "we are full" in offer_set.messages[0].text


async def test_watch_outlives_a_broker_that_is_away_for_a_moment():
    async with run(quick("2026-07")) as site, BrokerClient(site.url) as client:
        best = (await client.submit(request_in("2026-07"))).offers[0]
        await client.accept(best.uuid)
        site.script("read", Fault(status=503), times=3)
        phases = [
            one.session.phase async for one in client.watch(best.uuid, interval=0.01)
        ]

    assert phases[-1] == "COMPLETED"
