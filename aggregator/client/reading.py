"""Reading documents of any dialect: the few members that clients look at.

Older dialects have ``uuid``, ``name`` and ``messages`` at the top of a component,
newer ones under ``meta``; the compute resource is ``compute``, ``computer`` or in
``resources``. Nothing here fails on a value of another type: it counts as unsaid.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from aggregator.domain.offers import Amount
from aggregator.domain.schedules import StartInterval, parse_instant


def mapping(value: object) -> Mapping[str, Any]:
    """Return ``value`` where it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def mappings(value: object) -> tuple[Mapping[str, Any], ...]:
    """Return the mappings in ``value`` where it is a list, else none."""
    items = value if isinstance(value, list) else []
    return tuple(item for item in items if isinstance(item, Mapping))


def text(value: object) -> str:
    """Return ``value`` where it is text, else an empty text."""
    return value if isinstance(value, str) else ""


def number(value: object) -> float | None:
    """Return ``value`` where it is a number, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def whole(value: object) -> int | None:
    """Return ``value`` where it is a whole number, else None."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value


def member(component: Mapping[str, Any], name: str) -> Any:
    """Return what a component's ``meta`` has under ``name``, else its top level."""
    found = mapping(component.get("meta")).get(name)
    return component.get(name) if found is None else found


def instant(value: object) -> datetime | None:
    """Return the moment that ``value`` names, None where it names none."""
    try:
        return parse_instant(text(value))
    except ValueError:
        return None


def compute(session: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a session's (first) compute resource; empty where it has none."""
    for place in (session, mapping(session.get("resources"))):
        for name in ("compute", "computer"):
            found = place.get(name)
            listed = mappings(found)
            if listed or mapping(found):
                return listed[0] if listed else mapping(found)
    return {}


def start(session: Mapping[str, Any]) -> StartInterval | None:
    """Return when a session would be available: its own schedule, else compute's."""
    for component in (session, compute(session)):
        schedule = mapping(component.get("schedule"))
        for phases in (schedule, mapping(schedule.get("offered"))):
            interval = _interval(mapping(phases.get("available")).get("start"))
            if interval is not None:
                return interval
    return None


def _interval(value: object) -> StartInterval | None:
    try:
        interval = StartInterval.parse(text(value))
    except ValueError:
        return None
    return None if interval.is_unknown else interval


def amount(value: object) -> Amount:
    """Return the bounds that a ``{min, max}`` gives."""
    bounds = mapping(value)
    return Amount(whole(bounds.get("min")), whole(bounds.get("max")))


def component_phases(session: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each component's name and phase, the session's first.

    Names are ``session``, ``executable``, ``compute``, and ``storage`` or ``data``
    with the component's own name, as in ``data/example-data-01``.
    """
    components = [
        ("session", session),
        ("executable", mapping(session.get("executable"))),
        ("compute", compute(session)),
    ]
    for kind in ("storage", "data"):
        listed = session.get(kind, mapping(session.get("resources")).get(kind))
        for index, component in enumerate(mappings(listed)):
            name = text(member(component, "name")) or str(index)
            components.append((f"{kind}/{name}", component))
    for name, component in components:
        phase = text(component.get("phase") or component.get("state"))
        if phase:
            yield name, phase
