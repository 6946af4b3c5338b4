"""The laws of ranking, for any policy, offers and knowledge."""

import json
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.domain.events import SiteState
from aggregator.domain.offers import Amount, DataItem, Offer, Quote
from aggregator.domain.ranking.calibration import BANDS_S, Lateness, StartRecord
from aggregator.domain.ranking.engine import rank
from aggregator.domain.ranking.knowledge import (
    Knowledge,
    Links,
    Measured,
    MeasuredLink,
    SiteFacts,
    UserFacts,
)
from aggregator.domain.ranking.replay import replay_inputs, replayed
from aggregator.domain.ranking.usage import Usage
from aggregator.domain.ranking.user_weighers import FairShare, HomeSite
from aggregator.domain.replicas import Did, LocatedData, Replica
from aggregator.domain.requests import ExecutionRequest
from aggregator.domain.schedules import StartInterval
from aggregator.domain.sites import Downtime, Site
from tests.support.ranking import NOW, moment, offer, plain_policy, policy_of

laws = settings(deadline=None, max_examples=50)
SITES = ("A", "B", "C", "D")
RSES = ("A_DISK", "B_DISK", "C_DISK", "SHARED", "NOBODYS")
KINDS = ("urn:cost:money", "urn:cost:carbon")

sites = st.sampled_from(SITES)
numbers = st.one_of(
    st.none(), st.floats(), st.integers(-10, 10**6).map(float), st.just(0.0)
)
sizes = st.one_of(st.none(), st.integers(-5, 2**70))
seconds = st.integers(-(10**5), 10**6)
moments = st.one_of(
    seconds.map(moment), st.datetimes().map(lambda d: d.replace(tzinfo=NOW.tzinfo))
)
intervals = st.one_of(
    st.none(),
    st.tuples(moments, moments).map(lambda pair: StartInterval(min(pair), max(pair))),
)
amounts = st.builds(
    Amount, st.none() | st.integers(0, 99), st.none() | st.integers(0, 99)
)
quotes = st.lists(
    st.builds(Quote, st.sampled_from(KINDS), numbers, numbers), max_size=3
).map(tuple)
dids = st.sampled_from([Did("testing", name) for name in ("x", "y", "z")])
rses = st.lists(st.sampled_from(RSES), max_size=3).map(tuple)
items = st.lists(
    st.builds(DataItem, st.sampled_from(["x", "y"]), st.none() | dids, sizes, rses),
    max_size=3,
).map(tuple)
requests = st.builds(
    ExecutionRequest,
    st.just("docker-container"),
    duration=numbers,
    start=intervals,
    cores=amounts,
    memory=amounts,
    data=items,
    costs=quotes,
    metrics=quotes,
)
one_offer = st.builds(
    Offer,
    site=sites,
    session=st.just(""),
    site_session=st.just(""),
    position=st.integers(0, 5),
    start=intervals,
    preparing=numbers,
    available=numbers,
    expires=st.none() | moments,
    cores=amounts,
    memory=amounts,
    data=items,
    costs=quotes,
    metrics=quotes,
)


def numbered(offers):
    return [replace(one, session=f"s-{n}") for n, one in enumerate(offers)]


offer_lists = st.lists(one_offer, max_size=4).map(numbered)
some_sites = st.builds(
    Site,
    name=sites,
    url=st.just("http://site.example"),
    rses=rses,
    schedule_includes_staging=st.booleans(),
    ingest_gbps=st.none() | st.floats(0.1, 100),
    downtimes=st.lists(
        st.tuples(seconds, st.integers(0, 10**5)).map(
            lambda at: Downtime(moment(at[0]), moment(at[0] + at[1]))
        ),
        max_size=1,
    ).map(tuple),
)
records = st.builds(
    StartRecord,
    st.lists(
        st.builds(
            Lateness,
            st.sampled_from(BANDS_S),
            st.floats(-1e9, 1e9),
            st.integers(1, 99),
        ),
        max_size=3,
        unique_by=lambda one: one.from_s,
    ).map(lambda bands: tuple(sorted(bands, key=lambda one: one.from_s))),
    st.none() | st.floats(0, 1e9),
    st.integers(0, 99),
)
GROUPS = ("/srcnet/spain", "/srcnet/uk", "/srcnet/users")
groups = st.lists(st.sampled_from(GROUPS), unique=True).map(sorted).map(tuple)
users = st.builds(UserFacts, groups, st.sampled_from(["", *SITES, "elsewhere"]))
core_hours = st.floats(0, 1e6)
uses = st.builds(
    Usage,
    core_hours,
    core_hours,
    st.dictionaries(st.sampled_from(GROUPS), core_hours),
)
some_facts = st.builds(
    SiteFacts,
    some_sites,
    st.sampled_from(SiteState),
    st.floats(0, 1e6),
    st.floats(0, 1e6),
    records,
    uses,
)
located = st.builds(
    LocatedData,
    dids,
    st.lists(
        st.builds(Replica, st.sampled_from(RSES), tape=st.booleans()), max_size=3
    ).map(tuple),
    sizes,
    st.integers(0, 10**6),
)
speeds = st.one_of(st.floats(0.001, 1000), st.just("lan"))
measurements = st.none() | st.builds(
    Measured, st.floats(0.001, 1000), st.integers(3, 99)
)
links = st.builds(
    Links,
    default_gbps=st.floats(0.001, 1000),
    classes=st.just({"lan": 20.0}),
    table=st.dictionaries(st.tuples(sites, sites), speeds, max_size=3),
    rse_sites=st.dictionaries(
        st.sampled_from(RSES), st.lists(sites, max_size=3, unique=True).map(tuple)
    ),
    rse_aliases=st.just({"OLD_DISK": "A_DISK"}),
    measured=st.dictionaries(
        st.tuples(sites, sites),
        st.builds(MeasuredLink, *[measurements] * 3),
        max_size=3,
    ),
)
knowledges = st.builds(
    Knowledge,
    sites=st.lists(some_facts, max_size=3).map(
        lambda found: {one.site.name: one for one in found}
    ),
    located=st.lists(located, max_size=3).map(
        lambda found: {one.did: one for one in found}
    ),
    links=links,
    user=users,
    core_hours=core_hours,
)

hard_filters = st.lists(
    st.sampled_from(
        [
            {"name": "expired", "min_validity_s": 60},
            {"name": "health", "exclude": ["down", "ejected"]},
            {"name": "downtime"},
            {"name": "capability"},
            {"name": "cost_limit", "missing": "drop"},
            {"name": "metric_requirement"},
            {"name": "deadline", "tolerance_s": 60},
            {"name": "site_list", "deny": ["D"]},
            {"name": "required_rse", "rses": ["A_DISK", "SHARED"]},
            {"name": "max_move", "gb": 100, "files": 1000},
        ]
    ),
    max_size=4,
)


@st.composite
def filter_lists(draw):
    filters = []
    for entry in draw(hard_filters):
        soft = entry["name"] != "expired" and draw(st.booleans())
        order = draw(st.integers(0, 2))
        relaxing = {"on_empty": "relax", "relax_order": order} if soft else {}
        filters.append({**entry, **relaxing})
    return filters


ANY_FILTERS = filter_lists()
NO_FILTERS = st.just([])
rates = st.sampled_from([0, 0.2, 1, 600])
start_rules = st.sampled_from(
    [
        {"bound": "earliest"},
        {"bound": "midpoint", "unknown": "site_median"},
        {"bound": "latest"},
        {"calibrated": True},
        {"calibrated": True, "unknown": "site_median"},
    ]
)
link_sources = st.sampled_from(
    [
        ["configured"],
        ["measured_1w", "measured_1d"],
        ["measured_1h", "measured_1d", "measured_1w", "configured"],
    ]
)


fair_shares = st.sampled_from(
    [
        {"of": "site", "shares_percent": {"A": 30, "B": 0}},
        {"of": "site", "shares_percent": {"A": 30}, "other_share_percent": 10},
        {"of": "group", "shares_percent": {GROUPS[0]: 20}, "prior_core_hours": 1},
        {"of": "group", "other_share_percent": 5},
        {"of": "user", "other_share_percent": 10, "s_per_overuse_percent": 60},
    ]
).map(lambda keys: {"name": "fair_share", **keys})


@st.composite
def policies(draw, filters=ANY_FILTERS, max_offers=20):
    weighers = [
        {"name": "time_to_start", "rate": draw(rates)},
        {"name": "data_moved", "rate_s_per_gb": draw(rates)},
        {
            "name": "cost",
            "rate_s_per_unit": draw(rates),
            "type": draw(st.sampled_from(["*", *KINDS])),
        },
        {"name": "failure_risk", "retry_s": draw(rates)},
        {
            "name": "metric",
            "type": KINDS[0],
            "rate_s_per_unit": draw(st.sampled_from([-1, 0, 5])),
        },
        {"name": "preference", "sites": {"A": -300, "B": 40}},
        {
            "name": "home_site",
            "home_s": draw(st.sampled_from([-300, 0, 60])),
            "site_by_group": {GROUPS[0]: "A", GROUPS[1]: "B"},
        },
        draw(fair_shares),
    ]
    keys = [one["name"] for one in weighers]
    orders = [
        {
            "method": "effective_delay",
            "bucket_s": draw(st.sampled_from([1, 120, 3600])),
        },
        {"method": "lexicographic", "keys": draw(st.permutations(keys))[:3]},
    ]
    return policy_of(
        {
            "apiVersion": "metabroker.srcnet/v1",
            "kind": "RankingPolicy",
            "metadata": {"name": "any"},
            "filters": draw(filters),
            "estimate": {
                "start": draw(start_rules),
                "data": {
                    "staging": draw(
                        st.sampled_from(["prefetch", "on_start", "remote_read"])
                    ),
                    "staging_by_site": {"C": "on_start"},
                    "per_file_s": draw(rates),
                    "link_sources": draw(link_sources),
                },
            },
            "weighers": weighers,
            "order": draw(st.sampled_from(orders)),
            "tiebreak": draw(st.permutations(keys))[: draw(st.integers(0, 4))],
            "trim": {"max_offers": max_offers, "max_per_site": max_offers},
        }
    )


def order(ranking):
    return [one.offer.session for one in ranking.ranked]


@laws
@given(policies(max_offers=3), requests, offer_lists, knowledges, st.randoms())
def test_any_input_is_ranked_whole_and_in_any_order_alike(
    policy, request, offers, knowledge, shuffling
):
    ranking = rank(policy, request, "r", offers, knowledge, NOW)
    accounted = [one.offer for one in (*ranking.ranked, *ranking.dropped)]
    assert sorted(id(one) for one in accounted) == sorted(map(id, offers))
    assert [one.rank for one in ranking.ranked] == list(
        range(1, len(ranking.ranked) + 1)
    )
    for one in ranking.ranked:
        assert NOW + timedelta(seconds=one.estimate.start) >= NOW
    assert not any(one.offer.has_expired(NOW) for one in ranking.ranked)
    assert ranking.funnel[0].before == len(offers)
    assert ranking.funnel[-1].after == len(ranking.ranked)
    shuffled = list(offers)
    shuffling.shuffle(shuffled)
    assert rank(policy, request, "r", shuffled, knowledge, NOW) == ranking


@laws
@given(
    policies(max_offers=3),
    requests,
    offer_lists,
    knowledges,
    st.sets(st.sampled_from(["s-0", "s-1", "s-2"])),
)
def test_a_decision_can_be_written_as_json_and_made_again(
    policy, request, offers, knowledge, shown
):
    ranking = rank(policy, request, "r", offers, knowledge, NOW, frozenset(shown))
    inputs = replay_inputs(request, "r", offers, knowledge, NOW, frozenset(shown))
    again = replayed(policy, json.loads(json.dumps(inputs, allow_nan=False)))
    written = ranking.as_document()
    assert json.loads(json.dumps(written, allow_nan=False)) == written
    assert again.as_document() == written


@laws
@given(policies(), requests, offer_lists, knowledges, st.data())
def test_what_does_not_win_has_no_say_among_the_others(
    policy, request, offers, knowledge, data
):
    before = order(rank(policy, request, "r", offers, knowledge, NOW))
    losers = [one.session for one in offers if one.session not in before[:1]]
    if not losers:
        return
    gone = data.draw(st.sampled_from(losers))
    left = [one for one in offers if one.session != gone]
    after = order(rank(policy, request, "r", left, knowledge, NOW))
    assert after == [session for session in before if session != gone]


@laws
@given(
    policies(),
    requests,
    offer_lists,
    knowledges,
    st.sets(st.sampled_from(["s-0", "s-1", "s-2", "s-3"])),
)
def test_what_was_shown_stays_until_it_expires(
    policy, request, offers, knowledge, shown
):
    tight = replace(policy, trim=replace(policy.trim, max_offers=1, max_per_site=1))
    ranking = rank(tight, request, "r", offers, knowledge, NOW, frozenset(shown))
    there = {
        one.session
        for one in offers
        if one.session in shown and not one.has_expired(NOW)
    }
    assert there <= set(order(ranking))


@st.composite
def improvable(draw):
    """A policy that can't drop, and several offers of which one can be improved."""
    offers = draw(st.lists(one_offer, min_size=2, max_size=3).map(numbered))
    fresh = [replace(one, expires=None) for one in offers]
    return draw(policies(filters=NO_FILTERS)), draw(requests), fresh, draw(knowledges)


def place(policy, request, offers, knowledge, session):
    return order(rank(policy, request, "r", offers, knowledge, NOW)).index(session)


def not_worse(case, better_offers, better_knowledge=None, better_request=None):
    policy, request, offers, knowledge = case
    before = place(policy, request, offers, knowledge, "s-0")
    after = place(
        policy,
        better_request or request,
        better_offers,
        better_knowledge or knowledge,
        "s-0",
    )
    assert after <= before


@laws
@given(improvable(), seconds, st.integers(0, 10**5))
def test_an_earlier_start_is_never_worse(case, start, earlier):
    policy, request, (first, *others), knowledge = case
    late = StartInterval(moment(start), moment(start))
    early = StartInterval(*[late.earliest - timedelta(seconds=earlier)] * 2)
    offers = [replace(first, start=late), *others]
    better = [replace(first, start=early), *others]
    not_worse((policy, request, offers, knowledge), better)


@laws
@given(improvable(), st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_lower_cost_is_never_worse(case, one, other):
    policy, request, (first, *others), knowledge = case
    dear = replace(first, costs=(Quote(KINDS[0], max=max(one, other)),))
    cheap = replace(first, costs=(Quote(KINDS[0], max=min(one, other)),))
    not_worse((policy, request, [dear, *others], knowledge), [cheap, *others])


@laws
@given(improvable(), st.integers(0, 2**50), st.integers(0, 2**50), rses)
def test_fewer_bytes_are_never_worse(case, one, other, claimed):
    policy, request, (first, *others), knowledge = case
    asked = replace(request, data=(DataItem("only"),))
    large = DataItem("only", size=max(one, other), rses=claimed)
    small = replace(large, size=min(one, other))
    offers = [replace(first, data=(large,)), *others]
    better = [replace(first, data=(small,)), *others]
    not_worse((policy, asked, offers, knowledge), better)


@laws
@given(improvable(), st.floats(0, 1e5), st.floats(0, 1e5), st.floats(0, 1e6))
def test_fewer_failures_are_never_worse(case, one, other, calls):
    policy, request, (first, *others), knowledge = case
    alone = [replace(first, site="A"), *(replace(o, site="B") for o in others)]
    site = knowledge.sites.get("A") or SiteFacts(Site("A", "http://a.example"))

    def failing(count):
        facts = replace(site, failures=count, calls=max(calls, one, other))
        return replace(knowledge, sites={**knowledge.sites, "A": facts})

    case = (policy, request, alone, failing(max(one, other)))
    not_worse(case, alone, failing(min(one, other)))


@laws
@given(policies(), requests, offer_lists, knowledges)
def test_a_class_of_links_is_nothing_but_its_throughput(
    policy, request, offers, knowledge
):
    spelled = {
        pair: 20.0 if entry == "lan" else entry
        for pair, entry in knowledge.links.table.items()
    }
    same = replace(knowledge, links=replace(knowledge.links, table=spelled))
    first = rank(policy, request, "r", offers, knowledge, NOW)
    assert rank(policy, request, "r", offers, same, NOW) == first


def with_usage(knowledge, site, usage, core_hours):
    """Knowledge with another use of one site, and of all together."""
    known = knowledge.sites.get(site) or SiteFacts(Site(site, "http://site.example"))
    sites = {**knowledge.sites, site: replace(known, usage=usage)}
    return replace(knowledge, sites=sites, core_hours=core_hours)


@laws
@given(improvable(), uses, core_hours, core_hours, core_hours)
def test_a_site_that_was_used_less_is_never_worse(case, usage, one, other, elsewhere):
    policy, request, (first, *others), knowledge = case
    alone = [replace(first, site="A"), *(replace(o, site="B") for o in others)]

    def used(by_this_party):
        others_used = Usage(usage.in_all + by_this_party, usage.by_user, usage.by_group)
        less = replace(
            others_used,
            by_user=by_this_party,
            by_group=dict.fromkeys(GROUPS, by_this_party),
        )
        # What the others used, here and elsewhere, stays as it is.
        return with_usage(knowledge, "A", less, elsewhere + less.in_all)

    case = (policy, request, alone, used(max(one, other)))
    not_worse(case, alone, used(min(one, other)))


@laws
@given(improvable(), st.floats(0, 100), st.floats(0, 100))
def test_a_larger_share_is_never_worse(case, one, other):
    policy, request, (first, *others), knowledge = case
    alone = [replace(first, site="A"), *(replace(o, site="B") for o in others)]

    def sharing(share):
        *weighers, _ = policy.weighers
        fair = FairShare(of="site", shares_percent={"A": share})
        return replace(policy, weighers=(*weighers, fair))

    def at(share):
        return place(sharing(share), request, alone, knowledge, "s-0")

    assert at(max(one, other)) <= at(min(one, other))


@laws
@given(improvable(), users)
def test_a_home_is_never_worse_where_homes_are_preferred(case, user):
    policy, request, offers, knowledge = case
    preferring = tuple(
        replace(one, home_s=-300.0) if isinstance(one, HomeSite) else one
        for one in policy.weighers
    )
    elsewhere = replace(knowledge, user=replace(user, home_site=""))
    at_home = replace(knowledge, user=replace(user, home_site=offers[0].site))
    alone = [offers[0], *(one for one in offers[1:] if one.site != offers[0].site)]
    policy = replace(policy, weighers=preferring)
    not_worse((policy, request, alone, elsewhere), alone, at_home)


@laws
@given(fair_shares, st.lists(some_facts, max_size=3), users, core_hours)
def test_fair_shares_are_the_same_in_any_unit_of_use(fair, sites, user, elsewhere):
    def delays(factor):
        known = [
            replace(
                one,
                usage=Usage(
                    one.usage.in_all * factor,
                    one.usage.by_user * factor,
                    {g: used * factor for g, used in one.usage.by_group.items()},
                ),
            )
            for one in sites
        ]
        prior = fair.get("prior_core_hours", 100) * factor
        policy = plain_policy(weighers=[{**fair, "prior_core_hours": prior}])
        knowledge = Knowledge(
            {one.site.name: one for one in known},
            user=user,
            core_hours=elsewhere * factor,
        )
        offers = [offer(site) for site in SITES]
        ranking = rank(
            policy, ExecutionRequest("docker-container"), "r", offers, knowledge, NOW
        )
        return {one.offer.site: one.delay for one in ranking.ranked}

    # A power of two, so that no float is rounded.
    assert delays(1 / 1024) == delays(1)
