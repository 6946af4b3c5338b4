"""Many brokers behind one listener, each at a path of its own: for pages and bounds.

They answer probes and nothing else; how each does is a test's to say.
"""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web


@dataclass
class ManySites:
    """The listener.

    Attributes:
        url: Where it is.
        statuses: By a site's name what it answers; 404 where nothing is said, which is
            what a broker says of an offer set that it doesn't know.
        delays: By a site's name the seconds that it takes.
        headers: By a site's name what else it says.
    """

    url: str = ""
    statuses: dict[str, int] = field(default_factory=dict)
    delays: dict[str, float] = field(default_factory=dict)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)

    def urls(self, *names):
        return {name: f"{self.url}/{name}" for name in names}

    async def handle(self, request):
        name = request.match_info["site"]
        await asyncio.sleep(self.delays.get(name, 0.0))
        return web.json_response(
            {}, status=self.statuses.get(name, 404), headers=self.headers.get(name, {})
        )


@asynccontextmanager
async def many_sites():
    sites = ManySites()
    app = web.Application()
    app.router.add_route("*", "/{site}/{rest:.*}", sites.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    listener = web.TCPSite(runner, "127.0.0.1", 0)
    await listener.start()
    sites.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield sites
    finally:
        await runner.cleanup()
