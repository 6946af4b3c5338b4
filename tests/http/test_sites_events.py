"""How the sites are, told as it changes."""

import asyncio
import json
import time

import aiohttp
import pytest

from aggregator.http.handlers import ui
from site_adapters.simulated import SimulatedSite
from tests.support.conversation import read, site_reports
from tests.support.many_sites import many_sites
from tests.support.running import REFERENCE, running_federation

SETTINGS = {
    "health": {"probes": True, "interval": 0.1, "down_after": 1, "up_after": 1},
    "following": {"interval": 0.02},
}


@pytest.fixture
async def federation(tmp_path):
    async with (
        many_sites() as sites,
        running_federation(
            tmp_path,
            SimulatedSite(name="jpsrc"),
            settings=SETTINGS,
            elsewhere=sites.urls("chsrc"),
        ) as running,
    ):
        running.extra["many"] = sites
        yield running


async def events(response):
    """Yield the events of a stream as ``(name, document)``."""
    name = ""
    async for line in response.content:
        key, _, value = line.decode().strip().partition(": ")
        if key == "event":
            name = value
        elif key == "data":
            yield name, json.loads(value)


async def until(stream, found):
    async with asyncio.timeout(20):
        async for name, document in stream:
            if found(document):
                return name, document
    raise AssertionError("the stream ended")


async def test_all_sites_come_at_once_and_then_those_that_change(federation):
    response = await federation.get("/federation/sites/events")
    assert response.content_type == "text/event-stream"
    stream = events(response)
    name, document = await anext(stream)
    assert name == "sites"
    assert [site["name"] for site in document["sites"]] == ["jpsrc", "chsrc"]
    federation.extra["many"].statuses["chsrc"] = 503

    def is_down(document):
        return any(
            (site["name"], site["state"]) == ("chsrc", "down")
            for site in document["sites"]
        )

    _, document = await until(stream, is_down)
    [site] = [one for one in document["sites"] if one["name"] == "chsrc"]
    assert site == {**(await site_reports(federation))["chsrc"], **site}
    response.close()


async def test_nothing_is_told_where_nothing_changes(tmp_path):
    settings = {"following": {"interval": 0.02, "longest_stream": 0.5}}
    async with running_federation(
        tmp_path, SimulatedSite(name="jpsrc"), settings=settings
    ) as still:
        response = await still.get("/federation/sites/events")
        told = [name async for name, _ in events(response)]
    assert told == ["sites", "end"]


async def test_a_stop_does_not_wait_for_those_who_follow(tmp_path):
    async with aiohttp.ClientSession() as follower:
        async with running_federation(tmp_path, SimulatedSite(name="jpsrc")) as running:
            response = await follower.get(running.url + "/federation/sites/events")
            await anext(events(response))
            began = time.monotonic()
        assert time.monotonic() - began < 5
        assert b"end" not in await response.content.read()


async def test_what_a_site_did_is_counted_and_timed(federation):
    offer_set = await (await federation.post("/requests", REFERENCE)).json()
    session = offer_set["offers"][0]["uuid"]
    body = {"kind": "uri:enum-value-update", "path": "/phase", "value": "ACCEPTED"}
    await federation.client.post(f"{federation.url}/sessions/{session}", json=body)
    await federation.post("/requests", REFERENCE)
    page = await (await federation.get("/ui/sites")).text()
    assert "<strong>8</strong> made, <strong>1</strong> taken (12%)" in page
    site = (await site_reports(federation))["jpsrc"]
    assert (site["offers_24h"], site["wins_24h"], site["open_reservations"]) == (
        *(8, 1, 4),
    )
    latency = site["request_latency"]
    assert len(latency["recent"]) == 2
    assert 0 < latency["p50"] <= latency["p95"]
    assert site["probe_latency"]["p50"] > 0
    assert site["dialect_spoken"] == "2025-11"


async def test_a_failed_call_has_no_duration(federation):
    for _ in range(2):
        await federation.post("/requests", REFERENCE)
    site = (await site_reports(federation))["chsrc"]
    assert site["request_latency"] == {
        "p50": None,
        "p95": None,
        "recent": [None, None],
    }
    assert (site["last_error_code"], site["consecutive_errors"]) == ("misconfigured", 2)


async def test_a_page_may_run_only_what_is_ours(federation):
    response = await federation.get("/ui/sites")
    policy = response.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    text = await response.text()
    assert "style=" not in text
    assert "<style" not in text
    assert text.count("<script") == 1
    assert "://" not in text.replace(federation.url, "").replace(
        federation.extra["many"].url, ""
    ).replace(federation.sites["jpsrc"].url, "")


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("page", ["/ui/sites", "/"])
async def test_what_a_page_needs_is_there_whatever_its_path_looks_like(
    federation, page, slash
):
    response = await federation.get(page + slash, headers={"Accept": "text/html"})
    text = await response.text()
    needed = [part.split('"')[0] for part in text.split('href="')[1:]]
    needed += [part.split('"')[0] for part in text.split('src="')[1:]]
    assert any(one.endswith("/icon.svg") for one in needed)
    for one in needed:
        found = await federation.get(str(response.url.join(type(response.url)(one))))
        assert found.status == 200, one


async def test_assets_are_sent_once(federation):
    first = await federation.get("/ui/static/sites.js")
    assert first.content_type == "text/javascript"
    tag = first.headers["ETag"]
    again = await federation.get("/ui/static/sites.js", headers={"If-None-Match": tag})
    assert (again.status, await again.read()) == (304, b"")
    assert (await federation.get("/ui/static/page.css")).status == 404
    assert (await federation.get("/ui/static/..%2fsites.js")).status == 404


async def test_the_first_page_is_for_people_and_for_machines(federation):
    heard = await read(federation, "/")
    assert heard.document["sites_configured"] == 2
    assert heard.document["links"] == {
        link.title: federation.url + link.path for link in ui.LINKS
    }
    page = await federation.get("/", headers={"Accept": "text/html,*/*;q=0.8"})
    assert page.content_type == "text/html"
    assert "in front of 2 sites" in await page.text()
