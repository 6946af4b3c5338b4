"""What we stand on gives way: catalogue, configuration, tokens, clock, other users."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aggregator import wiring
from aggregator.configuration.problems import ConfigurationError
from aggregator.configuration.watching import CurrentFederation
from aggregator.domain.phases import SessionPhase
from aggregator.domain.updates import phase_update
from site_adapters.simulated import SimulatedSite, faults
from tests.support.conversation import (
    JSON,
    REQUEST,
    accept,
    ask,
    eventually,
    metric,
    outcomes,
    read,
    see,
    update,
)
from tests.support.federation import InProcessFederation
from tests.support.issuer import (
    AUDIENCE,
    CLIENT,
    claims_of,
    new_key,
    running_issuer,
)
from tests.support.requests import a_request
from tests.support.running import (
    REFERENCE,
    configuration_files,
    running_federation,
)
from tests.support.virtual_time import virtual_time

SITE = SimulatedSite(name="here", offers=2)
ACCEPT = phase_update(SessionPhase.ACCEPTED)


class SilentCatalogue:
    """A replica catalogue that doesn't answer by the deadline that it is given."""

    async def locate(self, dids, deadline):
        loop = asyncio.get_running_loop()
        await asyncio.sleep(deadline - loop.time())
        return {}


class ReplaceableFederation(InProcessFederation):
    """A federation whose configuration can be replaced, as by a reload."""

    def __init__(self, **limits):
        super().__init__(**limits)
        self.snapshot = None

    def current(self):
        if self.snapshot is None:
            self.snapshot = CurrentFederation(super().current())
        return self.snapshot.current()

    def change(self, **members):
        self.snapshot.replace(replace(self.current(), **members))


WITH_DATA = a_request(
    data=[
        {
            "kind": "https://www.purl.org/ivoa.net/Calycopis-openapi/schema/v1.0/kinds/data/skao-data-resource.yaml",
            "meta": {"name": "visibilities"},
            "skao": {
                "namespace": "testing",
                "objectname": "unheard-of",
                "objecttype": "file",
                "datasize": 10**12,
            },
        }
    ]
)


@virtual_time
async def test_row_27_a_silent_catalogue_costs_its_own_limit_and_the_ranking_says_so():
    federation = ReplaceableFederation()
    federation.add("a", start=10)
    federation.add("b", start=900)
    async with federation.running():
        federation.current()
        federation.change(catalogue=SilentCatalogue())
        loop = asyncio.get_running_loop()
        began = loop.time()
        offer_set = await federation.ask(WITH_DATA)
        assert loop.time() - began == pytest.approx(2)
    assert [offer.site for offer in offer_set.offers] == ["a", "b"]
    estimates = [one["estimate"] for one in offer_set.ranking["offers"]]
    assert {estimate["confidence"] for estimate in estimates} == {"low"}


async def test_row_27_a_replica_at_a_storage_element_of_no_site_degrades_the_estimate(
    tmp_path,
):
    """The catalogue of this federation names JPSRC_STORM and SPSRC_STORM."""
    elsewhere = replace(SITE, rses=("UNKNOWN_STORM",))
    async with running_federation(tmp_path, elsewhere) as federation:
        heard = await federation.post("/offersets", REFERENCE)
        offer_set = await heard.json()
        assert offer_set["result"] == "YES"
        path = f"/offersets/{offer_set['uuid']}/ranking"
        offers = (await read(federation, path)).document["offers"]
        assert {one["estimate"]["confidence"] for one in offers} == {"low"}


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("apiVersion: metabroker.srcnet/v1\nkind: Rank", "2:7"),
        ("apiVersion: metabroker.srcnet/v1\nkind: [", ""),
        ("", "1:1"),
    ],
    ids=["wrong", "half written", "empty"],
)
def test_row_29_a_broken_policy_is_refused_with_its_place(tmp_path, text, place):
    """At the start; what a reload does with one is in the tests of reloading."""
    policy = tmp_path / "policy.yaml"
    policy.write_text(text)
    sites = [{"name": "here", "broker": {"url": "http://127.0.0.1:9"}}]
    path = configuration_files(tmp_path, sites, {"ranking": [str(policy)]})
    with pytest.raises(ConfigurationError) as caught:
        wiring.load_configuration(path, {})
    assert any(f"policy.yaml:{place}" in str(p) for p in caught.value.problems)


def test_row_29_a_policy_that_is_gone_is_refused(tmp_path):
    sites = [{"name": "here", "broker": {"url": "http://127.0.0.1:9"}}]
    gone = {"ranking": [str(tmp_path / "gone.yaml")]}
    path = configuration_files(tmp_path, sites, gone)
    with pytest.raises(ConfigurationError, match=r"gone\.yaml"):
        wiring.load_configuration(path, {})


@virtual_time
async def test_row_30_requests_in_flight_finish_and_removed_sites_keep_their_sessions():
    federation = ReplaceableFederation()
    federation.add("stays", delay=0.1)
    federation.add("goes", delay=3)
    async with federation.running():
        asking = asyncio.create_task(federation.ask(wait=5.0))
        await asyncio.sleep(1)
        sites = federation.current().sites
        federation.change(sites={"stays": sites["stays"]})
        offer_set = await asking
        assert {offer.site for offer in offer_set.offers} == {"stays", "goes"}

        after = await federation.ask()
        assert {answer.site for answer in after.answers} == {"stays"}

        (session,) = (o.session for o in offer_set.offers if o.site == "goes")
        view = await federation.updating.update(session, ACCEPT, federation.caller())
        assert view.phase is SessionPhase.ACCEPTED
        federation.brokers["goes"].phases[session] = SessionPhase.RUNNING
        seen = await federation.sessions.get(session, federation.caller())
        assert seen.phase is SessionPhase.RUNNING


TOKEN = "Bearer of-short-life"
RELAYING = {"here": {"broker": {"credentials": "relay"}}}
QUICK = {"releases": {"interval": 0.05, "first_pause": 0.05, "longest_pause": 0.1}}


async def test_row_31_a_token_that_expires_mid_fan_out_is_that_sites_affair(tmp_path):
    other = SimulatedSite(name="open")
    async with running_federation(
        tmp_path, SITE, other, entries=RELAYING
    ) as federation:
        expiring = replace(faults.error(401), delay=0.2)
        federation.sites["here"].script("request", expiring)
        heard = await ask(federation, Authorization=TOKEN)
        assert heard.status == 303
        assert await outcomes(federation, heard.uuid) == {
            "here": "unauthorized",
            "open": "ok",
        }
        sent = federation.sites["open"].requests[-1].headers
        assert "authorization" not in sent


async def test_row_31_a_release_is_tried_again_after_a_401(tmp_path):
    other = SimulatedSite(name="open", first_start=1, preparing=1)
    async with running_federation(
        tmp_path, SITE, other, entries=RELAYING, settings=QUICK
    ) as federation:
        here = federation.sites["here"]
        heard = await ask(federation, Authorization=TOKEN)
        here.script("update", faults.error(401), times=3)
        chosen = next(s for s in heard.sessions if s not in here.sessions)
        assert (await accept(federation, chosen)).status == 200

        async def released():
            return not here.open_reservations()

        await eventually(released)
        releases = [c for c in here.requests if c.path.startswith("/sessions/")]
        assert len(releases) == 5
        retried = await metric(
            federation, "metabroker_loser_releases_total", outcome="retried"
        )
        assert retried == 3


def exchanging(**broker):
    given = {"credentials": "exchange", "token_issuer": "iam", "audience": "here"}
    return {"here": {"broker": given | broker}}


async def test_row_31_a_token_of_ours_is_renewed_before_it_expires(tmp_path):
    async with running_issuer() as issuer:
        issuer.lifetime = 2
        async with running_federation(
            tmp_path,
            SITE,
            entries=exchanging(),
            issuers={"iam": issuer.entry(tmp_path)},
        ) as federation:
            ana = issuer.bearer("ana")
            for pause in (0, 0, 1.2):
                await asyncio.sleep(pause)
                assert (await ask(federation, **ana)).status == 303
            calls = federation.sites["here"].requests
            first, second, third = (call.headers["authorization"] for call in calls)
            assert first == second != third
            assert len(issuer.asked) == 2


async def test_row_31_a_token_of_ours_that_is_refused_is_renewed_for_an_acceptance(
    tmp_path,
):
    async with (
        running_issuer() as issuer,
        running_federation(
            tmp_path,
            SITE,
            entries=exchanging(),
            issuers={"iam": issuer.entry(tmp_path)},
        ) as federation,
    ):
        ana = issuer.bearer("ana")
        heard = await ask(federation, **ana)
        here = federation.sites["here"]
        here.script("update", faults.error(401))
        heard = await accept(federation, heard.sessions[0], **ana)
        assert (heard.status, heard.phase) == (200, "ACCEPTED")
        assert len(here.accepted) == 1
        assert len(issuer.issued) == 2


async def test_row_31_a_slow_issuer_costs_its_time_and_the_offers_of_its_sites(
    tmp_path,
):
    async with running_issuer() as issuer:
        issuer.delay = 30
        async with running_federation(
            tmp_path,
            SITE,
            SimulatedSite(name="open"),
            entries=exchanging(),
            settings={"fan_out": {"deadline": 20.0}},
            issuers={"iam": issuer.entry(tmp_path, timeout=0.5)},
        ) as federation:
            heard = await ask(federation, **issuer.bearer("ana"))
            assert heard.status == 303
            assert heard.seconds < 10
            assert await outcomes(federation, heard.uuid) == {
                "here": "no_token",
                "open": "ok",
            }
            assert "the token issuer iam: it didn't answer in time" in str(heard)
            calls = federation.sites["here"].requests
            assert [call.path for call in calls] == []


async def test_row_31_a_release_goes_on_as_the_service_when_the_users_token_ends(
    tmp_path,
):
    async with running_issuer() as issuer:
        issuer.lifetime = 0
        administrators = (f"{issuer.url} {CLIENT}",)
        async with running_federation(
            tmp_path,
            replace(SITE, administrators=administrators),
            SimulatedSite(name="open", first_start=1, preparing=1),
            entries=exchanging(release_credentials="client_credentials"),
            settings=QUICK,
            issuers={"iam": issuer.entry(tmp_path)},
        ) as federation:
            here = federation.sites["here"]
            ana = issuer.bearer("ana")
            heard = await ask(federation, **ana)
            issuer.keys = [new_key("another")]
            chosen = next(s for s in heard.sessions if s not in here.sessions)
            assert (await accept(federation, chosen, **ana)).status == 200

            async def released():
                return not here.open_reservations()

            await eventually(released)
            said = [
                claims_of(call.headers["authorization"])["sub"]
                for call in here.requests
            ]
            assert said == ["ana", CLIENT, CLIENT]


async def test_row_32_who_guesses_the_ids_of_others_finds_nothing(tmp_path):
    async with running_issuer() as issuer:
        auth = {"mode": "required", "issuer": issuer.url, "audience": AUDIENCE}
        async with running_federation(
            tmp_path, SITE, settings={"auth": auth}
        ) as federation:
            ana, bob = issuer.bearer("ana"), issuer.bearer("bob")
            answer = await federation.post("/requests", REQUEST, headers=JSON | ana)
            offer_set = await answer.json()
            uuid = offer_set["meta"]["uuid"]
            session = offer_set["offers"][0]["meta"]["uuid"]
            paths = (
                f"/offersets/{uuid}",
                f"/offersets/{uuid}/sites",
                f"/offersets/{uuid}/ranking",
                f"/sessions/{session}",
            )
            for path in paths:
                assert (await read(federation, path, **ana)).status == 200
                assert (await read(federation, path, **bob)).status == 404
            for phase in ("ACCEPTED", "REJECTED", "CANCELLED"):
                assert (await update(federation, session, phase, **bob)).status == 404
            assert federation.sites["here"].accepted == ()
            assert (await update(federation, session, "ACCEPTED", **ana)).status == 200
            async with await federation.get("/metrics") as metrics:
                text = await metrics.text()
            assert not any(part in text for part in (uuid, session, "ana", "bob"))


async def test_row_38_a_jump_of_the_clock_moves_no_deadline(tmp_path, monkeypatch):
    class JumpingClock:
        ahead = timedelta(0)

        def now(self):
            return datetime.now(UTC) + self.ahead

    monkeypatch.setattr(wiring, "WallClock", JumpingClock)
    slow = SimulatedSite(name="slow", latency={"request": 30})
    limits = {"deadline": 0.6, "shortest_wait": 0.1, "late_answers": 0.4}
    async with running_federation(
        tmp_path, SITE, slow, settings={"fan_out": limits}
    ) as federation:
        for hours in (-1, 1):
            asking = asyncio.create_task(ask(federation))
            await asyncio.sleep(0.2)
            JumpingClock.ahead += timedelta(hours=hours)
            heard = await asking
            assert 0.5 < heard.seconds < 1.8
            assert heard.status in {303, 503}
        JumpingClock.ahead = timedelta(0)
        heard = await ask(federation)
        assert (await accept(federation, heard.sessions[0])).status == 200
        JumpingClock.ahead = timedelta(hours=-1)
        assert (await see(federation, heard.sessions[0])).phase == "ACCEPTED"
