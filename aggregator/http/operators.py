"""What only operators may do, wherever it is known who asks."""

from aiohttp import web

from aggregator.domain.errors import NotAllowed, TokenMissing
from aggregator.domain.principal import ANONYMOUS
from aggregator.http.keys import AUTHENTICATION, PRINCIPAL


def require_operator(request: web.Request) -> None:
    """Let operators pass, and everybody where authentication is off.

    Raises:
        TokenMissing: It isn't said who asks.
        NotAllowed: It isn't an operator.
    """
    authentication = request.app[AUTHENTICATION]
    if authentication.verifier is None:
        return
    principal = request.get(PRINCIPAL, ANONYMOUS)
    if principal.is_anonymous:
        raise TokenMissing("this is for operators: send a token of one")
    if authentication.operators is None:
        raise NotAllowed("this is for operators, and no group of them is configured")
    if f"/{authentication.operators.strip('/')}" not in principal.groups:
        raise NotAllowed(f"this is for members of {authentication.operators}")
