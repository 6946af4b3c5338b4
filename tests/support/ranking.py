"""Short ways to say what ranking is given, and policies read as the service does."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from aggregator import strict_yaml
from aggregator.domain.offers import DataItem, Offer, Quote
from aggregator.domain.ranking.builtin import BUILT_IN
from aggregator.domain.ranking.components import Components
from aggregator.domain.ranking.document import DataRules, PolicyDocument
from aggregator.domain.ranking.engine import rank
from aggregator.domain.ranking.knowledge import Knowledge, Links, SiteFacts
from aggregator.domain.ranking.policy import Policy, assemble
from aggregator.domain.replicas import Did, LocatedData, Replica
from aggregator.domain.requests import ExecutionRequest
from aggregator.domain.schedules import StartInterval
from aggregator.domain.sites import Site

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
GB = 10**9
ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data" / "ranking"


@cache
def adapter(schema):
    return TypeAdapter(schema)


def read_entry(schema, entry, place):
    return adapter(schema).validate_python(dict(entry))


def policy_of(content: Mapping[str, Any], components: Components = BUILT_IN) -> Policy:
    document = adapter(PolicyDocument).validate_python(dict(content))
    return assemble(document, "0" * 64, components, read_entry)


def policy_file(path: Path) -> Policy:
    return policy_of(strict_yaml.load(path.read_text()))


def plain_policy(**sections: Any) -> Policy:
    """A policy of one weigher, with other sections as a document has them."""
    return policy_of(
        {
            "apiVersion": "metabroker.srcnet/v1",
            "kind": "RankingPolicy",
            "metadata": {"name": "plain"},
            "weighers": [{"name": "time_to_start"}],
            **sections,
        }
    )


def with_data_rules(policy: Policy, **changes: Any) -> Policy:
    data: DataRules = replace(policy.estimate.data, **changes)
    return replace(policy, estimate=replace(policy.estimate, data=data))


def moment(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def starting(earliest: float, latest: float | None = None) -> StartInterval:
    last = earliest if latest is None else latest
    return StartInterval(moment(earliest), moment(last))


def offer(site: str, start: float | None = 0, number: int = 0, **changes: Any) -> Offer:
    session = f"{site}-{number}"
    interval = None if start is None else starting(start)
    made = Offer(site, session, session, position=number, start=interval)
    return replace(made, **changes)


def quotes(**amounts: float) -> tuple[Quote, ...]:
    return tuple(
        Quote(f"urn:cost:{kind}", max=value) for kind, value in amounts.items()
    )


def did(name: str) -> Did:
    return Did("testing", name)


def wanting(*names: str, **changes: Any) -> ExecutionRequest:
    """A request for datasets of those names, which only the catalogue knows."""
    data = tuple(DataItem(name, did(name)) for name in names)
    return replace(ExecutionRequest("docker-container", data=data), **changes)


def located(name: str, gb: float, *rses: str, files: int = 1) -> LocatedData:
    """A dataset with replicas; an RSE whose name ends in TAPE is tape."""
    replicas = tuple(Replica(rse, tape=rse.endswith("TAPE")) for rse in rses)
    return LocatedData(did(name), replicas, round(gb * GB), files)


def facts(name: str, **changes: Any) -> SiteFacts:
    """A site that reads the RSEs ``<name>_DISK`` and ``<name>_TAPE``."""
    of_facts = {"state", "failures", "calls", "record", "usage"} & changes.keys()
    known = {key: changes.pop(key) for key in of_facts}
    site = Site(name, f"http://{name}.example", rses=(f"{name}_DISK", f"{name}_TAPE"))
    return SiteFacts(replace(site, **changes), **known)


def knowing(
    *sites: SiteFacts,
    data: tuple[LocatedData, ...] = (),
    links: Links | None = None,
    **more: Any,
) -> Knowledge:
    return Knowledge(
        sites={one.site.name: one for one in sites},
        located={one.did: one for one in data},
        links=links or Links(),
        **more,
    )


def ranked(policy, offers, request=None, knowledge=None, request_id="r-1", **more):
    return rank(
        policy,
        request or wanting(),
        request_id,
        offers,
        knowledge or Knowledge(),
        NOW,
        **more,
    )


def order_of(ranking) -> list[str]:
    return [one.offer.session for one in ranking.ranked]


def by_site(ranking):
    return {one.offer.site: one for one in ranking.ranked}
