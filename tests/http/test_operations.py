"""The service as those see it who run it: probes, metrics, shutdown, and the loop."""

import asyncio
import json
import re
import sqlite3
import threading
import time
from contextlib import ExitStack, asynccontextmanager, closing

import aiohttp
import pytest

from aggregator import strict_yaml
from aggregator.http.handlers import offer_sets
from aggregator.store.sql_store import sqlite_url
from aggregator.wiring import load_configuration, running_service
from site_adapters import answers
from site_adapters.simulated import SimulatedSite, faults, run
from tests.support.conversation import eventually, metric
from tests.support.leaks import nothing_more
from tests.support.running import (
    REFERENCE,
    configuration_files,
    running_federation,
)
from tests.support.simulated_dialogue import DIALECTS, Dialogue

JSON = {"Content-Type": "application/json"}
NEW = Dialogue("2026-07")
LONGEST_STEP = 0.3
"""Seconds of computing for which one pass of the event loop may keep others waiting."""


async def test_probes_of_the_process(tmp_path):
    async with running_federation(tmp_path, SimulatedSite(name="site")) as federation:
        for path, text in (("/livez", "ok\n"), ("/readyz", "ready\n")):
            response = await federation.get(path)
            assert (response.status, await response.text()) == (200, text)
        ping = await (await federation.get("/ping")).json()
        assert ping["status"] == "UP"
        assert re.match(r"\d+\.\d+", ping["version"])


async def test_a_store_that_can_not_be_written_is_not_ready_and_alive(tmp_path):
    file = tmp_path / "store.sqlite"
    # Closed after the service: a file that is closed takes the locks of all the
    # process's connections to it away.
    with ExitStack() as afterwards:
        async with running_federation(
            tmp_path, SimulatedSite(name="site"), settings={"store": sqlite_url(file)}
        ) as federation:

            async def readiness(status):
                async def as_told():
                    response = await federation.get("/readyz")
                    return response.status == status and await response.text()

                return await eventually(as_told)

            await readiness(200)
            connection = sqlite3.connect(
                file, isolation_level=None, timeout=30, check_same_thread=False
            )
            other = afterwards.enter_context(closing(connection))
            # In a thread, for the service has to go on to its transaction's end.
            await asyncio.to_thread(other.execute, "BEGIN EXCLUSIVE")
            assert (await readiness(503)).startswith("not ready: ")
            assert (await federation.get("/livez")).status == 200
            other.execute("ROLLBACK")
            await readiness(200)


async def test_the_first_scrape_has_every_site(tmp_path):
    sites = [
        SimulatedSite(name="well"),
        SimulatedSite(name="gone", down=True),
        SimulatedSite(name="closed", says_no="closed"),
    ]
    async with running_federation(tmp_path, *sites) as federation:
        for site in sites:
            value = await metric(federation, "metabroker_site_up", site=site.name)
            assert value in {0.0, 1.0}


async def test_a_site_that_fails_goes_down_in_metrics_and_answers(tmp_path):
    sites = [SimulatedSite(name="well"), SimulatedSite(name="gone", down=True)]
    async with running_federation(
        tmp_path, *sites, settings={"health": {"probes": False, "errors": 2}}
    ) as federation:
        for _ in range(3):
            response = await federation.post("/offersets", REFERENCE)
            assert response.status == 303
        assert await metric(federation, "metabroker_site_up", site="well") == 1.0
        assert await metric(federation, "metabroker_site_up", site="gone") == 0.0
        shown = (await (await federation.get("/federation/sites")).json())["sites"]
        gone = next(site for site in shown if site["name"] == "gone")
        assert gone["state"] != "up"
        assert "refused" in gone["last_error"]


async def test_routes_are_counted_by_their_pattern_and_unknown_ones_as_one(tmp_path):
    async with running_federation(tmp_path, SimulatedSite(name="site")) as federation:
        offer_set = await (await federation.post("/offersets", REFERENCE)).json()
        await federation.get(f"/offersets/{offer_set['uuid']}?secret=1")
        for path in ("/nothing", "/wp-admin.php", "/offersets/x/y/z"):
            await federation.get(path)
        scraped = await (await federation.get("/metrics")).text()
        assert 'route="/offersets/{uuid}"' in scraped
        assert 'route="unknown"' in scraped
        for strange in (offer_set["uuid"], "nothing", "wp-admin", "secret="):
            assert strange not in scraped


@asynccontextmanager
async def service_before(site, directory):
    """Run the service on a store in a file; give its configuration and itself."""
    broker = {"url": site.url, "dialect": site.site.dialect}
    path = configuration_files(
        directory,
        [{"name": site.name, "required": "always", "broker": broker}],
        {"store": sqlite_url(directory / "store.sqlite")},
    )
    async with running_service(load_configuration(path, {})) as service:
        yield path, service


async def test_a_shutdown_lets_requests_finish_and_a_restart_loses_nothing(tmp_path):
    slow = SimulatedSite(name="slow", dialect="2026-07", latency={"request": 0.4})
    body = json.dumps(NEW.request())
    async with aiohttp.ClientSession() as client, run(slow) as site:

        async def is_asked():
            return site.requests

        async with service_before(site, tmp_path) as (path, service):
            asking = asyncio.create_task(
                client.post(
                    service.url + "/requests",
                    data=body,
                    headers=JSON,
                    allow_redirects=False,
                )
            )
            await eventually(is_asked)
        response = await asking
        offer_set = await response.json()
        assert response.status == 303
        assert offer_set["result"] == "YES"
        uuid = NEW.uuid(offer_set["offers"][0])
        async with running_service(load_configuration(path, {})) as service:
            location = f"{service.url}/offersets/{NEW.uuid(offer_set)}"
            again = await (await client.get(location)).json()
            offers = [NEW.uuid(offer) for offer in again["offers"]]
            assert offers == [NEW.uuid(offer) for offer in offer_set["offers"]]
            answered = await client.post(
                f"{service.url}/sessions/{uuid}",
                data=json.dumps(NEW.update("ACCEPTED")),
                headers={**JSON, "Prefer": "handling=strict"},
            )
            assert answered.status == 200


async def longest_step(work):
    """Return the most seconds that this thread computed between two turns of ours."""
    task = asyncio.ensure_future(work)
    longest, before = 0.0, time.thread_time()
    while not task.done():
        await asyncio.sleep(0)
        now = time.thread_time()
        longest, before = max(longest, now - before), now
    return longest, task.result()


@pytest.fixture
async def large_federation(tmp_path):
    sites = [
        SimulatedSite(name=f"site-{number}", dialect=DIALECTS[number % 6])
        for number in range(10)
    ]
    async with running_federation(tmp_path, *sites) as running:
        yield running


async def test_forty_offers_in_yaml_do_not_hold_up_the_loop(large_federation):
    response = await large_federation.post("/offersets", REFERENCE)

    async def exchange():
        answer = await large_federation.post(
            "/offersets", REFERENCE, headers={"Accept": "application/yaml"}
        )
        return await answer.text()

    assert response.status == 303
    longest, text = await longest_step(exchange())
    assert longest < LONGEST_STEP
    offer_set = strict_yaml.load(text)
    path = f"/offersets/{offer_set['uuid']}/sites"
    sites = (await (await large_federation.get(path)).json())["sites"]
    assert [site["offers"] for site in sites] == [4] * 10
    assert len(offer_set["offers"]) >= 20


@pytest.mark.parametrize(
    "body",
    [
        "- a\n" * 60_000,
        "[" + "a," * 99_990 + "a]",
        "".join(f"k{number}: 1\n" for number in range(20_000)),
        "[" + "1," * 120_000 + "1]",
        "a: '" + "b" * 250_000 + "'",
    ],
    ids=["list", "flow", "mapping", "many", "text"],
)
async def test_large_bodies_do_not_hold_up_the_loop(large_federation, body):
    longest, response = await longest_step(large_federation.post("/requests", body))
    assert response.status in {400, 422}
    assert longest < LONGEST_STEP


@pytest.mark.parametrize(("data", "aside"), [(2, False), (300, True)])
async def test_only_large_sets_are_read_and_written_off_the_loop(
    tmp_path, monkeypatch, data, aside
):
    threads = {}

    def noting_threads(module, name):
        work = getattr(module, name)

        def noted(*given):
            threads.setdefault(name, set()).add(threading.current_thread())
            return work(*given)

        monkeypatch.setattr(module, name, noted)

    noting_threads(answers, "read_site_offer_set")
    noting_threads(offer_sets, "write_offer_set")
    request = strict_yaml.load(REFERENCE)
    first = request["data"][0]
    request["data"] = [
        {**first, "name": f"data-{n}", "skao": {**first["skao"], "objectname": str(n)}}
        for n in range(data)
    ]
    async with running_federation(tmp_path, SimulatedSite(name="site")) as federation:
        body = json.dumps({**request, "compute": None})
        response = await federation.post("/offersets", body, headers=JSON)
        offer_set = await response.json()
        shown = await (await federation.get(response.headers["Location"])).json()
    for document in (offer_set, shown):
        assert {len(offer["data"]) for offer in document["offers"]} == {data}
    main = threading.main_thread()
    assert {name: main not in on for name, on in threads.items()} == {
        "read_site_offer_set": aside,
        "write_offer_set": aside,
    }


async def test_nothing_remains_of_exchanges_that_went_wrong(tmp_path):
    async with (
        nothing_more(within=8.0),
        running_federation(
            tmp_path,
            SimulatedSite(name="well", dialect="2026-07"),
            SimulatedSite(name="slow", latency={"request": 5.0}),
            SimulatedSite(name="gone", down=True),
            settings={"store": sqlite_url(tmp_path / "store.sqlite")},
        ) as federation,
    ):
        federation.sites["well"].script("request", faults.reset())
        await federation.post("/offersets", REFERENCE)
        with pytest.raises(TimeoutError):
            await federation.post(
                "/offersets",
                REFERENCE,
                timeout=aiohttp.ClientTimeout(total=0.2),
            )
        await federation.post("/offersets", "a: [")


async def test_metrics_may_have_a_place_of_their_own(tmp_path, unused_tcp_port):
    settings = {"metrics": {"listen": f"127.0.0.1:{unused_tcp_port}"}}
    async with running_federation(
        tmp_path, SimulatedSite(name="jpsrc"), settings=settings
    ) as federation:
        elsewhere = await federation.get(f"http://127.0.0.1:{unused_tcp_port}/metrics")
        assert 'metabroker_site_up{site="jpsrc"}' in await elsewhere.text()
        assert (await federation.get("/metrics")).status == 404
