"""Addresses: URLs, hosts and ports, read strictly, and what follows from them."""

import ipaddress
import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_HOST: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_LONGEST_URL: Final = 2048
_HIGHEST_PORT: Final = 65535


def read_base_url(text: str) -> str:
    """Return an http(s) URL in its normal form, without a trailing slash.

    The reasons never repeat the URL, because it might hold a password.

    Raises:
        ValueError: It is no such URL, or has credentials, a query or a fragment.
    """
    if len(text) > _LONGEST_URL or re.search(r"[\x00-\x20\x7f-\U0010ffff\\]", text):
        raise ValueError("is too long for a URL, or has characters that no URL has")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("has a host or port that can't be read") from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError("should be a URL such as https://broker.example.org")
    if "@" in parts.netloc:
        raise ValueError("must not hold credentials")
    if "?" in text or "#" in text:
        raise ValueError("must not have a query or a fragment")
    return f"{parts.scheme}://{_authority(parts, port)}{parts.path.rstrip('/')}"


def _authority(parts: SplitResult, port: int | None) -> str:
    host = _checked_host(parts.hostname or "")
    if "[" in parts.netloc and ":" not in host:
        raise ValueError("has a host that is no IPv6 address")
    named = f"[{host}]" if ":" in host else host
    if port is None or port == _DEFAULT_PORTS[parts.scheme]:
        return named
    return f"{named}:{port}"


def _checked_host(host: str) -> str:
    if ":" in host:
        try:
            return str(ipaddress.IPv6Address(host))
        except ValueError:
            raise ValueError("has a host that is no IPv6 address") from None
    if _HOST.fullmatch(host) is None:
        raise ValueError("has a host that is neither a name nor an address")
    return host.lower()


def read_host_port(text: str) -> tuple[str, int]:
    """Return host and port of ``host:port`` or ``[IPv6 address]:port``.

    Raises:
        ValueError: It is neither.
    """
    host, colon, port = text.strip().rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not colon or not bare or (":" in bare and bare == host):
        raise ValueError("should be host:port, such as 127.0.0.1:8080 or [::1]:8080")
    if not (port.isascii() and port.isdigit() and int(port) <= _HIGHEST_PORT):
        raise ValueError(f"has a port that is not a number from 0 to {_HIGHEST_PORT}")
    return read_host(bare), int(port)


def read_host(text: str) -> str:
    """Return a host's name or address in lower case.

    Raises:
        ValueError: It is neither.
    """
    try:
        return _checked_host(text)
    except ValueError:
        raise ValueError("should be a host's name or address") from None


def read_authority(text: str) -> str:
    """Return ``host`` or ``host:port``, as the Host header has them, in lower case.

    Raises:
        ValueError: It is neither.
    """
    try:
        parts = urlsplit(f"//{text}")
        plain = parts.netloc == text and "@" not in text and bool(parts.hostname)
        host = read_host(parts.hostname or "")
        port = parts.port
    except ValueError:
        plain, host, port = False, "", None
    if not plain:
        raise ValueError("should be a host or host:port, such as broker.example.org")
    named = f"[{host}]" if ":" in host else host
    return named if port is None else f"{named}:{port}"


def is_loopback(host: str) -> bool:
    """Whether a host is this machine alone: ``localhost``, 127.0.0.0/8 or ::1."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_remote(host: str) -> bool:
    """Whether listening at ``host`` makes the service reachable from other machines."""
    try:
        return not is_loopback(read_host(host))
    except ValueError:
        return False


def host_of(url: str) -> str:
    """Return the host of a URL that ``read_base_url`` returned."""
    return urlsplit(url).hostname or ""


def bound_url(host: str, port: int) -> str:
    """Return the base URL of a listener on a loopback address."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def default_broker_id(public_url: str, hostname: str) -> str:
    """Return the name that the service has in ``Via`` where none is configured.

    That is the authority of the public URL; where this is a loopback address, which
    every machine has, this machine's name takes the host's place.
    """
    parts = urlsplit(public_url)
    if not is_loopback(parts.hostname or ""):
        return parts.netloc
    name = re.sub(r"[^A-Za-z0-9._-]", "-", hostname) or "localhost"
    return name if parts.port is None else f"{name}:{parts.port}"
