"""What sites answer with other statuses, and where they send us."""

import json

import pytest

from site_adapters.simulated import SimulatedSite, faults
from tests.support.conversation import ask, outcomes, read, site_reports
from tests.support.raw_site import answers, http, raw_site
from tests.support.running import running_federation
from tests.support.site_answers import DIALECT, offer_set

GOOD = SimulatedSite(name="good")
BAD = SimulatedSite(name="bad")
SPOKEN = {"broker": {"dialect": DIALECT}}
TOKEN = "Bearer not-for-others"


def submissions(site):
    return [call for call in site.requests if call.method == "POST"]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (500, "error_5xx"),
        (502, "error_5xx"),
        (503, "error_5xx"),
        (504, "error_5xx"),
        (429, "throttled"),
    ],
)
async def test_row_07_a_failing_site_is_named_and_not_asked_again(
    tmp_path, status, outcome
):
    async with running_federation(tmp_path, GOOD, BAD) as federation:
        bad = federation.sites["bad"]
        bad.script("request", faults.error(status, {"Retry-After": "7"}))
        heard = await ask(federation)
        assert heard.status == 303
        assert len(heard.sessions) == 4
        assert await outcomes(federation, heard.uuid) == {"good": "ok", "bad": outcome}
        assert len(submissions(bad)) == 1
        faulty = (await site_reports(federation))["bad"]["consecutive_errors"]
        assert faulty == (0 if outcome == "throttled" else 1)


async def test_row_07_clients_are_told_the_shortest_wait_that_sites_asked_for(tmp_path):
    async with running_federation(tmp_path, GOOD, BAD) as federation:
        for name, wait in (("good", "30"), ("bad", "12")):
            fault = faults.error(503, {"Retry-After": wait})
            federation.sites[name].script("request", fault)
        heard = await ask(federation)
        assert heard.status == 503
        assert heard.document["type"].endswith(":sites-unavailable")
        assert heard.headers["Retry-After"] == "12"


@pytest.mark.parametrize(
    ("status", "outcome"), [(401, "unauthorized"), (403, "forbidden")]
)
async def test_row_08_one_site_that_wants_credentials_is_not_our_401(
    tmp_path, status, outcome
):
    async with running_federation(tmp_path, GOOD, BAD) as federation:
        federation.sites["bad"].script("request", faults.error(status), times=None)
        for _ in range(12):
            heard = await ask(federation)
            assert heard.status == 303
            assert len(heard.sessions) == 4
        assert await outcomes(federation, heard.uuid) == {"good": "ok", "bad": outcome}
        report = (await site_reports(federation))["bad"]
        assert (report["state"], report["ejections"]) == ("up", 0)


async def test_row_08_beside_a_no_it_counts_as_not_answered(tmp_path):
    refusing = SimulatedSite(name="good", says_no="not today")
    async with running_federation(tmp_path, refusing, BAD) as federation:
        federation.sites["bad"].script("request", faults.error(401))
        heard = await ask(federation)
        assert heard.status == 503
        federation.sites["good"].script("request", faults.error(401))
        federation.sites["bad"].script("request", faults.error(401))
        assert (await ask(federation)).status == 401


@pytest.fixture
async def document():
    return json.dumps(await offer_set()).encode()


@pytest.mark.parametrize("absolute", [True, False])
async def test_row_09_a_redirect_within_the_site_is_followed(
    tmp_path, document, absolute
):
    there = "/offersets/11111111-1111-4111-8111-111111111111"
    steps = []

    async def script(writer):
        steps.append(1)
        if len(steps) == 1:
            location = site.url + there if absolute else there
            writer.write(http(303, content_type="", Location=location))
        else:
            writer.write(http(200, document))

    async with (
        raw_site(script) as site,
        running_federation(
            tmp_path, elsewhere={"moved": site.url}, entries={"moved": SPOKEN}
        ) as federation,
    ):
        heard = await ask(federation)
        assert len(heard.sessions) == 2
        first, second = site.requests
        assert first.startswith(b"POST /requests ")
        assert second.startswith(f"GET {there} ".encode())


async def test_row_09_nothing_is_sent_to_another_host(tmp_path):
    relaying = {"broker": {"dialect": DIALECT, "credentials": "relay"}}
    async with raw_site(answers(http(200, b"{}"))) as other:
        away = http(307, content_type="", Location=other.url + "/requests")
        seen = http(303, content_type="", Location=other.url + "/offersets/1")
        for answer in (away, seen):
            async with (
                raw_site(answers(answer)) as site,
                running_federation(
                    tmp_path,
                    GOOD,
                    elsewhere={"bad": site.url},
                    entries={"bad": relaying},
                ) as federation,
            ):
                heard = await ask(federation, Authorization=TOKEN)
                assert len(heard.sessions) == 4
                outcome = (await outcomes(federation, heard.uuid))["bad"]
                assert outcome in {"bad_payload", "misconfigured"}
                assert TOKEN.encode() in site.requests[0]
        assert other.connections == 0


async def test_row_09_a_loop_of_redirects_ends(tmp_path):
    async def circle(writer):
        writer.write(http(303, content_type="", Location="/offersets/round"))

    async with (
        raw_site(circle) as site,
        running_federation(
            tmp_path, GOOD, elsewhere={"bad": site.url}, entries={"bad": SPOKEN}
        ) as federation,
    ):
        heard = await ask(federation)
        assert len(heard.sessions) == 4
        sites = (await read(federation, f"/offersets/{heard.uuid}/sites")).document
        detail = {site["site"]: site["detail"] for site in sites["sites"]}
        assert detail["bad"] == "it redirects again and again"
        assert len(site.requests) == 6
