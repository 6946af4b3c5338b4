"""Writing: the domain's values into the documents of a dialect."""

from collections.abc import Mapping
from typing import Any, Final

from aggregator.domain.messages import Message
from aggregator.domain.requests import ExecutionRequest
from aggregator.domain.schedules import format_instant
from aggregator.domain.updates import Update
from aggregator.domain.views import OfferSetView, SessionView
from aggregator.wire.conformity import conforming_message, conforming_session
from aggregator.wire.dialects import CANONICAL_KINDS, Canonical, Dialect
from aggregator.wire.dialects.bodies import with_names_in_meta
from aggregator.wire.dialects.components import Node, mapped, with_value

_OFFER_SET: Final = CANONICAL_KINDS["offerset/execution-offerset"]
_SESSION: Final = CANONICAL_KINDS["session/scheduled-execution-session"]
_ROUTES: Final = {"executable": "executables", "compute": "compute"}
_LIST_ROUTES: Final = {"storage": "storage", "data": "data"}


def write_site_request(request: ExecutionRequest, dialect: Dialect) -> dict[str, Any]:
    """Return a request as a site of this dialect takes it.

    How the client spelled it stays here: it is written as the dialect has it, and a
    name that stands beside ``meta`` goes where the dialect has names.
    """
    payload = with_names_in_meta(dict(request.payload))
    return dialect.request_from_canonical(Canonical(payload))


def write_site_update(update: Update, dialect: Dialect) -> dict[str, Any]:
    """Return an update as a site of this dialect takes it."""
    payload = dict(update.payload)
    if update.phase is not None:
        payload["path"] = dialect.wording.phase_path
    return dialect.update_from_canonical(Canonical(payload))


def write_offer_set(
    view: OfferSetView, dialect: Dialect, public_url: str
) -> dict[str, Any]:
    """Return an offer set as a client of this dialect reads it.

    Args:
        view: The offer set.
        dialect: The dialect to write.
        public_url: The base of every URL in it.
    """
    spoken = dialect.answering(dict(view.request_residue))
    base = public_url.rstrip("/")
    meta: Node = {"uuid": view.uuid}
    if view.name is not None:
        meta["name"] = view.name
    meta |= {
        "url": f"{base}/offersets/{view.uuid}",
        "created": format_instant(view.created),
        **_with_messages(
            [conforming_message(dict(message)) for message in view.site_messages],
            view.messages,
        ),
    }
    result = "YES" if view.offers else "NO"
    envelope = {"kind": _OFFER_SET, "meta": meta, "result": result}
    document = spoken.offer_set_from_canonical(Canonical(envelope))
    if view.offers:
        document["offers"] = [_session(offer, spoken, base) for offer in view.offers]
    return document


def write_session(
    view: SessionView, dialect: Dialect, public_url: str
) -> dict[str, Any]:
    """Return a session, or an offer, as a client of this dialect reads it.

    Args:
        view: The session.
        dialect: The dialect to write.
        public_url: The base of every URL in it, but for its connectors'.
    """
    spoken = dialect.answering(dict(view.request_residue))
    return _session(view, spoken, public_url.rstrip("/"))


def _session(view: SessionView, dialect: Dialect, base: str) -> Node:
    payload = _with_urls(conforming_session(dict(view.payload)), base)
    meta = payload.get("meta") or {}
    meta = {
        **meta,
        "uuid": view.session,
        "url": f"{base}/sessions/{view.session}",
        **_with_messages(meta.get("messages") or [], view.messages),
    }
    shown = {**payload, "kind": _SESSION, "meta": meta}
    if view.phase is not None:
        shown["phase"] = view.phase.value
    if "uuid" in shown:
        shown["uuid"] = view.session
    if "href" in shown:
        shown["href"] = meta["url"]
    residue = dict(view.residue) if dialect.restores_sessions else {}
    return dialect.session_from_canonical(Canonical(shown, residue))


def _with_messages(given: list[Node], added: tuple[Message, ...]) -> Node:
    messages = [*given, *(message.as_payload() for message in added)]
    return {"messages": messages} if messages else {}


def _with_urls(session: Node, base: str) -> Node:
    for key, route in _ROUTES.items():
        if isinstance(session.get(key), dict):
            session = with_value(session, key, _with_url(session[key], base, route))
    for key, route in _LIST_ROUTES.items():
        session = _with_urls_of(session, key, base, route)
    if isinstance(session.get("compute"), dict):
        compute = _with_urls_of(session["compute"], "volumes", base, "volumes")
        session = with_value(session, "compute", compute)
    return session


def _with_urls_of(node: Node, key: str, base: str, route: str) -> Node:
    if key not in node:
        return node
    return with_value(
        node, key, mapped(node[key], lambda item: _with_url(item, base, route))
    )


def _with_url(node: Node, base: str, route: str) -> Node:
    meta = node.get("meta")
    if isinstance(meta, dict) and "url" in meta:
        return {**node, "meta": _rebased(meta, "url", meta, base, route)}
    if "href" in node:
        return _rebased(node, "href", node, base, route)
    return node


def _rebased(
    node: Node, key: str, identity: Mapping[str, Any], base: str, route: str
) -> Node:
    if isinstance(identity.get("uuid"), str):
        return {**node, key: f"{base}/{route}/{identity['uuid']}"}
    return {name: value for name, value in node.items() if name != key}
