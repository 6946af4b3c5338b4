"""Whose credentials go where, what their lack means, and where they never show."""

import json

import pytest

from aggregator.store.sql_store import sqlite_url
from site_adapters.simulated import SimulatedSite, faults
from tests.support.conversation import eventually
from tests.support.problems import problem_of
from tests.support.running import running_federation
from tests.support.secrecy import recorded_logs
from tests.support.simulated_dialogue import Dialogue

SECRET = "s3cr3t-t0k3n-of-a-user"
TOKEN = {"Authorization": f"Bearer {SECRET}"}
JSON = {"Content-Type": "application/json"}
NEW = Dialogue("2026-07")
RELAY = {"broker": {"credentials": "relay"}}


logs = pytest.fixture(recorded_logs)


@pytest.fixture
async def federation(tmp_path, logs):
    async with running_federation(
        tmp_path,
        SimulatedSite(name="trusted", dialect="2026-07", offers=2),
        SimulatedSite(name="stranger", dialect="2025-11", offers=2),
        entries={"trusted": RELAY},
        settings={"store": sqlite_url(tmp_path / "store.sqlite")},
    ) as running:
        yield running


async def submit(federation, path="/requests", **headers):
    return await federation.post(
        path, json.dumps(NEW.request()), headers={**JSON, **headers}
    )


async def accept(federation, uuid, **headers):
    return await federation.post(
        f"/sessions/{uuid}",
        json.dumps(NEW.update("ACCEPTED")),
        headers={**JSON, **headers},
    )


def credentials_at(site):
    return {call.headers.get("authorization") for call in site.requests}


async def conversation(federation, **headers):
    """Ask, look, accept, reject and cancel; return the texts of all answers."""
    texts = []

    async def keep(response):
        texts.append(await response.text() + str(response.headers))
        return response

    offer_set = await (await keep(await submit(federation, **headers))).json()
    base = NEW.url(offer_set)
    for path in (base, base + "/sites", base + "/ranking", "/federation/sites"):
        await keep(await federation.get(path, headers=headers))
    for offer in offer_set["offers"]:
        await keep(await federation.get(NEW.url(offer), headers=headers))
    for offer, phase in zip(
        offer_set["offers"],
        ("REJECTED", "ACCEPTED", "ACCEPTED", "CANCELLED"),
        strict=True,
    ):
        body = json.dumps(NEW.update(phase))
        path = f"/sessions/{NEW.uuid(offer)}"
        await keep(await federation.post(path, body, headers={**JSON, **headers}))
    await keep(await submit(federation, "/direct", **headers))
    await keep(await federation.get("/metrics"))
    return texts


async def test_credentials_go_to_the_sites_that_relay_and_nowhere_else(federation):
    await conversation(federation, **TOKEN)
    trusted = federation.sites["trusted"]
    stranger = federation.sites["stranger"]
    assert credentials_at(trusted) == {TOKEN["Authorization"]}
    assert credentials_at(stranger) == {None}


async def test_siblings_are_released_with_the_credentials_of_the_request(federation):
    response = await submit(federation, **TOKEN)
    offers = [NEW.uuid(offer) for offer in (await response.json())["offers"]]
    stranger, trusted = federation.sites["stranger"], federation.sites["trusted"]
    await accept(federation, next(o for o in offers if o in stranger.sessions), **TOKEN)

    async def released():
        return not trusted.open_reservations()

    await eventually(released)
    assert credentials_at(trusted) == {TOKEN["Authorization"]}


async def test_no_credentials_are_made_up(federation):
    await conversation(federation)
    for site in federation.sites.values():
        assert credentials_at(site) == {None}


@pytest.mark.parametrize("fails", [False, True])
async def test_no_token_is_in_logs_answers_metrics_or_the_store(
    federation, logs, fails
):
    if fails:
        site = federation.sites["trusted"]
        echo = json.dumps({"detail": f"your token {SECRET} is wrong"}).encode()
        for operation in ("read", "update"):
            fault = faults.Fault(status=401, body=echo, content_type="application/json")
            site.script(operation, fault, times=2)
            fault = faults.Fault(status=500, body=echo, content_type="application/json")
            site.script(operation, fault, times=2)
    texts = await conversation(federation, **TOKEN)
    assert SECRET not in "".join(texts)
    assert "request_answered" in logs.getvalue()
    assert SECRET not in logs.getvalue()
    files = list(federation.directory.glob("store.sqlite*"))
    assert files
    for file in files:
        assert SECRET.encode() not in file.read_bytes()


async def test_a_token_in_a_query_is_not_logged(federation, logs):
    await federation.get(f"/livez?access_token={SECRET}")
    response = await federation.get(f"/offersets/x?access_token={SECRET}")
    problem = await problem_of(response, 404)
    assert SECRET not in json.dumps(problem)
    assert SECRET not in logs.getvalue()


def demanding(name, **entry):
    return SimulatedSite(
        name=name, dialect="2026-07", offers=1, requires_authorization=True, **entry
    )


async def test_where_every_site_wants_credentials_so_do_we(tmp_path):
    async with running_federation(
        tmp_path,
        demanding("one"),
        demanding("other"),
        entries={"one": RELAY, "other": RELAY},
    ) as federation:
        for path in ("/requests", "/direct"):
            problem = await problem_of(await submit(federation, path), 401)
            assert {site["outcome"] for site in problem["sites"]} == {"unauthorized"}
        response = await submit(federation)
        assert response.headers["WWW-Authenticate"] == "Bearer"
        response = await submit(federation, **TOKEN)
        offer_set = await response.json()
        assert offer_set["result"] == "YES"
        assert len(offer_set["offers"]) == 2


async def test_where_every_site_forbids_it_so_do_we(tmp_path):
    async with running_federation(
        tmp_path, demanding("one"), demanding("other"), entries={"one": RELAY}
    ) as federation:
        for site in federation.sites.values():
            site.script("request", faults.error(403), times=None)
        problem = await problem_of(await submit(federation, **TOKEN), 403)
        assert {site["outcome"] for site in problem["sites"]} == {"forbidden"}


async def test_a_mixture_of_refusals_is_no_no(tmp_path):
    async with running_federation(
        tmp_path,
        demanding("one"),
        SimulatedSite(name="closed", dialect="2026-07", says_no="closed today"),
    ) as federation:
        problem = await problem_of(await submit(federation), 503)
        outcomes = {site["site"]: site["outcome"] for site in problem["sites"]}
        assert outcomes == {"one": "unauthorized", "closed": "no_offer"}
        assert problem["offerset"].startswith(federation.url + "/offersets/")
        kept = await federation.get(problem["offerset"] + "/sites")
        sites = (await kept.json())["sites"]
        assert {site["site"]: site["outcome"] for site in sites} == outcomes


async def test_a_site_that_wants_credentials_costs_only_its_own_offers(tmp_path):
    async with running_federation(
        tmp_path,
        demanding("one"),
        SimulatedSite(name="open", dialect="2026-07", offers=1),
    ) as federation:
        offer_set = await (await submit(federation)).json()
        assert len(offer_set["offers"]) == 1
        message = offer_set["meta"]["messages"][0]
        assert message["values"] == {
            "site": "one",
            "outcome": "unauthorized",
            "detail": "it answered 401",
        }


async def test_an_acceptance_that_the_site_wants_credentials_for(federation):
    response = await submit(federation, **TOKEN)
    trusted = federation.sites["trusted"]
    trusted.behave(requires_authorization=True)
    offers = [NEW.uuid(offer) for offer in (await response.json())["offers"]]
    uuid = next(o for o in offers if o in trusted.sessions)
    response = await accept(federation, uuid, Prefer="handling=strict")
    problem = await problem_of(response, 409)
    assert "401" in problem["detail"]
    assert trusted.accepted == ()
    response = await accept(federation, uuid, Prefer="handling=strict", **TOKEN)
    assert response.status == 200
    assert trusted.accepted == (uuid,)
