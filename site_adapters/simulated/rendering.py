"""Writing offer sets and sessions in a broker's vocabulary."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from aggregator.domain.messages import Message
from aggregator.domain.offers import Quote
from aggregator.domain.phases import SessionPhase
from site_adapters.simulated.lifecycle import RELEASING, Lifecycle, preparing_of
from site_adapters.simulated.sessions import Component, OfferSet, Plan, Session
from site_adapters.simulated.site import SimulatedSite
from site_adapters.simulated.vocabulary import (
    COST,
    FOLDERS,
    METRIC,
    Role,
    Vocabulary,
)

_UNKNOWN_SCHEDULE: Final = {
    "preparing": {"duration": "PT1S"},
    "available": {"start": "1970-01-01T00:00:01Z/PT0S"},
    "releasing": {"duration": "PT1S"},
}
"""What brokers write for components whose schedule they have lost."""

_LINGERING: Final = timedelta(seconds=5)
"""The reference broker plans a pause before it releases."""


def pruned(value: Any) -> Any:
    """Return ``value`` without empty members, as the newer brokers write it."""
    if isinstance(value, dict):
        members = {name: pruned(one) for name, one in value.items()}
        return {
            name: one for name, one in members.items() if one not in (None, "", [], {})
        }
    if isinstance(value, list):
        return [pruned(one) for one in value]
    return value


def duration(seconds: float) -> str:
    """Write a length of time as Java does: hours, minutes and seconds."""
    seconds = round(seconds, 6)
    whole = int(seconds)
    fraction = f"{seconds - whole:.6f}"[1:].rstrip("0").rstrip(".")
    hours, minutes = whole // 3600, whole % 3600 // 60
    text = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "")
    if whole % 60 or fraction or not text:
        text += f"{whole % 60}{fraction}S"
    return f"PT{text}"


def instant(moment: datetime, nanoseconds: int = 0) -> str:
    """Write a moment as Java does: fraction to nanoseconds, without final zeros."""
    digits = f"{moment.microsecond:06d}{nanoseconds:03d}".rstrip("0")
    return f"{moment:%Y-%m-%dT%H:%M:%S}{'.' + digits if digits else ''}Z"


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes the documents of one answer.

    Attributes:
        base_url: Scheme and host as the client used them, without a final slash.
        fresh: Whether instants are still in nanoseconds, as before they were stored.
    """

    site: SimulatedSite
    vocabulary: Vocabulary
    lifecycle: Lifecycle
    base_url: str
    now: datetime
    fresh: bool = False

    def offer_set(self, offer_set: OfferSet) -> dict[str, Any]:
        """Write an offer set with its offers."""
        document = {
            **self._head(Role.OFFERSET, offer_set, messages=offer_set.messages),
            "result": "YES" if offer_set.sessions else "NO",
        }
        if offer_set.sessions:
            document["offers"] = [self.session(one) for one in offer_set.sessions]
        return document

    def session(
        self, session: Session, phase: SessionPhase | None = None
    ) -> dict[str, Any]:
        """Write a session, in ``phase`` instead of its own if that is given."""
        words = self.vocabulary
        shown = phase or self.lifecycle.session_phase(session, self.now)
        return self._tidied(
            {
                **self._head(Role.SESSION, session),
                **self._quotes(),
                "phase": words.phase(shown),
                "expires": self._instant(session.expires, session.uuid),
                "schedule": self._session_schedule(session.plan),
                "executable": self._component(session, session.executable),
                **self._resources(session),
                "connectors": self._connectors(session, shown),
            }
        )

    def location(self, role: Role, uuid: str) -> str:
        """Return the absolute URL of a component."""
        return f"{self.base_url}/{FOLDERS[role]}/{uuid}"

    def _tidied(self, document: dict[str, Any]) -> dict[str, Any]:
        if self.vocabulary.has_meta:
            kept: dict[str, Any] = pruned(document)
            return kept
        return {name: one for name, one in document.items() if one is not None}

    def _instant(self, moment: datetime, uuid: str) -> str:
        return instant(moment, UUID(uuid).int % 1000 if self.fresh else 0)

    def _head(
        self,
        role: Role,
        one: OfferSet | Session | Component,
        kind: str | None = None,
        messages: list[Message] | None = None,
    ) -> dict[str, Any]:
        words = self.vocabulary
        about: dict[str, Any] = {"uuid": one.uuid}
        if one.name is not None:
            about["name"] = one.name
        if words.has_meta or role in (Role.OFFERSET, Role.SESSION):
            about[words.url_key] = self.location(role, one.uuid)
        about["created"] = self._instant(one.created, one.uuid)
        if messages:
            about["messages"] = [self._message(message) for message in messages]
        uri = {words.discriminator: words.uri(role, kind)}
        return {**uri, "meta": about} if words.has_meta else {**uri, **about}

    def _message(self, message: Message) -> dict[str, Any]:
        return {
            "kind": message.kind,
            "time": instant(self.now),
            "level": message.level.value,
            "template": message.template,
        }

    def _quotes(self) -> dict[str, Any]:
        if not self.vocabulary.has_quotes:
            return {}
        return {
            "costs": [_quote(COST, one, "cost") for one in self.site.costs],
            "metrics": [_quote(METRIC, one, "metric") for one in self.site.metrics],
        }

    def _resources(self, session: Session) -> dict[str, Any]:
        compute = self._component(session, session.compute)
        lists = {
            "storage": [self._component(session, one) for one in session.storage],
            "data": [self._component(session, one) for one in session.data],
        }
        some = {name: one for name, one in lists.items() if one}
        if self.vocabulary.nests_resources:
            return {"resources": {"compute": [compute], **some}}
        return {self.vocabulary.compute_key: compute, **some}

    def _component(self, session: Session, component: Component) -> dict[str, Any]:
        role = component.role
        written = self._head(role, component, component.kind)
        if role is Role.COMPUTE:
            written |= self._quotes()
        if self.vocabulary.component_phases:
            phase = self.lifecycle.component_phase(session, component, self.now)
            written["phase"] = phase.value
        schedule = self._component_schedule(session.plan, role)
        if schedule is not None:
            written["schedule"] = schedule
        written |= component.body
        if role is Role.STORAGE:
            written[self.vocabulary.storage_link] = list(component.links)
        if role is Role.DATA:
            written["storage"] = component.links[0]
            if not self.vocabulary.component_phases and "skao" in component.body:
                written["skao"] = {"checksum": {}, **component.body["skao"]}
                written["ivoa"] = component.body.get("ivoa", {})
        if role is Role.COMPUTE and self.vocabulary.inline_volumes:
            written["volumes"] = [self._volume(one) for one in session.volumes]
        return written

    def _volume(self, volume: Component) -> dict[str, Any]:
        return {
            **self._head(Role.VOLUME, volume, volume.kind),
            **volume.body,
            "resource": volume.links[0],
        }

    def _session_schedule(self, plan: Plan) -> dict[str, Any] | None:
        if self.vocabulary.offered_schedules:
            return {"offered": _old_schedule(plan)}
        if not self.vocabulary.session_schedules:
            return None
        return _schedule(plan, (plan.preparing, 0.0), lasts=True)

    def _component_schedule(self, plan: Plan, role: Role) -> dict[str, Any] | None:
        begin, end = preparing_of(plan, role)
        if self.vocabulary.offered_schedules:
            if role is Role.COMPUTE:
                return None
            if role is Role.EXECUTABLE:
                return {}
            return {"offered": {"preparing": {"duration": duration(begin - end)}}}
        if role is Role.COMPUTE or self.vocabulary.session_schedules:
            return _schedule(plan, (begin, end), lasts=role is Role.COMPUTE)
        return _UNKNOWN_SCHEDULE

    def _connectors(
        self, session: Session, phase: SessionPhase
    ) -> list[dict[str, str]] | None:
        executable = session.executable
        if phase not in (SessionPhase.AVAILABLE, SessionPhase.RUNNING):
            return [] if self.vocabulary.component_phases else None
        if executable.kind == "jupyter-notebook":
            location = f"{self.base_url}/connect/{session.uuid}/notebook"
            return [_connector("uri:jupyter-notebook", "HTTP", location)]
        ports = executable.body.get("network", {}).get("ports") or ()
        return [
            _connector(
                "uri:network-port",
                port.get("protocol", "TCP"),
                f"{self.base_url}/connect/{session.uuid}/{port['internal']['port']}"
                + port.get("path", ""),
            )
            for port in ports
        ]


def _connector(kind: str, protocol: str, location: str) -> dict[str, str]:
    return {"kind": kind, "protocol": protocol, "location": location}


def _quote(kind: str, quote: Quote, word: str) -> dict[str, Any]:
    return {
        "kind": kind,
        "type": quote.type,
        "description": f"Estimated {quote.type.rpartition(':')[2]} {word}",
        "min": quote.min,
        "max": quote.max,
    }


def _old_schedule(plan: Plan) -> dict[str, Any]:
    return {
        "preparing": {
            "duration": duration(plan.preparing),
            "start": instant(plan.preparing_start),
        },
        "available": {
            "duration": duration(plan.available),
            "start": instant(plan.start),
        },
    }


def _schedule(
    plan: Plan, prepared: tuple[float, float], *, lasts: bool
) -> dict[str, Any]:
    begin, end = prepared
    available = plan.start - timedelta(seconds=end)
    schedule: dict[str, Any] = {
        "preparing": {
            "start": instant(plan.start - timedelta(seconds=begin)),
            "duration": duration(begin - end),
        },
        "available": {"start": f"{instant(available)}/PT0S"},
        "releasing": {
            "start": instant(plan.end + _LINGERING),
            "duration": duration(RELEASING if lasts else 1.0),
        },
    }
    if lasts:
        schedule["available"]["duration"] = duration(plan.available)
    return schedule
