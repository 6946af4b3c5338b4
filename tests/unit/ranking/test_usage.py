"""What sessions used of the sites, in core-hours that fade."""

from math import log

import pytest

from aggregator.domain.ranking.histories import Course, Promise, SessionHistory
from aggregator.domain.ranking.usage import Usage, core_hours, usages
from tests.support.ranking import NOW, moment

HOUR = 3600
WEEK = 7 * 24 * HOUR
ANA, BOB = ("https://iam.example", "ana"), ("https://iam.example", "bob")


def session(began=-HOUR, ended=None, site="A", user=ANA, groups=(), **promise):
    return SessionHistory(
        session="s",
        site=site,
        accepted=moment(began),
        promise=Promise("docker-container", moment(began), **promise),
        course=Course(
            started=moment(began), ended=None if ended is None else moment(ended)
        ),
        user=user,
        groups=groups,
    )


def used(*found, **one):
    return core_hours(*(found or (session(**one),)), NOW)


def test_an_hour_on_four_cores_is_four_core_hours():
    assert used(cores=4) == pytest.approx(4, rel=0.01)
    assert used(cores=4) < 4


def test_what_was_used_a_week_ago_counts_half():
    lately = used(began=-2 * HOUR, ended=-HOUR)
    before = used(began=-2 * HOUR - WEEK, ended=-HOUR - WEEK)
    assert before == pytest.approx(lately / 2)


def test_what_is_used_for_ever_has_a_bound():
    assert used(began=-1000 * WEEK) == pytest.approx(7 * 24 / log(2))


def test_use_is_the_sum_of_its_parts():
    whole = used(began=-9 * HOUR, ended=-HOUR)
    parts = used(began=-9 * HOUR, ended=-3 * HOUR) + used(began=-3 * HOUR, ended=-HOUR)
    assert whole == pytest.approx(parts)


def test_a_session_that_has_not_started_uses_nothing():
    waiting = SessionHistory(
        "s", "A", moment(-HOUR), Promise("x", moment(-HOUR), cores=8), Course()
    )
    assert used(waiting) == 0


@pytest.mark.parametrize(("began", "ended"), [(60, None), (-60, -120), (-60, -60)])
def test_times_that_make_no_sense_use_nothing(began, ended):
    assert used(began=began, ended=ended) == 0


def test_a_session_whose_end_nobody_saw_ends_when_its_offer_says():
    lasting = used(began=-9 * HOUR, ended=-8 * HOUR)
    assert used(began=-9 * HOUR, available=HOUR) == lasting
    assert used(began=-9 * HOUR, ended=-8 * HOUR, available=3 * HOUR) == lasting
    assert used(began=-HOUR, available=9 * HOUR) == used(began=-HOUR)
    assert used(began=-HOUR, available=1e300) == used(began=-HOUR)


def test_use_is_counted_for_site_user_and_all_groups():
    found = usages(
        [
            session(cores=1, groups=("/uk", "/ska")),
            session(cores=2, user=BOB, groups=("/ska",)),
            session(cores=4, user=("", "")),
            session(cores=8, site="B", user=BOB),
        ],
        NOW,
    )
    hour = used(cores=1)

    def known(user, groups, site):
        usage = found.known_to(user, groups, site)
        rounded = {g: round(n / hour, 6) for g, n in usage.by_group.items()}
        return round(usage.in_all / hour, 6), round(usage.by_user / hour, 6), rounded

    assert known(ANA, {"/uk", "/ska"}, "A") == (7, 1, {"/ska": 3, "/uk": 1})
    assert known(BOB, {"/es"}, "A") == (7, 2, {})
    assert known(BOB, (), "B") == (8, 8, {})
    assert known(("", ""), (), "A") == (7, 0, {})
    assert found.known_to(ANA, {"/uk"}, "C") == Usage()
    assert found.in_all({"A", "B", "C"}) == pytest.approx(15 * hour)
    assert found.in_all({"B"}) == pytest.approx(8 * hour)
