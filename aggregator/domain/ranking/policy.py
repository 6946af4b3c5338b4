"""Policies: what was written, put together with the filters and weighers it names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Final, Protocol, TypeVar

from aggregator.domain.errors import UnknownPolicy
from aggregator.domain.ranking.components import Components, Filter, Weigher
from aggregator.domain.ranking.document import (
    EstimateRules,
    Match,
    Order,
    PolicyDocument,
    Trim,
)
from aggregator.domain.ranking.explanation import PolicyIdentity
from aggregator.domain.requests import ExecutionRequest

Place = tuple[str | int, ...]
"""Where in a document something stands: keys and indices, from the outside in."""

USUAL_TIEBREAK: Final = ("data_moved", "cost", "failure_risk", "rendezvous_hash")
FIXED_KEYS: Final = ("rendezvous_hash", "start", "position")
"""Keys of the tie-break that no weigher gives; they always come last."""

_T = TypeVar("_T")


class PolicyFault(ValueError):
    """A document is well-formed, but no policy.

    Attributes:
        place: Where in the document it is wrong.
        reason: Why, in words for the operator.
    """

    def __init__(self, place: Place, reason: str) -> None:
        super().__init__(reason)
        self.place = place
        self.reason = reason


class ReadEntry(Protocol):
    """Checks the keys of one filter or weigher, and makes it of them."""

    def __call__(self, schema: type[_T], entry: Mapping[str, Any], place: Place) -> _T:
        """Return an instance of ``schema``, or raise an error that names ``place``."""
        ...


@dataclass(frozen=True, slots=True)
class Policy:
    """A ranking policy, ready for use.

    Attributes:
        tiebreak: Complete: it ends with all of ``FIXED_KEYS``.
    """

    identity: PolicyIdentity
    estimate: EstimateRules
    weighers: tuple[Weigher, ...]
    filters: tuple[Filter, ...] = ()
    match: Match = field(default_factory=Match)
    order: Order = field(default_factory=Order)
    tiebreak: tuple[str, ...] = FIXED_KEYS
    trim: Trim = field(default_factory=Trim)
    description: str = ""


def assemble(
    document: PolicyDocument, sha256: str, components: Components, read: ReadEntry
) -> Policy:
    """Make a policy of a document.

    Args:
        document: What was written.
        sha256: Of the file's bytes, in hexadecimal digits.
        components: The filters and weighers that it may name.
        read: Checks the keys of each of them, the ``name`` taken out.

    Raises:
        PolicyFault: It names something that there isn't, or one thing twice.
    """
    weighers = tuple(
        read(*_entry(entry, components.weighers, ("weighers", index)))
        for index, entry in enumerate(document.weighers)
    )
    keys = _unique_keys(weighers)
    _require_known(document.order.keys, keys, ("order", "keys"))
    return Policy(
        identity=PolicyIdentity(
            document.metadata.name, document.metadata.revision, sha256
        ),
        description=document.metadata.description,
        match=document.match,
        filters=tuple(
            read(*_entry(entry, components.filters, ("filters", index)))
            for index, entry in enumerate(document.filters)
        ),
        estimate=document.estimate,
        weighers=weighers,
        order=document.order,
        tiebreak=_complete_tiebreak(document.tiebreak, keys),
        trim=document.trim,
    )


_Kind = TypeVar("_Kind", Filter, Weigher)


def _entry(
    entry: Mapping[str, Any], known: Mapping[str, type[_Kind]], place: Place
) -> tuple[type[_Kind], Mapping[str, Any], Place]:
    name = entry.get("name")
    if not isinstance(name, str):
        raise PolicyFault(place, f"name is missing; known are {', '.join(known)}")
    if name not in known:
        raise PolicyFault((*place, "name"), _unknown(name, list(known)))
    keys = {key: value for key, value in entry.items() if key != "name"}
    return known[name], keys, place


def _unknown(name: str, known: Sequence[str]) -> str:
    similar = get_close_matches(name, known, n=1)
    meant = f"; did you mean {similar[0]}?" if similar else ""
    return f"{name} is not known{meant} (known are {', '.join(known)})"


def _unique_keys(weighers: Sequence[Weigher]) -> tuple[str, ...]:
    keys: list[str] = []
    for index, weigher in enumerate(weighers):
        if weigher.key in keys:
            raise PolicyFault(
                ("weighers", index),
                f"two weighers are called {weigher.key}; give one of them a label",
            )
        if weigher.key in FIXED_KEYS:
            raise PolicyFault(
                ("weighers", index, "label"),
                f"{weigher.key} is a key of the tie-break already",
            )
        keys.append(weigher.key)
    return tuple(keys)


def _require_known(names: Sequence[str], known: Sequence[str], place: Place) -> None:
    for index, name in enumerate(names):
        if name not in known:
            raise PolicyFault((*place, index), _unknown(name, known))
        if name in names[:index]:
            raise PolicyFault((*place, index), f"{name} is there twice")


def _complete_tiebreak(
    written: tuple[str, ...] | None, weighers: tuple[str, ...]
) -> tuple[str, ...]:
    known = (*weighers, *FIXED_KEYS)
    if written is None:
        written = tuple(key for key in USUAL_TIEBREAK if key in known)
    else:
        _require_known(written, known, ("tiebreak",))
    return (*written, *(key for key in FIXED_KEYS if key not in written))


def choose(
    policies: Sequence[Policy],
    request: ExecutionRequest,
    groups: frozenset[str] = frozenset(),
    wanted: str | None = None,
) -> Policy:
    """Return the policy that serves a request.

    Args:
        policies: At least one, in configured order. The first that matches serves;
            what none matches is served by the last.
        request: What is to be run.
        groups: The groups of the user.
        wanted: The name of the policy that the client asked for, if any.

    Raises:
        UnknownPolicy: The one that was asked for isn't one that the user may choose
            for this request; it names those that are.
    """
    serving = [
        policy
        for policy in policies
        if policy.match.serves(request.executable_kind, groups)
    ]
    if wanted is None:
        return (serving or policies)[0 if serving else -1]
    selectable = [policy for policy in serving if policy.match.selectable_by_user]
    for policy in selectable:
        if policy.identity.name == wanted:
            return policy
    names = ", ".join(policy.identity.name for policy in selectable) or "none"
    raise UnknownPolicy(
        f"there is no ranking policy {wanted!r} for this request (to choose: {names})"
    )
