"""Messages that an offer set or a session carries to its reader.

Source: the protocol's ``MessageItem``, after https://messagetemplates.org.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from aggregator.domain.schedules import format_instant


class Level(StrEnum):
    """How much a message matters."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class Message:
    """A message as a template with named values.

    Attributes:
        kind: A URI that says which message this is, such as
            ``urn:metabroker:site-missing``.
        template: Text with ``{name}`` in the places of the values.
    """

    kind: str
    level: Level
    template: str
    values: Mapping[str, str] = field(default_factory=dict)
    time: datetime | None = None

    @property
    def text(self) -> str:
        """The template with its values filled in."""
        text = self.template
        for name, value in self.values.items():
            text = text.replace("{" + name + "}", value)
        return text

    def as_payload(self) -> dict[str, Any]:
        """Return the message as the canonical vocabulary has it."""
        payload: dict[str, Any] = {"kind": self.kind}
        if self.time is not None:
            payload["time"] = format_instant(self.time)
        payload["level"] = self.level.value
        payload["template"] = self.template
        if self.values:
            payload["values"] = dict(self.values)
        payload["message"] = self.text
        return payload
