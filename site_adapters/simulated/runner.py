"""Running simulated sites: real servers on ports of their own."""

import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from aiohttp import web

from aggregator.domain.phases import SessionPhase
from site_adapters.simulated.broker import Broker, Now, wall_clock
from site_adapters.simulated.faults import Fault
from site_adapters.simulated.handlers import Handlers, RecordedCall
from site_adapters.simulated.site import Operation, SimulatedSite

_SHUTDOWN: Final = 0.2
"""Seconds that a stopping site gives to the calls that it is answering."""


def build_application(site: SimulatedSite, clock: Now = wall_clock) -> web.Application:
    """Return an application that serves ``site``, for a server of one's own."""
    return Handlers(Broker(site, clock)).application()


class RunningSite:
    """A site whose server is up, with what tests see and do behind its back.

    Args:
        site: How it behaves.
        host: The address to listen at.
        port: The port, 0 for any that is free.
        clock: The clock that it lives by.
    """

    def __init__(self, site: SimulatedSite, host: str, port: int, clock: Now) -> None:
        self.site = site
        self._host = host
        self._broker = Broker(site, clock)
        self._handlers = Handlers(self._broker)
        self._runner: web.AppRunner | None = None
        self._socket = _bound(host, port)
        self._port: int = self._socket.getsockname()[1]

    @property
    def name(self) -> str:
        """The site's name."""
        return self.site.name

    @property
    def url(self) -> str:
        """Where its broker is, without a final slash."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    @property
    def requests(self) -> Sequence[RecordedCall]:
        """The calls that came, the oldest first; only so many are remembered."""
        return tuple(self._handlers.calls)

    @property
    def sessions(self) -> Mapping[str, SessionPhase]:
        """The phase of every session, by uuid, as a read would show it."""
        sessions = self._broker.ledger.sessions()
        return {one.uuid: self._broker.phase(one) for one in sessions}

    @property
    def accepted(self) -> Sequence[str]:
        """The sessions that were ever accepted, whatever became of them."""
        sessions = self._broker.ledger.sessions()
        return tuple(one.uuid for one in sessions if one.accepted_at is not None)

    @property
    def taken(self) -> frozenset[str]:
        """The sessions that were accepted, and that no client has given back since."""
        sessions = self._broker.ledger.sessions()
        return frozenset(
            one.uuid
            for one in sessions
            if one.accepted_at is not None and not one.released
        )

    def open_reservations(self) -> frozenset[str]:
        """Return the offers that nobody took, and that nobody said won't be taken."""
        ledger = self._broker.ledger
        return frozenset(
            one.uuid
            for one in ledger.sessions()
            if self._broker.phase(one) is SessionPhase.OFFERED
            and not one.released
            and not ((of := ledger.offer_set(one.offer_set)) and of.winner)
        )

    def script(
        self, operation: Operation | str, fault: Fault, times: int | None = 1
    ) -> None:
        """Let the next ``times`` calls of ``operation`` go wrong; None is for all.

        Faults that are scripted one after the other happen in that order.
        """
        self._handlers.script.add(Operation(operation), fault, times)

    def clear_script(self) -> None:
        """Drop the faults that are still to come."""
        self._handlers.script.clear()

    def behave(self, **changes: object) -> None:
        """Change how the site behaves from now on, by fields of ``SimulatedSite``.

        Its dialect and its time scale stay as they are.
        """
        self.site = replace(self.site, **changes)  # type: ignore[arg-type]
        self._broker.site = self.site

    def move(self, session: str, phase: SessionPhase) -> None:
        """Put a session into ``phase``, where it stays until it is updated or moved.

        Raises:
            KeyError: There is no such session.
        """
        found = self._broker.ledger.session(session)
        if found is None:
            raise KeyError(session)
        found.pinned = phase

    def forget(self, session: str) -> None:
        """Forget a session, as a broker that lost its database.

        Raises:
            KeyError: There is no such session.
        """
        self._broker.ledger.forget(session)

    async def start(self) -> None:
        """Listen, unless the site is one that is down."""
        if self._runner is not None or self.site.down:
            return
        self._runner = web.AppRunner(
            self._handlers.application(),
            access_log=None,
            handle_signals=False,
            shutdown_timeout=_SHUTDOWN,
        )
        await self._runner.setup()
        await web.SockSite(self._runner, self._socket).start()

    async def stop(self) -> None:
        """Close all connections and refuse new ones; the port stays reserved."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
            self._socket = _bound(self._host, self._port)

    async def restart(self, *, forgets: bool = True) -> None:
        """Stop and start, with all sessions forgotten unless ``forgets`` is False."""
        await self.stop()
        if forgets:
            self._broker.ledger.clear()
        await self.start()

    async def close(self) -> None:
        """Stop and give the port back."""
        await self.stop()
        self._socket.close()


def _bound(host: str, port: int) -> socket.socket:
    """Reserve a port: connections to it are refused until something listens."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


@asynccontextmanager
async def run(
    site: SimulatedSite,
    host: str = "127.0.0.1",
    port: int = 0,
    clock: Now = wall_clock,
) -> AsyncIterator[RunningSite]:
    """Run a site's broker as a real server while the context lasts.

    Raises:
        OSError: The port is taken.
    """
    running = RunningSite(site, host, port, clock)
    try:
        await running.start()
        yield running
    finally:
        await running.close()
