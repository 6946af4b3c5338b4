"""Reloading: what is configured is read again; the last good state stays otherwise."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import aclosing
from typing import Final

import structlog

from aggregator.domain.events import Reloaded
from aggregator.domain.ranking.policy import Policy
from aggregator.ports.configuration import ConfigurationRefused, ConfigurationSource
from aggregator.ports.snapshot import Federation, Snapshot
from aggregator.ports.telemetry import Telemetry
from aggregator.services.reconfiguring import Reconfiguring

_log = structlog.get_logger(__name__)
_MOST_REASONS: Final = 20


class Reloading:
    """Reads the configuration again when its files change, or when told to."""

    def __init__(
        self,
        *,
        source: ConfigurationSource,
        reconfiguring: Reconfiguring,
        snapshot: Snapshot,
        telemetry: Telemetry,
    ) -> None:
        self._source = source
        self._reconfiguring = reconfiguring
        self._snapshot = snapshot
        self._telemetry = telemetry
        self._wanted = asyncio.Event()

    def request(self) -> None:
        """Have the configuration read soon; requests at once are one."""
        self._wanted.set()

    async def run(self) -> None:
        """Read whenever that is requested, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            await self.reload()

    async def watch(self) -> None:
        """Request a reading at each change of the source, until cancelled."""
        async with aclosing(self._source.changes()) as changes:
            async for _ in changes:
                self.request()

    async def reload(self) -> bool:
        """Read the configuration; say whether it is good, and in effect."""
        try:
            reread = await self._source.read()
        except ConfigurationRefused as refusal:
            for reason in refusal.reasons[:_MOST_REASONS]:
                _log.warning("configuration_refused", reason=reason)
            self._telemetry.record(Reloaded(success=False, detail=str(refusal)))
            return False
        except Exception as error:  # noqa: BLE001 -- what runs must go on as it is
            _log.exception("configuration_not_read")
            self._telemetry.record(Reloaded(success=False, detail=repr(error)))
            return False
        for warning in reread.warnings:
            _log.warning("configuration_warning", reason=warning)
        before = self._snapshot.current()
        after = self._reconfiguring.apply(reread.federation)
        self._telemetry.record(
            Reloaded(success=True, detail=_difference(before, after))
        )
        return True


def _difference(before: Federation, after: Federation) -> str:
    """Return in words what a reading changed."""
    policies, new_policies = (
        {policy.identity.name: policy for policy in federation.policies}
        for federation in (before, after)
    )
    changes = [
        *_changed("site", before.sites, after.sites),
        *_changed("policy", policies, new_policies),
        *_still(policies, new_policies),
    ]
    if not changes and before.policies != after.policies:
        changes.append("order of policies changed")
    if before.links != after.links:
        changes.append("links changed")
    if before.catalogue != after.catalogue:
        changes.append("replicas changed")
    return f"revision {after.revision}: {', '.join(changes) or 'nothing new'}"


def _still(before: Mapping[str, Policy], after: Mapping[str, Policy]) -> Iterator[str]:
    """Yield what may confuse readers of explanations, which name the revision."""
    for name, policy in after.items():
        known = before.get(name)
        if known is not None and known.identity != policy.identity:
            revision = policy.identity.revision
            if known.identity.revision == revision:
                yield f"policy {name} is still called revision {revision}"


def _changed(
    kind: str, before: Mapping[str, object], after: Mapping[str, object]
) -> Iterator[str]:
    for name in dict.fromkeys((*before, *after)):
        if name not in before:
            yield f"{kind} {name} added"
        elif name not in after:
            yield f"{kind} {name} removed"
        elif before[name] != after[name]:
            yield f"{kind} {name} changed"
