"""Logs: structured, one JSON object a line, and never a credential in them."""

import logging
import re
import sys
from collections.abc import Callable, MutableMapping
from typing import Any, Final, Literal, TextIO

import orjson
import structlog

from aggregator.domain import events
from aggregator.domain.events import Event
from aggregator.ports.telemetry import Telemetry

_SECRET_KEYS: Final = frozenset(
    {"authorization", "token", "password", "cookie", "secret", "access_token"}
)
_CREDENTIAL: Final = re.compile(
    r"""(?ix)
    (?<=\bbearer\ ) [\w.~+/=-]+                   # an Authorization header
    | \beyJ[\w-]+ \. [\w-]+ \. [\w-]*             # a JSON web token
    | (?<=access_token=) [^\s&"\\]+               # in a query or a form
    | (?<=://) [^\s/@"\\]+ (?=@)                  # user and password of a URL
    """
)
_HANDLER: Final = "metabroker"
_ACCEPT_LEVELS: Final = {
    events.AcceptOutcome.AMBIGUOUS: logging.WARNING,
    events.AcceptOutcome.LOST: logging.ERROR,
}
_LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_log = structlog.get_logger("metabroker")


def configure_logging(
    level: str = "info",
    form: Literal["json", "console"] = "json",
    stream: TextIO | None = None,
) -> None:
    """Set up logging for the process, in the place of what was set up before.

    Args:
        level: The least level that is written: debug, info, warning or error.
        form: ``json`` for machines, ``console`` for people.
        stream: Where to, standard error by default.
    """
    render = _without_credentials(
        structlog.processors.JSONRenderer(serializer=_dumps)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        redact,
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.set_name(_HANDLER)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                render,
            ],
        )
    )
    root = logging.getLogger()
    for before in [h for h in root.handlers if h.get_name() == _HANDLER]:
        root.removeHandler(before)
    root.addHandler(handler)
    # What libraries say through the standard library matters from warnings on.
    root.setLevel(logging.WARNING)


def redact(
    _logger: Any, _method: str, entry: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Take the values of everything that is named like a credential out of a line."""
    for key in entry:
        if key.lower() in _SECRET_KEYS:
            entry[key] = "[redacted]"
    return entry


def _without_credentials(render: Callable[..., Any]) -> Callable[..., str]:
    """Return ``render`` with all that looks like a credential taken out of lines."""

    def rendered(logger: Any, method: str, entry: MutableMapping[str, Any]) -> str:
        return _CREDENTIAL.sub("[redacted]", str(render(logger, method, entry)))

    return rendered


def _dumps(entry: Any, **_: Any) -> str:
    return orjson.dumps(entry, default=str).decode()


class LoggedTelemetry:
    """Logs the events that an operator wants to find again, and passes all on."""

    def __init__(self, following: Telemetry) -> None:
        self._following = following

    def record(self, event: Event) -> None:
        """Log ``event`` if it is one to find again, and pass it on."""
        self._following.record(event)
        match event:
            case events.SiteCalled():
                _log.debug(
                    "site_called",
                    site=event.site,
                    op=event.operation.value,
                    outcome=event.outcome.value,
                    seconds=round(event.seconds, 4),
                )
            case events.CatalogueAsked():
                _log.debug(
                    "catalogue_asked",
                    catalogue=event.catalogue,
                    outcome=event.outcome.value,
                    seconds=round(event.seconds, 4),
                )
            case events.TokenAsked():
                _log.debug(
                    "token_asked",
                    issuer=event.issuer,
                    grant=event.grant.value,
                    outcome=event.outcome.value,
                    error=event.error,
                    seconds=round(event.seconds, 4),
                )
            case events.SiteStateChanged():
                _log.info(
                    "site_state_changed",
                    site=event.site,
                    state=event.state.value,
                    why=event.reason,
                )
            case events.FanOutFinished():
                _log.info(
                    "fan_out_finished",
                    offer_set=event.offer_set,
                    completeness=event.completeness.value,
                    asked=event.asked,
                    answered=event.answered,
                    not_asked=event.not_asked,
                    seconds=round(event.seconds, 4),
                )
            case events.AcceptFinished():
                _log.log(
                    _ACCEPT_LEVELS.get(event.outcome, logging.INFO),
                    "accept_finished",
                    site=event.site,
                    session=event.session,
                    outcome=event.outcome.value,
                )
            case events.ReleaseTried():
                _log.info(
                    "release_tried",
                    site=event.site,
                    session=event.session,
                    outcome=event.outcome.value,
                    lag=round(event.lag, 3),
                )
            case events.Reloaded():
                _log.log(
                    logging.INFO if event.success else logging.WARNING,
                    "configuration_read",
                    success=event.success,
                    detail=event.detail,
                )
            case _:
                pass
