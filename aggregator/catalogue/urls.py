"""URLs of replicas: which are worth keeping, and which of several is the best."""

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

_PREFERRED: Final = ("https", "davs", "s3", "http", "root", "gsiftp")
_LONGEST: Final = 2048
_PRINTABLE: Final = re.compile(r"[\x21-\x7e]+")


def best_url(urls: Iterable[object]) -> str:
    """Return the URL by which most can read a replica, empty where none is usable.

    Left out is what has a query or credentials: there signatures and tokens are,
    which are neither to be stored nor passed on.
    """
    usable = [url for url in urls if isinstance(url, str) and _is_plain(url)]
    return min(usable, key=_preference, default="")


def _is_plain(url: str) -> bool:
    if len(url) > _LONGEST or _PRINTABLE.fullmatch(url) is None:
        return False
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    unusual = "@" in parts.netloc or parts.query or parts.fragment
    return parts.scheme in _PREFERRED and bool(host) and not unusual


def _preference(url: str) -> tuple[int, str]:
    return _PREFERRED.index(urlsplit(url).scheme), url
