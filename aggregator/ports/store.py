"""The ports to the store: what must outlive a process.

Every method is one transaction and raises ``StoreUnavailable`` where the store
can't do it. Several replicas may share one store.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from aggregator.domain.phases import SessionPhase
from aggregator.domain.records import (
    Decision,
    OfferSet,
    PhaseChange,
    Release,
    RequestClaim,
    Route,
    Winner,
    WinnerState,
)


class SessionsTaken(Exception):
    """A site gave uuids to its offers that another set's sessions have.

    Attributes:
        sessions: Those uuids, and at which site their sessions are. Offers of other
            sites can be kept under minted ones.
    """

    def __init__(self, sessions: Mapping[str, str]) -> None:
        super().__init__("sessions are taken")
        self.sessions = sessions


class SessionOverlaid(Exception):
    """A session can't win any more: it has an overlay.

    Attributes:
        phase: The overlay.
    """

    def __init__(self, phase: SessionPhase) -> None:
        super().__init__(f"the session is {phase.value}")
        self.phase = phase


class OfferSets(Protocol):
    """Offer sets with their offers and the routes of these."""

    async def add(
        self,
        offer_set: OfferSet,
        releases: Sequence[Release],
        estimated_starts: Mapping[str, datetime],
    ) -> None:
        """Keep a new set, a route for each of its offers, and queue releases.

        Args:
            offer_set: The set to keep.
            releases: Offers that aren't in it and are to be released.
            estimated_starts: When each session is estimated to start, by uuid.

        Raises:
            SessionsTaken: Another set has sessions of these uuids; nothing was kept.
        """
        ...

    async def get(self, uuid: str) -> OfferSet | None:
        """Return the set, None where there is none of that uuid."""
        ...

    async def replace(
        self,
        offer_set: OfferSet,
        releases: Sequence[Release],
        estimated_starts: Mapping[str, datetime],
    ) -> bool:
        """Keep a set that grew, with routes for its new offers; queue releases.

        Done only where the stored set is open and its version is the one before
        ``offer_set.version``; otherwise nothing is changed and False returned.
        Whatever opens or closes the set also makes a new version of it.

        Raises:
            SessionsTaken: Another set has sessions of these uuids; nothing was kept.
        """
        ...


class Routes(Protocol):
    """Which site owns which session."""

    async def get(self, session: str) -> Route | None:
        """Return the route of a session, None where there is none."""
        ...

    async def of_offer_set(self, offer_set: str) -> Sequence[Route]:
        """Return the routes of a set's offers, best offer first."""
        ...

    async def save_reading(self, route: Route, changes: Sequence[PhaseChange]) -> None:
        """Keep a route's overlay and last reading, and phases newly seen.

        A phase that a component was already seen in keeps its first time. An
        overlay that is stored is never cleared, nor replaced by another.
        """
        ...


class Winners(Protocol):
    """At most one winner per offer set, across all replicas."""

    async def claim(self, winner: Winner, replica: str, until: datetime) -> Winner:
        """Make ``winner`` the set's only one and close the set, unless it has one.

        The claim is leased to ``replica`` until ``until``, while it asks the site.

        Returns:
            The set's winner: ``winner`` itself where this call claimed it, and
            otherwise the one that was there before.

        Raises:
            UnknownResource: There is no such set.

        Raises:
            SessionOverlaid: The session has an overlay, so that it can't win.
        """
        ...

    async def withdraw(self, winner: Winner, releases: Sequence[Release] = ()) -> None:
        """Remove a winner that its site definitely refused, and reopen the set.

        With releases, the route gets the overlay REJECTED in the same transaction:
        what is released is never accepted. Only ``winner`` itself is removed, not
        another claim of its session. Where the stored one is of its session, but
        another claim or no longer ``accepting``, nothing is changed; where it is of
        another session, the releases are queued all the same.
        """
        ...

    async def settle(
        self, winner: Winner, state: WinnerState, releases: Sequence[Release]
    ) -> bool:
        """Move the winner to ``state``, queue releases, and mark losers.

        A watch of the winner starts in the same transaction, and on ``accepted``
        every other route of the set without an overlay gets the overlay REJECTED.
        A winner that was withdrawn meanwhile becomes it again, unless it has the
        overlay REJECTED since.

        Returns:
            Whether it was done; not where the set has another winner or is gone,
            or where ``lost`` comes after ``accepted``. Nothing is changed then.
        """
        ...


class WinnerReadings(Protocol):
    """Reading winners."""

    async def of_offer_set(self, offer_set: str) -> Winner | None:
        """Return a set's winner, None where it has none."""
        ...

    async def accepting(
        self, replica: str, until: datetime, now: datetime
    ) -> Sequence[Winner]:
        """Lease acceptances that nobody is at work on, until ``until``.

        A winner is claimed under the lease of its claimant, so that this returns
        only those of replicas that went away, or whose lease ended.
        """
        ...

    async def extend(self, offer_set: str, replica: str, until: datetime) -> None:
        """Hold the lease of an acceptance that is still being worked on."""
        ...


class Releases(Protocol):
    """The durable queue of releases."""

    async def queue(self, releases: Sequence[Release], due: datetime) -> None:
        """Queue releases; one that is, or was, queued already stays as it is."""
        ...

    async def lease(
        self, replica: str, now: datetime, until: datetime, limit: int
    ) -> Sequence[Release]:
        """Take up to ``limit`` releases that are due and not leased to anybody."""
        ...

    async def finish(self, release: Release, outcome: str, now: datetime) -> None:
        """Take a release out of the queue; ``outcome`` is kept beside it."""
        ...


class ReleaseRetries(Protocol):
    """Putting releases off."""

    async def put_off(self, release: Release, due: datetime) -> None:
        """Give a leased release back, one attempt older, to be tried at ``due``."""
        ...

    async def waiting(self) -> int:
        """Return how many releases are in the queue."""
        ...


class Watches(Protocol):
    """Sessions that are followed without clients: accepted ones, and lost ones."""

    async def lease_watches(
        self, replica: str, now: datetime, until: datetime, limit: int
    ) -> Sequence[Route]:
        """Take sessions that are due to be read and not leased."""
        ...

    async def next_watch(self, session: str, due: datetime | None) -> None:
        """Say when to read a session again; None where it is terminal."""
        ...

    async def history(self, session: str) -> Sequence[PhaseChange]:
        """Return the phases that a session was seen in, oldest first."""
        ...


class RequestClaims(Protocol):
    """Idempotency keys: which request made which offer set."""

    async def claim(self, claim: RequestClaim, stale: datetime) -> RequestClaim:
        """Make ``claim`` the one of its key, unless there is one.

        A claim from before ``stale`` whose set was never kept gives way: whoever
        made it went away.

        Returns:
            The key's claim: the one given, or the one that was there before.
        """
        ...

    async def give_up(self, claim: RequestClaim) -> None:
        """Remove a claim whose set will not be kept."""
        ...


class Decisions(Protocol):
    """Rankings as they were made, to explain them and to make them again."""

    async def keep(
        self, decisions: Sequence[Decision], largest: int, most: int
    ) -> Sequence[str]:
        """Keep decisions, one for each offer set: that of its latest version.

        Args:
            decisions: Those to keep.
            largest: The most bytes that one may take up in the store.
            most: The number that is kept; the oldest beyond it are removed.

        Returns:
            The offer sets of those that are too large and aren't kept.
        """
        ...

    async def of_offer_set(self, offer_set: str) -> Decision | None:
        """Return the decision that put a set in order, None where it isn't kept."""
        ...

    async def page(
        self, since: datetime, before: tuple[datetime, str] | None, limit: int
    ) -> Sequence[Decision]:
        """Return up to ``limit`` decisions made at ``since`` or later, newest first.

        Args:
            since: The oldest moment.
            before: Moment and offer set of the last one of the page before.
            limit: The size of the page.
        """
        ...


class OfferSetWatch(Protocol):
    """What is cheap to ask of offer sets, again and again."""

    async def version(self, uuid: str) -> int | None:
        """Return a set's version, None where there is none of that uuid."""
        ...

    async def open_reservations(
        self, now: datetime, issuer: str | None = None, subject: str | None = None
    ) -> int:
        """Count offers that wait for their users: of one, or of all."""
        ...


class StoreHealth(Protocol):
    """Whether the store can be used."""

    async def check(self, *, writing: bool) -> None:
        """Return where the store can be read (and written), else raise.

        Raises:
            StoreUnavailable: With the reason in words for the operator.
        """
        ...


class Overlays(Protocol):
    """Marking what we know better than a site."""

    async def mark(
        self, session: str, phase: SessionPhase, releases: Sequence[Release] = ()
    ) -> bool:
        """Give a session that has no overlay the overlay ``phase``.

        REJECTED is not given to one that is its set's winner. The releases that
        the overlay makes due are queued with it, and not without it.

        Returns:
            Whether the session has that overlay now.
        """
        ...


class Retention(Protocol):
    """Taking out what nobody needs any more."""

    async def prune(self, before: datetime, limit: int) -> int:
        """Remove up to ``limit`` offer sets that are over, and of the rest as many.

        The rest are releases that were finished, and decisions that were made,
        before ``before``.

        A set is over when it was made before ``before``, nothing of it was read
        since, its acceptance is known or lost, its accepted session is terminal, and no
        other offer of it can be accepted. An offer that never expires counts as
        expired at ``before``.

        Returns:
            How many sets were removed; ``limit`` says that there may be more.
        """
        ...
