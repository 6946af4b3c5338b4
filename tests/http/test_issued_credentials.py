"""Sites get tokens that are issued for them, and nobody else gets to see these."""

import asyncio
import json
from collections import deque
from contextlib import asynccontextmanager

import pytest

from aggregator import strict_yaml
from aggregator.store.sql_store import sqlite_url
from site_adapters.simulated import SimulatedSite, faults, run
from tests.support.conversation import (
    JSON,
    REQUEST,
    accept,
    ask,
    eventually,
    metric,
    outcomes,
    read,
    update,
)
from tests.support.issuer import AUDIENCE, CLIENT, claims_of, running_issuer
from tests.support.problems import problem_of
from tests.support.running import running_federation
from tests.support.secrecy import recorded_logs

logs = pytest.fixture(recorded_logs)


def issued(mode, **broker):
    return {
        "broker": {
            "credentials": mode,
            "token_issuer": "iam",
            "audience": f"audience-of-{mode}",
            **broker,
        }
    }


EXCHANGE = issued("exchange", release_credentials="none")
OWN = issued("client_credentials")
WATCHED = {"reload": {"interval": 0.2, "settle": 0.02}}


def site(name, **what):
    given = {"offers": 1, "requires_authorization": True, **what}
    return SimulatedSite(name=name, dialect="2026-07", **given)


@pytest.fixture
async def issuer():
    async with running_issuer() as running:
        yield running


@asynccontextmanager
async def federated(
    directory, issuer, *sites, entries, settings=None, elsewhere=None, **iam
):
    async with running_federation(
        directory,
        *sites,
        entries=entries,
        settings=settings,
        elsewhere=elsewhere,
        issuers={"iam": issuer.entry(directory, **iam)},
    ) as federation:
        yield federation


def shown_to(site):
    return [call.headers.get("authorization") for call in site.requests]


def reason_of(heard, site):
    [message] = [
        m for m in heard.document["meta"]["messages"] if m["values"].get("site") == site
    ]
    return message["values"]["detail"]


async def test_each_site_is_shown_its_own_token_of_the_user_or_the_service(
    tmp_path, issuer
):
    entries = {"exchanging": EXCHANGE, "knowing": OWN}
    sites = [site("exchanging"), site("knowing"), SimulatedSite(name="open", offers=1)]
    async with federated(tmp_path, issuer, *sites, entries=entries) as federation:
        ana = issuer.bearer("ana")
        heard = await ask(federation, **ana)
        assert len(heard.sessions) == 3
        for session in heard.sessions:
            await read(federation, f"/sessions/{session}", **ana)
        exchanging, knowing = (federation.sites[name] for name in entries)
        [exchanged] = set(shown_to(exchanging))
        [own] = set(shown_to(knowing))
        assert exchanged != ana["Authorization"]
        claims = claims_of(exchanged)
        assert (claims["sub"], claims["aud"]) == ("ana", "audience-of-exchange")
        claims = claims_of(own)
        assert claims["sub"] == CLIENT
        assert claims["aud"] == "audience-of-client_credentials"
        assert set(shown_to(federation.sites["open"])) == {None}
        assert sorted(issuer.grants) == ["client_credentials", "token-exchange"]


async def test_many_requests_at_once_ask_for_one_token(tmp_path, issuer):
    issuer.delay = 0.2
    async with federated(
        tmp_path, issuer, site("here"), entries={"here": EXCHANGE}
    ) as federation:
        ana = issuer.bearer("ana")
        heard = await asyncio.gather(*(ask(federation, **ana) for _ in range(8)))
        assert {one.status for one in heard} == {303}
        assert len(issuer.asked) == 1
        tokens = {"grant": "exchange", "outcome": "ok"}
        assert (
            await metric(federation, "metabroker_token_requests_total", **tokens) == 1
        )


@pytest.mark.parametrize("mode", ["exchange", "client_credentials"])
async def test_the_dialect_of_a_site_is_found_out_with_its_token(
    tmp_path, issuer, mode
):
    entries = {"here": issued(mode, dialect="auto")}
    async with federated(tmp_path, issuer, site("here"), entries=entries) as federation:
        heard = await ask(federation, **issuer.bearer("ana"))
        assert (heard.status, len(heard.sessions)) == (303, 1)
        assert len(issuer.asked) == 1


async def test_a_user_without_a_token_is_shown_as_nobody(tmp_path, issuer):
    async with federated(
        tmp_path, issuer, site("here"), entries={"here": EXCHANGE}
    ) as federation:
        answer = await federation.post("/requests", REQUEST, headers=JSON)
        await problem_of(answer, 401)
        assert issuer.asked == []
        assert shown_to(federation.sites["here"]) == [None]


async def test_a_token_that_the_issuer_refuses_is_the_users_affair(tmp_path, issuer):
    async with federated(
        tmp_path, issuer, site("here"), entries={"here": EXCHANGE}
    ) as federation:
        expired = issuer.bearer("ana", exp=1)
        answer = await federation.post("/requests", REQUEST, headers=JSON | expired)
        problem = await problem_of(answer, 401)
        [report] = problem["sites"]
        assert report["outcome"] == "unauthorized"
        assert shown_to(federation.sites["here"]) == []
        state = await metric(federation, "metabroker_site_ejections_total", site="here")
        assert not state


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"delay": 30}, "it didn't answer in time"),
        ({"script": deque([(500, {})] * 9)}, "it answered 500"),
        ({"script": deque([(200, {})] * 9)}, "its answer has no token to be used"),
        ({"clients": {}}, "it refused: invalid_client"),
    ],
)
async def test_an_issuer_that_fails_costs_the_offers_of_its_sites_alone(
    tmp_path, issuer, fault, reason
):
    for name, value in fault.items():
        setattr(issuer, name, value)
    entries = {"exchanging": EXCHANGE, "knowing": OWN}
    sites = [site("exchanging"), site("knowing"), SimulatedSite(name="open", offers=1)]
    async with federated(
        tmp_path, issuer, *sites, entries=entries, timeout=0.3
    ) as federation:
        heard = await ask(federation, **issuer.bearer("ana"))
        assert heard.status == 303
        assert await outcomes(federation, heard.uuid) == {
            "exchanging": "no_token",
            "knowing": "no_token",
            "open": "ok",
        }
        for name in entries:
            assert shown_to(federation.sites[name]) == []
            said = f"of the token issuer iam: {reason}"
            assert reason_of(heard, name) == said
            calls = {"site": name, "op": "request", "outcome": "no_token"}
            assert (
                await metric(federation, "metabroker_site_requests_total", **calls) == 1
            )


async def test_where_no_site_can_be_asked_for_lack_of_tokens_that_is_no_no(
    tmp_path, issuer
):
    issuer.script.extend([(503, {})] * 9)
    async with federated(
        tmp_path, issuer, site("here"), entries={"here": EXCHANGE}
    ) as federation:
        headers = JSON | issuer.bearer("ana")
        answer = await federation.post("/requests", REQUEST, headers=headers)
        problem = await problem_of(answer, 503)
        assert [one["outcome"] for one in problem["sites"]] == ["no_token"]
        assert "Retry-After" in answer.headers


async def test_a_request_is_never_sent_twice_and_the_next_has_a_new_token(
    tmp_path, issuer
):
    async with federated(
        tmp_path, issuer, site("here"), entries={"here": OWN}
    ) as federation:
        here = federation.sites["here"]
        assert (await ask(federation)).status == 303
        here.script("request", faults.error(401))
        answer = await federation.post("/requests", REQUEST, headers=JSON)
        await problem_of(answer, 401)
        assert (await ask(federation)).status == 303
        first, refused, renewed = shown_to(here)
        assert first == refused != renewed


async def test_sessions_are_read_and_accepted_with_a_renewed_token(tmp_path, issuer):
    entries = {"here": EXCHANGE}
    async with federated(tmp_path, issuer, site("here"), entries=entries) as federation:
        here = federation.sites["here"]
        ana = issuer.bearer("ana")
        [session] = (await ask(federation, **ana)).sessions
        here.script("update", faults.error(401))
        heard = await accept(federation, session, **ana)
        assert heard.phase == "ACCEPTED"
        assert here.accepted == (session,)
        assert len(issuer.issued) == 2
        old, refused, renewed = shown_to(here)
        assert old == refused != renewed


async def test_a_site_that_refuses_every_token_does_not_wear_the_issuer_out(
    tmp_path, issuer
):
    async with federated(
        tmp_path, issuer, site("here"), entries={"here": OWN}
    ) as federation:
        here = federation.sites["here"]
        [session] = (await ask(federation)).sessions
        here.script("read", faults.error(401), times=None)
        for _ in range(5):
            heard = await read(federation, f"/sessions/{session}")
            assert heard.status == 200
        assert len(issuer.asked) == 2
        readings = [call for call in here.requests if call.path.startswith("/sessions")]
        assert len(readings) == 6


async def test_releases_go_on_as_the_service_after_the_user_is_forgotten(
    tmp_path, issuer
):
    """A restart forgets the tokens of users, and not what is to be released."""
    settings = {
        "store": sqlite_url(tmp_path / "store.sqlite"),
        "releases": {
            "interval": 0.1,
            "first_pause": 0.1,
            "longest_pause": 0.2,
            "call": 1,
        },
    }
    own = issued(
        "exchange", release_credentials="client_credentials", dialect="2026-07"
    )
    async with (
        run(site("here", administrators=(f"{issuer.url} {CLIENT}",))) as here,
        run(SimulatedSite(name="open", offers=1)) as other,
    ):

        def started():
            return federated(
                tmp_path,
                issuer,
                entries={"here": own, "open": {"broker": {"dialect": "auto"}}},
                settings=settings,
                elsewhere={"here": here.url, "open": other.url},
            )

        async with started() as federation:
            ana = issuer.bearer("ana")
            heard = await ask(federation, **ana)
            here.script("update", faults.error(503), times=None)
            chosen = next(s for s in heard.sessions if s not in here.sessions)
            assert (await accept(federation, chosen, **ana)).status == 200

            async def is_tried():
                return len(shown_to(here)) > 1

            await eventually(is_tried)
        assert {claims_of(shown)["sub"] for shown in shown_to(here)} == {"ana"}
        here.clear_script()
        async with started():

            async def is_released():
                return not here.open_reservations()

            await eventually(is_released)
        claims = claims_of(shown_to(here)[-1])
        assert (claims["sub"], claims["aud"]) == (CLIENT, "audience-of-exchange")


async def test_a_changed_issuer_and_audience_take_effect_at_once(tmp_path, issuer):
    async with (
        running_issuer() as other,
        federated(
            tmp_path, issuer, site("here"), entries={"here": OWN}, settings=WATCHED
        ) as federation,
    ):
        await ask(federation)
        file = tmp_path / "sites.yaml"
        document = strict_yaml.load(file.read_bytes())
        document["sites"][0]["broker"]["audience"] = "moved"
        document["token_issuers"]["iam"] = other.entry(tmp_path)
        file.write_bytes(strict_yaml.dump(document))

        async def is_moved():
            await ask(federation)
            return other.issued

        await eventually(is_moved)
        shown = shown_to(federation.sites["here"])[-1]
        assert claims_of(shown)["aud"] == "moved"
        assert claims_of(shown)["iss"] == other.url
        assert len(issuer.issued) == 1


async def test_a_rotated_client_secret_is_read_without_a_reload(tmp_path, issuer):
    async with federated(
        tmp_path, issuer, site("here"), entries={"here": EXCHANGE}
    ) as federation:
        await ask(federation, **issuer.bearer("ana"))
        issuer.clients = {CLIENT: "canary-new-secret"}
        (tmp_path / "client-secret").write_text("canary-new-secret\n")
        headers = JSON | issuer.bearer("bob")
        answer = await federation.post("/requests", REQUEST, headers=headers)
        await problem_of(answer, 503)
        heard = await ask(federation, **issuer.bearer("eve"))
        assert heard.status == 303


async def test_at_a_site_that_exchanges_a_session_stays_its_users_own(tmp_path, issuer):
    auth = {"mode": "required", "issuer": issuer.url, "audience": AUDIENCE}
    async with federated(
        tmp_path,
        issuer,
        site("here"),
        entries={"here": EXCHANGE},
        settings={"auth": auth},
    ) as federation:
        ana = issuer.bearer("ana")
        [session] = (await ask(federation, **ana)).sessions
        heard = await update(federation, session, "REJECTED", **ana)
        assert heard.phase == "REJECTED"
        assert {claims_of(a)["sub"] for a in shown_to(federation.sites["here"])} == {
            "ana"
        }
        bob = issuer.bearer("bob")
        assert (await read(federation, f"/sessions/{session}", **bob)).status == 404


CANARIES = ("canary-issued", "canary-secret", "canary-token")


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("how", ["basic", "post"])
async def test_no_token_and_no_secret_is_anywhere_but_where_it_belongs(
    tmp_path, issuer, logs, how, fails
):
    issuer.opaque = True
    issuer.users = {"canary-token-of-ana": "ana"}
    ana = {"Authorization": "Bearer canary-token-of-ana"}
    own = issued("exchange", release_credentials="client_credentials")
    texts = []
    async with federated(
        tmp_path,
        issuer,
        site("exchanging", offers=2),
        site("knowing", offers=2),
        entries={"exchanging": own, "knowing": OWN},
        settings={"store": sqlite_url(tmp_path / "store.sqlite")},
        client_authentication=how,
    ) as federation:
        offer_set = (await ask(federation, **ana)).document
        if fails:
            echo = {"error": "canary-token-of-ana", "detail": issuer.issued}
            issuer.script.extend([(400, echo), (500, echo), (200, echo)])
            for one in federation.sites.values():
                said = faults.Fault(
                    status=401,
                    body=json.dumps({"detail": str(issuer.issued)}).encode(),
                    content_type="application/json",
                )
                one.script("read", said, times=2)
                one.script("update", said, times=2)
        base = f"/offersets/{offer_set['meta']['uuid']}"
        sessions = [offer["meta"]["uuid"] for offer in offer_set["offers"]]
        paths = [
            base,
            base + "/sites",
            base + "/ranking",
            "/federation/sites",
            "/metrics",
            *(f"/sessions/{session}" for session in sessions),
        ]
        for session, phase in zip(
            sessions, ("REJECTED", "ACCEPTED", "ACCEPTED", "CANCELLED"), strict=True
        ):
            texts.append(repr(await update(federation, session, phase, **ana)))
        for path in paths:
            answer = await federation.get(path, headers=ana)
            texts.append(await answer.text() + str(answer.headers))
        urls = [call.path for one in federation.sites.values() for call in one.requests]
        queries = [asked.query for asked in issuer.asked]
        assert {asked.authentication for asked in issuer.asked} == {how}
    assert issuer.issued
    assert "request_answered" in logs.getvalue()
    files = [file.read_bytes() for file in tmp_path.glob("store.sqlite*")]
    assert files
    for canary in CANARIES:
        for text in (*texts, *urls, *queries, logs.getvalue()):
            assert canary not in text
        assert all(canary.encode() not in file for file in files)
