"""A federation of one site answers what the site itself answers.

What differs on purpose: the uuid and the moment of the set, the host in links, the
messages that we add, and the order of the offers, which is the ranking's.
"""

import json

import pytest

from site_adapters.simulated import SimulatedSite, faults
from tests.support.running import running_federation
from tests.support.simulated_dialogue import DIALECTS, Dialogue

JSON = {"Content-Type": "application/json", "Accept": "application/json"}


@pytest.fixture(params=DIALECTS)
def speaks(request):
    return Dialogue(request.param)


@pytest.fixture
async def federation(tmp_path, speaks):
    site = SimulatedSite(
        name="site", dialect=speaks.dialect, forgets_rejections=False, time_scale=1e-6
    )
    async with running_federation(tmp_path, site) as running:
        yield running


async def both(federation, method, path, document=None):
    """Do the same through us and at the site; return both answers."""
    body = None if document is None else json.dumps(document)
    headers = JSON if body else {"Accept": "application/json"}
    return [
        await federation.client.request(
            method, base + path, data=body, headers=headers, allow_redirects=False
        )
        for base in (federation.url, federation.sites["site"].url)
    ]


def without_messages(value):
    if isinstance(value, dict):
        return {
            key: without_messages(one)
            for key, one in value.items()
            if key != "messages"
        }
    if isinstance(value, list):
        return [without_messages(one) for one in value]
    return value


def hostless(document, *bases):
    text = json.dumps(without_messages(document))
    for base in bases:
        text = text.replace(base, "")
    return json.loads(text)


def bases(federation):
    return federation.url, federation.sites["site"].url


def shapes(value):
    """Return a document with the type of each value in its place."""
    if isinstance(value, dict):
        return {key: shapes(one) for key, one in value.items()}
    if isinstance(value, list):
        return [shapes(one) for one in value]
    return type(value).__name__


async def offers_of(federation, speaks, document=None):
    ours, theirs = await both(
        federation, "POST", speaks.path, document or speaks.request()
    )
    return ours, theirs, await ours.json(), await theirs.json()


async def test_a_request_is_answered_with_what_the_site_offers(federation, speaks):
    said = []

    def keep(document, _):
        said.append(json.loads(json.dumps(document)))
        return document

    federation.sites["site"].script("request", faults.rewritten(keep))
    response = await federation.post(
        speaks.path, json.dumps(speaks.request()), headers=JSON
    )
    offer_set = hostless(await response.json(), *bases(federation))
    (known,) = (hostless(document, *bases(federation)) for document in said)
    assert response.status == 303
    assert offer_set["result"] == known["result"] == "YES"
    assert offer_set["offers"] == known["offers"]


async def test_an_offer_set_has_the_members_that_the_sites_has(federation, speaks):
    _, _, offer_set, known = await offers_of(federation, speaks)
    if speaks.dialect == "2026-02":
        # A broker of that age calls a set without a name `no-name`.
        assert speaks.about(known).pop("name") == "no-name"
    shown = shapes(hostless(offer_set, *bases(federation)))
    assert shown == shapes(hostless(known, *bases(federation)))
    assert offer_set[speaks.key] == known[speaks.key]
    assert offer_set["result"] == known["result"]


async def test_sessions_are_the_sites_whatever_becomes_of_them(federation, speaks):
    _, _, offer_set, _ = await offers_of(federation, speaks)
    uuids = [speaks.uuid(offer) for offer in offer_set["offers"]]
    for uuid, phase in zip(uuids, ("REJECTED", "ACCEPTED"), strict=False):
        for document in (speaks.update(phase), None):
            method = "POST" if document else "GET"
            ours, theirs = await both(federation, method, f"/sessions/{uuid}", document)
            assert ours.status == theirs.status == 200
            shown = hostless(await ours.json(), *bases(federation))
            known = hostless(await theirs.json(), *bases(federation))
            assert shown == known


async def test_a_refusal_is_a_no_in_the_sites_words(federation, speaks):
    ours, theirs, offer_set, known = await offers_of(
        federation, speaks, speaks.request(cores=64)
    )
    assert ours.status == theirs.status == 303
    assert offer_set["result"] == known["result"] == "NO"
    assert offer_set.keys() == known.keys()
    said = [(m[speaks.key], m["template"]) for m in speaks.about(offer_set)["messages"]]
    # Brokers call it `kind` in messages of every dialect; we write the dialect's word.
    for message in speaks.about(known)["messages"]:
        assert (message["kind"], message["template"]) in said


async def test_what_does_not_exist_is_a_404_at_both(federation, speaks):
    for kind in ("sessions", "offersets"):
        path = f"/{kind}/0badc0de-0000-4000-8000-000000000000"
        ours, theirs = await both(federation, "GET", path)
        assert ours.status == theirs.status == 404


async def test_direct_execution_is_answered_alike(federation, speaks):
    if speaks.direct_path is None:
        pytest.skip(f"{speaks.dialect} has no direct execution")
    ours, theirs = await both(federation, "POST", speaks.direct_path, speaks.request())
    assert ours.status == theirs.status == 303
    shown = hostless(await ours.json(), *bases(federation))
    known = hostless(await theirs.json(), *bases(federation))
    assert shapes(shown) == shapes(known)
    assert shown["phase"] == known["phase"] == "ACCEPTED"
