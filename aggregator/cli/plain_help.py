"""Commands whose help has arguments as manuals have them, and no types of flags."""

from collections.abc import Callable, Iterable
from typing import Any

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption


class PlainTyper(typer.Typer):
    """A group of commands with plain help."""

    def __init__(self, **options: Any) -> None:
        super().__init__(cls=PlainGroup, **options)

    def command(self, name: str | None = None, **options: Any) -> Callable[[Any], Any]:
        """Add the function that is decorated as a command with plain help."""
        return super().command(name, cls=PlainCommand, **options)


class PlainCommand(TyperCommand):
    """A command with plain help."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return all parameters, that of the help among them."""
        return _plain(super().get_params(ctx))

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return what a call is made of, such as ``[OPTIONS]`` and ``FILE``."""
        return [
            piece.replace("{", "").replace("}", "")
            for piece in super().collect_usage_pieces(ctx)
        ]


class PlainGroup(TyperGroup):
    """A group with plain help."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return all parameters, that of the help among them."""
        return _plain(super().get_params(ctx))


def _plain(parameters: Iterable[Any]) -> list[Any]:
    named = list(parameters)
    for one in named:
        if one.metavar is None and isinstance(one, TyperArgument):
            one.metavar = (one.name or "").upper()
        elif one.metavar is None and isinstance(one, TyperOption) and one.is_flag:
            one.metavar = ""
    return named
