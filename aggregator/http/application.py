"""The application: routes, middlewares, and what handlers find in it."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from aiohttp import web

from aggregator.http.events import prepare_streams
from aggregator.http.handlers import (
    documentation,
    monitoring,
    offer_sets,
    operations,
    operators,
    policies,
    sessions,
    sites,
    ui,
)
from aggregator.http.keys import (
    AUTHENTICATION,
    EXPOSITION,
    HTTP_SETTINGS,
    USE_CASES,
    Authentication,
    Exposition,
    HttpSettings,
    UseCases,
)
from aggregator.http.middlewares import (
    authenticated,
    counted,
    explained,
    guarded,
    identified,
)
from aggregator.http.pages.assets import ASSETS

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_Route = tuple[str, str, _Handler]


def create_application(
    use_cases: UseCases,
    settings: HttpSettings,
    exposition: Exposition | None,
    authentication: Authentication,
) -> web.Application:
    """Return the service as an aiohttp application; it owns nothing that must close.

    Args:
        use_cases: What handlers call.
        settings: How we speak HTTP.
        exposition: The metrics; None where they are served elsewhere.
        authentication: Who is let in.
    """
    return _application(_ROUTES, use_cases, settings, exposition, authentication)


def create_operators_application(
    use_cases: UseCases,
    settings: HttpSettings,
    exposition: Exposition,
    authentication: Authentication,
) -> web.Application:
    """Return what is served at the operators' own address: all but users' business.

    Args:
        use_cases: What handlers call.
        settings: How we speak HTTP.
        exposition: The metrics.
        authentication: Who is let in there.
    """
    return _application(_FOR_ALL, use_cases, settings, exposition, authentication)


def _application(
    routes: Iterable[_Route],
    use_cases: UseCases,
    settings: HttpSettings,
    exposition: Exposition | None,
    authentication: Authentication,
) -> web.Application:
    app = web.Application(
        client_max_size=settings.max_request_bytes,
        middlewares=[identified, counted, guarded, explained, authenticated],
    )
    app[USE_CASES] = use_cases
    app[HTTP_SETTINGS] = settings
    app[AUTHENTICATION] = authentication
    prepare_streams(app)
    if exposition is not None:
        _expose(app, exposition)
    for method, path, handler in routes:
        _add(app, method, path, handler)
        _add(app, method, path + "/", handler)
    for name in ASSETS:
        _add(app, "GET", f"/ui/static/{name}", ui.get_asset)
    return app


def create_metrics_application(exposition: Exposition) -> web.Application:
    """Return what serves the metrics, and nothing else, at a place of their own."""
    app = web.Application()
    _expose(app, exposition)
    return app


def _expose(app: web.Application, exposition: Exposition) -> None:
    app[EXPOSITION] = exposition
    method, path, handler = _METRICS_ROUTE
    _add(app, method, path, handler)
    _add(app, method, path + "/", handler)


def _add(app: web.Application, method: str, path: str, handler: _Handler) -> None:
    if method == "GET":
        # With it HEAD, by which monitors look.
        app.router.add_get(path, handler)
    else:
        app.router.add_route(method, path, handler)


_METRICS_ROUTE = ("GET", "/metrics", operations.get_metrics)
_PROTOCOL: Final[tuple[_Route, ...]] = (
    ("POST", "/offersets", offer_sets.post_offersets),
    ("POST", "/requests", offer_sets.post_requests),
    ("GET", "/offersets/{uuid}", offer_sets.get_offerset),
    ("GET", "/offersets/{uuid}/sites", offer_sets.get_sites),
    ("GET", "/offersets/{uuid}/events", offer_sets.get_offerset_events),
    ("GET", "/offersets/{uuid}/ranking", offer_sets.get_ranking),
    ("GET", "/offersets/{uuid}/decision", policies.get_decision),
    ("GET", "/sessions/{uuid}", sessions.get_session),
    ("GET", "/sessions/{uuid}/events", sessions.get_session_events),
    ("POST", "/sessions/{uuid}", sessions.post_session),
    ("POST", "/sessions", sessions.post_sessions),
    ("POST", "/direct", sessions.post_direct),
)
_FOR_ALL: Final[tuple[_Route, ...]] = (
    ("GET", "/", ui.get_root),
    ("GET", "/ui/sites", ui.get_sites_page),
    ("GET", "/federation/sites", sites.get_federation_sites),
    ("GET", "/federation/sites/events", sites.get_federation_sites_events),
    ("POST", "/federation/sites/{site}/drain", operators.post_drain),
    ("POST", "/federation/sites/{site}/undrain", operators.post_undrain),
    ("GET", "/federation/audit", operators.get_audit),
    ("GET", "/federation/policies", policies.get_policies),
    ("POST", "/federation/policies/replay", policies.post_replay),
    ("GET", "/health", monitoring.get_health),
    ("GET", "/availability", monitoring.get_availability),
    ("GET", "/capabilities", monitoring.get_capabilities),
    ("GET", "/sd", monitoring.get_service_discovery),
    ("GET", "/livez", operations.get_livez),
    ("GET", "/readyz", operations.get_readyz),
    ("GET", "/ping", operations.get_ping),
    ("GET", "/openapi.json", documentation.get_openapi_json),
    ("GET", "/openapi.yaml", documentation.get_openapi_yaml),
    ("GET", "/docs", documentation.get_docs),
)
_ROUTES: Final = (*_PROTOCOL, *_FOR_ALL)
"""The API: all but the metrics, which may be served elsewhere, and pages' assets."""
