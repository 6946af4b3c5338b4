"""A store in memory, in the place of a database."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from aggregator.domain.errors import StoreUnavailable
from aggregator.domain.phases import SessionPhase
from aggregator.domain.principal import OPERATORS
from aggregator.domain.records import Route, Winner, WinnerState
from aggregator.domain.tallies import SiteHoldings
from aggregator.ports.store import SessionOverlaid, SessionsTaken


class MemoryStore:
    """All ports to the store, in dictionaries; ``broken`` makes every call fail."""

    def __init__(self):
        self.sets = {}
        self.kept: dict[str, Route] = {}
        self.winner: dict[str, Winner] = {}
        self.queued: dict[tuple[str, str], object] = {}
        self.finished: list[tuple[object, str]] = []
        self.due: dict = {}
        self.watched: dict = {}
        self.claims: dict = {}
        self.broken = False
        self.history_rows = []
        self.counted_until = None

    def _check(self):
        if self.broken:
            raise StoreUnavailable("the store was broken by a test", retry_after=1)

    # -- offer sets -------------------------------------------------------------
    async def add(self, offer_set, releases, estimated_starts):
        self._check()
        self._keep(offer_set, releases, estimated_starts)

    async def replace(self, offer_set, releases, estimated_starts):
        self._check()
        before = self.sets[offer_set.uuid]
        if not before.open or before.version != offer_set.version - 1:
            return False
        self._keep(offer_set, releases, estimated_starts)
        return True

    def _keep(self, offer_set, releases, starts: Mapping):
        taken = {
            offer.session: self.kept[offer.session].site
            for offer in offer_set.offers
            if offer.session in self.kept
            and self.kept[offer.session].offer_set != offer_set.uuid
        }
        if taken:
            raise SessionsTaken(taken)
        self.sets[offer_set.uuid] = offer_set
        for position, offer in enumerate(offer_set.offers):
            self.kept.setdefault(
                offer.session,
                Route(
                    session=offer.session,
                    offer_set=offer_set.uuid,
                    site=offer.site,
                    site_session=offer.site_session,
                    issuer=offer_set.issuer,
                    subject=offer_set.subject,
                    dialect=offer_set.request.dialect,
                    position=position,
                    expires=offer.expires,
                    estimated_start=starts.get(offer.session),
                    last_payload=offer.payload,
                    last_read=offer_set.created,
                ),
            )
        self._queue(releases)

    # -- routes: ``get`` differs from that of offer sets, hence the view -----------
    @property
    def routes(self):
        return _Routes(self)

    @property
    def offer_sets(self):
        return _OfferSets(self)

    @property
    def request_claims(self):
        return _RequestClaims(self)

    async def route_of(self, session):
        self._check()
        return self.kept.get(session)

    async def of_set(self, offer_set):
        self._check()
        routes = [r for r in self.kept.values() if r.offer_set == offer_set]
        return sorted(routes, key=lambda r: r.position)

    async def save_reading(self, route, changes):
        self._check()
        before = self.kept[route.session]
        self.kept[route.session] = replace(
            route, overlay=before.overlay or route.overlay
        )
        self.history_rows += changes

    async def mark(self, session, phase, releases=()):
        self._check()
        route = self.kept[session]
        winner = self.winner.get(route.offer_set)
        wins = (
            winner is not None
            and winner.session == session
            and winner.state is not WinnerState.LOST
        )
        if phase is not SessionPhase.REJECTED or not wins:
            route = replace(route, overlay=route.overlay or phase)
        self.kept[session] = route
        if route.overlay is phase:
            self._queue(releases)
        return route.overlay is phase

    # -- winners ----------------------------------------------------------------
    async def claim(self, winner, replica, until):
        self._check()
        overlay = self.kept[winner.session].overlay
        if winner.offer_set not in self.winner and overlay is not None:
            raise SessionOverlaid(overlay)
        kept = self.winner.setdefault(winner.offer_set, winner)
        self.sets[winner.offer_set] = replace(self.sets[winner.offer_set], open=False)
        return kept

    async def withdraw(self, winner, releases=()):
        self._check()
        kept = self.winner.get(winner.offer_set)
        if kept == winner:
            del self.winner[winner.offer_set]
            self.sets[winner.offer_set] = replace(
                self.sets[winner.offer_set], open=True
            )
        elif kept is not None and kept.session == winner.session:
            return
        self._release_refused(winner, releases)

    def _release_refused(self, winner, releases):
        route = self.kept[winner.session]
        if releases and route.overlay is None:
            self.kept[winner.session] = replace(route, overlay=SessionPhase.REJECTED)
        self._queue(releases)

    async def settle(self, winner, state, releases):
        self._check()
        before = self.winner.get(winner.offer_set)
        accepted = state is WinnerState.ACCEPTED
        if before is None and (
            not accepted or self.kept[winner.session].overlay is SessionPhase.REJECTED
        ):
            return False
        if before is not None and (
            before.session != winner.session
            or (before.state is WinnerState.ACCEPTED and not accepted)
        ):
            return False
        self.winner[winner.offer_set] = replace(winner, state=state)
        self.watched.setdefault(winner.session, winner.since)
        if state is WinnerState.ACCEPTED:
            for route in await self.of_set(winner.offer_set):
                if route.session != winner.session and route.overlay is None:
                    self.kept[route.session] = replace(
                        route, overlay=SessionPhase.REJECTED
                    )
        self._queue(releases)
        return True

    async def of_offer_set(self, offer_set):
        self._check()
        return self.winner.get(offer_set)

    async def accepting(self, replica, until, now):
        self._check()
        return [w for w in self.winner.values() if w.state is WinnerState.ACCEPTING]

    async def extend(self, offer_set, replica, until):
        self._check()

    # -- recovery -----------------------------------------------------------------
    async def keep(self, offer_set, winner):
        self._check()
        present = self.kept.get(winner.session)
        if present is None:
            self._keep(offer_set, (), {})
            self.winner[offer_set.uuid] = winner
            self.watched[winner.session] = winner.since
        elif OPERATORS.owns(present.issuer, present.subject):
            self.kept[winner.session] = replace(
                present, issuer=offer_set.issuer, subject=offer_set.subject
            )
        return self.kept[winner.session]

    # -- watches ------------------------------------------------------------------
    async def lease_watches(self, replica, now, until, limit):
        self._check()
        due = [session for session, at in self.watched.items() if at <= now][:limit]
        self.watched.update(dict.fromkeys(due, until))
        return [self.kept[session] for session in due]

    async def next_watch(self, session, due):
        self._check()
        if due is None:
            del self.watched[session]
        else:
            self.watched[session] = due

    # -- versions and counts ------------------------------------------------------
    async def version(self, uuid):
        self._check()
        offer_set = self.sets.get(uuid)
        return offer_set.version if offer_set is not None else None

    async def open_reservations(self, now, issuer=None, subject=None):
        self._check()
        return sum(
            route.overlay is None
            and route.expires > now
            and self.sets[route.offer_set].open
            and (subject is None or (route.issuer, route.subject) == (issuer, subject))
            for route in self.kept.values()
        )

    async def of_sites(self, now):
        self._check()
        held = Counter(
            route.site
            for route in self.kept.values()
            if route.overlay is None
            and route.expires > now
            and self.sets[route.offer_set].open
        )
        return {site: SiteHoldings(number) for site, number in held.items()}

    async def known_sessions(self):
        self._check()
        return len(self.kept)

    async def expired_unused(self, until):
        self._check()
        winners = {winner.session for winner in self.winner.values()}
        after, self.counted_until = self.counted_until, until
        return Counter(
            route.site
            for route in self.kept.values()
            if route.overlay is None
            and route.session not in winners
            and after is not None
            and after < route.expires <= until
        )

    async def earliest_alternative(self, session):
        self._check()
        route = self.kept[session]
        won = self.winner.get(route.offer_set)
        if won is None or won.session != session:
            return None
        starts = [
            other.estimated_start
            for other in self.kept.values()
            if other.offer_set == route.offer_set
            and other.session != session
            and other.estimated_start is not None
        ]
        return max(min(starts), won.since) if starts else None

    # -- releases ---------------------------------------------------------------
    async def queue(self, releases, due):
        self._check()
        self._queue(releases)

    def _queue(self, releases):
        for release in releases:
            self.queued.setdefault((release.site, release.session), release)

    async def lease(self, replica, now, until, limit):
        self._check()
        ready = [r for k, r in self.queued.items() if self.due.get(k, now) <= now]
        for release in ready[:limit]:
            self.due[release.site, release.session] = until
        return ready[:limit]

    async def finish(self, release, outcome, now):
        self._check()
        self.queued.pop((release.site, release.session), None)
        self.finished.append((release, outcome))

    async def put_off(self, release, due):
        self._check()
        key = (release.site, release.session)
        self.queued[key] = replace(release, attempts=release.attempts + 1)
        self.due[key] = due

    async def waiting(self):
        self._check()
        return len(self.queued)


class _Routes:
    def __init__(self, store):
        self._store = store

    async def get(self, session):
        return await self._store.route_of(session)

    async def of_offer_set(self, offer_set):
        return await self._store.of_set(offer_set)

    async def save_reading(self, route, changes):
        await self._store.save_reading(route, changes)

    async def mark(self, session, phase, releases=()):
        return await self._store.mark(session, phase, releases)


class _RequestClaims:
    def __init__(self, store):
        self._store = store

    async def claim(self, claim, stale):
        self._store._check()
        owner = (claim.issuer, claim.subject, claim.key)
        return self._store.claims.setdefault(owner, claim)

    async def give_up(self, claim):
        self._store._check()
        self._store.claims.pop((claim.issuer, claim.subject, claim.key), None)


class _OfferSets:
    def __init__(self, store):
        self._store = store

    async def add(self, offer_set, releases, estimated_starts):
        await self._store.add(offer_set, releases, estimated_starts)

    async def replace(self, offer_set, releases, estimated_starts):
        return await self._store.replace(offer_set, releases, estimated_starts)

    async def get(self, uuid):
        self._store._check()
        return self._store.sets.get(uuid)
