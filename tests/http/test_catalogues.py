"""The running service beside replica catalogues: good, slow, away and talking rubbish."""

import asyncio
import time
from contextlib import asynccontextmanager

import pytest

from site_adapters.simulated import SimulatedSite
from tests.support.catalogues import (
    FakeDmApi,
    FakeRucio,
    rucio_file,
    running_catalogue,
    storage_element,
)
from tests.support.conversation import metric
from tests.support.running import REFERENCE, running_federation

FIRST, SECOND = "zrq-test-20250509-082506", "zrq-test-20250509-094501"
TIB = 2**40
NEAR = SimulatedSite(name="near", rses=("NEAR_STORM",), first_start=600, offers=1)
BESIDE = SimulatedSite(name="beside", rses=("NEAR_STORM",), first_start=900, offers=1)
FAR = SimulatedSite(name="far", rses=("FAR_STORM",), first_start=60, offers=1)
JSON = {"Content-Type": "application/json"}


def dm_api(rse="NEAR_STORM"):
    return FakeDmApi(
        data={
            f"testing/{name}": [storage_element(rse, f"https://{rse}.example/{name}")]
            for name in (FIRST, SECOND)
        }
    )


def rucio(rse="NEAR_STORM"):
    fake = FakeRucio()
    fake.have(
        rucio_file(f"testing:{FIRST}", 25 * TIB, rse),
        rucio_file(f"testing:{SECOND}", TIB, rse),
    )
    return fake


@asynccontextmanager
async def federation_beside(tmp_path, fake, *sites, **more):
    """Run a fake catalogue, sites, and the service that asks them."""
    (tmp_path / "token").write_text(fake.token)
    settings = {
        "catalogue": {
            "kind": "rucio" if isinstance(fake, FakeRucio) else "dm-api",
            "url": "",
            "token_file": str(tmp_path / "token"),
        },
        "replicas": None,
        **more.pop("settings", {}),
    }
    async with running_catalogue(fake):
        settings["catalogue"]["url"] = fake.url
        async with running_federation(
            tmp_path, *(sites or (FAR, NEAR)), settings=settings, **more
        ) as federation:
            yield federation


async def offers_of(federation, body=REFERENCE, **more):
    response = await federation.post("/offersets", body, **more)
    assert response.status == 303, await response.text()
    return await response.json()


async def ranking_of(federation, offer_set):
    response = await federation.get(f"/offersets/{offer_set['uuid']}/ranking")
    document = await response.json()
    return {one["site"]: one["estimate"] for one in document["offers"]}, document


async def test_rucio_says_where_the_data_are_and_how_large(tmp_path):
    async with federation_beside(tmp_path, rucio()) as federation:
        offer_set = await offers_of(federation)
        estimates, document = await ranking_of(federation, offer_set)
    assert document["offers"][0]["site"] == "near"
    assert estimates["near"]["bytes_to_move"] == 0
    assert estimates["far"]["bytes_to_move"] == 26 * TIB
    assert estimates["far"]["sources"] == ["NEAR_STORM"]
    assert {one["confidence"] for one in estimates.values()} == {"high"}


async def test_an_element_has_other_names_and_serves_several_sites(tmp_path):
    fake = rucio(" near_old ")
    async with federation_beside(
        tmp_path, fake, FAR, NEAR, BESIDE, aliases={"NEAR_OLD": "NEAR_STORM"}
    ) as federation:
        estimates, _ = await ranking_of(federation, await offers_of(federation))
    moved = {site: one["bytes_to_move"] for site, one in estimates.items()}
    assert moved == {"near": 0, "beside": 0, "far": 26 * TIB}


@pytest.mark.parametrize("old", [False, True])
async def test_the_dm_api_says_where_and_the_entries_how_large(tmp_path, old):
    fake = dm_api()
    fake.old = old
    async with federation_beside(
        tmp_path, fake, settings={"replicas": "replicas.yaml"}
    ) as federation:
        estimates, _ = await ranking_of(federation, await offers_of(federation))
    assert estimates["near"]["bytes_to_move"] == 0
    assert estimates["far"]["bytes_to_move"] == 27487790694400 + 26843545600
    assert {one["confidence"] for one in estimates.values()} == {"high"}


async def test_without_any_size_the_explanation_says_so(tmp_path):
    async with federation_beside(tmp_path, dm_api()) as federation:
        estimates, _ = await ranking_of(federation, await offers_of(federation))
    assert estimates["far"]["confidence"] == "low"
    assert estimates["far"]["notes"][0].startswith(f"size of testing:{FIRST} unknown")


def is_down(fake):
    fake.wrong.status = 503


def is_silent(fake):
    fake.wrong.silent = True


def talks_rubbish(fake):
    fake.wrong.body = b"<html>maintenance</html>"


def refuses_our_token(fake):
    fake.token = "another"


FAULTS = [is_down, is_silent, talks_rubbish, refuses_our_token]


@pytest.mark.parametrize("goes_wrong", FAULTS)
@pytest.mark.parametrize("kind", [dm_api, rucio])
async def test_a_failing_catalogue_costs_its_time_and_no_request(
    tmp_path, kind, goes_wrong
):
    fake = kind()
    claims = REFERENCE.replace(
        f'objectname: "{FIRST}"',
        f'objectname: "{FIRST}"\n      datasize: 1000\n      replicas: [{{rsename: FAR_STORM}}]',
    )
    limits = {"fan_out": {"deadline": 8, "lookup": 0.5}}
    async with federation_beside(tmp_path, fake, settings=limits) as federation:
        goes_wrong(fake)
        began = time.monotonic()
        offer_set = await offers_of(federation, claims)
        assert time.monotonic() - began < 4
        estimates, document = await ranking_of(federation, offer_set)
    assert {one["confidence"] for one in estimates.values()} == {"low"}
    claimed = f"replicas of testing:{FIRST} are claimed, not verified"
    assert claimed in estimates["near"]["notes"]
    assert estimates["near"]["sources"] == ["FAR_STORM"]
    assert "low confidence" in document["offers"][0]["reason"]


@pytest.mark.parametrize("goes_wrong", FAULTS)
async def test_the_entries_serve_while_the_catalogue_fails(tmp_path, goes_wrong):
    fake = rucio()
    settings = {"replicas": "replicas.yaml", "fan_out": {"deadline": 8, "lookup": 0.5}}
    jpsrc = SimulatedSite(name="jpsrc", rses=("JPSRC_STORM",), first_start=600)
    async with federation_beside(
        tmp_path, fake, FAR, jpsrc, settings=settings
    ) as federation:
        goes_wrong(fake)
        estimates, document = await ranking_of(federation, await offers_of(federation))
    assert document["offers"][0]["site"] == "jpsrc"
    assert estimates["jpsrc"]["bytes_to_move"] == 0
    assert estimates["jpsrc"]["confidence"] == "low"
    assert estimates["jpsrc"]["notes"] == [
        f"testing:{name}: taken from the static entries, as the catalogue doesn't tell"
        for name in (FIRST, SECOND)
    ]


async def test_many_requests_at_once_cost_one_lookup(tmp_path):
    fake = rucio()
    async with federation_beside(tmp_path, fake) as federation:
        await asyncio.gather(*(offers_of(federation) for _ in range(10)))
        assert len(fake.asked) == 1
        reads = "metabroker_catalogue_reads_total"
        missed = await metric(federation, reads, outcome="missed")
        others = [await metric(federation, reads, outcome=o) for o in ("hit", "joined")]
        calls = "metabroker_catalogue_requests_total"
        assert await metric(federation, calls, outcome="ok") == 1
    assert missed == 2
    assert sum(others) == 18


async def test_nothing_of_the_client_goes_to_the_catalogue(tmp_path):
    fake = dm_api()
    async with federation_beside(tmp_path, fake) as federation:
        headers = {
            "X-Forwarded-For": "203.0.113.7",
            "Authorization": "Bearer the-users-own",
            "Forwarded": "for=203.0.113.7",
        }
        await offers_of(federation, headers=headers)
    for _, sent, _ in fake.asked:
        assert sent["Authorization"] == f"Bearer {fake.token}"
        assert "203.0.113.7" not in str(sent)
        assert "the-users-own" not in str(sent)


async def test_the_token_shows_nowhere(tmp_path, capfd):
    fake = rucio()
    fake.unknown = "404"
    async with federation_beside(tmp_path, fake) as federation:
        offer_set = await offers_of(federation)
        refuses_our_token(fake)
        await offers_of(federation, REFERENCE.replace(FIRST, "another"))
        shown = [
            await (await federation.get(path)).text()
            for path in ("/metrics", f"/offersets/{offer_set['uuid']}/ranking")
        ]
    assert "eyJ.catalogue.token" not in "".join((*shown, *capfd.readouterr()))


async def test_rucios_distances_order_links_that_nobody_measured(tmp_path):
    fake = rucio("LAKE")
    fake.distances = {("LAKE", "NEAR_STORM"): 1, ("LAKE", "FAR_STORM"): 9}
    (tmp_path / "links.yaml").write_text(
        "rucio_distances: [{up_to: 2, class: lan}, {up_to: 9, class: international}]\n"
    )
    lake = SimulatedSite(name="lake", rses=("LAKE",), says_no="full")
    async with federation_beside(
        tmp_path, fake, FAR, NEAR, lake, settings={"links": "links.yaml"}
    ) as federation:
        async with asyncio.timeout(10):
            while (
                await metric(
                    federation, "metabroker_catalogue_requests_total", outcome="ok"
                )
                < 6
            ):
                await asyncio.sleep(0.01)
        estimates, _ = await ranking_of(federation, await offers_of(federation))
    seconds = {site: one["data_ready_s"] for site, one in estimates.items()}
    assert seconds["far"] > 4 * seconds["near"]
