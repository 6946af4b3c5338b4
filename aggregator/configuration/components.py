"""The filters and weighers that are installed: ours and those of other distributions.

A filter is announced by an entry point in the group ``metabroker.filters`` whose object
is a subclass of ``Filter``, a weigher in ``metabroker.weighers`` by one of ``Weigher``.
"""

import inspect
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from aggregator.configuration.problems import ConfigurationError, Problem
from aggregator.domain.ranking.builtin import BUILT_IN
from aggregator.domain.ranking.components import Components, Filter, Weigher

FILTERS: Final = "metabroker.filters"
WEIGHERS: Final = "metabroker.weighers"
"""The entry points' groups."""


def installed_components() -> Components:
    """Return all filters and weighers that policies may name.

    Raises:
        ConfigurationError: One of another distribution can't be used.
    """
    filters = _announced(FILTERS, Filter)
    weighers = _announced(WEIGHERS, Weigher)
    try:
        return BUILT_IN.extended(filters, weighers)
    except ValueError as error:
        raise _fault(f"{FILTERS}, {WEIGHERS}", str(error)) from error


def _announced(group: str, kind: type) -> list[Any]:
    return [_loaded(point, kind) for point in entry_points(group=group)]


def _loaded(point: EntryPoint, kind: type) -> Any:
    place = f"{point.group} {point.name} ({point.value})"
    try:
        found = point.load()
    except Exception as error:
        raise _fault(place, f"can't be loaded: {error}") from error
    if not (isinstance(found, type) and issubclass(found, kind)):
        raise _fault(place, f"should be a subclass of {kind.__name__}")
    if inspect.isabstract(found) or "__dataclass_fields__" not in vars(found):
        raise _fault(place, "should be a dataclass with all methods of its kind")
    if not isinstance(getattr(found, "name", None), str):
        raise _fault(place, "should have a name")
    return found


def _fault(place: str, reason: str) -> ConfigurationError:
    return ConfigurationError([Problem(place, None, None, "", reason)])
