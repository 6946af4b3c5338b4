"""The short form of ``make soak``."""

from tests.soak.soaking import Extent, soak
from tests.support.leaks import nothing_more


async def test_a_short_soak_leaves_every_promise_kept(tmp_path):
    async with nothing_more():
        figures = await soak(tmp_path, Extent(sets=70, workers=8, kills=1, seed=7))
    assert figures.violations == [], "\n".join(figures.lines())
    counts = figures.counts
    assert counts["accepts that were taken"] > 25
    assert counts["faults"] > 20
    assert counts["acceptances ambiguous"] > 0
    assert counts["releases released"] > 50
    assert figures.over_deadline < 1.5
