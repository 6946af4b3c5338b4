"""The application: routes, middlewares, and what handlers find in it."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from aggregator.http.handlers import (
    documentation,
    monitoring,
    offer_sets,
    operations,
    policies,
    sessions,
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
    app = web.Application(
        client_max_size=settings.max_request_bytes,
        middlewares=[identified, counted, guarded, explained, authenticated],
    )
    app[USE_CASES] = use_cases
    app[HTTP_SETTINGS] = settings
    if exposition is not None:
        _expose(app, exposition)
    app[AUTHENTICATION] = authentication
    for method, path, handler in _ROUTES:
        _add(app, method, path, handler)
        _add(app, method, path + "/", handler)
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


_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _add(app: web.Application, method: str, path: str, handler: _Handler) -> None:
    if method == "GET":
        # With it HEAD, by which monitors look.
        app.router.add_get(path, handler)
    else:
        app.router.add_route(method, path, handler)


_METRICS_ROUTE = ("GET", "/metrics", operations.get_metrics)
_ROUTES = (
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
    ("GET", "/federation/sites", operations.get_federation_sites),
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
