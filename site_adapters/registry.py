"""The adapters that are installed, by name: ours and those of other distributions.

An adapter is announced by an entry point in the group ``metabroker.site_adapters``
whose object is an ``AdapterFactory``. Ours are announced in the same way.
"""

from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Final

from site_adapters.base import AdapterFactory

GROUP: Final = "metabroker.site_adapters"
"""The entry points' group."""


class AdapterError(Exception):
    """The installed adapters can't be used as they are; the text says why."""


def adapter_factories(
    announced: Iterable[EntryPoint] | None = None,
) -> Mapping[str, AdapterFactory]:
    """Return what makes the adapter of each name.

    Args:
        announced: Where the adapters are; None for all that are installed.

    Raises:
        AdapterError: Two adapters have one name, or one can't be imported.
    """
    points = entry_points(group=GROUP) if announced is None else announced
    factories: dict[str, AdapterFactory] = {}
    for point in points:
        if point.name in factories:
            raise AdapterError(f"two site adapters are called {point.name!r}")
        factories[point.name] = _load(point)
    return MappingProxyType(factories)


def _load(point: EntryPoint) -> AdapterFactory:
    try:
        factory: AdapterFactory = point.load()
    except (ImportError, AttributeError) as error:
        raise AdapterError(
            f"the site adapter {point.name!r} can't be loaded from {point.value}: "
            f"{error}"
        ) from error
    if not callable(factory):
        raise AdapterError(
            f"the site adapter {point.name!r} at {point.value} can't be called"
        )
    return factory
