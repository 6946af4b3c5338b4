from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest
from prometheus_client.parser import text_string_to_metric_families

from aggregator.domain import events
from aggregator.domain.events import Event, Operation
from aggregator.domain.outcomes import Outcome
from aggregator.domain.phases import SessionPhase
from aggregator.domain.sites import (
    CredentialsMode,
    Downtime,
    ReleaseCredentials,
    Required,
    Site,
)
from aggregator.domain.tallies import SiteHoldings
from aggregator.observability.metrics import Metrics
from aggregator.observability.site_metrics import SECONDS
from aggregator.services.limits import BudgetLimits, FanOutLimits
from tests.support.ranking import ROOT, policy_file

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
STAMP = NOW.timestamp()
LATER = datetime(2026, 5, 4, 13, tzinfo=UTC)
SITES = (
    Site("jpsrc", "https://jpsrc.example", node="JPSRC", required=Required.ALWAYS),
    Site(
        "uksrc",
        "https://uksrc.example",
        node="UKSRC",
        downtimes=(Downtime(NOW, LATER),),
    ),
)
POLICY = policy_file(ROOT / "config" / "ranking" / "default.yaml")
CALL = {"site": "jpsrc", "op": "request"}

EXAMPLES = [
    (
        events.SiteCalled("jpsrc", Operation.REQUEST, Outcome.TIMEOUT, 0.3),
        {
            ("site_requests_total", (*CALL.items(), ("outcome", "timeout"))): 1,
            ("site_request_duration_seconds_count", tuple(CALL.items())): 1,
        },
    ),
    (
        events.SiteCalled("jpsrc", Operation.REQUEST, Outcome.NO_OFFER, 0.3),
        {("site_last_success_timestamp_seconds", (("site", "jpsrc"),)): STAMP},
    ),
    (
        events.SiteInFlight("jpsrc", 3),
        {("site_inflight", (("site", "jpsrc"),)): 3},
    ),
    (
        events.SiteProbed("jpsrc", "2.1", -4.5, "2026-07", NOW),
        {
            ("site_clock_skew_seconds", (("site", "jpsrc"),)): -4.5,
            ("site_cert_expiry_timestamp_seconds", (("site", "jpsrc"),)): STAMP,
        },
    ),
    (
        events.SiteStateChanged("jpsrc", events.SiteState.DEGRADED, "slow"),
        {
            ("site_up", (("site", "jpsrc"),)): 1,
            ("site_state", (("site", "jpsrc"), ("state", "degraded"))): 1,
            ("site_state", (("site", "jpsrc"), ("state", "unknown"))): 0,
        },
    ),
    (
        events.SiteEjected("jpsrc", Outcome.ERROR_5XX),
        {("site_ejections_total", (("site", "jpsrc"), ("reason", "error_5xx"))): 1},
    ),
    (events.FanOutsUnderWay(7), {("fanouts_inflight", ()): 7}),
    (
        events.FanOutShed(events.ShedScope.USER),
        {
            ("fanouts_shed_total", (("scope", "user"),)): 1,
            ("fanouts_shed_total", (("scope", "all"),)): 0,
        },
    ),
    (
        events.HoldingsCounted(
            {
                "jpsrc": SiteHoldings(
                    12, {SessionPhase.RUNNING: 2}, NOW - timedelta(seconds=90)
                )
            },
            NOW,
        ),
        {
            ("reservations_open", (("site", "jpsrc"),)): 12,
            ("reservations_open", (("site", "uksrc"),)): 0,
            ("sessions", (("site", "jpsrc"), ("phase", "RUNNING"))): 2,
            ("sessions", (("site", "jpsrc"), ("phase", "WAITING"))): 0,
            ("session_staleness_seconds", (("site", "jpsrc"),)): 90,
            ("session_staleness_seconds", (("site", "uksrc"),)): 0,
        },
    ),
    (
        events.OffersExpired("jpsrc", 3),
        {("offers_expired_unused_total", (("site", "jpsrc"),)): 3},
    ),
    (events.RoutesCounted(250), {("route_table_rows", ()): 250}),
    (
        events.SiteNotAsked("jpsrc", Outcome.DRAINED),
        {
            ("site_not_asked_total", (("site", "jpsrc"), ("reason", "drained"))): 1,
            (
                "site_not_asked_total",
                (("site", "jpsrc"), ("reason", "breaker_open")),
            ): 0,
        },
    ),
    (
        events.RegretObserved(0.0),
        {
            ("rank_regret_seconds_bucket", (("le", "0.0"),)): 1,
            ("rank_regret_seconds_count", ()): 1,
        },
    ),
    (
        events.FanOutFinished("s", events.Completeness.PARTIAL, 1.5, 8, 6, 2),
        {
            ("fanouts_total", (("completeness", "partial"),)): 1,
            ("fanout_duration_seconds_sum", ()): 1.5,
            ("fanout_sites_total", (("result", "answered"),)): 6,
            ("fanout_sites_total", (("result", "missing"),)): 2,
            ("fanout_sites_total", (("result", "not_asked"),)): 2,
        },
    ),
    (
        events.OffersReceived("jpsrc", 4),
        {("offers_received_total", (("site", "jpsrc"),)): 4},
    ),
    (
        events.OffersReturned("jpsrc", (1, 4)),
        {
            ("offers_returned_total", (("site", "jpsrc"),)): 2,
            ("offer_rank_bucket", (("site", "jpsrc"), ("le", "3.0"))): 1,
            ("offer_rank_bucket", (("site", "jpsrc"), ("le", "5.0"))): 2,
        },
    ),
    (
        events.OffersFiltered("max_offers", 5),
        {("offers_filtered_total", (("filter", "max_offers"),)): 5},
    ),
    (
        events.LateAnswered("jpsrc", joined=True),
        {("late_answers_total", (("site", "jpsrc"), ("joined", "true"))): 1},
    ),
    (
        events.AcceptFinished(
            "jpsrc", "u", events.AcceptOutcome.RECONCILED_ACCEPTED, 2
        ),
        {
            (
                "accepts_total",
                (("site", "jpsrc"), ("outcome", "reconciled_accepted")),
            ): 1,
            ("offers_won_total", (("site", "jpsrc"),)): 1,
            ("accepted_rank_bucket", (("le", "1.0"),)): 0,
            ("accepted_rank_bucket", (("le", "2.0"),)): 1,
        },
    ),
    (
        events.AcceptFinished("jpsrc", "u", events.AcceptOutcome.AMBIGUOUS, 1),
        {
            ("accepts_total", (("site", "jpsrc"), ("outcome", "ambiguous"))): 1,
            ("offers_won_total", (("site", "jpsrc"),)): 0,
            ("accepted_rank_count", ()): 0,
        },
    ),
    (events.AmbiguousAccepts(1), {("accept_ambiguous", ()): 1}),
    (
        events.ReleaseTried("jpsrc", "u", events.ReleaseOutcome.RELEASED, 2.5),
        {
            ("loser_releases_total", (("site", "jpsrc"), ("outcome", "released"))): 1,
            ("loser_release_lag_seconds_sum", ()): 2.5,
        },
    ),
    (
        events.ReleaseTried("jpsrc", "u", events.ReleaseOutcome.RETRIED, 9),
        {
            ("loser_releases_total", (("site", "jpsrc"), ("outcome", "retried"))): 1,
            ("loser_release_lag_seconds_count", ()): 0,
        },
    ),
    (events.ReleasesQueued(6), {("loser_release_backlog", ()): 6}),
    (
        events.SiteUsed("jpsrc", 12.5),
        {("used_core_hours", (("site", "jpsrc"),)): 12.5},
    ),
    (
        events.SiteCalibrated("jpsrc", 240.0, 31, 4),
        {
            ("start_lateness_seconds", (("site", "jpsrc"),)): 240,
            (
                "start_lateness_sessions",
                (("site", "jpsrc"), ("seen", "yes")),
            ): 31,
            ("start_lateness_sessions", (("site", "jpsrc"), ("seen", "no"))): 4,
        },
    ),
    (
        events.StartObserved("jpsrc", -700),
        {
            ("ets_error_seconds_bucket", (("site", "jpsrc"), ("le", "-600.0"))): 1,
            ("ets_error_seconds_bucket", (("site", "jpsrc"), ("le", "-1800.0"))): 0,
        },
    ),
    (
        events.SessionPhaseSeen("jpsrc", SessionPhase.RUNNING),
        {("session_phases_total", (("site", "jpsrc"), ("phase", "RUNNING"))): 1},
    ),
    (
        events.CatalogueAsked("rucio", Outcome.TIMEOUT, 1.5),
        {
            ("catalogue_requests_total", (("outcome", "timeout"),)): 1,
            ("catalogue_requests_total", (("outcome", "ok"),)): 0,
            ("catalogue_request_duration_seconds_sum", ()): 1.5,
        },
    ),
    (
        events.TokenAsked("iam", events.TokenGrant.EXCHANGE, Outcome.TIMEOUT, 1.5),
        {
            (
                "token_requests_total",
                (("grant", "exchange"), ("outcome", "timeout")),
            ): 1,
            ("token_request_duration_seconds_sum", (("grant", "exchange"),)): 1.5,
        },
    ),
    (
        events.CatalogueRemembered(events.CacheOutcome.STALE, 3),
        {
            ("catalogue_reads_total", (("outcome", "stale"),)): 3,
            ("catalogue_reads_total", (("outcome", "hit"),)): 0,
        },
    ),
    (
        events.DataLookedUp(events.LookupOutcome.UNKNOWN, 2),
        {("locality_lookups_total", (("outcome", "unknown"),)): 2},
    ),
    (
        events.HttpAnswered("BREW", "/offersets/", 503, 0.2),
        {
            (
                "http_requests_total",
                (("method", "other"), ("route", "/offersets"), ("code", "503")),
            ): 1,
            ("http_request_duration_seconds_sum", (("route", "/offersets"),)): 0.2,
        },
    ),
    (
        events.Reloaded(success=True),
        {
            ("configuration_reload_success", ()): 1,
            ("configuration_reload_timestamp_seconds", ()): STAMP,
        },
    ),
    (
        events.RegistryRead(success=True, sites=7, faults=2),
        {
            ("registry_reads_total", (("result", "ok"),)): 1,
            ("registry_last_success_timestamp_seconds", ()): STAMP,
            ("registry_sites", ()): 7,
            ("registry_faults", ()): 2,
        },
    ),
]


@pytest.fixture
def metrics():
    metrics = Metrics("1.2.3", lambda: NOW)
    metrics.configure(SITES, (POLICY,), FanOutLimits(), BudgetLimits(in_all=900))
    return metrics


def samples(metrics):
    text = metrics.render("")[0].decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(metrics, name, /, **labels):
    return samples(metrics)[f"metabroker_{name}", frozenset(labels.items())]


@pytest.mark.parametrize(("event", "expected"), EXAMPLES)
def test_event_is_counted(metrics, event, expected):
    metrics.record(event)
    now = samples(metrics)
    assert {
        key: now[f"metabroker_{key[0]}", frozenset(key[1])] for key in expected
    } == expected


def test_every_kind_of_event_is_counted():
    assert {type(event) for event, _ in EXAMPLES} == set(get_args(Event))


@pytest.mark.parametrize("event", get_args(Event))
def test_every_kind_of_event_is_told_by_somebody(event):
    tellers = [
        path
        for path in ROOT.glob("aggregator/**/*.py")
        if path.parent.name not in {"domain", "observability"}
    ]
    assert any(f"{event.__name__}(" in teller.read_text() for teller in tellers)


def test_no_metric_stays_without_a_value(metrics):
    for event, _ in EXAMPLES:
        metrics.record(event)
    living = {name for (name, _), value in samples(metrics).items() if value}
    for section in metrics.sections:
        for description in section.descriptions:
            name = description.name
            assert name in living or f"{name}_count" in living, name


@pytest.mark.parametrize("site", ["jpsrc", "uksrc"])
def test_configured_site_is_there_before_anything_happened(metrics, site):
    assert value(metrics, "site_up", site=site) == 0
    assert value(metrics, "site_state", site=site, state="unknown") == 1
    assert value(metrics, "site_state", site=site, state="up") == 0
    assert value(metrics, "site_inflight", site=site) == 0
    assert value(metrics, "offers_won_total", site=site) == 0
    failed = {"site": site, "op": "update", "outcome": "timeout"}
    assert value(metrics, "site_requests_total", **failed) == 0
    assert value(metrics, "accepts_total", site=site, outcome="lost") == 0


def test_site_that_is_gone_is_shown_while_it_holds_something(metrics):
    held = {"gone": SiteHoldings(0, {SessionPhase.RUNNING: 1}, NOW)}
    metrics.record(events.HoldingsCounted(held, NOW))
    running = {"site": "gone", "phase": "RUNNING"}
    assert value(metrics, "sessions", **running) == 1
    metrics.configure(SITES, (POLICY,), FanOutLimits(), BudgetLimits())
    assert value(metrics, "sessions", **running) == 1
    metrics.record(events.HoldingsCounted({}, NOW))
    assert not any(("site", "gone") in labels for _, labels in samples(metrics))
    assert value(metrics, "sessions", site="jpsrc", phase="RUNNING") == 0


def test_site_is_described_by_its_configuration(metrics):
    assert value(metrics, "site_required", site="jpsrc") == 1
    assert value(metrics, "site_required", site="uksrc") == 0
    assert value(metrics, "site_in_downtime", site="jpsrc") == 0
    assert value(metrics, "site_in_downtime", site="uksrc") == 1


def infos(metrics, site):
    return [
        dict(labels)
        for (name, labels), value in samples(metrics).items()
        if name == "metabroker_site_info" and ("site", site) in labels and value == 1
    ]


def test_site_has_one_description_however_often_its_version_changes(metrics):
    before = {
        "site": "jpsrc",
        "parent_node_name": "JPSRC",
        "parent_site_name": "jpsrc",
        "adapter": "execution-broker",
        "dialect": "auto",
        "version": "",
    }
    assert infos(metrics, "jpsrc") == [before]
    for version in ("2.0", "2.1", "2.1", ""):
        metrics.record(events.SiteProbed("jpsrc", version, None))
    assert infos(metrics, "jpsrc") == [{**before, "version": "2.1"}]


def test_version_of_any_length_takes_bounded_space(metrics):
    metrics.record(events.SiteProbed("jpsrc", "9" * 10_000, None))
    assert infos(metrics, "jpsrc")[0]["version"] == "9" * 64


def names_with(metrics, site):
    return {name for name, labels in samples(metrics) if ("site", site) in labels}


def test_site_that_is_gone_is_counted_no_more_but_keeps_its_counts(metrics):
    for event, _ in EXAMPLES:
        metrics.record(event)
    metrics.configure(SITES[1:], (POLICY,), FanOutLimits(), BudgetLimits())
    assert value(metrics, "site_up", site="uksrc") == 0
    for event, _ in EXAMPLES:
        metrics.record(event)
    left = names_with(metrics, "jpsrc")
    assert not [
        name
        for name in left
        if name.startswith("metabroker_site_")
        and "_total" not in name
        and "duration" not in name
    ]
    called = {**CALL, "outcome": "timeout"}
    assert value(metrics, "site_requests_total", **called) == 2


def test_site_that_stays_keeps_its_state_when_the_configuration_changes(metrics):
    metrics.record(events.SiteStateChanged("jpsrc", events.SiteState.UP, "probes"))
    metrics.record(events.SiteInFlight("jpsrc", 2))
    metrics.configure(SITES, (POLICY,), FanOutLimits(), BudgetLimits())
    assert value(metrics, "site_up", site="jpsrc") == 1
    assert value(metrics, "site_inflight", site="jpsrc") == 2


def test_limits_and_policies_are_shown(metrics):
    assert value(metrics, "fanouts_limit") == 200
    assert value(metrics, "reservations_limit") == 900
    assert value(metrics, "fanout_deadline_seconds") == 8
    policy = {
        "name": POLICY.identity.name,
        "revision": str(POLICY.identity.revision),
        "sha256": POLICY.identity.sha256[:12],
    }
    assert value(metrics, "policy_info", **policy) == 1
    for each in POLICY.filters:
        assert value(metrics, "offers_filtered_total", filter=each.name) == 0


def test_route_has_its_failures_from_the_first_request_on(metrics):
    metrics.record(events.HttpAnswered("GET", "/sessions/{uuid}", 200, 0.1))
    asked = {"method": "GET", "route": "/sessions/{uuid}"}
    for code in ("500", "503", "504"):
        assert value(metrics, "http_requests_total", **asked, code=code) == 0


def test_histograms_have_few_buckets(metrics):
    for section in metrics.sections:
        for description in section.descriptions:
            assert len(description.buckets) < 10
    assert len(SECONDS) == 9


def test_tokens_are_counted_from_zero_where_some_may_be_asked_for():
    metrics = Metrics("1", lambda: NOW)
    relaying = Site(
        "a",
        "https://a.example",
        credentials=CredentialsMode.RELAY,
        release_credentials=ReleaseCredentials.CLIENT_CREDENTIALS,
    )
    metrics.configure((relaying,), (POLICY,), FanOutLimits(), BudgetLimits())
    counted = {
        dict(labels)["grant"]: value
        for (name, labels), value in samples(metrics).items()
        if name == "metabroker_token_requests_total"
    }
    assert counted == {"client_credentials": 0}


def test_render_suits_the_accept_header(metrics):
    body, content_type = metrics.render("application/openmetrics-text;version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")
    body, content_type = metrics.render("text/plain")
    assert content_type.startswith("text/plain")
    assert b"_created" not in body


def test_scrape_of_ten_sites_stays_small():
    metrics = Metrics("1", lambda: NOW)
    sites = [Site(f"site-{n}", "https://site.example") for n in range(10)]
    metrics.configure(sites, (POLICY,), FanOutLimits(), BudgetLimits())
    body, _ = metrics.render("")
    assert body.count(b"\n") < 2100
