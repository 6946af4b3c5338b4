"""The path of offers from the sites' bytes to the client's bytes, without a network.

The peer in the same run is orjson alone: parse each answer, join the offers, dump them
once. That is the floor of anything that looks into the offers.

    python -m bench.offer_path [--sites 10] [--offers 4] [--repeats 200]
"""

import argparse
import gc
import statistics
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from aggregator import strict_yaml
from aggregator.configuration.policies import load_policies
from aggregator.domain.merging import merge
from aggregator.domain.outcomes import Outcome, SiteAnswer
from aggregator.domain.ranking.builtin import BUILT_IN
from aggregator.domain.ranking.engine import rank
from aggregator.domain.ranking.knowledge import Knowledge, SiteFacts
from aggregator.domain.records import OfferSet
from aggregator.domain.sites import Site
from aggregator.services.known_offer_sets import KnownOfferSets
from aggregator.services.limits import StatusLimits
from aggregator.services.offer_sets import ShownOfferSets
from aggregator.wire.dialects import DIALECTS
from aggregator.wire.reading import read_request, read_site_offer_set
from aggregator.wire.writing import write_offer_set, write_site_request

ROOT = Path(__file__).parents[1]
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
REQUEST = strict_yaml.load(
    (ROOT / "tests" / "data" / "reference-request.yaml").read_text()
)


class _Clock:
    def now(self) -> datetime:
        return NOW


def answer_bytes(dialect: str, offers: int, now: datetime = NOW) -> bytes:
    """Return an offer set as a site of ``dialect`` would send it at ``now``."""
    request = read_request(REQUEST, "2025-11")
    asked = write_site_request(request, DIALECTS["2026-07"])
    session: dict[str, Any] = {
        "kind": "https://www.purl.org/ivoa.net/Calycopis-openapi/schema/v1.0/kinds/"
        "session/scheduled-execution-session.yaml",
        "phase": "OFFERED",
        "expires": (now + timedelta(seconds=300)).isoformat(),
        "executable": _component(asked["executable"], now),
        "compute": _component(asked["compute"], now),
        "data": [_component(item, now) for item in asked["data"]],
    }
    session["compute"] |= {
        "cores": {"min": 2, "max": 2},
        "memory": {"min": 2, "max": 2},
    }
    document = {
        "kind": "https://www.purl.org/ivoa.net/Calycopis-openapi/schema/v1.0/kinds/"
        "offerset/execution-offerset.yaml",
        "meta": _meta(),
        "result": "YES",
        "offers": [{**session, "meta": _meta()} for _ in range(offers)],
    }
    newest = DIALECTS["2026-07"].offer_set_to_canonical(document)
    return orjson.dumps(DIALECTS[dialect].offer_set_from_canonical(newest))


def _meta() -> dict[str, Any]:
    name = str(uuid.uuid4())
    return {"uuid": name, "url": f"http://site:8082/sessions/{name}", "name": "offer"}


def _component(part: dict[str, Any], now: datetime) -> dict[str, Any]:
    start = now + timedelta(minutes=10)
    schedule = {
        "preparing": {"start": now.isoformat(), "duration": "PT2M10S"},
        "available": {"start": f"{start.isoformat()}/PT0S", "duration": "PT20M"},
        "releasing": {"start": start.isoformat(), "duration": "PT10S"},
    }
    return {**part, "meta": _meta(), "phase": "INITIALIZING", "schedule": schedule}


def timed(work: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Return the median and the 95th percentile of ``work`` in milliseconds of CPU."""
    times = []
    for _ in range(repeats):
        began = time.process_time()
        work()
        times.append((time.process_time() - began) * 1000)
    return statistics.median(times), statistics.quantiles(times, n=20)[-1]


def main() -> None:
    """Measure, and print a table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sites", type=int, default=10)
    options.add_argument("--offers", type=int, default=4)
    options.add_argument("--repeats", type=int, default=200)
    given = options.parse_args()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    (policy,) = load_policies([ROOT / "config/ranking/default.yaml"], BUILT_IN)
    facts = {
        f"s{n}": SiteFacts(Site(f"s{n}", f"https://s{n}.example"))
        for n in range(given.sites)
    }
    request = read_request(REQUEST, "2025-11")
    known = KnownOfferSets(None, None, _Clock(), StatusLimits())  # type: ignore[arg-type]
    shown = ShownOfferSets(known, _Clock())
    print(f"{given.sites} sites, {given.offers} offers each; milliseconds of CPU")
    print(f"{'path':34} {'median':>8} {'p95':>8}")
    for dialect in ("2025-11", "2026-07"):
        bodies = [answer_bytes(dialect, given.offers) for _ in range(given.sites)]

        def floor(bodies: list[bytes] = bodies) -> bytes:
            sets = [orjson.loads(body) for body in bodies]
            return orjson.dumps([offer for one in sets for offer in one["offers"]])

        def read(
            bodies: list[bytes] = bodies, dialect: str = dialect
        ) -> list[SiteAnswer]:
            return [
                SiteAnswer(
                    site,
                    Outcome.OK,
                    read_site_offer_set(
                        site, orjson.loads(body), DIALECTS[dialect]
                    ).offers,
                )
                for site, body in zip(facts, bodies, strict=True)
            ]

        def whole(read: Callable[[], list[SiteAnswer]] = read) -> bytes:
            name = str(uuid.uuid4())
            merged = merge(read())
            ranking = rank(policy, request, name, merged.offers, Knowledge(facts), NOW)
            offers = tuple(ranked.offer for ranked in ranking.ranked)
            kept = OfferSet(
                name, NOW, request, offers=offers, ranking=ranking.as_document()
            )
            return orjson.dumps(
                write_offer_set(shown.made(kept), DIALECTS["2025-11"], "http://us")
            )

        size = sum(map(len, bodies)) / 1000
        for name, work in (
            (f"floor: orjson ({size:.0f} kB)", floor),
            (f"read {dialect}", read),
            (f"read {dialect}, rank, write 2025-11", whole),
        ):
            median, p95 = timed(work, given.repeats)
            print(f"{name:34} {median:8.2f} {p95:8.2f}")


if __name__ == "__main__":
    main()
