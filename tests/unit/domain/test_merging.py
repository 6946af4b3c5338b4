import random
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.merging import merge
from aggregator.domain.offers import Offer
from aggregator.domain.outcomes import Outcome, SiteAnswer

SET = "11111111-1111-4111-8111-111111111111"
A = "aaaaaaaa-0000-4000-8000-000000000001"
B = "aaaaaaaa-0000-4000-8000-000000000002"


def answer(site, *sessions):
    offers = tuple(Offer(site, uuid, uuid, i) for i, uuid in enumerate(sessions))
    return SiteAnswer(site, Outcome.OK, offers)


def test_sessions_keep_their_sites_uuid():
    merged = merge([answer("a", A), answer("b", B)])
    assert {(o.site, o.session) for o in merged.offers} == {("a", A), ("b", B)}


def test_a_uuid_repeated_within_one_answer_is_one_offer():
    assert len(merge([answer("a", A, A)]).offers) == 1


def test_the_second_site_with_a_uuid_keeps_its_offer_under_a_minted_one():
    first, second = merge([answer("b", A), answer("a", A)]).offers
    assert (first.site, first.session) == ("a", A)
    assert second.site == "b"
    assert second.site_session == A
    assert second.session not in {A, SET}
    assert UUID(second.session)


def test_a_uuid_of_another_set_is_never_taken_over():
    (offer,) = merge([answer("a", A)], taken={A: "b"}).offers
    assert offer.session != A
    assert offer.site_session == A


def test_a_reservation_that_another_set_has_is_left_to_that():
    merged = merge([answer("a", A, B)], taken={A: "a"})
    assert [offer.session for offer in merged.offers] == [B]
    assert [offer.session for offer in merged.duplicates] == [A]


def test_a_session_seen_through_a_metabroker_as_well_is_shown_once():
    merged = merge([answer("a-meta", A), answer("b", A)], metabrokers=["a-meta"])
    assert [o.site for o in merged.offers] == ["b"]
    assert [o.site for o in merged.duplicates] == ["a-meta"]


def test_what_was_shown_stays_and_a_late_answer_only_adds():
    known = merge([answer("b", A)]).offers
    merged = merge([answer("a", A), answer("b", A)], known=known)
    assert merged.offers[0] == known[0]
    assert [o.site for o in merged.offers] == ["b", "a"]


@given(
    st.dictionaries(
        st.sampled_from(["a", "b", "c", "m"]),
        st.lists(st.sampled_from([A, B]), max_size=3),
    ),
    st.randoms(use_true_random=False),
)
def test_merging_does_not_depend_on_the_order_of_answers(sessions, rng: random.Random):
    answers = [answer(site, *uuids) for site, uuids in sessions.items()]
    shuffled = list(answers)
    rng.shuffle(shuffled)
    merged = merge(answers, metabrokers=["m"])
    assert merge(shuffled, metabrokers=["m"]) == merged
    uuids = [offer.session for offer in merged.offers]
    assert len(uuids) == len(set(uuids))
