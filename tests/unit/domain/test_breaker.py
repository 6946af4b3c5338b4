from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.breaker import Breaker, BreakerRules, BreakerState

RULES = BreakerRules(errors=3, base_ejection=10, longest_ejection=25)


def after(breaker, *outcomes, now=0.0):
    for good in outcomes:
        breaker = breaker.began(now)
        breaker = breaker.succeeded(RULES) if good else breaker.failed(now, RULES)
    return breaker


def test_a_site_is_ejected_after_the_configured_failures_in_a_row():
    assert after(Breaker(), False, False).state(0) is BreakerState.CLOSED
    assert after(Breaker(), False, False, False).state(0) is BreakerState.OPEN


def test_a_site_that_fails_every_other_time_is_ejected():
    outcomes = [False, True, False, True, False]
    assert after(Breaker(), *outcomes).state(0) is BreakerState.OPEN


def test_nothing_goes_to_an_ejected_site_until_its_time_is_over():
    breaker = after(Breaker(), False, False, False)
    assert not breaker.admits(9.9, RULES)
    assert breaker.admits(10, RULES)


def test_half_open_admits_one_trial_at_once():
    breaker = after(Breaker(), False, False, False).began(10)
    assert breaker.state(10) is BreakerState.HALF_OPEN
    assert not breaker.admits(11, RULES)


def test_a_trial_that_never_told_its_end_is_given_up():
    breaker = after(Breaker(), False, False, False).began(10)
    assert breaker.admits(20, RULES)
    assert breaker.gave_up().admits(11, RULES)


def test_ejections_in_a_row_grow_up_to_the_cap():
    breaker = after(Breaker(), False, False, False)
    lengths = []
    for _ in range(3):
        now = breaker.open_until
        breaker = breaker.began(now).failed(now, RULES)
        lengths.append(breaker.open_until - now)
    assert lengths == [20, 25, 25]


def test_a_successful_trial_closes_the_breaker_and_remembers_the_ejection():
    breaker = after(Breaker(), False, False, False).began(10).succeeded(RULES)
    assert breaker.state(10) is BreakerState.CLOSED
    assert breaker.ejections == 1


def test_a_window_of_successes_forgets_earlier_ejections():
    breaker = after(Breaker(), False, False, False).began(10)
    assert after(breaker, *[True] * RULES.window, now=10.0).ejections == 0


def test_a_straggler_that_fails_while_ejected_does_not_lengthen_the_ejection():
    breaker = after(Breaker(), False, False, False)
    assert breaker.failed(5, RULES) == breaker


@given(st.lists(st.booleans()))
def test_the_breaker_is_open_only_after_as_many_failures_as_the_rules_say(outcomes):
    breaker = Breaker()
    for index, good in enumerate(outcomes):
        breaker = after(breaker, good)
        if breaker.state(0) is BreakerState.OPEN:
            assert outcomes[: index + 1].count(False) >= RULES.errors
            return
