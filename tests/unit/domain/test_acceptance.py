import pytest

from aggregator.domain.acceptance import Acceptance, Step, Verdict, verdict
from aggregator.domain.outcomes import (
    AMBIGUOUS,
    WITHOUT_CREDENTIALS,
    Outcome,
    SessionReading,
)
from aggregator.domain.phases import REFUSED, TAKEN, SessionPhase


def reading(phase=None, outcome=Outcome.OK):
    return SessionReading("a", outcome, phase)


OFFERED = reading(SessionPhase.OFFERED)
SILENCE = reading(outcome=Outcome.TIMEOUT)


@pytest.mark.parametrize("phase", sorted(TAKEN))
def test_a_phase_at_or_after_accepted_proves_that_the_site_took_it(phase):
    assert verdict(reading(phase)) is Verdict.TAKEN


@pytest.mark.parametrize("phase", sorted(REFUSED))
def test_an_ended_phase_proves_that_the_site_refused(phase):
    assert verdict(reading(phase)) is Verdict.REFUSED


@pytest.mark.parametrize("outcome", sorted(AMBIGUOUS))
def test_a_call_without_an_answer_proves_nothing(outcome):
    assert verdict(reading(outcome=outcome)) is Verdict.UNKNOWN


def test_an_unknown_session_is_a_refusal():
    assert verdict(reading(outcome=Outcome.NOT_FOUND)) is Verdict.REFUSED


@pytest.mark.parametrize("outcome", sorted(WITHOUT_CREDENTIALS))
def test_what_a_site_did_not_do_for_lack_of_credentials_is_refused_and_not_known(
    outcome,
):
    lacking = reading(outcome=outcome)
    assert Acceptance().after_asking(lacking).step is Step.REFUSED
    assert Acceptance.resumed().after_reading(lacking).step is Step.READ_LATER


def test_a_200_that_is_still_offered_is_read_once_asked_once_more_then_refused():
    acceptance = Acceptance().after_asking(OFFERED)
    assert acceptance.step is Step.READ
    acceptance = acceptance.after_reading(OFFERED)
    assert acceptance.step is Step.ASK
    acceptance = acceptance.after_asking(OFFERED)
    assert acceptance.step is Step.REFUSED
    assert not acceptance.ambiguous


def test_a_lost_answer_is_settled_by_reading():
    acceptance = Acceptance().after_asking(SILENCE)
    assert (acceptance.step, acceptance.ambiguous) == (Step.READ, True)
    assert acceptance.after_reading(reading(SessionPhase.PREPARING)).step is Step.TAKEN


def test_a_lost_request_is_sent_again_to_the_same_site():
    acceptance = Acceptance().after_asking(SILENCE).after_reading(OFFERED)
    assert acceptance.step is Step.ASK
    taken = acceptance.after_asking(reading(SessionPhase.ACCEPTED))
    assert taken.step is Step.TAKEN
    assert taken.ambiguous


def test_reading_goes_on_while_the_site_is_silent():
    acceptance = Acceptance.resumed().after_reading(SILENCE)
    assert acceptance.step is Step.READ_LATER


def test_a_site_that_wants_credentials_to_read_has_refused_nothing():
    unauthorized = reading(outcome=Outcome.UNAUTHORIZED)
    assert Acceptance.resumed().after_reading(unauthorized).step is Step.READ_LATER
    assert Acceptance().after_asking(unauthorized).step is Step.REFUSED
