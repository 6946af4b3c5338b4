"""Middlewares: a request's id, its log line and its count, and errors as problems."""

import asyncio
import re
import secrets
import uuid
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiohttp import hdrs, web

from aggregator.domain.errors import (
    InvalidToken,
    MetaBrokerError,
    PolicyFailed,
    TokenMissing,
)
from aggregator.domain.events import HttpAnswered
from aggregator.domain.tracing import continued
from aggregator.http.keys import (
    AUTHENTICATION,
    HTTP_SETTINGS,
    PRINCIPAL,
    REQUEST_ID,
    SPAN,
    USE_CASES,
)
from aggregator.http.problems import http_problem, internal_problem, problem

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_log = structlog.get_logger(__name__)
_REQUEST_ID_HEADER: Final = "X-Request-ID"
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_QUIET: Final = frozenset({"/metrics", "/livez", "/readyz", "/ping"})
_BAD_REQUEST: Final = 400
_OWNED: Final = (
    "/offersets",
    "/requests",
    "/sessions",
    "/direct",
    "/federation",
    "/ui/sites",
)
"""Where the paths begin whose resources belong to somebody."""


@web.middleware
async def identified(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request an id and a span, of the client's own where it sent them."""
    given = request.headers.get(_REQUEST_ID_HEADER, "")
    request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
    request[REQUEST_ID] = request_id
    request[SPAN] = continued(
        request.headers.get("traceparent", ""),
        request.headers.get("tracestate", ""),
        trace_id=secrets.token_hex(16),
        span_id=secrets.token_hex(8),
        sampled=request.app[HTTP_SETTINGS].traced,
    )
    with structlog.contextvars.bound_contextvars(
        request_id=request_id, trace_id=request[SPAN].trace_id
    ):
        response = await handler(request)
    if not response.prepared:
        response.headers[_REQUEST_ID_HEADER] = request_id
    return response


@web.middleware
async def counted(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Log and count the request by its route, never by its query or headers."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    response = await handler(request)
    seconds = loop.time() - began
    resource = request.match_info.route.resource
    route = resource.canonical if resource is not None else "unknown"
    telemetry = request.app[USE_CASES].telemetry
    telemetry.record(
        HttpAnswered(request.method, route, response.status, seconds, request.get(SPAN))
    )
    log = _log.debug if request.path in _QUIET else _log.info
    log(
        "request_answered",
        method=request.method,
        path=request.path,
        status=response.status,
        seconds=round(seconds, 4),
    )
    return response


@web.middleware
async def explained(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error into problem details; none of them shows our insides."""
    try:
        return await handler(request)
    except MetaBrokerError as error:
        if isinstance(error, PolicyFailed):
            _log.exception("policy_failed", path=request.path, reason=error.detail)
        return await problem(request, error)
    except web.HTTPException as exception:
        if exception.status < _BAD_REQUEST:
            raise
        return await http_problem(request, exception)
    except Exception:  # noqa: BLE001 -- a client never sees a stack trace
        _log.exception("request_failed", path=request.path)
        return await internal_problem(request)


@web.middleware
async def authenticated(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Find out who asks, where that matters: monitors ask anonymously."""
    authentication = request.app[AUTHENTICATION]
    if authentication.verifier is None or not _is_owned(request):
        return await handler(request)
    scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        request[PRINCIPAL] = await authentication.verifier.verify(token.strip())
    elif scheme:
        raise InvalidToken("a token is sent as Authorization: Bearer ...")
    elif authentication.required:
        raise TokenMissing("a token must be sent as Authorization: Bearer ...")
    return await handler(request)


def _is_owned(request: web.Request) -> bool:
    resource = request.match_info.route.resource
    return resource is not None and resource.canonical.startswith(_OWNED)


@web.middleware
async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Tell browsers to take nothing for what it isn't."""
    response = await handler(request)
    if not response.prepared:
        response.headers.setdefault(hdrs.X_CONTENT_TYPE_OPTIONS, "nosniff")
    return response
