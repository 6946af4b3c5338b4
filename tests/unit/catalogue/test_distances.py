"""Rucio's distances, as knowledge of links between sites."""

import pytest

from aggregator.catalogue.distances import RucioDistances
from aggregator.configuration.watching import CurrentFederation
from aggregator.domain.ranking.knowledge import Links
from aggregator.domain.sites import Site
from aggregator.ports.snapshot import FederatedSite, Federation
from tests.support.catalogues import FakeRucio, running_catalogue

LINKS = Links(
    default_gbps=1.0,
    classes={"near": 8.0, "far": 2.0},
    table={("a", "c"): 5.0},
    rse_sites={"A_DISK": ("a",), "A_TAPE": ("a",), "B": ("b", "b2"), "C": ("c",)},
    rse_aliases={"OLD_B": "B"},
    distance_classes=((2, "near"), (9, "far")),
)
RSES = {"a": ("A_DISK", "a_tape"), "b": ("OLD_B",), "b2": ("B",), "c": ("C",)}


def federation(links=LINKS):
    return Federation(
        sites={
            name: FederatedSite(
                Site(name, f"https://{name}.example", rses=rses), None, None, None
            )
            for name, rses in RSES.items()
        },
        policies=(),
        links=links,
        catalogue=None,
        retired={},
        revision=1,
    )


@pytest.fixture
async def fake():
    async with running_catalogue(FakeRucio()) as running:
        yield running


@pytest.fixture
def holder():
    return CurrentFederation(federation())


@pytest.fixture
def distances(fake, caller, holder):
    return RucioDistances(holder, caller(fake, headers="rucio"))


async def test_the_nearest_elements_say_how_far_sites_are(fake, distances):
    fake.distances = {
        ("A_DISK", "OLD_B"): 7,
        ("a_tape", "B"): 2,
        ("OLD_B", "A_DISK"): 9,
        ("C", "OLD_B"): 10,
    }
    assert await distances.read()
    links = distances.current().links
    assert links.gbps("a", "b") == links.gbps("a", "b2") == 8.0
    assert links.gbps("b", "a") == 2.0
    assert links.distances["c", "b"] == 10


async def test_beyond_the_last_class_or_without_a_distance_the_default_holds(
    fake, distances
):
    fake.distances = {("C", "B"): 10}
    await distances.read()
    links = distances.current().links
    assert links.gbps("c", "b") == links.gbps("b", "c") == 1.0


async def test_the_table_says_more_than_a_distance(fake, distances):
    fake.distances = {("A_DISK", "C"): 1, ("C", "A_DISK"): 1}
    await distances.read()
    assert distances.current().links.gbps("a", "c") == 5.0
    assert distances.current().links.gbps("c", "a") == 8.0
    asked = {path for path, _, _ in fake.asked}
    assert "/rses/A_DISK/distances/C" not in asked
    assert "/rses/a_tape/distances/OLD_B" in asked


async def test_nothing_is_asked_where_distances_mean_nothing(fake, caller):
    bare = Links(rse_sites=LINKS.rse_sites)
    distances = RucioDistances(
        CurrentFederation(federation(bare)), caller(fake, headers="rucio")
    )
    assert await distances.read()
    assert fake.asked == []


async def test_what_can_not_be_read_stays_as_it_was(fake, distances):
    fake.distances = {("A_DISK", "B"): 1}
    await distances.read()
    fake.wrong.status = 503
    assert not await distances.read()
    assert distances.current().links.gbps("a", "b") == 8.0


@pytest.mark.parametrize(
    "body",
    [b"[]", b"[{}]", b'[{"distance": 0}]', b'[{"distance": "2"}]', b"[3, null]"],
)
async def test_an_entry_without_a_distance_is_none(fake, distances, body):
    fake.wrong.body = body
    assert await distances.read()
    assert distances.current().links.distances == {}


@pytest.mark.parametrize("body", [b"", b"{}", b"<html>"])
async def test_rubbish_is_a_failure(fake, distances, body):
    fake.wrong.body = body
    assert not await distances.read()


async def test_the_older_name_of_a_distance_is_read(fake, distances):
    fake.wrong.body = b'[{"ranking": 4}, {"distance": 6}]'
    await distances.read()
    assert distances.current().links.gbps("a", "b") == 2.0


async def test_a_new_configuration_is_seen_at_once_with_the_distances(
    fake, distances, holder
):
    fake.distances = {("A_DISK", "B"): 1}
    await distances.read()
    before = distances.current()
    assert distances.current() is before
    holder.replace(federation())
    after = distances.current()
    assert after.revision == before.revision + 1
    assert after.links.gbps("a", "b") == 8.0


async def test_at_most_four_calls_are_open_at_once(fake, distances):
    await distances.read()
    assert len(fake.asked) > 4
    assert fake.most_open_calls <= 4
