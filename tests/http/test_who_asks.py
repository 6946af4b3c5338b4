"""What ranking knows of who asks: home sites, and shares of what was used before."""

import json
import re

import pytest

from aggregator.store.sql_store import sqlite_url
from site_adapters.simulated import SimulatedSite
from tests.support.conversation import (
    JSON,
    REQUEST,
    accept,
    ask,
    eventually,
    metric,
    read,
)
from tests.support.issuer import AUDIENCE, running_issuer
from tests.support.running import running_federation

SPAIN = "/srcnet/spain"
QUICK = SimulatedSite(name="quick", first_start=0, preparing=0.1, offers=1)
LATER = SimulatedSite(name="later", first_start=60, offers=1)
POLICY = {
    "apiVersion": "metabroker.srcnet/v1",
    "kind": "RankingPolicy",
    "metadata": {"name": "fair"},
    "order": {"bucket_s": 1},
}
FAIR = {"name": "fair_share", "s_per_overuse_percent": 10, "prior_core_hours": 1e-6}
SHARES = {
    "site": {"shares_percent": {"quick": 50, "later": 50}},
    "group": {"shares_percent": {SPAIN: 50}},
    "user": {"other_share_percent": 50},
}


@pytest.fixture
async def issuer():
    async with running_issuer() as running:
        yield running


def federation(directory, issuer, *weighers, **settings):
    policy = {**POLICY, "weighers": [{"name": "time_to_start"}, *weighers]}
    (directory / "fair.yaml").write_text(json.dumps(policy))
    auth = {
        "mode": "optional",
        "issuer": issuer.url,
        "audience": AUDIENCE,
        "home_site_claim": "srcnet_home",
        "operators": "/srcnet/operators",
    }
    settings = {
        "auth": auth,
        "ranking": ["fair.yaml"],
        "store": sqlite_url(directory / "store.sqlite"),
        **settings,
    }
    return running_federation(directory, QUICK, LATER, settings=settings)


async def ranking_for(running, user):
    """Ask for offers, and return why they are in their order, with the decision."""
    heard = await ask(running, **user)
    assert heard.status == 303, heard.document
    places = [f"/offersets/{heard.uuid}/{what}" for what in ("ranking", "decision")]
    ranking, decision = [(await read(running, at, **user)).document for at in places]
    return {one["site"]: one for one in ranking["offers"]}, decision


async def use(running, user):
    """Take the best offer, and follow the session until it runs."""
    best = (await ask(running, **user)).sessions[0]
    taken = await accept(running, best, **user)
    assert taken.status == 200, taken.document

    async def runs():
        heard = await read(running, f"/sessions/{best}", **user)
        return heard.phase == "AVAILABLE"

    await eventually(runs)


@pytest.mark.parametrize("of", ["site", "group", "user"])
async def test_whoever_used_more_than_is_fair_is_sent_elsewhere(tmp_path, issuer, of):
    ana = issuer.bearer("ana", groups=[SPAIN])
    bob = issuer.bearer("bob", groups=["/srcnet/uk"])
    fair = {**FAIR, "of": of, **SHARES[of]}
    async with federation(tmp_path, issuer, fair) as running:
        before, _ = await ranking_for(running, ana)
        assert before["quick"]["rank"] == 1
        assert before["quick"]["seconds"]["fair_share"] == 0
        await use(running, ana)
    # The service learns when it starts, and then once a minute.
    async with federation(tmp_path, issuer, fair) as running:

        async def is_learned():
            return await metric(running, "metabroker_used_core_hours", site="quick")

        used = await eventually(is_learned)
        after, decision = await ranking_for(running, ana)
        assert after["later"]["rank"] == 1
        assert 400 < after["quick"]["seconds"]["fair_share"] <= 500
        used_and_fair = (
            r"fair share \d min( \d+ s)?: (\S+ )?(9\d|100) % used, 50 % fair"
        )
        assert re.search(used_and_fair, after["quick"]["reason"])
        others, _ = await ranking_for(running, bob)
        nobody, _ = await ranking_for(running, {})
        delayed = of == "site"
        assert bool(others["quick"]["seconds"]["fair_share"]) is delayed
        assert bool(nobody["quick"]["seconds"]["fair_share"]) is delayed

        knowledge = decision["inputs"]["knowledge"]
        assert knowledge["user"] == {"groups": [SPAIN]}
        assert knowledge["core_hours"] == pytest.approx(used)
        operator = issuer.bearer("oto", groups=["/srcnet/operators"])
        replayed = await running.post(
            "/federation/policies/replay",
            (tmp_path / "fair.yaml").read_bytes(),
            headers=operator,
        )
        found = await replayed.json()
        assert (found["changed"], found["unreadable"]) == (0, 0)
        assert found["replayed"] >= 3


async def test_home_sites_are_those_of_token_and_group(tmp_path, issuer):
    home = {"name": "home_site", "home_s": -90, "site_by_group": {SPAIN: "later"}}
    users = {
        "later": [
            issuer.bearer("ana", groups=[SPAIN]),
            issuer.bearer("ana", srcnet_home="later"),
            issuer.bearer("ana", groups=["srcnet/spain"], srcnet_home="nowhere"),
        ],
        "quick": [
            {},
            issuer.bearer("ana"),
            issuer.bearer("ana", groups=["/srcnet/uk"]),
            issuer.bearer("ana", srcnet_home="nowhere"),
            issuer.bearer("ana", groups=[SPAIN], srcnet_home="quick"),
        ],
    }
    async with federation(tmp_path, issuer, home) as running:
        for best, of_best in users.items():
            for user in of_best:
                ranking, _ = await ranking_for(running, user)
                assert ranking[best]["rank"] == 1
        ranking, decision = await ranking_for(running, users["later"][1])
        assert ranking["later"]["seconds"]["home_site"] == -90
        assert ranking["quick"]["seconds"]["home_site"] == 0
        assert decision["inputs"]["knowledge"]["user"] == {"home_site": "later"}


async def test_a_request_that_is_sent_directly_goes_home(tmp_path, issuer):
    home = {"name": "home_site", "home_s": -90}
    ana = issuer.bearer("ana", srcnet_home="later")
    async with federation(tmp_path, issuer, home) as running:
        answer = await running.post("/direct", REQUEST, headers={**JSON, **ana})
        assert answer.status == 303, await answer.text()
        taken = {name: len(site.accepted) for name, site in running.sites.items()}
        assert taken == {"quick": 0, "later": 1}


async def test_a_policy_of_a_group_serves_its_members_alone(tmp_path, issuer):
    spanish = {
        **POLICY,
        "metadata": {"name": "spanish"},
        "match": {"groups": ["/srcnet/spain*"]},
        "weighers": [{"name": "preference", "sites": {"later": -300}}],
    }
    (tmp_path / "spanish.yaml").write_text(json.dumps(spanish))
    ana = issuer.bearer("ana", groups=["/srcnet/spain/iaa"])
    bob = issuer.bearer("bob", groups=["/srcnet/uk"])
    files = {"ranking": ["spanish.yaml", "fair.yaml"]}
    async with federation(tmp_path, issuer, **files) as running:
        ranking, decision = await ranking_for(running, ana)
        assert decision["policy"]["name"] == "spanish"
        assert ranking["later"]["rank"] == 1
        for user in (bob, {}):
            _, decision = await ranking_for(running, user)
            assert decision["policy"]["name"] == "fair"
        query = {"policy": "spanish"}
        refused = await running.post(
            "/requests", REQUEST, headers={**JSON, **bob}, params=query
        )
        assert refused.status == 422
        operator = issuer.bearer("oto", groups=["/srcnet/operators"])

        async def are_kept():
            answer = await running.post(
                "/federation/policies/replay", json.dumps(spanish), headers=operator
            )
            found = await answer.json()
            counts = found["replayed"], found["not_served"]
            return found if sum(counts) == 3 else None

        found = await eventually(are_kept)
        assert (found["replayed"], found["not_served"], found["changed"]) == (1, 2, 0)
