"""What the outcomes of all sites together come to."""

import pytest

from aggregator.domain.answers import Standing, standing
from aggregator.domain.outcomes import Outcome, SiteAnswer


def came_to(*outcomes, offers=0):
    answers = [SiteAnswer(f"site-{n}", each) for n, each in enumerate(outcomes)]
    return standing(offers, answers)


@pytest.mark.parametrize("incapable", [Outcome.NO_OFFER, Outcome.INCAPABLE])
@pytest.mark.parametrize(
    "elsewhere",
    [
        (),
        (Outcome.NO_OFFER,),
        (Outcome.INCAPABLE,),
        (Outcome.BREAKER_OPEN, Outcome.DRAINED),
    ],
)
def test_a_site_known_to_be_incapable_counts_as_when_it_said_no(incapable, elsewhere):
    assert came_to(incapable, *elsewhere) is Standing.NO


@pytest.mark.parametrize("incapable", [Outcome.NO_OFFER, Outcome.INCAPABLE])
@pytest.mark.parametrize(
    ("elsewhere", "expected"),
    [
        (Outcome.TIMEOUT, {Standing.SILENT, Standing.UNAVAILABLE}),
        (Outcome.CONNECT_ERROR, {Standing.UNAVAILABLE}),
    ],
)
def test_it_makes_no_no_where_another_site_did_not_answer(
    incapable, elsewhere, expected
):
    assert came_to(incapable, elsewhere) in expected


@pytest.mark.parametrize(
    "outcome", [Outcome.BREAKER_OPEN, Outcome.DRAINED, Outcome.DOWNTIME, Outcome.BUSY]
)
def test_without_a_site_to_ask_that_may_be_capable_there_is_no_no(outcome):
    assert came_to(outcome, Outcome.DISABLED) is Standing.NOBODY_TO_ASK
    assert came_to() is Standing.NOBODY_TO_ASK
