"""A store in memory that keeps to its ports to the letter, leases included."""

from dataclasses import replace

from aggregator.domain.errors import UnknownResource
from aggregator.domain.records import WinnerState
from aggregator.ports.store import SessionOverlaid
from tests.support.memory_store import MemoryStore


class ExactStore(MemoryStore):
    """Several replicas may share it; each call is one transaction."""

    def __init__(self):
        super().__init__()
        self.winner_leases = {}
        self.release_leases = {}
        self.released = set()

    def _new_version(self, uuid, *, is_open):
        before = self.sets[uuid]
        self.sets[uuid] = replace(before, open=is_open, version=before.version + 1)

    async def claim(self, winner, replica, until):
        self._check()
        if winner.offer_set not in self.sets:
            raise UnknownResource(winner.offer_set)
        present = self.winner.get(winner.offer_set)
        if present is not None:
            return present
        overlay = self.kept[winner.session].overlay
        if overlay is not None:
            raise SessionOverlaid(overlay)
        self.winner[winner.offer_set] = winner
        self.winner_leases[winner.offer_set] = (replica, until)
        self._new_version(winner.offer_set, is_open=False)
        return winner

    async def withdraw(self, winner, releases=()):
        self._check()
        present = self.winner.get(winner.offer_set)
        if present == winner:
            del self.winner[winner.offer_set]
            self._new_version(winner.offer_set, is_open=True)
        elif present is not None and present.session == winner.session:
            return
        self._release_refused(winner, releases)

    async def settle(self, winner, state, releases):
        self._check()
        before = self.winner.get(winner.offer_set)
        if not await super().settle(winner, state, ()):
            return False
        self.winner_leases.pop(winner.offer_set, None)
        if before is None or before.state is not state:
            self._new_version(winner.offer_set, is_open=False)
        self._queue(releases)
        return True

    async def accepting(self, replica, until, now):
        self._check()
        found = []
        for uuid, winner in self.winner.items():
            _, end = self.winner_leases.get(uuid, ("", None))
            if winner.state is WinnerState.ACCEPTING and (end is None or end <= now):
                self.winner_leases[uuid] = (replica, until)
                found.append(winner)
        return found

    async def extend(self, offer_set, replica, until):
        self._check()
        owner, _ = self.winner_leases.get(offer_set, ("", None))
        if owner == replica:
            self.winner_leases[offer_set] = (replica, until)

    async def save_reading(self, route, changes):
        self._check()
        before = self.kept[route.session]
        if before.last_read <= route.last_read:
            before = replace(route, overlay=before.overlay, position=before.position)
        self.kept[route.session] = replace(
            before, overlay=before.overlay or route.overlay
        )
        self.history_rows += changes

    def _queue(self, releases):
        for release in releases:
            key = (release.site, release.session)
            if key not in self.released:
                self.queued.setdefault(key, release)

    async def queue(self, releases, due):
        self._check()
        self._queue(releases)

    async def lease(self, replica, now, until, limit):
        self._check()
        ready = [
            release
            for key, release in self.queued.items()
            if self.due.get(key, now) <= now
            and self.release_leases.get(key, now) <= now
        ][:limit]
        for release in ready:
            self.release_leases[release.site, release.session] = until
        return ready

    async def finish(self, release, outcome, now):
        await super().finish(release, outcome, now)
        self.released.add((release.site, release.session))

    async def put_off(self, release, due):
        self._check()
        key = (release.site, release.session)
        if key in self.queued:
            await super().put_off(release, due)
            self.release_leases.pop(key, None)
