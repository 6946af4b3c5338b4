from datetime import UTC, datetime, timedelta, timezone

import orjson
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from aggregator.store.columns import Instant, Name
from aggregator.store.documents import read_offer_set, write_offer_set
from tests.support.stored_records import FIRST, NOW, SECOND, offer_set

DIALECT = sqlite.dialect()


@given(st.text(alphabet="\0\\0ab", max_size=12))
def test_a_name_comes_back_without_having_held_nul(name):
    written = Name().process_bind_param(name, DIALECT)
    assert "\0" not in written
    assert Name().process_result_value(written, DIALECT) == name


@given(st.lists(st.text(alphabet="\0\\0ab", max_size=6), min_size=2, unique=True))
def test_different_names_stay_different(names):
    written = {Name().process_bind_param(name, DIALECT) for name in names}
    assert len(written) == len(names)


@given(st.datetimes(timezones=st.just(UTC)), st.integers(-14, 14))
def test_a_moment_comes_back_to_the_microsecond_whatever_its_zone(moment, hours):
    try:
        elsewhere = moment.astimezone(timezone(timedelta(hours=hours)))
    except OverflowError:
        elsewhere = moment
    written = Instant().process_bind_param(elsewhere, DIALECT)
    found = Instant().process_result_value(written, DIALECT)
    assert found == moment
    assert found.utcoffset() == timedelta(0)


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_moments_sort_as_numbers(one, other):
    numbers = [Instant().process_bind_param(moment, DIALECT) for moment in (one, other)]
    assert (numbers[0] < numbers[1]) == (one < other)


def test_nothing_stays_nothing():
    for column in (Instant(), Name()):
        assert column.process_bind_param(None, DIALECT) is None
        assert column.process_result_value(None, DIALECT) is None


def test_a_set_of_an_earlier_release_gets_defaults_for_what_it_lacks():
    members = orjson.loads(write_offer_set(offer_set(FIRST, SECOND)))
    del members["late_until"], members["offers"][0]["costs"]
    members["offers"][1]["no_longer_known"] = 1
    found = read_offer_set(orjson.dumps(members), 1, is_open=True)
    assert found.late_until is None
    assert found.offers[0].costs == ()
    assert found.offers[1] == offer_set(FIRST, SECOND).offers[1]


def test_what_the_columns_say_overrules_the_document():
    found = read_offer_set(write_offer_set(offer_set()), 7, is_open=False)
    assert (found.version, found.open) == (7, False)


def test_moments_in_a_document_keep_their_zone():
    found = read_offer_set(write_offer_set(offer_set()), 1, is_open=True)
    assert found.created == NOW
    assert found.created.utcoffset() == timedelta(0)
    assert isinstance(found.created, datetime)
