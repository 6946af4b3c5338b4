from aggregator.catalogue.beside import CatalogueWithEntries
from aggregator.catalogue.static import StaticCatalogue
from aggregator.domain.replicas import LocatedData, Replica
from tests.support.lookups import did

CAVEAT = "taken from the static entries, as the catalogue doesn't tell"
X = did("testing:x")


async def located(told, entry):
    catalogue = CatalogueWithEntries(
        StaticCatalogue({X: told} if told else {}),
        StaticCatalogue({X: entry} if entry else {}),
    )
    return (await catalogue.locate([X], 0.0)).get(X)


async def test_what_the_catalogue_tells_counts():
    told = LocatedData(X, (Replica("A"),), size=1)
    assert await located(told, LocatedData(X, (Replica("B"),), 2)) == told
    assert await located(told, None) == told


async def test_what_it_does_not_tell_comes_from_the_entries():
    entry = LocatedData(X, (Replica("B"),), 2, files=3)
    expected = LocatedData(X, (Replica("B"),), 2, files=3, caveat=CAVEAT)
    assert await located(None, entry) == expected
    assert await located(LocatedData(X, (), 2), entry) == expected
    assert await located(None, None) is None


async def test_a_size_that_it_does_not_tell_comes_from_the_entries():
    told = LocatedData(X, (Replica("A"),))
    entry = LocatedData(X, (Replica("B"),), 2, files=3)
    assert await located(told, entry) == LocatedData(X, (Replica("A"),), 2, files=3)
    assert await located(told, LocatedData(X, (Replica("B"),))) == told
