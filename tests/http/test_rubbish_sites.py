"""Sites that answer rubbish: it costs their own offers only, and is named."""

import json

import pytest

from site_adapters.simulated import SimulatedSite, faults
from tests.support.running import running_federation
from tests.support.simulated_dialogue import Dialogue

JSON = {"Content-Type": "application/json"}
ELSEWHERE = "http://elsewhere.example:666"
OLD = Dialogue("2025-11")
NEW = Dialogue("2026-07")
LINKS = {"href", "url"}


@pytest.fixture
async def federation(tmp_path):
    async with running_federation(
        tmp_path,
        SimulatedSite(name="good", dialect="2025-11", offers=2),
        SimulatedSite(name="bad", dialect="2026-07", offers=2),
        settings={"bodies": {"max_site_bytes": 64 * 1024}},
    ) as running:
        yield running


async def submit(federation, speaks=NEW, **wishes):
    return await federation.post(
        speaks.path, json.dumps(speaks.request(**wishes)), headers=JSON
    )


async def sites_of(federation, response):
    path = response.headers["Location"] + "/sites"
    sites = (await (await federation.get(path)).json())["sites"]
    return {site["site"]: site for site in sites}


def links_in(document):
    if isinstance(document, dict):
        for key, value in document.items():
            if key in LINKS:
                yield value
            else:
                yield from links_in(value)
    elif isinstance(document, list):
        for item in document:
            yield from links_in(item)


def rewriting(change):
    """Return the fault of an answer whose document ``change`` changes in place."""

    def rewrite(document, _):
        change(document)
        return document

    return faults.rewritten(rewrite)


def nested(levels):
    return b'{"result": "YES", "offers": ' + b"[" * levels + b"]" * levels + b"}"


RUBBISH = {
    "html": (faults.html(), "bad_payload", "HTML"),
    "html-500": (faults.html(500), "error_5xx", "500"),
    "html-404": (faults.html(404), "misconfigured", "404"),
    "truncated": (faults.truncated(), "bad_payload", "JSON"),
    "reset": (faults.reset(), "bad_payload", "broke off"),
    "no answer": (faults.lost_answer(), "connect_error", "without an answer"),
    "huge": (faults.huge(2**20), "too_large", "65536"),
    "wrong types": (faults.wrong_types(), "bad_payload", "read"),
    "empty": (faults.raw(b""), "bad_payload", "empty"),
    "null": (faults.raw(b"null"), "bad_payload", "object"),
    "list": (faults.raw(b"[]"), "bad_payload", "object"),
    "number": (faults.raw(b"1e400"), "bad_payload", "JSON"),
    "nothing said": (faults.raw(b"{}"), "bad_payload", "neither a result nor"),
    "yes, with no offers": (faults.raw(b'{"result": "YES"}'), "bad_payload", "offers"),
    "offers of a wrong type": (
        faults.raw(b'{"result": "YES", "offers": {"a": 1}}'),
        "bad_payload",
        "not a list",
    ),
    "offers that are none": (
        faults.raw(b'{"result": "YES", "offers": [1, null, "a", [], {}]}'),
        "bad_payload",
        "none of the offers",
    ),
    "deep": (faults.raw(nested(40_000 // 2)), "bad_payload", "JSON"),
    "less deep": (faults.raw(nested(70)), "bad_payload", ""),
    "yaml bomb": (
        faults.raw(b"a: &a [x, x]\nb: &b [*a, *a]\n", "application/yaml"),
        "bad_payload",
        "YAML",
    ),
    "redirect away": (faults.redirected(ELSEWHERE + "/offersets/1"), "", "redirect"),
    "redirect in a circle": (faults.redirected("/requests", 307), "", "307"),
    "unauthorized": (faults.error(401), "unauthorized", "401"),
    "no content": (faults.raw(b" ", "application/json"), "bad_payload", "empty"),
    "no such phase": (faults.shown_phase("DANCING"), "bad_payload", "none of"),
    "no offers any more": (faults.shown_phase("FAILED"), "bad_payload", "none of"),
    "phase of a wrong type": (faults.shown_phase(["OFFERED"]), "bad_payload", "none"),
}


@pytest.mark.parametrize("name", RUBBISH)
async def test_rubbish_costs_only_its_own_sites_offers(federation, name):
    fault, outcome, words = RUBBISH[name]
    for operation in ("request", "read"):
        federation.sites["bad"].script(operation, fault, times=None)
    response = await submit(federation)
    offer_set = await response.json()
    assert response.status == 303
    assert offer_set["result"] == "YES"
    good = federation.sites["good"].sessions
    assert [NEW.uuid(offer) in good for offer in offer_set["offers"]] == [True, True]
    sites = await sites_of(federation, response)
    assert sites["good"]["outcome"] == "ok"
    assert sites["bad"]["offers"] == 0
    assert sites["bad"]["outcome"] == outcome or (
        not outcome and sites["bad"]["outcome"] in {"bad_payload", "misconfigured"}
    )
    assert words in sites["bad"]["detail"]
    said = next(m for m in offer_set["meta"]["messages"] if m["level"] == "WARN")
    assert said["values"]["site"] == "bad"
    assert said["values"]["outcome"] == sites["bad"]["outcome"]
    assert sites["bad"]["detail"] in said["message"]


async def test_offers_of_one_uuid_are_one_offer(federation):
    federation.sites["bad"].script("request", faults.duplicate_uuids())
    response = await submit(federation)
    offers = (await response.json())["offers"]
    assert len({NEW.uuid(offer) for offer in offers}) == len(offers) == 3
    sites = await sites_of(federation, response)
    assert sites["bad"]["offers"] == 1
    assert "1" in sites["bad"]["detail"]


async def test_another_sites_uuid_never_leads_to_the_wrong_site(federation):
    first = await (await submit(federation)).json()
    good = federation.sites["good"]
    taken = next(NEW.uuid(o) for o in first["offers"] if NEW.uuid(o) in good.sessions)
    bad = federation.sites["bad"]
    bad.script("request", faults.given_uuid(taken))
    second = await (await submit(federation)).json()
    assert len(second["offers"]) == 4
    assert taken not in {NEW.uuid(offer) for offer in second["offers"]}
    minted = next(
        NEW.uuid(offer)
        for offer in second["offers"]
        if NEW.uuid(offer) not in {*good.sessions, *bad.sessions}
    )
    seen = len(good.requests), len(bad.requests)
    response = await federation.get(f"/sessions/{minted}")
    assert response.status == 200
    shown = await response.json()
    assert NEW.uuid(shown) == minted
    assert (len(good.requests), len(bad.requests)) == (seen[0], seen[1] + 1)
    shown = await (await federation.get(f"/sessions/{taken}")).json()
    assert NEW.uuid(shown) == taken
    assert len(good.requests) == seen[0] + 1
    assert NEW.url(shown) == f"{federation.url}/sessions/{taken}"


async def test_offers_that_have_expired_are_not_shown(federation):
    federation.sites["bad"].script("request", faults.expired())
    response = await submit(federation)
    offer_set = await response.json()
    assert len(offer_set["offers"]) == 2
    told = [m["message"] for m in offer_set["meta"]["messages"]]
    assert any("expired" in message for message in told)


async def test_a_set_of_expired_offers_is_a_no_with_its_reason(tmp_path):
    async with running_federation(
        tmp_path, SimulatedSite(name="late", dialect="2026-07")
    ) as federation:
        federation.sites["late"].script("request", faults.expired())
        response = await submit(federation)
        offer_set = await response.json()
        assert response.status == 303
        assert offer_set["result"] == "NO"
        assert "expired" in offer_set["meta"]["messages"][-1]["message"]


@pytest.mark.parametrize("expires", ["soon", 5, "2035-13-01T00:00:00Z", None])
async def test_an_expiry_that_can_not_be_read_is_none(federation, expires):
    federation.sites["bad"].script("request", faults.expired(expires))
    offers = (await (await submit(federation)).json())["offers"]
    assert len(offers) == 4
    bad = federation.sites["bad"].sessions
    for offer in offers:
        assert (NEW.uuid(offer) in bad) == (offer.get("expires") is None)


async def test_links_to_elsewhere_are_not_shown_nor_followed(federation):
    bad = federation.sites["bad"]
    for operation in ("request", "read", "update"):
        bad.script(operation, faults.hrefs_to(ELSEWHERE), times=None)
    for speaks in (OLD, NEW):
        response = await submit(federation, speaks)
        offer_set = await response.json()
        uuid = next(
            u for o in offer_set["offers"] if (u := speaks.uuid(o)) in bad.sessions
        )
        answers = [
            offer_set,
            await (await federation.get(response.headers["Location"])).json(),
            await (await federation.get(f"/sessions/{uuid}")).json(),
            await (
                await federation.post(
                    f"/sessions/{uuid}",
                    json.dumps(speaks.update("ACCEPTED")),
                    headers=JSON,
                )
            ).json(),
        ]
        for answer in answers:
            links = list(links_in(answer))
            assert len(links) >= 4
            assert all(link.startswith(federation.url + "/") for link in links)
            assert ELSEWHERE not in json.dumps(answer)
        assert uuid in bad.accepted


async def test_offers_without_a_schedule_are_offers_that_start_nobody_knows_when(
    federation,
):
    federation.sites["bad"].script("request", faults.no_schedule())
    response = await submit(federation)
    assert len((await response.json())["offers"]) == 4
    path = response.headers["Location"] + "/ranking"
    ranked = (await (await federation.get(path)).json())["offers"]
    known = {one["site"]: one["estimate"]["start_known"] for one in ranked}
    assert known == {"good": True, "bad": False}
    starts = [one["estimate"]["offered_start_s"] for one in ranked]
    assert all(start is not None for start in starts)


async def test_members_of_wrong_types_are_left_out_so_that_clients_can_read_the_rest(
    federation,
):
    def change(document):
        first, second = document["offers"]
        first["compute"]["cores"] = {"min": "two", "max": 2}
        first["compute"]["phase"] = 5
        first["costs"] = "free"
        first["connectors"] = {}
        second["executable"] = 7
        second["data"] = [None, {"skao": []}]
        second["extension"] = {"kept": [1, {"a": None}]}

    federation.sites["bad"].script("request", rewriting(change))
    offers = (await (await submit(federation)).json())["offers"]
    bad = federation.sites["bad"].sessions
    first, second = (offer for offer in offers if NEW.uuid(offer) in bad)
    if "extension" in first:
        first, second = second, first
    assert first["compute"]["cores"] == {"max": 2}
    assert not {"phase"} & first["compute"].keys()
    assert not {"costs", "connectors"} & first.keys()
    assert "executable" not in second
    assert second["extension"] == {"kept": [1, {"a": None}]}


async def test_more_offers_than_are_read(tmp_path):
    async with running_federation(
        tmp_path,
        SimulatedSite(name="eager", dialect="2026-07", offers=5, step=60),
        settings={"fan_out": {"deadline": 2.0, "offers": 3}},
    ) as federation:
        response = await submit(federation)
        assert len((await response.json())["offers"]) == 3
        eager = (await sites_of(federation, response))["eager"]
        assert "2" in eager["detail"]
