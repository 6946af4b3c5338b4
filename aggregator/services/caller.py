"""Who asks for something, and how: what every use case is given."""

from dataclasses import dataclass, field

from aggregator.domain.principal import ANONYMOUS, Principal
from aggregator.domain.tracing import Span


@dataclass(frozen=True, slots=True)
class Caller:
    """One request's circumstances.

    Attributes:
        received: When its last byte came, on the event loop's clock.
        wait: Seconds for which the client asked us to wait at most.
        strict: Whether an impossible update is to be an error.
        policy: The name of the ranking policy that the client asked for, if any.
        authorization: The ``Authorization`` header, for sites to which it is
            relayed; never stored, never logged.
        via: The ``Via`` header that goes to the sites, our own id included.
        span: The answer's own span; calls to sites are its children.
        key: The idempotency key, None where there is none.
        digest: Of the request's document, where there is a key.
    """

    received: float
    principal: Principal = ANONYMOUS
    wait: float | None = None
    strict: bool = False
    policy: str | None = None
    authorization: str | None = field(default=None, repr=False)
    via: str = ""
    span: Span | None = None
    request_id: str = ""
    key: str | None = None
    digest: str = ""
