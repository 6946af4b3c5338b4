"""What only operators may do, and who is one.

Operators are the members of a group, and whoever reaches us where only this machine's
users can: at the operators' own address, or at ours where it is a loopback address and
nobody is authenticated. Such a request must really come from here: not through a proxy,
and not out of another page in the user's browser.
"""

from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from aggregator.domain.errors import MetaBrokerError, NotAllowed, TokenMissing
from aggregator.domain.principal import ANONYMOUS, Principal
from aggregator.http.keys import AUTHENTICATION, PRINCIPAL

_HERE: Final = "an unnamed user of this machine"
_OF_PROXIES: Final = ("Forwarded", "X-Forwarded-For", "X-Real-IP", hdrs.VIA)
_OWN_PAGES: Final = frozenset({"same-origin", "none"})


def require_operator(request: web.Request) -> str:
    """Let operators pass, and return their name for the audit trail.

    Raises:
        TokenMissing: It isn't said who asks.
        NotAllowed: It isn't an operator.
    """
    authentication = request.app[AUTHENTICATION]
    principal = request.get(PRINCIPAL, ANONYMOUS)
    if principal.is_operator:
        return _name(principal)
    if authentication.trusts_place:
        _require_local(request)
        return _HERE if principal.is_anonymous else _name(principal)
    if authentication.verifier is None:
        raise NotAllowed(
            "this is for operators, who aren't told apart while authentication is off"
            " and other machines reach this address"
        )
    if principal.is_anonymous:
        raise TokenMissing("this is for operators: send a token of one")
    if authentication.operators is None:
        raise NotAllowed("this is for operators, and no group of them is configured")
    raise NotAllowed(f"this is for members of {authentication.operators}")


def is_operator(request: web.Request) -> bool:
    """Whether an operator asks."""
    try:
        require_operator(request)
    except MetaBrokerError:
        return False
    return True


def _name(principal: Principal) -> str:
    return f"{principal.subject} of {principal.issuer}"


def _require_local(request: web.Request) -> None:
    """Refuse what doesn't come straight from a user of this machine.

    A browser sends ``Origin`` and ``Sec-Fetch-Site`` of the page that asks, and the
    host that the user, or a page that plays with names, wanted to reach.

    Raises:
        NotAllowed: It doesn't, or may not.
    """
    host = request.headers.get(hdrs.HOST, "")
    if not _is_loopback(host):
        raise NotAllowed("operators on this machine use its loopback address")
    if any(name in request.headers for name in _OF_PROXIES):
        raise NotAllowed("operators on this machine come without a proxy")
    origin = request.headers.get(hdrs.ORIGIN)
    site = request.headers.get("Sec-Fetch-Site", "none")
    if site not in _OWN_PAGES or origin not in {None, f"http://{host}"}:
        raise NotAllowed("a page from elsewhere can't do what operators do")


def _is_loopback(authority: str) -> bool:
    try:
        host = urlsplit(f"//{authority}").hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
