"""Every query of every dashboard, asked of a Prometheus that scrapes a federation."""

import asyncio
import json
import math
import re
from collections import defaultdict
from dataclasses import dataclass
from xml.etree import ElementTree as ET

import pytest

from grafana.pictures import Asker, draw
from tests.support.observed_federation import Observed, observed_federation
from tests.support.prometheus import required
from tests.support.ranking import ROOT

DASHBOARDS = {
    path.stem: json.loads(path.read_text("utf-8"))
    for path in sorted((ROOT / "grafana" / "dashboards").glob("*.json"))
}
RATE_INTERVAL = "5s"
SITE = "jpsrc"

WITHOUT_DATA = {
    "Alerts": "every alert that a working federation could raise takes minutes to fire",
    "Configuration read": "the configuration is read once, before the first scrape",
    "Certificate": "simulated sites speak plain http",
    "How long calls to the replica catalogue took": "that of the demo is a file",
}
"""Queries that find nothing within seconds, by the title of what asks, and why."""


def queries():
    """Yield for each query: dashboard, title, number, expression, and if instant."""
    for name, dashboard in DASHBOARDS.items():
        for annotation in dashboard["annotations"]["list"]:
            yield name, annotation["name"], 0, annotation["expr"], False
        for panel in dashboard["panels"]:
            for number, target in enumerate(panel.get("targets", ())):
                yield name, panel["title"], number, target["expr"], target["instant"]


QUERIES = [
    pytest.param(*query, id=f"{query[0]}: {query[1]} {query[2]}") for query in queries()
]


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """The series that each query gave, and what happened."""
    required("prometheus")
    return asyncio.run(_answers(tmp_path_factory.mktemp("observed")))


@dataclass(frozen=True, slots=True)
class Answers:
    """What came of all queries.

    Attributes:
        found: Values by labels, by dashboard, title and number of the query.
        names: Of the sites, as a variable would list them.
        pictures: Of the dashboards, as SVG documents.
    """

    found: dict
    names: list
    pictures: dict
    observed: Observed


async def _answers(directory):
    async with observed_federation(directory) as observed:
        return await asyncio.to_thread(_all_answers, observed)


def _all_answers(observed):
    asker = Asker(
        observed.prometheus.url,
        observed.began,
        observed.ended,
        {"$__rate_interval": RATE_INTERVAL, "$site": SITE},
    )
    return Answers(
        {query[:3]: _ask(observed, *query[3:]) for query in queries()},
        observed.prometheus.label_values("site", "metabroker_site_up"),
        {name: draw(dashboard, asker) for name, dashboard in DASHBOARDS.items()},
        observed,
    )


def _ask(observed, expression, instant):
    seconds = math.ceil(observed.ended - observed.began) + 5
    expression = expression.replace("$__rate_interval", RATE_INTERVAL)
    expression = expression.replace("$__range", f"{seconds}s").replace("$site", SITE)
    assert "$" not in expression
    if instant:
        series = observed.prometheus.instant(expression, observed.ended)
    else:
        series = observed.prometheus.range(expression, observed.began, observed.ended)
    return {
        _name(one["metric"]): [
            float(value)
            for _, value in one.get("values", [one.get("value")])
            if not math.isnan(float(value))
        ]
        for one in series
    }


def _name(labels):
    return tuple(sorted((k, v) for k, v in labels.items() if k != "__name__"))


@pytest.mark.parametrize(
    ("dashboard", "title", "number", "expression", "instant"), QUERIES
)
def test_query_finds_data(answers, dashboard, title, number, expression, instant):
    found = answers.found
    values = [v for series in found[dashboard, title, number].values() for v in series]
    if title in WITHOUT_DATA:
        assert not values, f"take {title!r} off the list of what finds nothing"
    else:
        assert values, expression


def test_every_variable_can_be_chosen(answers):
    names = answers.names
    asked = [
        re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]).groups()
        for dashboard in DASHBOARDS.values()
        for variable in dashboard["templating"]["list"]
        if variable["type"] == "query"
    ]
    assert asked == [("metabroker_site_up", "site")]
    assert len(names) == 8
    assert SITE in names


def test_overview_shows_what_happened(answers):
    found, observed = answers.found, answers.observed

    def shown(title, number=0):
        return found["overview", title, number]

    assert shown("Sites configured") == {(): [8]}
    assert shown("Alerts that fire") == {(): [0]}
    assert shown("Unclear acceptances") == {(): [0]}
    (up,) = shown("Sites up")[()]
    assert 5 <= up <= 7
    assert max(shown("State")[("site", "krsrc"),]) == 9
    assert shown("State")[("site", SITE),][-1] == 1
    wins = defaultdict(float)
    for labels, values in shown("Share of acceptances").items():
        wins[dict(labels)["site"]] = values[0]
    assert {site for site, part in wins.items() if part} == set(observed.accepted)
    assert sum(wins.values()) == pytest.approx(1)
    assert max(shown("Requests, by how complete their answer was")[PARTIAL]) > 0
    assert max(shown("Acceptances, by how they ended")[("outcome", "accepted"),]) > 0


PARTIAL = (("completeness", "partial"),)


def test_site_detail_shows_the_winner(answers):
    found, observed = answers.found, answers.observed
    assert observed.accepted[0] == SITE
    ended = found["site", "Sessions, by the phase that they reached", 0]
    assert max(ended[("phase", "COMPLETED"),]) > 0
    (skew,) = found["site", "Clock", 0][()]
    assert abs(skew) <= 2


@pytest.mark.parametrize("name", DASHBOARDS)
def test_dashboard_can_be_drawn(answers, name):
    words = list(ET.fromstring(answers.pictures[name]).itertext())
    for panel in DASHBOARDS[name]["panels"]:
        title = panel["title"].replace("$site", SITE)
        assert any(title.startswith(word.rstrip("…")) for word in words if word.strip())
    assert SITE in words or name == "service-level"


def test_picture_of_the_overview_shows_the_sites(answers):
    words = list(ET.fromstring(answers.pictures["overview"]).itertext())
    for site in answers.names:
        # In the timeline, the table and both bar charts at least.
        assert words.count(site) >= 4
    assert {"up", "8", "Sites now", "deadline"} <= set(words)
