"""Estimates: when an offer's session can really start."""

from datetime import datetime

from aggregator.domain.humane import humane_duration
from aggregator.domain.offers import DataItem, Offer
from aggregator.domain.ranking.components import Situation
from aggregator.domain.ranking.document import EstimateRules
from aggregator.domain.ranking.explanation import Confidence, Estimate
from aggregator.domain.ranking.intake import clipped
from aggregator.domain.ranking.knowledge import SiteFacts
from aggregator.domain.ranking.locality import datasets
from aggregator.domain.ranking.staging import StagingPlan, plan_staging
from aggregator.domain.schedules import StartInterval


class Estimator:
    """Estimates the offers of one ranking, each by itself."""

    def __init__(self, rules: EstimateRules, situation: Situation) -> None:
        self._rules = rules
        self._situation = situation
        self._plans: dict[tuple[str, tuple[DataItem, ...]], StagingPlan] = {}

    def estimate(self, offer: Offer, facts: SiteFacts) -> Estimate:
        """Return the estimate for an offer of the site of ``facts``."""
        plan = self._plan(offer, facts)
        offered = self._offered_start(offer, facts)
        expected = self._expected_start(offer, facts, offered)
        ready, start, mode_notes = self._ready_and_start(offer, facts, plan, expected)
        notes = (*self._start_notes(offer, facts, offered), *plan.notes)
        lateness = expected - offered
        remarks = (*_lateness_notes(facts, offered, lateness), *plan.remarks)
        return Estimate(
            offered_start=offered,
            data_ready=ready,
            start=start,
            bytes_to_move=plan.bytes_to_move,
            bytes_total=plan.bytes_total,
            files_to_move=plan.files_to_move,
            bytes_from_tape=plan.bytes_from_tape,
            sources=plan.sources,
            start_known=offer.start is not None,
            confidence=Confidence.LOW if notes else Confidence.HIGH,
            notes=(*notes, *remarks, *mode_notes),
            lateness=lateness,
        )

    def _plan(self, offer: Offer, facts: SiteFacts) -> StagingPlan:
        key = (facts.site.name, offer.data)
        plan = self._plans.get(key)
        if plan is None:
            situation = self._situation
            data = datasets(situation.request, offer, situation.knowledge)
            plan = plan_staging(data, facts, situation.lake, self._rules.data)
            self._plans[key] = plan
        return plan

    def _offered_start(self, offer: Offer, facts: SiteFacts) -> float:
        rules = self._rules.start
        if offer.start is not None:
            return seconds_until(offer.start, rules.bound, self._situation.now)
        median = self._median_wait(facts)
        assumed = rules.unknown_default_s if median is None else median
        return clipped(max(assumed, offer.preparing or 0.0))

    def _median_wait(self, facts: SiteFacts) -> float | None:
        if self._rules.start.unknown == "site_median":
            return facts.record.wait_s
        return None

    def _expected_start(self, offer: Offer, facts: SiteFacts, offered: float) -> float:
        if offer.start is None or not self._rules.start.calibrated:
            return offered
        return facts.record.expected(offered)

    def _start_notes(
        self, offer: Offer, facts: SiteFacts, offered: float
    ) -> tuple[str, ...]:
        if offer.start is not None:
            return ()
        note = f"the site doesn't say when it starts, {humane_duration(offered)}"
        if self._median_wait(facts) is None:
            return (f"{note} assumed",)
        return (f"{note} assumed after {facts.record.waits} starts seen there",)

    def _ready_and_start(
        self, offer: Offer, facts: SiteFacts, plan: StagingPlan, expected: float
    ) -> tuple[float, float, tuple[str, ...]]:
        site, rules = facts.site, self._rules
        if not plan.seconds:
            return 0.0, expected, ()
        if site.schedule_includes_staging and offer.preparing is not None:
            return expected, expected, ("the site's schedule counts staging",)
        match rules.data.staging_by_site.get(site.name, rules.data.staging):
            case "remote_read":
                return 0.0, expected, ("data are read from where they are",)
            case "on_start":
                ready = clipped(expected + plan.seconds)
                return ready, ready, ("data move once the session could start",)
            case "prefetch":
                ready = clipped(rules.start.accept_overhead_s + plan.seconds)
                return ready, max(expected, ready), ()


def _lateness_notes(
    facts: SiteFacts, offered: float, lateness: float
) -> tuple[str, ...]:
    if not lateness:
        return ()
    late = "late" if lateness > 0 else "early"
    usual = f"{humane_duration(abs(lateness))} {late}"
    starts = f"{facts.record.starts_behind(offered)} starts"
    promised = humane_duration(offered)
    return (f"promised in {promised}, this site is usually {usual} ({starts})",)


def seconds_until(start: StartInterval, bound: str, now: datetime) -> float:
    """Return the seconds from ``now`` to a bound of an interval, at most ``LONGEST_S``.

    What lies in the past counts as now.

    Args:
        start: The interval in which something starts.
        bound: ``earliest``, ``midpoint`` or ``latest``.
        now: The moment from which seconds count.
    """
    earliest = (start.earliest - now).total_seconds()
    latest = (start.latest - now).total_seconds()
    seconds = {
        "earliest": earliest,
        "midpoint": (earliest + latest) / 2,
        "latest": latest,
    }[bound]
    return clipped(max(0.0, seconds))
