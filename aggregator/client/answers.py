"""What a broker answers: thin views on its documents, which keep every key."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from aggregator.client import reading
from aggregator.domain.messages import Level
from aggregator.domain.offers import Amount
from aggregator.domain.phases import TERMINAL, session_phase
from aggregator.domain.schedules import StartInterval

AT_SITE: Final = "urn:metabroker:at-site"
"""The kind of message by which a meta-broker says where a session is."""
_SITE_TELLERS: Final = frozenset({AT_SITE, "urn:metabroker:rank"})


@dataclass(frozen=True, slots=True)
class MessageAnswer:
    """A message of a broker to its reader."""

    document: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """The URI that says which message this is."""
        return reading.text(self.document.get("kind") or self.document.get("type"))

    @property
    def values(self) -> Mapping[str, Any]:
        """What stands in the places of the template, by name."""
        return reading.mapping(self.document.get("values"))

    @property
    def level(self) -> str:
        """How much it matters, one of ``domain.messages.Level``."""
        return reading.text(self.document.get("level")) or Level.INFO.value

    @property
    def text(self) -> str:
        """The message in words; its template filled in where it has only that."""
        words = reading.text(self.document.get("message"))
        if words:
            return words
        words = reading.text(self.document.get("template"))
        for name, value in self.values.items():
            words = words.replace(f"${{{name}}}", str(value))
            words = words.replace(f"{{{name}}}", str(value))
        return words


@dataclass(frozen=True, slots=True)
class _Component:
    document: Mapping[str, Any]

    @property
    def uuid(self) -> str:
        """Its uuid; empty where the broker gave none."""
        return reading.text(reading.member(self.document, "uuid"))

    @property
    def name(self) -> str:
        """Its name; empty where it has none."""
        return reading.text(reading.member(self.document, "name"))

    @property
    def url(self) -> str:
        """Where the broker says that it is; never followed by the client."""
        found = reading.member(self.document, "url") or self.document.get("href")
        return reading.text(found)

    @property
    def messages(self) -> tuple[MessageAnswer, ...]:
        """What the broker has to say about it."""
        listed = reading.mappings(reading.member(self.document, "messages"))
        return tuple(MessageAnswer(message) for message in listed)


@dataclass(frozen=True, slots=True)
class SessionAnswer(_Component):
    """A session as the broker showed it; an offer is one in phase ``OFFERED``."""

    def __repr__(self) -> str:
        return f"SessionAnswer({self.uuid!r}, {self.phase!r}, site={self.site!r})"

    @property
    def phase(self) -> str:
        """The session's phase, in the words of its dialect."""
        return self.component_phases.get("session", "")

    @property
    def site(self) -> str:
        """The site where it is; empty where a broker doesn't say, as only ours do."""
        for message in self.messages:
            if message.kind in _SITE_TELLERS:
                return reading.text(message.values.get("site"))
        return ""

    @property
    def is_terminal(self) -> bool:
        """Whether the session is in a phase that it never leaves."""
        return session_phase(self.phase) in TERMINAL

    @property
    def expires(self) -> datetime | None:
        """When the reservation ends, None where it isn't said."""
        return reading.instant(self.document.get("expires"))

    @property
    def start(self) -> StartInterval | None:
        """When the session would be available, None where that is unknown."""
        return reading.start(self.document)

    @property
    def cores(self) -> Amount:
        """The number of cores."""
        return reading.amount(reading.compute(self.document).get("cores"))

    @property
    def memory(self) -> Amount:
        """The memory in GiB."""
        return reading.amount(reading.compute(self.document).get("memory"))

    @property
    def connectors(self) -> tuple[Mapping[str, Any], ...]:
        """Where the running session can be reached."""
        return reading.mappings(self.document.get("connectors"))

    @property
    def component_phases(self) -> Mapping[str, str]:
        """The phases by component: ``session``, ``compute``, ``data/<name>``, ..."""
        return dict(reading.component_phases(self.document))


@dataclass(frozen=True, slots=True)
class OfferSetAnswer(_Component):
    """What one request got back."""

    def __repr__(self) -> str:
        count = len(self.offers)
        return f"OfferSetAnswer({self.uuid!r}, {self.result!r}, offers={count})"

    @property
    def result(self) -> str:
        """``YES`` or ``NO``."""
        return reading.text(self.document.get("result"))

    @property
    def offers(self) -> tuple[SessionAnswer, ...]:
        """The offers, best first."""
        listed = reading.mappings(self.document.get("offers"))
        return tuple(SessionAnswer(offer) for offer in listed)


@dataclass(frozen=True, slots=True)
class SiteReport:
    """What one site's part of a fan-out brought."""

    document: Mapping[str, Any]

    @property
    def site(self) -> str:
        """The site's name."""
        return reading.text(self.document.get("site"))

    @property
    def outcome(self) -> str:
        """How it ended, one of ``domain.outcomes.Outcome``."""
        return reading.text(self.document.get("outcome"))

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        return reading.number(self.document.get("seconds"))

    @property
    def offers(self) -> int:
        """How many offers the site made."""
        return reading.whole(self.document.get("offers")) or 0

    @property
    def detail(self) -> str:
        """What was wrong, in words; empty where nothing was."""
        return reading.text(self.document.get("detail"))

    @property
    def messages(self) -> tuple[MessageAnswer, ...]:
        """What the site itself had to say."""
        listed = reading.mappings(self.document.get("messages"))
        return tuple(MessageAnswer(message) for message in listed)


@dataclass(frozen=True, slots=True)
class SiteHealth:
    """A site of the federation and what the broker knows of its health."""

    document: Mapping[str, Any]

    def says(self, name: str) -> str:
        """Return the text that the broker gives under ``name``, else an empty one."""
        return reading.text(self.document.get(name))

    def moment(self, name: str) -> datetime | None:
        """Return the moment that the broker gives under ``name``, None for none."""
        return reading.instant(self.document.get(name))

    @property
    def name(self) -> str:
        """The site's name."""
        return self.says("name")

    @property
    def state(self) -> str:
        """Its state, one of ``domain.events.SiteState``."""
        return self.says("state")

    @property
    def rses(self) -> tuple[str, ...]:
        """The storage elements whose data it reads locally."""
        listed = self.document.get("rses")
        return tuple(map(str, listed)) if isinstance(listed, list) else ()

    @property
    def drained_until(self) -> datetime | None:
        """When its drain ends, None where it isn't drained."""
        return reading.instant(reading.mapping(self.document.get("drain")).get("until"))


@dataclass(frozen=True, slots=True)
class AuditAnswer:
    """One thing that an operator did."""

    document: Mapping[str, Any]

    def says(self, name: str) -> str:
        """Return the text that the broker gives under ``name``, else an empty one."""
        return reading.text(self.document.get(name))

    def moment(self, name: str) -> datetime | None:
        """Return the moment that the broker gives under ``name``, None for none."""
        return reading.instant(self.document.get(name))


@dataclass(frozen=True, slots=True)
class Progress:
    """A session, and what changed since it was last looked at.

    Attributes:
        changed: The new phase of each component whose phase changed; at the first
            look that is every component.
    """

    session: SessionAnswer
    changed: Mapping[str, str]
