"""Headers of calls to sites: what is sent, and what is read of an answer's."""

import ipaddress
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from yarl import URL

from aggregator.domain.sites import CredentialsMode, Site
from aggregator.ports.sites import CallContext

_LONGEST_RETRY_AFTER: Final = 86400.0
_VERSION_HEADERS: Final = ("X-Version", "X-Service-Version", "Server")
_LONGEST_VERSION: Final = 100


def outgoing_headers(site: Site, context: CallContext) -> dict[str, str]:
    """Return the headers of a call; never to be logged, they may hold a token."""
    headers = {
        **context.trace,
        "Accept": "application/json",
        "Accept-Encoding": "gzip, deflate",
    }
    if context.via:
        headers["Via"] = context.via
    if context.request_id:
        headers["X-Request-ID"] = context.request_id
    if context.authorization and may_see_credentials(site):
        headers["Authorization"] = context.authorization
    return headers


def may_see_credentials(site: Site) -> bool:
    """Whether credentials may go to ``site``: never in the clear."""
    if site.credentials is CredentialsMode.NONE:
        return False
    url = URL(site.url)
    return url.scheme == "https" or _is_loopback(url.host or "")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds of ``Retry-After``, at most a day; None where unsaid.

    A date is counted from the answer's own ``Date``, so that a wrong clock at the
    site doesn't matter, else from ``now``. Source: RFC 9110 section 10.2.3.
    """
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), _LONGEST_RETRY_AFTER)
    until = http_date(text)
    if until is None:
        return None
    since = http_date(headers.get("Date", "")) or now
    return min(max((until - since).total_seconds(), 0.0), _LONGEST_RETRY_AFTER)


def clock_skew(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds by which the site's clock is ahead of ``now``.

    ``Date`` has whole seconds, so that half a second is the best guess of the rest.
    """
    date = http_date(headers.get("Date", ""))
    return None if date is None else (date - now).total_seconds() + 0.5


def version_of(headers: Mapping[str, str]) -> str:
    """Return what an answer says of the software that gave it, empty if nothing."""
    for name in _VERSION_HEADERS:
        if version := headers.get(name, ""):
            return version[:_LONGEST_VERSION]
    return ""


def http_date(text: str) -> datetime | None:
    """Return the moment that an HTTP date names, None where it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, IndexError, TypeError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
