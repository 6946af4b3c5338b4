"""The ``metabroker`` command; each group of subcommands is a module of its own."""

from aggregator.cli.application import app

__all__ = ["app"]
