"""The same key and body gives the same offer set, whenever and wherever it comes."""

import asyncio

import pytest

from aggregator.wiring import load_configuration, running_service
from site_adapters.simulated import Operation, SimulatedSite, faults
from tests.support.issuer import AUDIENCE, running_issuer
from tests.support.running import REFERENCE, running_federation

SITE = SimulatedSite(name="jpsrc", rses=("JPSRC_STORM",))
KEY = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}


def requests_at(site):
    return [call for call in site.requests if call.path.rstrip("/") == "/offersets"]


async def test_the_same_key_gives_the_same_set_and_asks_no_site_again(tmp_path):
    async with running_federation(tmp_path, SITE) as federation:
        first = await federation.post("/offersets", REFERENCE, headers=KEY)
        again = await federation.post("/requests", REFERENCE, headers=KEY)
        assert (first.status, again.status) == (303, 303)
        assert again.headers["Location"] == first.headers["Location"]
        assert await again.json() == await first.json()
        assert len(requests_at(federation.sites["jpsrc"])) == 1


async def test_another_body_is_422(tmp_path):
    async with running_federation(tmp_path, SITE) as federation:
        await federation.post("/offersets", REFERENCE, headers=KEY)
        other = REFERENCE.replace("PT10M", "PT20M")
        response = await federation.post("/offersets", other, headers=KEY)
        assert response.status == 422
        assert (await response.json())["type"] == "urn:metabroker:problem:key-reused"


async def test_at_once_only_one_asks(tmp_path):
    slow = SimulatedSite(name="jpsrc", latency={"request": 0.3})
    async with running_federation(tmp_path, slow) as federation:
        responses = await asyncio.gather(
            *(federation.post("/offersets", REFERENCE, headers=KEY) for _ in range(8))
        )
        assert {response.status for response in responses} == {303}
        assert len({response.headers["Location"] for response in responses}) == 1
        assert len(requests_at(federation.sites["jpsrc"])) == 1


async def test_after_a_restart(tmp_path):
    settings = {"store": f"sqlite:///{tmp_path}/kept.sqlite"}
    async with running_federation(tmp_path, SITE, settings=settings) as federation:
        first = await federation.post("/offersets", REFERENCE, headers=KEY)
        configuration = load_configuration(tmp_path / "metabroker.yaml", {})
        async with running_service(configuration) as restarted:
            again = await federation.client.post(
                restarted.url + "/offersets",
                data=REFERENCE,
                headers={**KEY, "Content-Type": "application/yaml"},
                allow_redirects=False,
            )
            assert (await again.json())["uuid"] == (await first.json())["uuid"]
        assert len(requests_at(federation.sites["jpsrc"])) == 1


async def test_direct_execution_is_done_once(tmp_path):
    async with running_federation(tmp_path, SITE) as federation:
        first = await federation.post("/direct", REFERENCE, headers=KEY)
        again = await federation.post("/direct", REFERENCE, headers=KEY)
        assert (first.status, again.status) == (303, 303)
        assert again.headers["Location"] == first.headers["Location"]
        assert len(federation.sites["jpsrc"].accepted) == 1


async def test_keys_of_different_users_have_nothing_in_common(tmp_path):
    async with running_issuer() as issuer:
        auth = {"mode": "required", "issuer": issuer.url, "audience": AUDIENCE}
        async with running_federation(
            tmp_path, SITE, settings={"auth": auth}
        ) as federation:
            sets = [
                await (
                    await federation.post(
                        "/offersets", REFERENCE, headers={**KEY, **issuer.bearer(user)}
                    )
                ).json()
                for user in ("ana", "bob")
            ]
            assert sets[0]["uuid"] != sets[1]["uuid"]


async def test_a_failed_fan_out_is_repeated_as_it_stands(tmp_path):
    async with running_federation(tmp_path, SITE) as federation:
        site = federation.sites["jpsrc"]
        site.script(Operation.REQUEST, faults.error(500))
        first = await federation.post("/offersets", REFERENCE, headers=KEY)
        again = await federation.post("/offersets", REFERENCE, headers=KEY)
        assert (first.status, again.status) == (503, 503)
        assert (await first.json())["offerset"] == (await again.json())["offerset"]


@pytest.mark.parametrize("key", ["", "x" * 256, "cl\u00e9"])
async def test_what_is_not_a_key_is_refused(tmp_path, key):
    async with running_federation(tmp_path, SITE) as federation:
        response = await federation.post(
            "/offersets", REFERENCE, headers={"Idempotency-Key": key}
        )
        assert response.status == 400
