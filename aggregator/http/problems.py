"""Problem details: every error as RFC 9457 has it, from one table."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from xml.etree import ElementTree as ET

from aiohttp import hdrs, web

from aggregator.domain import errors
from aggregator.domain.outcomes import SiteAnswer
from aggregator.http.exchange import Form, encoded, located_violations, public_url
from aggregator.http.keys import REQUEST_ID
from aggregator.wire.media import MediaType, negotiate

_TYPES: Final = "urn:metabroker:problem:"
_MEDIA: Final = {
    MediaType.JSON: "application/problem+json",
    MediaType.YAML: "application/problem+yaml",
    MediaType.XML: "application/problem+xml",
}
_NOT_IN_XML: Final = re.compile(
    r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem: its status, the end of its type URI, and its title."""

    status: int
    name: str
    title: str


KINDS: Final[dict[type[errors.MetaBrokerError], Kind]] = {
    errors.SyntaxFault: Kind(400, "not-well-formed", "The body is not well-formed"),
    errors.InvalidInput: Kind(422, "invalid", "The body is not what can be asked for"),
    errors.UnknownPolicy: Kind(422, "unknown-policy", "No such policy to choose"),
    errors.PolicyFailed: Kind(500, "policy-failed", "The ranking policy failed"),
    errors.InputError: Kind(400, "bad-request", "The request can't be understood"),
    errors.UnsupportedMediaType: Kind(415, "media-type", "The media type isn't read"),
    errors.NotAcceptable: Kind(406, "not-acceptable", "No acceptable form"),
    errors.BodyTooLarge: Kind(413, "too-large", "The body is too large"),
    errors.UnknownResource: Kind(404, "unknown", "There is no such thing"),
    errors.ImpossibleUpdate: Kind(409, "impossible-update", "It can't be done now"),
    errors.AcceptPending: Kind(503, "accept-pending", "The site has not said yet"),
    errors.Overloaded: Kind(503, "overloaded", "Too much at once"),
    errors.StoreUnavailable: Kind(503, "store-unavailable", "The store is unavailable"),
    errors.SiteUnavailable: Kind(503, "site-unavailable", "The site is unavailable"),
    errors.SitesUnavailable: Kind(503, "sites-unavailable", "No site made an offer"),
    errors.SitesSilent: Kind(504, "sites-silent", "No site answered in time"),
    errors.NoSiteToAsk: Kind(503, "no-site", "There is no site to ask"),
    errors.CredentialsWanted: Kind(401, "credentials", "The sites want credentials"),
    errors.TokenMissing: Kind(401, "token-missing", "A token is required"),
    errors.InvalidToken: Kind(401, "token-invalid", "The token is not valid"),
    errors.NotAllowed: Kind(403, "not-allowed", "Only others may do this"),
    errors.IdentityUnavailable: Kind(
        503, "identity-unavailable", "Tokens can't be checked now"
    ),
    errors.UserOverLimit: Kind(429, "over-limit", "Too much at once for one user"),
    errors.KeyReused: Kind(422, "key-reused", "The idempotency key isn't new"),
    errors.AnswerPending: Kind(409, "answer-pending", "The first is under way"),
    errors.LoopDetected: Kind(508, "loop", "The request came back to us"),
}
"""The one table from domain errors to statuses."""

_FORBIDDEN: Final = Kind(403, "forbidden", "No site allows this")


def kind_of(error: errors.MetaBrokerError) -> Kind:
    """Return the kind of problem that ``error`` is."""
    if isinstance(error, errors.CredentialsWanted) and error.forbidden:
        return _FORBIDDEN
    return next(KINDS[cls] for cls in type(error).__mro__ if cls in KINDS)


async def problem(request: web.Request, error: errors.MetaBrokerError) -> web.Response:
    """Answer ``request`` with the problem that ``error`` is."""
    kind = kind_of(error)
    name = error.kind if isinstance(error, errors.ImpossibleUpdate) else kind.name
    document = _document(request, kind.status, name, kind.title, error.detail)
    if isinstance(error, errors.InputError) and error.violations:
        violations = await located_violations(request, error.violations)
        document["errors"] = [_violation(v) for v in violations]
    if isinstance(error, errors.AcceptPending):
        document["session"] = f"{public_url(request)}/sessions/{error.session}"
    if isinstance(error, errors.FanOutFailed):
        document["offerset"] = f"{public_url(request)}/offersets/{error.offer_set}"
        document["sites"] = _sites(error.answers)
    headers: dict[str, str] = {}
    if error.retry_after is not None:
        headers[hdrs.RETRY_AFTER] = str(math.ceil(error.retry_after))
    if kind.status == web.HTTPUnauthorized.status_code:
        headers[hdrs.WWW_AUTHENTICATE] = _challenge(error)
    return await _respond(request, kind.status, document, headers)


def _challenge(error: errors.MetaBrokerError) -> str:
    """Return the challenge after RFC 6750, section 3."""
    if isinstance(error, errors.InvalidToken):
        return f'Bearer error="invalid_token", error_description="{error.detail}"'
    return "Bearer"


async def http_problem(
    request: web.Request, exception: web.HTTPException
) -> web.Response:
    """Answer with the problem that the framework found, such as an unknown path."""
    name = (exception.reason or "error").lower().replace(" ", "-")
    document = _document(
        request,
        exception.status,
        name,
        exception.reason or "Error",
        _framework_detail(request, exception),
    )
    kept = (hdrs.ALLOW, hdrs.RETRY_AFTER)
    headers = {str(k): exception.headers[k] for k in kept if k in exception.headers}
    return await _respond(request, exception.status, document, headers)


async def internal_problem(request: web.Request) -> web.Response:
    """Answer with a 500 that tells no more than the id under which it is logged."""
    document = _document(
        request,
        500,
        "internal",
        "Our own fault",
        "something went wrong here; the log has it under this request's id",
    )
    return await _respond(request, 500, document, {})


def _document(
    request: web.Request, status: int, name: str, title: str, detail: str
) -> dict[str, Any]:
    document: dict[str, Any] = {
        "type": _TYPES + name,
        "title": title,
        "status": status,
        "detail": detail,
        "instance": request.rel_url.raw_path,
    }
    if REQUEST_ID in request:
        document["request_id"] = request[REQUEST_ID]
    return document


def _framework_detail(request: web.Request, exception: web.HTTPException) -> str:
    match exception:
        case web.HTTPNotFound():
            return f"there is nothing at {request.path}"
        case web.HTTPMethodNotAllowed():
            allowed = ", ".join(sorted(exception.allowed_methods))
            return f"{request.method} can't be used here; {allowed} can"
        case _:
            return exception.text or exception.reason or ""


def _violation(violation: errors.Violation) -> dict[str, Any]:
    entry: dict[str, Any] = {"pointer": violation.pointer, "detail": violation.reason}
    if violation.line is not None:
        entry |= {"line": violation.line, "column": violation.column}
    return entry


def _sites(answers: Sequence[SiteAnswer]) -> list[dict[str, Any]]:
    return [
        {
            "site": answer.site,
            "outcome": answer.outcome.value,
            "seconds": round(answer.seconds, 3),
            "detail": answer.detail,
            "messages": [dict(message) for message in answer.messages],
        }
        for answer in answers
    ]


async def _respond(
    request: web.Request, status: int, document: dict[str, Any], headers: dict[str, str]
) -> web.Response:
    try:
        media = negotiate(request.headers.get(hdrs.ACCEPT), tuple(_MEDIA)).media
    except errors.NotAcceptable:
        media = MediaType.JSON
    body = (
        problem_xml(document)
        if media is MediaType.XML
        else await encoded(document, Form(media))
    )
    return web.Response(
        status=status,
        body=body,
        headers={
            hdrs.CONTENT_TYPE: _MEDIA[media],
            hdrs.VARY: "Accept, Authorization",
            hdrs.CACHE_CONTROL: "no-store",
            **headers,
        },
    )


def problem_xml(document: Mapping[str, Any]) -> bytes:
    """Return a problem as XML, after RFC 9457, appendix B."""
    root = ET.Element("problem", xmlns="urn:ietf:rfc:7807")
    _add_members(root, document)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def _add_members(element: ET.Element, members: Mapping[str, Any]) -> None:
    for name, value in members.items():
        _add_value(ET.SubElement(element, name), value)


def _add_value(element: ET.Element, value: Any) -> None:
    if isinstance(value, Mapping):
        _add_members(element, value)
    elif isinstance(value, list):
        for item in value:
            _add_value(ET.SubElement(element, "i"), item)
    else:
        element.text = _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", str(value))
