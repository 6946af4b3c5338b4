"""Making offers: from what is wanted to an offer set with sessions in ``OFFERED``."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from aggregator.domain.messages import Level
from aggregator.domain.schedules import Duration, StartInterval
from site_adapters.simulated.reading import Element, Wanted
from site_adapters.simulated.sessions import Component, OfferSet, Plan, Session
from site_adapters.simulated.site import SimulatedSite
from site_adapters.simulated.validation import problems
from site_adapters.simulated.vocabulary import Role, vocabulary_of

_WINDOW: Final = 2 * 3600.0
"""Seconds within which the reference broker looks for a free block."""

_GENEROSITY: Final = 2
"""It offers this many times the duration, and the minimum of cores and memory."""


@dataclass(frozen=True, slots=True)
class Demand:
    """Who asks for how many offers when.

    Attributes:
        limit: The most offers to make.
        owner: The identity that asks, None for nobody in particular.
    """

    now: datetime
    limit: int
    owner: str | None = None


def make_offer_set(wanted: Wanted, site: SimulatedSite, demand: Demand) -> OfferSet:
    """Return what ``site`` answers to ``wanted``; without sessions it is a NO."""
    words = vocabulary_of(site.dialect, flattened=site.flattened)
    name = words.unnamed if wanted.name is None else wanted.name
    expires = demand.now + timedelta(seconds=site.expiry)
    offer_set = OfferSet(_uuid(), name, demand.now, expires)
    offer_set.messages = problems(wanted, site)
    if any(one.level is Level.ERROR for one in offer_set.messages):
        return offer_set
    offer_set.sessions = [
        _session(wanted, plan, offer_set, n, demand.owner)
        for n, plan in enumerate(_plans(wanted, site, demand))
    ]
    return offer_set


def _uuid() -> str:
    return str(uuid4())


def _plans(wanted: Wanted, site: SimulatedSite, demand: Demand) -> Iterator[Plan]:
    duration = (
        _WINDOW
        if wanted.duration is None
        else Duration.parse(wanted.duration).approximate_seconds
    )
    if not 0 < duration <= _WINDOW:
        return
    length = min(_GENEROSITY * duration, _WINDOW)
    count = min(demand.limit, max(1, int(_WINDOW // length)))
    step = length if site.step is None else site.step
    start = _first_start(wanted, site, demand.now)
    runs = duration if site.runs is None else site.runs
    for n in range(count):
        yield Plan(start + timedelta(seconds=n * step), site.preparing, length, runs)


def _first_start(wanted: Wanted, site: SimulatedSite, now: datetime) -> datetime:
    start = now + timedelta(seconds=max(site.first_start, site.preparing))
    if wanted.start is not None:
        start = max(start, StartInterval.parse(wanted.start).earliest)
    return datetime.fromtimestamp(math.ceil(start.timestamp()), start.tzinfo)


def _session(
    wanted: Wanted,
    plan: Plan,
    offer_set: OfferSet,
    position: int,
    owner: str | None,
) -> Session:
    assert wanted.executable is not None
    now = offer_set.created
    storage, data = _stored_data(wanted, now)
    return Session(
        uuid=_uuid(),
        name=f"{offer_set.name or 'null'}-offer-{position}",
        offer_set=offer_set.uuid,
        created=now,
        expires=offer_set.expires,
        plan=plan,
        executable=_executable(wanted.executable, now),
        compute=_compute(wanted.compute, now),
        storage=storage,
        data=data,
        volumes=_volumes(wanted, (*storage, *data), now),
        owner=owner,
    )


def _component(element: Element, now: datetime, **body: Any) -> Component:
    return Component(
        element.role, element.kind, _uuid(), element.name, now, element.body | body
    )


def _executable(element: Element, now: datetime) -> Component:
    if element.kind != "docker-container":
        return _component(element, now)
    image = dict(element.body["image"])
    image["platform"] = {"architecture": "amd64", "os": "linux"}
    return _component(
        element, now, image=image, privileged=element.body.get("privileged", False)
    )


def _compute(element: Element | None, now: datetime) -> Component:
    if element is None:
        element = Element(
            Role.COMPUTE, "simple-compute-resource", "Default compute resource"
        )
    return _component(
        element,
        now,
        cores=_offered(element.body.get("cores", {})),
        memory=_offered(element.body.get("memory", {})),
    )


def _offered(amount: dict[str, int]) -> dict[str, int]:
    number = _GENEROSITY * max(1, amount.get("min", 1))
    return {"min": number, "max": number}


def _stored_data(
    wanted: Wanted, now: datetime
) -> tuple[list[Component], list[Component]]:
    """Make storage and data, and a storage for each data item that names none."""
    storage = [_component(one, now) for one in wanted.storage]
    by_name = {
        name: made
        for one, made in zip(wanted.storage, storage, strict=True)
        for name in (one.name, one.uuid)
    }
    data = []
    for one in wanted.data:
        item = _component(one, now)
        home = by_name[one.storage] if one.storage else _storage_for(item, now)
        if not one.storage:
            storage.append(home)
        home.links.append(item.uuid)
        item.links.append(home.uuid)
        data.append(item)
    return storage, data


def _storage_for(item: Component, now: datetime) -> Component:
    return Component(
        Role.STORAGE,
        "simple-storage-resource",
        _uuid(),
        f"Storage for [{item.name or item.uuid}]",
        now,
    )


def _volumes(
    wanted: Wanted, resources: tuple[Component, ...], now: datetime
) -> list[Component]:
    by_role = {Role.STORAGE: wanted.storage, Role.DATA: wanted.data}
    made = {
        name: component.uuid
        for role, elements in by_role.items()
        for element, component in zip(
            elements, (one for one in resources if one.role is role), strict=False
        )
        for name in (element.name, element.uuid)
        if name is not None
    }
    return [
        Component(
            Role.VOLUME,
            "simple-volume-mount",
            _uuid(),
            mount.name,
            now,
            {"path": mount.path, "mode": mount.mode},
            [made[resource] for resource in mount.resources],
        )
        for mount in wanted.mounts
    ]
