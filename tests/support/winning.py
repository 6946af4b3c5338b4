"""Who won an offer set, as its sites and all replicas see it."""

import json

from tests.support.conversation import eventually, see


def owner_of(replicas, session):
    """Return the site that made an offer."""
    return next(site for site in replicas.sites.values() if session in site.sessions)


def accepted(replicas, offer_set):
    """Return the offers of a set that any site ever took as accepted."""
    return [
        session
        for session in offer_set.sessions
        if session in owner_of(replicas, session).accepted
    ]


def asked_for(site, session, phase):
    """Return how often a site was asked to move a session to ``phase``."""
    return sum(
        call.method == "POST"
        and call.path.endswith(session)
        and json.loads(call.body).get("update", {}).get("value") == phase
        for call in site.requests
    )


async def all_released(replicas, offer_set):
    """Wait until no site keeps a reservation of the set."""

    async def released():
        kept = {s for site in replicas.sites.values() for s in site.open_reservations()}
        return not kept & set(offer_set.sessions)

    await eventually(released)


async def assert_decided(replicas, offer_set, winner):
    """Check that one offer won, that all replicas know, and that the rest is released."""
    assert accepted(replicas, offer_set) == [winner]
    await all_released(replicas, offer_set)
    for replica in replicas.everywhere:
        for session in offer_set.sessions:
            seen = await see(replica, session)
            assert seen.status == 200
            if session == winner:
                assert seen.phase not in {"OFFERED", "REJECTED", "EXPIRED"}
            else:
                assert seen.phase == "REJECTED"
