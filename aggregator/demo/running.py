"""Running the demo: federation and meta-broker up, the story told, all down again."""

import errno
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from aggregator import wiring
from aggregator.demo.federation import (
    TIME_SCALE,
    running_sites,
    write_configuration,
)
from aggregator.demo.stopping import told_to_stop
from aggregator.demo.story import (
    Audience,
    DemoFailed,
    DemoSite,
    Surroundings,
    tell,
)
from aggregator.observability.logs import configure_logging
from site_adapters.simulated import RunningSite


async def run_demo(audience: Audience, *, port: int, once: bool) -> None:
    """Run the whole demo.

    Args:
        audience: Is shown what happens.
        port: Where the meta-broker listens, at 127.0.0.1; 0 is any free port.
        once: Whether to end with the story; else everything stays up until the
            process gets SIGINT or SIGTERM.

    Raises:
        BrokerError: The meta-broker refused something, or doesn't answer.
        DemoFailed: It couldn't be set up, or didn't come to its good end.
    """
    async with _everything_up(port) as surroundings:
        offers = await tell(surroundings, audience)
        if not once:
            with told_to_stop() as stop:
                audience.stays_up(surroundings, offers)
                await stop.wait()


@asynccontextmanager
async def _everything_up(port: int) -> AsyncIterator[Surroundings]:
    with TemporaryDirectory(prefix="metabroker-demo-") as name:
        async with running_sites() as sites:
            settings = write_configuration(Path(name), sites, port)
            async with _broker(settings, port) as url:
                yield Surroundings(url, _described(sites), TIME_SCALE)


def _described(sites: Sequence[RunningSite]) -> list[DemoSite]:
    return [DemoSite(one.name, one.url, one.site.description) for one in sites]


@asynccontextmanager
async def _broker(settings: Path, port: int) -> AsyncIterator[str]:
    configuration = wiring.load_configuration(settings, {})
    configure_logging("error", "console")
    async with AsyncExitStack() as stack:
        try:
            service = await stack.enter_async_context(
                wiring.running_service(configuration)
            )
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            taken = f"port {port} of 127.0.0.1 is taken; choose another with --port"
            raise DemoFailed(taken) from error
        yield service.url
