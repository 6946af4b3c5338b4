from dataclasses import replace

from aggregator.catalogue.static import StaticCatalogue
from aggregator.configuration.watching import CurrentFederation
from aggregator.domain.ranking.knowledge import Links
from aggregator.domain.sites import Site
from aggregator.ports.snapshot import FederatedSite, Federation, Snapshot


def federated(name: str) -> FederatedSite:
    return FederatedSite(Site(name, f"http://{name}.example"), broker=None, probe=None)


def federation(*names: str) -> Federation:
    return Federation(
        sites={name: federated(name) for name in names},
        policies=(),
        links=Links(),
        catalogue=StaticCatalogue({}),
        retired={},
        revision=1,
    )


def test_the_present_federation_is_the_last_one_put_there():
    holder: Snapshot = CurrentFederation(first := federation("a", "b"))
    assert holder.current() is first


def test_who_took_a_snapshot_keeps_it():
    holder = CurrentFederation(federation("a", "b"))
    taken = holder.current()
    holder.replace(federation("c"))
    assert list(taken.sites) == ["a", "b"]
    assert taken.revision == 1


def test_a_removed_site_stays_reachable_until_it_comes_back():
    holder = CurrentFederation(first := federation("a", "b"))
    second = holder.replace(federation("b", "c"))
    assert second is holder.current()
    assert second.revision == 2
    assert second.owner("a") == first.sites["a"]
    assert list(second.retired) == ["a"]

    third = holder.replace(federation("c"))
    assert sorted(third.retired) == ["a", "b"]

    fourth = holder.replace(replace(federation("a"), revision=77))
    assert sorted(fourth.retired) == ["b", "c"]
    assert fourth.revision == 4
    assert fourth.owner("d") is None
