"""What other people's monitors ask, in the forms that they know; all anonymous."""

from datetime import datetime
from typing import Any, Final

from aiohttp import hdrs, web

from aggregator.domain.events import SiteState
from aggregator.domain.schedules import format_instant
from aggregator.domain.sites import Downtime, Site
from aggregator.http.exchange import public_url
from aggregator.http.keys import AUTHENTICATION, HTTP_SETTINGS, USE_CASES
from aggregator.http.vosi import Capability, availability, capabilities

_USABLE: Final = frozenset({SiteState.UP, SiteState.DEGRADED, SiteState.HALF_OPEN})
_UNHEALTHY: Final = 500


def usable_sites(request: web.Request) -> tuple[int, int]:
    """Return how many sites can be asked now, and how many are configured."""
    use_cases = request.app[USE_CASES]
    sites = use_cases.snapshot.current().sites
    usable = sum(use_cases.site_health.state(name) in _USABLE for name in sites)
    return usable, len(sites)


async def get_health(request: web.Request) -> web.Response:
    """``GET /health``: in the style of the SRCNet services.

    500 where the store is down or no site can be asked; one site that is down makes
    nothing unhealthy.
    """
    use_cases = request.app[USE_CASES]
    usable, configured = usable_sites(request)
    store = await _store_state(request)
    federation = "UP" if usable else "DOWN"
    healthy = store == federation == "UP"
    uptime = use_cases.clock.now() - request.app[HTTP_SETTINGS].started
    document = {
        "uptime": int(uptime.total_seconds()),
        "dependent_services": {
            "store": {"status": store},
            "federation": {
                "status": federation,
                "sites_usable": usable,
                "sites_configured": configured,
            },
        },
    }
    return web.json_response(document, status=200 if healthy else _UNHEALTHY)


async def get_availability(request: web.Request) -> web.Response:
    """``GET /availability``: 200 in any case; the document is the answer."""
    usable, configured = usable_sites(request)
    store = await _store_state(request)
    notes = [f"{usable} of {configured} sites can be asked", f"the store is {store}"]
    body = availability(
        request.app[HTTP_SETTINGS].started,
        notes,
        available=bool(usable) and store == "UP",
    )
    return _xml(body)


async def get_capabilities(request: web.Request) -> web.Response:
    """``GET /capabilities``: what the service can do, and where."""
    base = public_url(request)
    standard = request.app[HTTP_SETTINGS].standard_id
    tokens = request.app[AUTHENTICATION].verifier is not None
    offered = [
        Capability("ivo://ivoa.net/std/VOSI#capabilities", f"{base}/capabilities"),
        Capability("ivo://ivoa.net/std/VOSI#availability", f"{base}/availability"),
        Capability(standard, base, use="base", takes_tokens=tokens),
    ]
    return _xml(capabilities(offered))


async def get_service_discovery(request: web.Request) -> web.Response:
    """``GET /sd``: the sites for Prometheus, labelled as the SRCNet registry does."""
    use_cases = request.app[USE_CASES]
    now = use_cases.clock.now()
    sites = use_cases.snapshot.current().sites.values()
    return web.json_response(
        [
            {"targets": [one.site.url], "labels": _labels(one.site, now)}
            for one in sites
            if one.site.enabled
        ]
    )


def _labels(site: Site, now: datetime) -> dict[str, str]:
    labels = {
        "type": "execution-broker",
        "name": site.name,
        "parent_node_name": site.node or site.name,
        "parent_site_name": site.name,
        "country": site.country,
    }
    downtime = site.downtime_at(now)
    return labels if downtime is None else {**labels, **_downtime_labels(downtime)}


def _downtime_labels(downtime: Downtime) -> dict[str, str]:
    start, end = format_instant(downtime.start), format_instant(downtime.end)
    return {
        "in_downtime": "true",
        "downtime_type": "Planned" if downtime.planned else "Unplanned",
        "downtime_date_range": f"{start} to {end}",
        "downtime_reason": downtime.reason,
    }


async def _store_state(request: web.Request) -> str:
    return "UP" if await request.app[USE_CASES].readiness.fault() is None else "DOWN"


def _xml(body: bytes) -> web.Response:
    headers: dict[str, Any] = {hdrs.CONTENT_TYPE: "text/xml; charset=utf-8"}
    return web.Response(body=body, headers=headers)
