"""Where a site may send us: only to places within its configured origin."""

import re
from typing import Final

from yarl import URL

from aggregator.domain.outcomes import Outcome
from site_adapters.outcomes import CallFailed

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

_KEEPS_METHOD: Final = frozenset({307, 308})
_RESOURCE: Final = re.compile(r"/(?:offersets|sessions)/[^/]+/?$")


def redirect_target(
    base: URL, asked: URL, method: str, status: int, location: str
) -> URL:
    """Return the URL to GET after a redirect.

    A path that ends in that of an offer set or a session is put on the configured
    base, because a broker behind a proxy may not know its own prefix.

    Args:
        base: The site's configured URL.
        asked: The URL that answered with the redirect.
        method: The method by which it was asked.
        status: The status of the answer.
        location: Its ``Location``, absolute or relative.

    Raises:
        CallFailed: The target is off the origin, none is named, or following it
            would mean to send a request a second time.
    """
    if status in _KEEPS_METHOD and method != "GET":
        raise CallFailed(
            Outcome.MISCONFIGURED,
            f"it answered {status}: what was sent should go to another path",
        )
    target = _resolve(asked, location)
    if target.origin() != base.origin():
        raise CallFailed(
            Outcome.BAD_PAYLOAD,
            f"it redirects to {target.origin()}, which is not its configured origin",
        )
    if resource := _RESOURCE.search(target.raw_path):
        return base.with_path(
            base.raw_path.rstrip("/") + resource.group(), encoded=True
        )
    return target.with_fragment(None)


def _resolve(asked: URL, location: str) -> URL:
    if not location:
        raise CallFailed(Outcome.BAD_PAYLOAD, "it redirects without saying where to")
    try:
        target = asked.join(URL(location))
        target.origin()
    except ValueError as error:
        raise CallFailed(
            Outcome.BAD_PAYLOAD, "it redirects to what is no HTTP URL"
        ) from error
    return target
