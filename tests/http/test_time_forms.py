"""What every form of a time becomes: of a request's schedule, and of a site's offer."""

import json
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from site_adapters.simulated import SimulatedSite
from site_adapters.simulated.faults import rewritten
from tests.support.problems import fault_of
from tests.support.requests import KINDS
from tests.support.running import running_federation

pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON = {"Content-Type": "application/json"}
NOON = datetime(2035, 7, 1, 12, tzinfo=UTC)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def federation(tmp_path_factory):
    async with running_federation(
        tmp_path_factory.mktemp("federation"),
        SimulatedSite(name="site", dialect="2026-07", offers=1),
    ) as running:
        yield running


async def request(federation, **requested):
    document = {
        "executable": {
            "kind": f"{KINDS}/executable/docker-container.yaml",
            "image": {"locations": ["registry.example/tool:1"], "digest": "sha256:00"},
        },
        "schedule": {"requested": requested},
    }
    return await federation.post("/requests", json.dumps(document), headers=JSON)


def sent(federation):
    body = federation.sites["site"].requests[-1].body
    return json.loads(body)["schedule"]["requested"]


@pytest.mark.parametrize(
    "start",
    [
        "2035-07-01T12:00:00Z/2035-07-02T12:00:00Z",
        "2035-07-01T12:00:00Z/PT1H",
        "2035-07-01T12:00:00Z/P1Y2M",
        "PT1H/2035-07-01T12:00:00Z",
        "P1M/2035-07-01T12:00:00+02:00",
        "2035-07-01/2035-07-02",
        "2035-07-01/P1D",
        "2035-07-01T12:00:00Z",
        "2035-07-01T12:00:00.123456789Z/PT0S",
        "2035-07-01T12:00:00/PT1H",
        "2035-07-01T12:00:00+00:00/PT1H",
        "2035-07-01T12:00:00-00:00/PT1H",
        "2035-07-01T12:00:00+05:45/PT1H",
        "2035-07-01T12:00:00+0545/PT1H",
        "2035-07-01T12:00:00-12/PT1H",
        "20350701T120000Z/PT1H",
        "2035-07-01T12:00Z/PT1H",
    ],
)
async def test_a_start_that_can_be_asked_for_reaches_the_site_as_it_is(
    federation, start
):
    response = await request(federation, duration="PT10M", start=start)
    assert response.status == 303, await response.text()
    assert sent(federation)["start"] == start


@pytest.mark.parametrize(
    ("start", "words"),
    [
        ("PT1H", "names no date"),
        ("P1M", "names no date"),
        ("tomorrow", "instant"),
        ("", "instant"),
        ("2035-07-01T12:00:00Z/", "instant"),
        ("/2035-07-01T12:00:00Z", "instant"),
        ("PT1H/PT1H", "instant"),
        ("2035-07-02T12:00:00Z/2035-07-01T12:00:00Z", "ends before it starts"),
        ("2035-13-01T12:00:00Z/PT1H", "instant"),
        ("2035-07-01T25:00:00Z/PT1H", "instant"),
        ("2035-07-01T12:00:00+25:00/PT1H", "instant"),
        ("2035-07-01T12:00:00Z/PT1H/PT1H", "duration"),
        ("2035-07-01T12:00:00Z/P", "duration"),
        ("9999-12-31T12:00:00Z/P1Y", "out of range"),
        ("2035-07-01T12:00:00Z/P999999999D", "beyond the calendar"),
        ("P1Y/0001-01-01T00:00:00Z", "year"),
        ("R5/2035-07-01T12:00:00Z/PT1H", "instant"),
        (1751371200, "must be a text"),
        ([5], "must be a text"),
    ],
)
async def test_a_start_that_can_not_be_asked_for(federation, start, words):
    fault = await fault_of(await request(federation, start=start), 422)
    assert fault["pointer"] == "/schedule/requested/start"
    assert words in fault["detail"]


async def test_of_several_starts_the_first_is_asked_of_sites_that_take_one(federation):
    starts = ["2035-07-01T12:00:00Z/PT1H", "2035-07-02T12:00:00Z/PT1H"]
    response = await request(federation, duration="PT10M", start=starts)
    assert response.status == 303, await response.text()
    assert sent(federation)["start"] == starts[0]


@pytest.mark.parametrize(
    "duration",
    ["PT10M", "PT0.5S", "PT1,5S", "P1W", "P1D", "P1Y", "P1Y2M3DT4H5M6S", "+PT1H"],
)
async def test_a_duration_that_can_be_asked_for_reaches_the_site(federation, duration):
    response = await request(federation, duration=duration)
    assert response.status == 303, await response.text()
    assert sent(federation)["duration"] == duration


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        ("P", "duration"),
        ("PT", "duration"),
        ("P1DT", "duration"),
        ("10M", "duration"),
        ("10 minutes", "duration"),
        ("PT-1M", "duration"),
        ("P1.5Y", "duration"),
        ("", "duration"),
        ("PT" + "9" * 400 + "S", "PT9999"),
        ("PT0S", "longer than nothing"),
        ("-PT1H", "longer than nothing"),
        (600, "must be a text"),
    ],
)
async def test_a_duration_that_can_not_be_asked_for(federation, duration, words):
    fault = await fault_of(await request(federation, duration=duration), 422)
    assert fault["pointer"] == "/schedule/requested/duration"
    assert words in fault["detail"]


async def offered(federation, **available):
    """Return the one offer whose compute is available at these times, and its rank."""

    def rewrite(document, _):
        for offer in document["offers"]:
            schedule = offer["compute"]["schedule"]
            schedule["available"] = {**schedule["available"], **available}
        return document

    federation.sites["site"].script("request", rewritten(rewrite))
    response = await request(federation, duration="PT10M")
    assert response.status == 303, await response.text()
    offer_set = await response.json()
    path = f"/offersets/{offer_set['meta']['uuid']}/ranking"
    ranking = await (await federation.get(path)).json()
    return offer_set["offers"][0], ranking


@pytest.mark.parametrize(
    "start",
    [
        "2035-07-01T12:00:00Z/PT0S",
        "2035-07-01T11:50:00Z/PT10M",
        "2035-07-01T11:00:00Z/2035-07-01T12:00:00Z",
        "PT1H/2035-07-01T12:00:00Z",
        "2035-06-01T12:00:00Z/P1M",
        "2035-07-01T12:00:00+00:00/PT0S",
        "2035-07-01T14:00:00+02:00/PT0S",
        "2035-07-01T06:15:00-05:45/PT0S",
        "2035-07-01T12:00:00/PT0S",
        "2035-07-01T12:00:00.000000000Z/PT0S",
        "2035-07-01T14:00:00+0200/PT0S",
        "2035-07-01T14:00:00+02/PT0S",
        "2035-07-01T12:00:00Z",
    ],
)
async def test_the_latest_start_that_a_site_promises_counts_in_every_form(
    federation, start
):
    _, ranking = await offered(federation, start=start)
    estimate = ranking["offers"][0]["estimate"]
    moment = datetime.fromisoformat(ranking["moment"])
    expected = (NOON - moment).total_seconds()
    assert estimate["start_known"]
    assert estimate["offered_start_s"] == pytest.approx(expected, abs=0.001)


@pytest.mark.parametrize(
    ("start", "shown"),
    [
        ("2035-07-01T14:00:00+02:00/PT0S", "2035-07-01T14:00:00+02:00/PT0S"),
        ("2035-07-01T12:00:00/PT0S", "2035-07-01T12:00:00/PT0S"),
        ("PT1H/2035-07-01T13:00:00Z", "PT1H/2035-07-01T13:00:00Z"),
        ("2035-07-01T12:00:00Z", "2035-07-01T12:00:00Z/PT0S"),
        ("2035-07-01T14:00:00+0200/PT0S", None),
        ("some day", None),
        ("2035-07-01T12:00:00Z/PT0S/PT0S", None),
        (5, None),
    ],
)
async def test_a_sites_start_is_shown_where_strict_clients_can_read_it(
    federation, start, shown
):
    offer, _ = await offered(federation, start=start)
    assert offer["compute"]["schedule"]["available"].get("start") == shown


@pytest.mark.parametrize(
    "start", ["1970-01-01T00:00:01Z/PT0S", "1970-01-01T01:00:00+01:00", "soon", None]
)
async def test_a_start_that_a_site_does_not_know_is_unknown(federation, start):
    _, ranking = await offered(federation, start=start)
    assert not ranking["offers"][0]["estimate"]["start_known"]
