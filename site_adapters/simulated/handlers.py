"""The HTTP surface of a simulated broker."""

import asyncio
import base64
import binascii
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, TypeAlias

import orjson
from aiohttp import web

from site_adapters.simulated import media
from site_adapters.simulated.broker import Broker, checked_uuid
from site_adapters.simulated.delivery import Answer, deliver, dropped
from site_adapters.simulated.faults import Fault, Script
from site_adapters.simulated.rendering import Writer, instant
from site_adapters.simulated.sessions import Session
from site_adapters.simulated.shapes import UnreadableError
from site_adapters.simulated.site import Operation
from site_adapters.simulated.vocabulary import Role

_REMEMBERED_CALLS: Final = 2000
_REMEMBERED_BODY: Final = 2**16
_LARGEST_BODY: Final = 2**20
_PHRASES: Final = {status.value: status.phrase for status in HTTPStatus}


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A call that came, whatever became of it.

    Attributes:
        headers: With names in lower case.
        body: As it came; of one that is very long its beginning.
    """

    method: str
    path: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class RefusedError(Exception):
    """A call that ends with an error status.

    Args:
        status: The status.
        empty: Whether there is no body.
        headers: What goes with it.
    """

    def __init__(self, status: int, *, empty: bool = False, **headers: str) -> None:
        super().__init__(status)
        self.status = status
        self.empty = empty
        self.headers = {name.replace("_", "-"): one for name, one in headers.items()}


@dataclass(frozen=True, slots=True)
class Call:
    """A call as the operations see it."""

    request: web.Request
    body: bytes
    fault: Fault
    identity: str | None

    @property
    def base_url(self) -> str:
        """Scheme and host as the client wrote them."""
        return f"{self.request.scheme}://{self.request.host}"

    @property
    def is_yaml(self) -> bool:
        """Whether the body is YAML."""
        return media.is_yaml(self.request.content_type)

    def document(self) -> Any:
        """Read the body.

        Raises:
            UnreadableError: It can't be read.
        """
        return media.read(self.body, self.request.content_type)


Act: TypeAlias = Callable[[Call], Answer]
Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


def identity_of(authorization: str | None) -> str | None:
    """Return whom an ``Authorization`` header names, None where there is none.

    A Basic user or the issuer and subject of a JWT, unchecked; else the credentials
    themselves stand for whoever holds them.
    """
    if authorization is None:
        return None
    scheme, _, credentials = authorization.partition(" ")
    try:
        if scheme.lower() == "basic":
            return base64.b64decode(credentials).decode().partition(":")[0]
        claims = credentials.split(".")[1]
        token = orjson.loads(base64.urlsafe_b64decode(claims + "=" * 3))
        return f"{token['iss']} {token['sub']}"
    except (binascii.Error, ValueError, LookupError, TypeError):
        return credentials


class Handlers:
    """The operations of one broker, with what tests see of them.

    Args:
        broker: The broker behind them.
    """

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.script = Script()
        self.calls: deque[RecordedCall] = deque(maxlen=_REMEMBERED_CALLS)

    def application(self) -> web.Application:
        """Return the application that serves the broker."""
        words = self.broker.vocabulary
        app = web.Application(
            client_max_size=_LARGEST_BODY, middlewares=[self._recorded]
        )
        request, read = Operation.REQUEST, Operation.READ
        app.router.add_post(words.request_path, self._served(request, self._submit))
        if words.direct_path is not None:
            app.router.add_post(words.direct_path, self._served(request, self._execute))
        app.router.add_get("/offersets/{uuid}", self._served(read, self._offer_set))
        app.router.add_get("/sessions/{uuid}", self._served(read, self._session))
        update = self._served(Operation.UPDATE, self._update)
        app.router.add_post("/sessions/{uuid}", update)
        app.router.add_get("/actuator/health", _healthy)
        return app

    @web.middleware
    async def _recorded(
        self, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        headers = {name.lower(): one for name, one in request.headers.items()}
        try:
            body = await request.read()
            kept = body[:_REMEMBERED_BODY]
            self.calls.append(
                RecordedCall(request.method, request.path_qs, headers, kept)
            )
            return await handler(request)
        except web.HTTPException as error:
            answer = self._error(request, RefusedError(error.status))
            return await deliver(request, answer, Fault(), self.broker.vocabulary)

    def _served(self, operation: Operation, act: Act) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            fault = self.script.take(operation) or Fault()
            latency = self.broker.site.latency.get(operation, 0.0)
            await asyncio.sleep(latency + fault.delay)
            if fault.drops_before:
                return dropped(request)
            answer = self._answer(request, await request.read(), fault, act)
            await asyncio.sleep(fault.hold)
            if fault.drops_after:
                return dropped(request)
            return await deliver(request, answer, fault, self.broker.vocabulary)

        return handle

    def _answer(
        self, request: web.Request, body: bytes, fault: Fault, act: Act
    ) -> Answer:
        accepted = media.negotiate(request.headers.get("Accept", ""))
        try:
            identity = self._admit(request, accepted, fault)
            answer = act(Call(request, body, fault, identity))
        except UnreadableError:
            return self._error(request, RefusedError(HTTPStatus.BAD_REQUEST))
        except RefusedError as refusal:
            return self._error(request, refusal)
        return Answer(
            answer.status,
            answer.document,
            answer.headers,
            accepted.content_type or media.JSON,
        )

    def _admit(
        self, request: web.Request, accepted: media.Acceptance, fault: Fault
    ) -> str | None:
        if fault.status is not None:
            raise RefusedError(
                fault.status, empty=fault.status < HTTPStatus.BAD_REQUEST
            )
        if self.broker.fails_now():
            raise RefusedError(HTTPStatus.INTERNAL_SERVER_ERROR)
        authorization = request.headers.get("Authorization")
        if request.method == "POST":
            if self.broker.site.requires_authorization and authorization is None:
                raise RefusedError(
                    HTTPStatus.UNAUTHORIZED, WWW_Authenticate='Basic realm="Realm"'
                )
            kind = request.content_type
            if not (media.is_json(kind) or media.is_yaml(kind)):
                raise RefusedError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        if accepted.content_type is None:
            raise RefusedError(HTTPStatus.NOT_ACCEPTABLE)
        return identity_of(authorization)

    def _error(self, request: web.Request, refusal: RefusedError) -> Answer:
        accepted = media.negotiate(request.headers.get("Accept", ""))
        document = {
            "timestamp": instant(self.broker.now()),
            "status": int(refusal.status),
            "error": _PHRASES.get(refusal.status, "Unknown"),
            "path": request.path,
        }
        return Answer(
            refusal.status,
            None if refusal.empty else document,
            refusal.headers,
            accepted.of_errors,
        )

    def _submit(self, call: Call) -> Answer:
        offer_set = self.broker.request(
            call.document(), strict=call.is_yaml, owner=call.identity
        )
        writer = self.broker.writer(call.base_url, fresh=True)
        location = writer.location(Role.OFFERSET, offer_set.uuid)
        return _see_other(writer.offer_set(offer_set), location)

    def _execute(self, call: Call) -> Answer:
        session = self.broker.execute(
            call.document(), strict=call.is_yaml, owner=call.identity
        )
        if session is None:
            raise RefusedError(HTTPStatus.INTERNAL_SERVER_ERROR)
        writer = self.broker.writer(call.base_url, fresh=True)
        location = writer.location(Role.SESSION, session.uuid)
        return _see_other(writer.session(session), location)

    def _offer_set(self, call: Call) -> Answer:
        uuid = checked_uuid(call.request.match_info["uuid"])
        offer_set = self.broker.ledger.offer_set(uuid)
        if offer_set is None:
            raise RefusedError(HTTPStatus.NOT_FOUND, empty=True)
        return Answer(HTTPStatus.OK, self._writer(call).offer_set(offer_set))

    def _session(self, call: Call) -> Answer:
        return Answer(HTTPStatus.OK, self._writer(call).session(self._found(call)))

    def _update(self, call: Call) -> Answer:
        document = call.document()
        session = self._found(call)
        strangers = {session.owner, call.identity} - {None}
        if len(strangers) > 1 and call.identity not in self.broker.site.administrators:
            raise RefusedError(HTTPStatus.FORBIDDEN, empty=True)
        if call.fault.ignores:
            phase = self.broker.phase(session)
        else:
            phase = self.broker.update(session, document)
        return Answer(HTTPStatus.OK, self._writer(call).session(session, phase))

    def _found(self, call: Call) -> Session:
        uuid = checked_uuid(call.request.match_info["uuid"])
        session = self.broker.ledger.session(uuid)
        if session is None:
            raise RefusedError(HTTPStatus.NOT_FOUND, empty=True)
        return session

    def _writer(self, call: Call) -> Writer:
        return self.broker.writer(call.base_url)


def _see_other(document: dict[str, Any], location: str) -> Answer:
    return Answer(HTTPStatus.SEE_OTHER, document, {"Location": location})


async def _healthy(request: web.Request) -> web.StreamResponse:
    del request
    return web.json_response({"status": "UP"})
