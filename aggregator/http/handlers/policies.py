"""Ranking policies: which there are, what they decided, and what others would."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final

from aiohttp import hdrs, web

from aggregator.domain.errors import InputError, UnsupportedMediaType
from aggregator.domain.principal import Principal
from aggregator.domain.ranking.components import Filter, Weigher
from aggregator.domain.ranking.policy import Policy
from aggregator.domain.schedules import format_instant, parse_instant
from aggregator.http.exchange import (
    answer,
    caller_of,
    plain_form,
    read_body,
    uuid_in,
)
from aggregator.http.keys import USE_CASES
from aggregator.http.operators import require_operator
from aggregator.wire.media_types import MediaType, media_type_named

_USUAL_SINCE: Final = "7d"
_AGO: Final = re.compile(r"(\d{1,6})([mhdw])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


async def get_policies(request: web.Request) -> web.Response:
    """``GET /federation/policies``: the policies in use, in order."""
    federation = request.app[USE_CASES].snapshot.current()
    principal = caller_of(request).principal
    return await answer(
        request,
        {
            "revision": federation.revision,
            "policies": [_policy(one, principal) for one in federation.policies],
        },
        plain_form(request),
    )


async def get_decision(request: web.Request) -> web.Response:
    """``GET /offersets/{uuid}/decision``: all that the order of a set rested on."""
    decision = await request.app[USE_CASES].decisions.get(
        uuid_in(request, "offer set"), caller_of(request).principal
    )
    return await answer(
        request,
        {
            "offerset": decision.offer_set,
            "version": decision.version,
            "moment": format_instant(decision.moment),
            "policy": asdict(decision.policy),
            "best": decision.best,
            "inputs": decision.inputs,
        },
        plain_form(request),
    )


async def post_replay(request: web.Request) -> web.Response:
    """``POST /federation/policies/replay``: make past decisions again, by the body.

    ``since`` is a moment, or a time ago such as ``7d``. For operators only.
    """
    require_operator(request)
    use_cases = request.app[USE_CASES]
    since = _since(request.query.get("since", _USUAL_SINCE), use_cases.clock.now())
    form = plain_form(request)
    _require_policy_type(request)
    text = await read_body(request)
    return await answer(request, await use_cases.replaying.replay(text, since), form)


def _require_policy_type(request: web.Request) -> None:
    if hdrs.CONTENT_TYPE not in request.headers:
        return
    if media_type_named(request.content_type) not in {MediaType.JSON, MediaType.YAML}:
        raise UnsupportedMediaType(
            f"a ranking policy is YAML or JSON, not {request.content_type}"
        )


def _since(text: str, now: datetime) -> datetime:
    ago = _AGO.fullmatch(text)
    try:
        if ago is None:
            return parse_instant(text)
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    except (ValueError, OverflowError):
        raise InputError(
            "since is a moment such as 2026-01-31T12:00:00Z, or a time ago such as 7d,"
            " 12h or 30m"
        ) from None


def _policy(policy: Policy, principal: Principal) -> dict[str, Any]:
    match = policy.match
    return {
        **asdict(policy.identity),
        "description": policy.description,
        "selectable": match.selectable_by_user and match.serves_user(principal.groups),
        "match": _plain(asdict(match)),
        "filters": [_component(one) for one in policy.filters],
        "estimate": _plain(asdict(policy.estimate)),
        "weighers": [_component(one) for one in policy.weighers],
        "order": _plain(asdict(policy.order)),
        "tiebreak": list(policy.tiebreak),
        "trim": asdict(policy.trim),
    }


def _component(component: Filter | Weigher) -> dict[str, Any]:
    return {"name": component.name, **_plain(asdict(component))}


def _plain(value: Any) -> Any:
    """Return what other people's components hold as what any media type can hold."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | None) else str(value)
