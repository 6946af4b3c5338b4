"""Clients choose policies; operators replay them; everybody may see what decided."""

from datetime import UTC, datetime, timedelta

import pytest

from aggregator.domain.schedules import format_instant
from site_adapters.simulated import SimulatedSite
from tests.support.conversation import eventually
from tests.support.issuer import AUDIENCE, running_issuer
from tests.support.ranking import ROOT
from tests.support.running import REFERENCE, running_federation

SHIPPED = ("default", "interactive", "data-heavy", "green", "cheapest")
RANKING = [str(ROOT / "config" / "ranking" / f"{name}.yaml") for name in SHIPPED]
POLICIES = (*SHIPPED, "quickest")
HIDDEN = """\
apiVersion: metabroker.srcnet/v1
kind: RankingPolicy
metadata: {name: hidden, revision: 3}
match: {selectable_by_user: false}
weighers: [{name: time_to_start}]
"""
QUICKEST = """\
apiVersion: metabroker.srcnet/v1
kind: RankingPolicy
metadata: {name: quickest, revision: 2}
estimate: {data: {staging: remote_read}}
weighers: [{name: time_to_start}]
"""
NEAR = SimulatedSite(name="jpsrc", rses=("JPSRC_STORM",), first_start=1800)
QUICK = SimulatedSite(name="swesrc", rses=("SWESRC-OSO-T0",), first_start=5)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
NOWHERE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
async def federation(tmp_path):
    (tmp_path / "quickest.yaml").write_text(QUICKEST)
    (tmp_path / "hidden.yaml").write_text(HIDDEN)
    settings = {"ranking": [*RANKING, "quickest.yaml", "hidden.yaml"]}
    async with running_federation(tmp_path, NEAR, QUICK, settings=settings) as running:
        yield running


async def asked(federation, **query):
    response = await federation.post("/offersets", REFERENCE, params=query)
    assert response.status == 303, await response.text()
    return await response.json()


async def ranking_of(federation, offer_set):
    path = f"/offersets/{offer_set['uuid']}/ranking"
    return await (await federation.get(path)).json()


async def decision_of(federation, offer_set):
    path = f"/offersets/{offer_set['uuid']}/decision"
    response = await federation.get(path)
    assert response.status == 200, await response.text()
    return await response.json()


async def replayed(federation, policy, headers=None, **query):
    return await federation.post(
        "/federation/policies/replay", policy, params=query, headers=headers or {}
    )


async def test_the_first_policy_serves_whoever_asks_for_none(federation):
    ranking = await ranking_of(federation, await asked(federation))
    assert ranking["policy"]["name"] == "default"
    assert ranking["offers"][0]["site"] == "jpsrc"


@pytest.mark.parametrize("route", ["/offersets", "/requests"])
async def test_a_client_may_choose_a_policy(federation, route):
    response = await federation.post(route, REFERENCE, params={"policy": "green"})
    assert response.status == 303
    ranking = await ranking_of(federation, await response.json())
    assert ranking["policy"]["name"] == "green"
    parts = ranking["offers"][0]["seconds"]
    assert {"carbon", "energy"} <= parts.keys()


@pytest.mark.parametrize("name", ["hidden", "none", ""])
async def test_a_policy_that_can_not_be_chosen_is_refused_before_any_site_is_asked(
    federation, name
):
    response = await federation.post("/offersets", REFERENCE, params={"policy": name})
    assert response.status == 422
    problem = await response.json()
    assert problem["type"] == "urn:metabroker:problem:unknown-policy"
    assert problem["detail"] == (
        f"there is no ranking policy '{name}' for this request "
        f"(to choose: {', '.join(POLICIES)})"
    )
    asked_sites = [name for name, site in federation.sites.items() if site.requests]
    assert asked_sites == []


@pytest.mark.parametrize(
    ("query", "site"), [({}, "jpsrc"), ({"policy": "quickest"}, "swesrc")]
)
async def test_a_session_at_once_is_the_best_of_the_policy(federation, query, site):
    response = await federation.post("/direct", REFERENCE, params=query)
    assert response.status == 303, await response.text()
    taken = {n: len(running.accepted) for n, running in federation.sites.items()}
    assert taken == {"jpsrc": 0, "swesrc": 0, site: 1}


async def test_an_idempotency_key_belongs_to_the_policy_too(federation):
    key = {"Idempotency-Key": "one"}

    async def ask(**query):
        return await federation.post("/offersets", REFERENCE, params=query, headers=key)

    first = await (await ask(policy="green")).json()
    again = await (await ask(policy="green")).json()
    assert again["uuid"] == first["uuid"]
    assert (await ask()).status == 422
    assert (await ask(policy="cheapest")).status == 422


async def test_every_policy_is_told_with_all_its_keys(federation):
    told = await (await federation.get("/federation/policies")).json()
    assert told["revision"] == 1
    assert [one["name"] for one in told["policies"]] == [*POLICIES, "hidden"]
    assert [one["selectable"] for one in told["policies"]] == [True] * 6 + [False]
    hidden = told["policies"][-1]
    assert (hidden["revision"], len(hidden["sha256"])) == (3, 64)
    assert hidden["weighers"] == [{"name": "time_to_start", "label": "", "rate": 1.0}]
    green = told["policies"][3]
    assert [one["name"] for one in green["filters"]].count("health") == 2
    assert green["trim"] == {"max_offers": 20, "max_per_site": 5}
    yaml = await federation.get(
        "/federation/policies", headers={"Accept": "application/yaml"}
    )
    assert "name: green" in await yaml.text()


async def test_a_decision_is_there_as_soon_as_its_set_is(federation):
    offer_set = await asked(federation)
    decision = await decision_of(federation, offer_set)
    assert decision["best"] == offer_set["offers"][0]["uuid"]
    assert decision["policy"]["name"] == "default"
    sites = {offer["site"] for offer in decision["inputs"]["offers"]}
    assert sites == {"jpsrc", "swesrc"}
    assert "payload" not in decision["inputs"]["offers"][0]


@pytest.mark.parametrize("uuid", [NOWHERE, "x"])
async def test_there_is_no_decision_about_no_set(federation, uuid):
    response = await federation.get(f"/offersets/{uuid}/decision")
    assert response.status == 404


async def test_a_policy_is_replayed_on_what_was_decided(federation):
    offer_sets = [await asked(federation) for _ in range(3)]
    for offer_set in offer_sets:
        await kept(federation, offer_set)
    response = await replayed(federation, QUICKEST)
    assert response.status == 200, await response.text()
    found = await response.json()
    assert found["policy"]["name"] == "quickest"
    assert (found["replayed"], found["changed"], found["complete"]) == (3, 3, True)
    assert found["sites"] == [
        {"site": "jpsrc", "before": 3, "after": 0},
        {"site": "swesrc", "before": 0, "after": 3},
    ]
    [move] = found["moves"]
    assert (move["from"], move["to"], move["decisions"]) == ("jpsrc", "swesrc", 3)
    assert move["bytes_more"] == 3 * (27_487_790_694_400 + 26_843_545_600)
    assert found["seconds_won"] == move["seconds_won"] > 3 * 1700
    assert found["seconds_lost"] == 0
    changes = {one["offerset"] for one in found["changes"]}
    assert changes == {offer_set["uuid"] for offer_set in offer_sets}


async def test_the_policy_that_decided_changes_nothing(federation):
    await kept(federation, await asked(federation))
    text = (ROOT / "config" / "ranking" / "default.yaml").read_text()
    found = await (await replayed(federation, text)).json()
    assert (found["replayed"], found["changed"]) == (1, 0)
    assert found["seconds_won"] == found["seconds_lost"] == 0
    assert found["moves"] == found["changes"] == []


async def test_only_what_is_young_enough_and_served_is_replayed(federation):
    await kept(federation, await asked(federation))
    later = format_instant(datetime.now(UTC) + timedelta(minutes=1))
    young = await (await replayed(federation, QUICKEST, since=later)).json()
    assert (young["replayed"], young["complete"], young["oldest"]) == (0, True, None)
    notebooks = QUICKEST + "match: {executable_kinds: [jupyter-notebook]}\n"
    other = await (await replayed(federation, notebooks, since="1h")).json()
    assert (other["replayed"], other["not_served"]) == (0, 1)


@pytest.mark.parametrize("since", ["yesterday", "7", "-1d", "9999999d", "999999w", ""])
async def test_a_time_that_is_none_is_refused(federation, since):
    response = await replayed(federation, QUICKEST, since=since)
    assert response.status == 400
    assert "7d" in (await response.json())["detail"]


@pytest.mark.parametrize(
    ("policy", "status", "errors"),
    [
        ("weighers: [", 400, [("", 2, 1)]),
        ("{}", 422, [("", 1, 1)] * 4),
        (
            QUICKEST + "filters:\n  - {name: health, exlude: [up]}\n",
            422,
            [("/filters/0/exlude", 7, 20)],
        ),
        (
            QUICKEST + "filters: [{name: site_list, deny: [jpsrk]}]\n",
            422,
            [("/filters/0/deny/0", 6, 36)],
        ),
    ],
)
async def test_what_is_no_policy_is_told_with_its_places(
    federation, policy, status, errors
):
    response = await replayed(federation, policy)
    assert response.status == status
    found = (await response.json())["errors"]
    assert [(one["pointer"], one["line"], one["column"]) for one in found] == errors


async def test_a_policy_is_yaml_or_json(federation):
    headers = {"Content-Type": "application/xml"}
    assert (await replayed(federation, "<a/>", headers)).status == 415
    json = (
        '{"apiVersion": "metabroker.srcnet/v1", "kind": "RankingPolicy",'
        ' "metadata": {"name": "x"}, "weighers": [{"name": "time_to_start"}]}'
    )
    headers = {"Content-Type": "application/json"}
    assert (await replayed(federation, json, headers)).status == 200


@pytest.mark.parametrize("mode", ["optional", "required"])
async def test_only_operators_replay_where_it_is_known_who_asks(tmp_path, mode):
    async with running_issuer() as issuer:
        auth = {
            "mode": mode,
            "issuer": issuer.url,
            "audience": AUDIENCE,
            "operators": "/srcnet/operators",
        }
        async with running_federation(
            tmp_path, NEAR, settings={"auth": auth}
        ) as federation:
            nobody = await replayed(federation, QUICKEST)
            assert nobody.status == 401
            user = issuer.bearer("ana", groups=["/srcnet/users"])
            assert (await replayed(federation, QUICKEST, user)).status == 403
            operator = issuer.bearer("oto", groups=["/srcnet/operators"])
            assert (await replayed(federation, QUICKEST, operator)).status == 200


async def test_without_a_group_of_operators_there_are_none(tmp_path):
    async with running_issuer() as issuer:
        auth = {"mode": "required", "issuer": issuer.url, "audience": AUDIENCE}
        async with running_federation(
            tmp_path, NEAR, settings={"auth": auth}
        ) as federation:
            user = issuer.bearer("oto", groups=["/srcnet/operators"])
            response = await replayed(federation, QUICKEST, user)
            assert response.status == 403
            assert "no group" in (await response.json())["detail"]


async def test_a_decision_is_seen_by_its_owner_only(tmp_path):
    async with running_issuer() as issuer:
        auth = {"mode": "required", "issuer": issuer.url, "audience": AUDIENCE}
        async with running_federation(
            tmp_path, NEAR, settings={"auth": auth}
        ) as federation:
            response = await federation.post(
                "/offersets", REFERENCE, headers=issuer.bearer("ana")
            )
            path = f"/offersets/{(await response.json())['uuid']}/decision"
            for user, status in (("ana", 200), ("bob", 404)):
                answer = await federation.get(path, headers=issuer.bearer(user))
                assert answer.status == status


async def test_a_store_that_keeps_no_decisions_answers_all_the_same(tmp_path):
    settings = {"decisions": {"kept": 0}}
    async with running_federation(tmp_path, NEAR, settings=settings) as federation:
        offer_set = await asked(federation)
        response = await federation.get(f"/offersets/{offer_set['uuid']}/decision")
        assert response.status == 404


async def test_a_replay_ends_at_its_limits_and_says_so(tmp_path):
    settings = {"decisions": {"replayed": 2}}
    async with running_federation(tmp_path, NEAR, settings=settings) as federation:
        for _ in range(3):
            await kept(federation, await asked(federation))
        found = await (await replayed(federation, QUICKEST)).json()
        assert (found["replayed"], found["complete"]) == (2, False)
        newest = await federation.store.decisions.page(LONG_AGO, None, 2)
        assert found["oldest"] == format_instant(newest[-1].moment)


async def test_a_replay_ends_in_time_and_says_so(tmp_path):
    settings = {"decisions": {"replay_time": 1e-9}}
    async with running_federation(tmp_path, NEAR, settings=settings) as federation:
        await kept(federation, await asked(federation))
        found = await (await replayed(federation, QUICKEST)).json()
        assert (found["replayed"], found["complete"]) == (0, False)


async def kept(federation, offer_set):
    """Wait until the decision about a set is in the store."""

    async def is_kept():
        return await federation.store.decisions.of_offer_set(offer_set["uuid"])

    await eventually(is_kept)
