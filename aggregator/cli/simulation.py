"""``simulate``: one simulated site."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aggregator.cli.connection import AsJson
from aggregator.cli.exits import ExitCode, fail

if TYPE_CHECKING:
    from site_adapters.simulated import SimulatedSite


def simulate(
    *,
    site: Annotated[
        Path | None,
        typer.Option("--site", help="A YAML file that says how the site behaves."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="The site's name.")] = None,
    dialect: Annotated[
        str | None, typer.Option(help="What its broker speaks, such as 2026-07.")
    ] = None,
    time_scale: Annotated[
        float | None, typer.Option(help="How many times faster sessions live.")
    ] = None,
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 is any free.")] = 18081,
    as_json: AsJson = False,
) -> None:
    """Run a simulated site's broker until it is told to end."""
    changes = {"name": name, "dialect": dialect, "time_scale": time_scale}
    given = {key: value for key, value in changes.items() if value is not None}
    described = _described(site, given)
    asyncio.run(_serve(described, host, port, as_json=as_json))


def _described(file: Path | None, given: dict[str, Any]) -> "SimulatedSite":
    from aggregator.demo.simulated_sites import (
        SiteFileFault,
        read_site,
    )
    from site_adapters.simulated import SimulatedSite

    try:
        if file is None:
            return SimulatedSite(**{"name": "simulated", **given})
        return read_site(file, **given)
    except (SiteFileFault, ValueError) as error:
        fail(str(error), ExitCode.USAGE)


async def _serve(site: "SimulatedSite", host: str, port: int, *, as_json: bool) -> None:
    from aggregator.cli.printing import print_json
    from aggregator.demo.stopping import told_to_stop
    from site_adapters.simulated import run

    with told_to_stop() as stop:
        try:
            async with run(site, host, port) as running:
                known = {
                    "name": site.name,
                    "dialect": site.dialect,
                    "url": running.url,
                }
                if as_json:
                    print_json(known)
                else:
                    typer.echo("{name} ({dialect}) at {url}".format_map(known))
                await stop.wait()
        except OSError as error:
            place = f"{host}:{port}"
            fail(f"can't listen at {place}: {error.strerror}", ExitCode.USAGE)
