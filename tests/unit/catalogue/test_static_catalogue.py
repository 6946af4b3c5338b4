from aggregator.catalogue.static import StaticCatalogue
from aggregator.domain.replicas import Did, LocatedData, Replica

NEAR = Did("testing", "near")
FAR = Did("testing", "far")
UNKNOWN = Did("testing", "unknown")
DATA = {
    NEAR: LocatedData(NEAR, (Replica("A_STORM"), Replica("B_STORM")), size=10),
    FAR: LocatedData(FAR, (Replica("C_STORM", tape=True),)),
}
NO_TIME_LEFT = 0.0


async def test_returns_what_was_asked_for_and_is_known():
    catalogue = StaticCatalogue(DATA)

    located = await catalogue.locate([FAR, UNKNOWN], NO_TIME_LEFT)

    assert located == {FAR: DATA[FAR]}


async def test_knows_nothing_of_data_that_it_was_not_given():
    assert await StaticCatalogue({}).locate([NEAR], NO_TIME_LEFT) == {}


async def test_keeps_what_it_was_made_with():
    given = dict(DATA)
    catalogue = StaticCatalogue(given)

    given.clear()

    assert await catalogue.locate([NEAR], NO_TIME_LEFT) == {NEAR: DATA[NEAR]}
