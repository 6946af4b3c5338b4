"""What is left after a soak: every promise is held against sites and store."""

import asyncio
from collections import defaultdict

from sqlalchemy import and_, func, select

from aggregator.domain.phases import SessionPhase
from aggregator.store.sql_store import open_store, sqlite_url
from aggregator.store.tables import RELEASES, ROUTES, WINNERS
from tests.soak.clients import TOKEN
from tests.support.conversation import eventually, read, see

_DRAINED = 30.0
_AT_ONCE = 8
_TOLD = 5


async def examine(directory, federation, clients, figures):
    """Wait until all that was under way is over, and hold the promises against it."""
    async with open_store(sqlite_url(directory / "store.sqlite")) as store:
        await _drain(store)
        routes = await store.database.rows(select(ROUTES))
        winners = {w.offer_set: w for w in await store.database.rows(select(WINNERS))}
        releases = await store.database.rows(select(RELEASES))
    _count(federation, routes, winners, releases, figures)
    _one_winner(federation, routes, winners, figures)
    _words_kept(clients, winners, figures)
    _given_back(federation, routes, winners, releases, figures)
    await _all_known(federation, clients, figures)


async def _drain(store):
    async def nothing_waits():
        # Those that are told until they expire have been heard, or are tried again.
        told = and_(RELEASES.c.until_expiry, RELEASES.c.attempts >= _TOLD)
        waiting = select(func.count()).where(RELEASES.c.outcome.is_(None), ~told)
        undecided = select(func.count()).where(WINNERS.c.state == "accepting")
        [(releases,)] = await store.database.rows(waiting)
        [(winners,)] = await store.database.rows(undecided)
        await asyncio.sleep(0.1)
        return releases + winners == 0

    await eventually(nothing_waits, within=_DRAINED)


def _count(federation, routes, winners, releases, figures):
    counts = figures.counts
    counts["offer sets kept"] = len({route.offer_set for route in routes})
    counts["sessions kept"] = len(routes)
    counts["sessions made at the sites"] = sum(
        len(site.sessions) for site in federation.sites.values()
    )
    for winner in winners.values():
        counts[f"winners {winner.state}"] += 1
    for release in releases:
        counts[f"releases {release.outcome}"] += 1


def _one_winner(federation, routes, winners, figures):
    """P3, by what the sites took, and were not told to cancel."""
    sites = federation.sites.values()
    accepted = {session for site in sites for session in site.accepted}
    running = {session for site in sites for session in site.taken}
    taken = defaultdict(set)
    for route in routes:
        if route.site_session in running:
            taken[route.offer_set].add(route.session)
    figures.counts["sessions taken at the sites"] = len(accepted)
    figures.counts["sessions cancelled at the sites"] = len(accepted - running)
    for offer_set, sessions in taken.items():
        figures.require(len(sessions) == 1, f"{offer_set} has {sessions} taken")
        winner = winners.get(offer_set)
        won = winner is not None and {winner.session} == sessions
        figures.require(won, f"{sessions} of {offer_set} is taken and no winner")
    for winner in winners.values():
        figures.require(
            winner.state != "accepted" or winner.site_session in accepted,
            f"{winner.session} won, and {winner.site} has not taken it",
        )


def _words_kept(clients, winners, figures):
    """P3 and P4, by what clients were told."""
    for asked in clients.sets:
        figures.require(len(asked.taken) <= 1, f"{asked.uuid}: {asked.taken} taken")
        winner = winners.get(asked.uuid)
        for session in asked.taken:
            won = winner is not None and winner.session == session
            figures.require(won, f"{session} was said to be taken, and did not win")
        for session in asked.rejected:
            lost = winner is None or winner.session != session
            figures.require(lost, f"{session} was said to be rejected, and won")


def _given_back(federation, routes, winners, releases, figures):
    """P5: of what the store knows only open sets have offers left."""
    wanted, known = set(), {(r.site, r.session) for r in releases}
    for route in routes:
        known.add((route.site, route.site_session))
        rejected = route.overlay == SessionPhase.REJECTED.value
        if route.offer_set not in winners and not rejected:
            wanted.add((route.site, route.site_session))
    for name, site in federation.sites.items():
        left = {(name, session) for session in site.open_reservations()}
        for _, session in (left & known) - wanted:
            figures.require(holds=False, violation=f"{session} of {name} is left")
        figures.counts["reservations whose answer was lost"] += len(left - known)
        figures.counts["reservations of open sets"] += len(left & wanted)


async def _all_known(federation, clients, figures):
    """P8: every set and session that a client was given is still there."""
    slots = asyncio.Semaphore(_AT_ONCE)

    async def look(asked):
        async with slots:
            shown = await read(federation, f"/offersets/{asked.uuid}")
            there = shown.status == 200 and set(asked.sessions) <= set(shown.sessions)
            figures.require(
                there, f"{asked.uuid} is {shown.status}, or has lost offers"
            )
            for session in asked.taken - asked.cancelled:
                seen = await see(federation, session)
                figures.require(
                    seen.status == 200 and seen.phase not in {"REJECTED", "EXPIRED"},
                    f"{session} was taken and is {seen.document}",
                )

    await asyncio.gather(*(look(asked) for asked in clients.sets))
    figures.counts["offer sets read again"] = len(clients.sets)


def examine_secrets(directory, figures):
    """P6: no token in the store, nor in the log."""
    token = TOKEN.partition(" ")[2].encode()
    for file in directory.iterdir():
        found = file.is_file() and token in file.read_bytes()
        figures.require(not found, f"{file.name} has a token")
