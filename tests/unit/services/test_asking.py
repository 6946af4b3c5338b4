"""What each site is asked for, what is learned from its NO, and how long that takes."""

import asyncio
from dataclasses import dataclass, field

import pytest

from aggregator.domain.outcomes import Outcome, SiteAnswer
from aggregator.domain.ranking.knowledge import Links
from aggregator.domain.replicas import Did, LocatedData, Replica
from aggregator.domain.sites import DataKind, Site
from aggregator.ports.sites import CallContext
from aggregator.ports.snapshot import FederatedSite
from aggregator.services.asking import Asked, Asking
from aggregator.services.limits import HealthLimits
from aggregator.services.site_calls import SiteCalls
from aggregator.services.site_health import SiteHealth
from aggregator.wire.answers import offer_from_payload
from aggregator.wire.data_kinds import kind_of
from tests.support.in_process import RecordedTelemetry
from tests.support.requests import KINDS, a_request
from tests.support.virtual_time import LoopClock, virtual_time

X = Did("testing", "x")
URL = "https://disk.example/x"
EVERYWHERE = {
    X: LocatedData(
        X,
        (
            Replica("FAR", "https://far.example/x"),
            Replica("NEAR", "https://near.example/x"),
            Replica("HERE_TAPE", "https://tape.example/x", tape=True),
            Replica("HERE", URL),
            Replica("BUCKET", "s3://s3.example/bucket/x"),
        ),
        size=7,
    )
}
LINKS = Links(
    rse_sites={
        "HERE": ("site",),
        "HERE_TAPE": ("site",),
        "NEAR": ("near", "other"),
        "FAR": ("far",),
    },
    rse_aliases={"OLD_HERE": "HERE"},
    table={("near", "site"): 8.0, ("far", "site"): 2.0, ("far", "far-off"): 8.0},
)
UNKNOWN_DATA = {
    "kind": "uri:unknown-type",
    "level": "ERROR",
    "template": "Unknown data type [${kind}]",
}
OTHER_REASON = {"kind": "urn:resource-limit", "level": "ERROR", "template": "too much"}


def skao_item(**block):
    return {
        "kind": f"{KINDS}/data/skao-data-resource.yaml",
        "meta": {"name": "one"},
        "skao": {"namespace": "testing", "objectname": "x", **block},
    }


REQUEST = a_request(data=[skao_item()])


@dataclass
class Broker:
    """A site's broker, which refuses the kinds of data that it doesn't know.

    Attributes:
        says: What else it answers, in turn, to data that it knows.
    """

    knows: tuple = tuple(DataKind)
    says: list = field(default_factory=list)
    message: dict = field(default_factory=lambda: dict(UNKNOWN_DATA))
    asked: list = field(default_factory=list)
    at: list = field(default_factory=list)

    async def request_offers(self, request, context):
        items = request.payload.get("data", [])
        self.asked.append(items)
        self.at.append(asyncio.get_running_loop().time())
        if not {kind_of(item) for item in items} <= set(self.knows):
            return SiteAnswer("site", Outcome.NO_OFFER, messages=(self.message,))
        if self.says:
            return self.says.pop(0)
        uuid = "11111111-1111-4111-8111-111111111111"
        payload = {"meta": {"uuid": uuid}, "phase": "OFFERED", "data": items}
        return SiteAnswer(
            "site", Outcome.OK, (offer_from_payload("site", payload, {}, 0),)
        )

    @property
    def kinds(self):
        return [[kind_of(item).value for item in items] for items in self.asked]


class Bench:
    def __init__(self, *, enrich=False):
        telemetry = RecordedTelemetry()
        health = SiteHealth(HealthLimits(probes=False), LoopClock(), telemetry)
        self.asking = Asking(SiteCalls(health, telemetry), enrich=enrich)
        self.located = EVERYWHERE
        self.delay = 0.0
        self.links = LINKS

    async def ask(self, broker, request=REQUEST, *, name="site", knows=None):
        site = Site(name, "https://site.example", data_kinds=knows or tuple(DataKind))
        async with asyncio.TaskGroup() as group:
            lookup = group.create_task(self._locate())
            context = CallContext(deadline=asyncio.get_running_loop().time() + 60)
            return await self.asking.request_offers(
                FederatedSite(site, broker, None),
                Asked(request, self.links, lookup),
                context,
            )

    async def _locate(self):
        await asyncio.sleep(self.delay)
        return self.located


@virtual_time
async def test_a_site_that_knows_the_data_is_asked_at_once_and_as_they_are():
    bench, broker = Bench(), Broker()
    bench.delay = 2
    began = asyncio.get_running_loop().time()
    answer = await bench.ask(broker)
    assert broker.at == [began]
    assert broker.asked == [REQUEST.payload["data"]]
    assert answer.changes == ()


@virtual_time
async def test_a_site_so_configured_gets_the_url_of_its_own_replica():
    bench, broker = Bench(), Broker()
    bench.delay = 2
    began = asyncio.get_running_loop().time()
    answer = await bench.ask(broker, knows=(DataKind.SIMPLE,))
    assert broker.at == [began + 2]
    ((item,),) = broker.asked
    assert item["location"] == URL
    assert answer.changes == ("testing:x was asked for as simple data at disk.example",)
    (offer,) = answer.offers
    assert list(offer.payload["data"]) == [skao_item()]


@pytest.mark.parametrize(
    ("site", "rses", "url"),
    [
        ("site", ["FAR", "HERE_TAPE", "OLD_HERE"], "OLD_HERE"),
        ("site", ["HERE_TAPE", "FAR"], "HERE_TAPE"),
        ("site", ["FAR", "NEAR"], "NEAR"),
        ("other", ["FAR", "NEAR"], "NEAR"),
        ("far-off", ["NEAR", "FAR"], "FAR"),
        ("site", ["NOBODYS"], "NOBODYS"),
    ],
)
@virtual_time
async def test_the_replica_is_the_one_that_the_site_reads_soonest(site, rses, url):
    bench, broker = Bench(), Broker()
    replicas = tuple(
        Replica(rse, f"https://{rse}.example/x", tape=rse.endswith("TAPE"))
        for rse in rses
    )
    bench.located = {X: LocatedData(X, replicas)}
    await bench.ask(broker, name=site, knows=(DataKind.SIMPLE,))
    assert broker.asked[0][0]["location"] == f"https://{url}.example/x"


@virtual_time
async def test_only_urls_count_that_the_sites_kinds_can_say():
    bench, broker = Bench(), Broker()
    await bench.ask(broker, knows=(DataKind.S3,))
    assert broker.asked[0][0]["bucket"] == "bucket"


@virtual_time
async def test_urls_that_the_user_gave_serve_where_the_catalogue_has_none():
    bench, broker = Bench(), Broker()
    bench.located = {X: LocatedData(X, (Replica("HERE"),))}
    claims = [
        {"rsename": "HERE"},
        {"rsename": "NEAR", "dataurl": "https://n.example/x"},
    ]
    request = a_request(data=[skao_item(replicas=claims)])
    await bench.ask(broker, request, knows=(DataKind.SIMPLE,))
    assert broker.asked[0][0]["location"] == "https://n.example/x"


@pytest.mark.parametrize(
    ("located", "block"),
    [
        ({}, {}),
        ({X: LocatedData(X, (Replica("HERE"),))}, {}),
        ({X: LocatedData(X, (Replica("HERE", URL),), files=2)}, {}),
        (EVERYWHERE, {"objecttype": "DATASET"}),
        (EVERYWHERE, {"objecttype": "CONTAINER"}),
    ],
)
@virtual_time
async def test_without_a_url_of_all_data_a_site_is_not_asked(located, block):
    bench, broker = Bench(), Broker()
    bench.located = located
    request = a_request(data=[skao_item(**block)])
    answer = await bench.ask(broker, request, knows=(DataKind.SIMPLE, DataKind.S3))
    assert broker.asked == []
    assert answer.outcome is Outcome.INCAPABLE
    assert answer.detail == (
        "it doesn't know SKAO data such as testing:x,"
        " and no URL of the whole is known that it could read"
    )
    rucio = Broker()
    await bench.ask(rucio, request, knows=(DataKind.SIMPLE, DataKind.RUCIO))
    assert rucio.kinds == [["rucio"]]


@virtual_time
async def test_a_no_to_skao_data_is_learned_from_at_once_and_for_an_hour():
    bench = Bench()
    broker = Broker(knows=(DataKind.SIMPLE, DataKind.IVOA))
    answer = await bench.ask(broker)
    assert broker.kinds == [["skao"], ["simple"]]
    assert answer.outcome is Outcome.OK
    assert answer.changes
    assert list(answer.offers[0].payload["data"]) == [skao_item()]
    await asyncio.sleep(3599)
    await bench.ask(broker)
    assert broker.kinds[2:] == [["simple"]]
    await asyncio.sleep(2)
    await bench.ask(broker)
    assert broker.kinds[3:] == [["skao"], ["simple"]]


@virtual_time
async def test_what_is_learned_of_one_site_says_nothing_of_another():
    bench = Bench()
    await bench.ask(Broker(knows=(DataKind.SIMPLE,)))
    other = Broker()
    await bench.ask(other, name="other")
    assert other.kinds == [["skao"]]


@virtual_time
async def test_a_site_that_knows_no_rucio_either_is_asked_twice_and_never_thrice():
    bench, broker = Bench(), Broker(knows=(DataKind.SIMPLE,))
    bench.located = {}
    answer = await bench.ask(broker)
    assert broker.kinds == [["skao"], ["rucio"]]
    assert answer.outcome is Outcome.NO_OFFER
    assert answer.messages == (UNKNOWN_DATA,)
    again = await bench.ask(broker)
    assert again.outcome is Outcome.INCAPABLE
    assert len(broker.asked) == 2


@virtual_time
async def test_a_no_stays_a_no_where_nothing_else_can_be_said():
    bench = Bench()
    broker = Broker(knows=(DataKind.SIMPLE,))
    bench.located = {}
    knows = (DataKind.SIMPLE, DataKind.SKAO)
    answer = await bench.ask(broker, knows=knows)
    assert broker.kinds == [["skao"]]
    assert answer.outcome is Outcome.NO_OFFER
    assert answer.detail == (
        "it doesn't know SKAO data such as testing:x,"
        " and no URL of the whole is known that it could read"
    )


@virtual_time
async def test_a_wrong_suspicion_is_dropped_when_other_words_do_not_help():
    bench, broker = Bench(), Broker()
    no = SiteAnswer("site", Outcome.NO_OFFER, messages=(UNKNOWN_DATA,))
    broker.says = [no, no]
    answer = await bench.ask(broker)
    assert answer.outcome is Outcome.NO_OFFER
    assert broker.kinds == [["skao"], ["simple"]]
    await bench.ask(broker)
    assert broker.kinds[2:] == [["skao"]]


@pytest.mark.parametrize(
    "answer",
    [
        SiteAnswer("site", Outcome.NO_OFFER, messages=(OTHER_REASON,)),
        SiteAnswer("site", Outcome.NO_OFFER),
        SiteAnswer("site", Outcome.TIMEOUT, messages=(UNKNOWN_DATA,)),
        SiteAnswer("site", Outcome.REFUSED_4XX, messages=(UNKNOWN_DATA,)),
        SiteAnswer("site", Outcome.ERROR_5XX, messages=(UNKNOWN_DATA,)),
        SiteAnswer("site", Outcome.BAD_PAYLOAD, messages=(UNKNOWN_DATA,)),
    ],
)
@virtual_time
async def test_nobody_is_asked_again_but_for_a_no_that_says_why(answer):
    bench, broker = Bench(), Broker(says=[answer])
    assert (await bench.ask(broker)).outcome is answer.outcome
    assert len(broker.asked) == 1


@virtual_time
async def test_the_outcome_of_the_second_call_is_the_sites_answer():
    bench = Bench()
    broker = Broker(
        knows=(DataKind.SIMPLE,), says=[SiteAnswer("site", Outcome.TIMEOUT, seconds=3)]
    )
    answer = await bench.ask(broker)
    assert (answer.outcome, answer.seconds) == (Outcome.TIMEOUT, 3)
    assert answer.changes


@virtual_time
async def test_enrichment_tells_every_site_what_the_catalogue_knows():
    bench, broker = Bench(enrich=True), Broker()
    bench.delay = 2
    began = asyncio.get_running_loop().time()
    answer = await bench.ask(broker)
    assert broker.at == [began + 2]
    ((item,),) = broker.asked
    assert item["skao"]["datasize"] == 7
    assert item["skao"]["replicas"][0]["rsename"] == "FAR"
    (change,) = answer.changes
    assert change == (
        "testing:x: size and replicas at FAR, NEAR, HERE_TAPE, HERE, BUCKET"
        " filled in from the catalogue"
    )


@virtual_time
async def test_enrichment_costs_nothing_where_there_are_no_data():
    bench, broker = Bench(enrich=True), Broker()
    bench.delay = 2
    began = asyncio.get_running_loop().time()
    await bench.ask(broker, a_request())
    assert broker.at == [began]


@virtual_time
async def test_what_was_filled_in_comes_back_from_sites_that_were_asked_otherwise():
    bench, broker = Bench(enrich=True), Broker()
    answer = await bench.ask(broker, knows=(DataKind.SIMPLE,))
    (item,) = answer.offers[0].payload["data"]
    assert item["skao"]["datasize"] == 7
    assert len(answer.changes) == 2


@virtual_time
async def test_a_lookup_that_was_cancelled_found_nothing():
    async def forever():
        await asyncio.Event().wait()

    lookup = asyncio.create_task(forever())
    lookup.cancel()
    assert await Asked(REQUEST, LINKS, lookup).located() == {}
