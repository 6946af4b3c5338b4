"""``demo``: the whole service at work, in front of simulated sites."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.cli.connection import AsJson, explain
from aggregator.cli.exits import ExitCode, fail

if TYPE_CHECKING:
    from aggregator.demo.story import Audience


def demo(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="End when the session is completed.")
    ] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The meta-broker's; 0 is any free.")
    ] = 8080,
    as_json: AsJson = False,
) -> None:
    """Run a federation of simulated sites, and send a request through it."""
    from aggregator.cli.audiences import Machine, People
    from aggregator.client import BrokerError, BrokerProblem
    from aggregator.demo.running import run_demo
    from aggregator.demo.story import DemoFailed

    audience: Audience = Machine() if as_json else People()
    try:
        asyncio.run(run_demo(audience, port=port, once=once))
    except BrokerProblem as problem:
        explain(problem)
    except (BrokerError, DemoFailed) as error:
        fail(str(error), ExitCode.REFUSED)
