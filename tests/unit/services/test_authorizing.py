"""With what credentials calls go, and which are made again without and with others."""

from dataclasses import dataclass, field, replace

import pytest

from aggregator.domain.events import Operation, ReleaseOutcome, ReleaseTried, SiteCalled
from aggregator.domain.outcomes import Outcome
from aggregator.domain.phases import SessionPhase
from aggregator.domain.records import Release
from aggregator.domain.sites import CredentialsMode, Site
from aggregator.domain.updates import phase_update
from aggregator.ports.credentials import Authorization, NoAuthorization
from tests.support.federation import InProcessFederation
from tests.support.in_process import session_uuid
from tests.support.virtual_time import virtual_time

ACCEPT = phase_update(SessionPhase.ACCEPTED)
USER = "Bearer of-the-user"


@dataclass
class Tokens:
    """Credentials that a test hands out.

    Attributes:
        refusals: What is given instead of credentials to the next calls.
        newer: How often a doubted token is renewed.
    """

    releases_itself: bool = False
    refusals: list = field(default_factory=list)
    newer: int = 0
    given: int = 0

    async def for_call(self, authorization, deadline):
        if self.refusals and (refusal := self.refusals.pop(0)) is not None:
            return NoAuthorization(refusal, "of the token issuer iam: no")
        return self._next(f"for {authorization}")

    async def for_release(self, deadline):
        return self._next("for the service")

    def doubt(self, shown):
        self.newer -= 1
        return self.newer >= 0

    def _next(self, whom):
        self.given += 1
        return Authorization(f"{self.given} {whom}", b"key")


class Watched(InProcessFederation):
    """A federation that keeps what each call showed."""

    def __init__(self):
        super().__init__()
        self.sent = []
        self.answers = []

    def add(self, name, *, tokens=None, mode=CredentialsMode.EXCHANGE, **what):
        configured = Site(name, f"https://{name}.example", credentials=mode)
        broker = super().add(name, site=configured, **what)
        self.sites[name] = replace(self.sites[name], credentials=tokens)
        for method in ("request_offers", "read_session", "update_session"):
            setattr(broker, method, self._watching(getattr(broker, method)))
        return broker

    def _watching(self, call):
        async def watching(*given):
            self.sent.append(given[-1].authorization)
            answer = await call(*given)
            if self.answers and (outcome := self.answers.pop(0)) is not None:
                return replace(answer, outcome=outcome)
            return answer

        return watching

    def caller(self, **what):
        return super().caller(**{"authorization": USER, **what})

    def called(self):
        return [
            (event.operation, event.outcome) for event in self.telemetry.of(SiteCalled)
        ]


@virtual_time
async def test_offers_are_asked_for_with_what_the_site_wants():
    federation = Watched()
    federation.add("a", tokens=Tokens())
    async with federation.running():
        await federation.ask()
    assert federation.sent == [f"1 for {USER}"]


@pytest.mark.parametrize(
    ("mode", "shown"),
    [
        (CredentialsMode.NONE, None),
        (CredentialsMode.RELAY, USER),
        (CredentialsMode.EXCHANGE, None),
        (CredentialsMode.CLIENT_CREDENTIALS, None),
    ],
)
def test_without_a_source_only_what_is_to_be_relayed_goes_out(mode, shown):
    @virtual_time
    async def run():
        federation = Watched()
        federation.add("a", mode=mode)
        async with federation.running():
            await federation.ask()
        assert federation.sent == [shown]

    run()


@virtual_time
async def test_a_request_for_offers_is_sent_once_though_its_token_is_refused():
    federation = Watched()
    federation.add("a", tokens=Tokens(newer=9), outcome=Outcome.UNAUTHORIZED)
    federation.add("b", tokens=Tokens())
    async with federation.running():
        offer_set = await federation.ask()
    assert [offer.site for offer in offer_set.offers] == ["b"]
    assert len(federation.sent) == 2
    assert federation.sites["a"].credentials.newer == 8


@virtual_time
async def test_a_reading_is_sent_again_with_a_newer_token_once():
    federation = Watched()
    federation.add("a", tokens=Tokens(newer=9))
    async with federation.running():
        session = (await federation.ask()).offers[0].session
        federation.sent.clear()
        federation.answers = [Outcome.UNAUTHORIZED, Outcome.UNAUTHORIZED, None]
        await federation.sessions.get(session, federation.caller())
    assert federation.sent == [f"2 for {USER}", f"3 for {USER}"]
    sessions = [one for one in federation.called() if one[0] is Operation.SESSION]
    assert sessions == [(Operation.SESSION, Outcome.UNAUTHORIZED)]


@virtual_time
async def test_an_acceptance_is_sent_again_with_a_newer_token():
    federation = Watched()
    broker = federation.add("a", tokens=Tokens(newer=1))
    broker.faults.append((Outcome.UNAUTHORIZED, False))
    async with federation.running():
        session = (await federation.ask()).offers[0].session
        view = await federation.updating.update(session, ACCEPT, federation.caller())
    assert view.phase is SessionPhase.ACCEPTED
    assert [call for call in broker.calls if call[0] == "ACCEPTED"] == [
        ("ACCEPTED", session)
    ] * 2


@virtual_time
async def test_without_something_newer_nothing_is_sent_again():
    federation = Watched()
    broker = federation.add("a", tokens=Tokens(newer=0))
    async with federation.running():
        session = (await federation.ask()).offers[0].session
        broker.calls.clear()
        broker.faults.append((Outcome.UNAUTHORIZED, False))
        await federation.updating.update(session, ACCEPT, federation.caller())
    assert ("ACCEPTED", session) in broker.calls
    assert broker.calls.count(("ACCEPTED", session)) == 1


@pytest.mark.parametrize("outcome", [Outcome.NO_TOKEN, Outcome.UNAUTHORIZED])
def test_a_site_that_was_not_called_is_neither_blamed_nor_praised(outcome):
    @virtual_time
    async def run():
        federation = Watched()
        broker = federation.add("a", tokens=Tokens(refusals=[None, outcome]))
        federation.add("b", tokens=Tokens())
        broker.outcome = Outcome.ERROR_5XX
        async with federation.running():
            await federation.ask()
            before = federation.health.report("a")
            offer_set = await federation.ask()
            after = federation.health.report("a")
        assert broker.calls == [("request", None)]
        assert after == before
        assert before.last_error_code is Outcome.ERROR_5XX
        [missing] = [a for a in offer_set.answers if a.site == "a"]
        assert missing.outcome is outcome
        assert missing.detail == "of the token issuer iam: no"

    run()


@virtual_time
async def test_an_acceptance_without_a_token_changes_nothing_and_may_come_again():
    federation = Watched()
    broker = federation.add("a", tokens=Tokens(refusals=[None, Outcome.NO_TOKEN]))
    async with federation.running():
        session = (await federation.ask()).offers[0].session
        first = await federation.updating.update(session, ACCEPT, federation.caller())
        assert first.phase is SessionPhase.OFFERED
        assert "of the token issuer iam: no" in str(first)
        assert broker.calls == [("request", None)]
        again = await federation.updating.update(session, ACCEPT, federation.caller())
        assert again.phase is SessionPhase.ACCEPTED


def release_of(federation, session):
    now = federation.clock.now()
    return Release("a", session, "a test wants it", now, None)


def tried(federation):
    return [event.outcome for event in federation.telemetry.of(ReleaseTried)]


async def released(federation, caller):
    await federation.ask()
    federation.sent.clear()
    release = release_of(federation, session_uuid("a"))
    await federation.releasing.release([release], caller)
    await federation.releasing.work_off()


@virtual_time
async def test_a_release_is_the_users_while_that_does():
    federation = Watched()
    federation.add("a", tokens=Tokens(releases_itself=True))
    async with federation.running():
        await released(federation, federation.caller())
    assert federation.sent == [f"2 for {USER}"]
    assert tried(federation) == [ReleaseOutcome.RELEASED]


@virtual_time
async def test_a_release_of_which_the_user_is_forgotten_is_the_services_own():
    federation = Watched()
    federation.add("a", tokens=Tokens(releases_itself=True))
    async with federation.running():
        await released(federation, None)
    assert federation.sent == ["2 for the service"]
    assert tried(federation) == [ReleaseOutcome.RELEASED]


@pytest.mark.parametrize("outcome", [Outcome.UNAUTHORIZED, Outcome.FORBIDDEN])
def test_a_release_that_the_site_refuses_to_the_user_is_the_services_own(outcome):
    @virtual_time
    async def run():
        federation = Watched()
        federation.add("a", tokens=Tokens(releases_itself=True))
        federation.answers = [None, outcome]
        async with federation.running():
            await released(federation, federation.caller())
        assert federation.sent == [f"2 for {USER}", "3 for the service"]
        assert tried(federation) == [ReleaseOutcome.RELEASED]

    run()


@virtual_time
async def test_a_release_for_which_the_user_gets_no_token_is_the_services_own():
    federation = Watched()
    federation.add(
        "a",
        tokens=Tokens(releases_itself=True, refusals=[None, Outcome.UNAUTHORIZED]),
    )
    async with federation.running():
        await released(federation, federation.caller())
    assert federation.sent == ["2 for the service"]
    assert tried(federation) == [ReleaseOutcome.RELEASED]


@pytest.mark.parametrize("outcome", [Outcome.UNAUTHORIZED, Outcome.FORBIDDEN])
def test_a_release_that_the_site_refuses_to_everybody_is_tried_again(outcome):
    @virtual_time
    async def run():
        federation = Watched()
        federation.add("a", tokens=Tokens(releases_itself=True))
        federation.answers = [None, outcome, outcome]
        async with federation.running():
            await released(federation, federation.caller())
        assert federation.sent == [f"2 for {USER}", "3 for the service"]
        assert tried(federation) == [ReleaseOutcome.RETRIED]

    run()


@virtual_time
async def test_a_release_without_any_token_is_tried_again():
    federation = Watched()
    federation.add("a", tokens=Tokens(refusals=[None, Outcome.NO_TOKEN]))
    async with federation.running():
        await released(federation, federation.caller())
        assert tried(federation) == [ReleaseOutcome.RETRIED]
        federation.store.due.clear()
        await federation.releasing.work_off()
    assert tried(federation) == [ReleaseOutcome.RETRIED, ReleaseOutcome.RELEASED]
