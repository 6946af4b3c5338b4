"""What operators and monitors ask: are we alive and ready, and how are the sites."""

import asyncio
from datetime import datetime
from typing import Any, Final

from aiohttp import hdrs, web

from aggregator.domain.errors import InputError
from aggregator.domain.schedules import format_instant
from aggregator.http.exchange import answer, plain_form
from aggregator.http.handlers.monitoring import usable_sites
from aggregator.http.keys import EXPOSITION, HTTP_SETTINGS, USE_CASES
from aggregator.ports.snapshot import FederatedSite

_LONGEST_NUMBER: Final = 6


async def get_livez(_: web.Request) -> web.Response:
    """``GET /livez``: the process answers."""
    return web.Response(text="ok\n")


async def get_readyz(request: web.Request) -> web.Response:
    """``GET /readyz``: the store can be written.

    Sites don't matter, unless ``?min_sites=k`` asks for as many that can be asked.
    """
    fault = await request.app[USE_CASES].readiness.fault()
    if fault is not None:
        return web.Response(status=503, text=f"not ready: {fault.detail}\n")
    usable, _ = usable_sites(request)
    wanted = _min_sites(request)
    if usable < wanted:
        return web.Response(
            status=503, text=f"not ready: {usable} of {wanted} sites can be asked\n"
        )
    return web.Response(text="ready\n")


def _min_sites(request: web.Request) -> int:
    text = request.query.get("min_sites", "0")
    if not text.isdecimal() or len(text) > _LONGEST_NUMBER:
        raise InputError(f"min_sites is a number of sites, not {text!r}")
    return int(text)


async def get_ping(request: web.Request) -> web.Response:
    """``GET /ping``: in the style of the SRCNet services, for anybody."""
    version = request.app[HTTP_SETTINGS].version
    return web.json_response({"status": "UP", "version": version})


async def get_metrics(request: web.Request) -> web.Response:
    """``GET /metrics``: for Prometheus; written aside, since it takes milliseconds."""
    body, content_type = await asyncio.to_thread(
        request.app[EXPOSITION].render, request.headers.get(hdrs.ACCEPT, "")
    )
    return web.Response(body=body, headers={hdrs.CONTENT_TYPE: content_type})


async def get_federation_sites(request: web.Request) -> web.Response:
    """``GET /federation/sites``: every configured site, and how it is."""
    sites = request.app[USE_CASES].snapshot.current().sites
    return await answer(
        request,
        {"sites": [_site(request, site) for site in sites.values()]},
        plain_form(request),
    )


def _site(request: web.Request, federated: FederatedSite) -> dict[str, Any]:
    use_cases = request.app[USE_CASES]
    site = federated.site
    report = use_cases.site_health.report(site.name)
    return {
        "name": site.name,
        "node": site.node,
        "country": site.country,
        "state": report.state.value,
        "why": report.why,
        "since": format_instant(report.since),
        "url": site.url,
        "adapter": site.adapter,
        "dialect": site.dialect,
        "rses": list(site.rses),
        "required": site.required.value,
        "in_flight": use_cases.site_calls.open_calls(site.name),
        "last_success": _instant(report.last_success),
        "last_error": report.last_error or None,
        "last_error_at": _instant(report.last_error_at),
        "consecutive_errors": report.consecutive_errors,
        "ejections": report.ejections,
        "next_trial_in": report.next_trial_in,
        "clock_skew": report.clock_skew,
        "version": report.version or None,
    }


def _instant(moment: datetime | None) -> str | None:
    return format_instant(moment) if moment is not None else None
