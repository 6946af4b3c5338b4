"""What the registry says, laid over what is configured."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aggregator.domain.ranking.knowledge import Links
from aggregator.domain.registry import (
    RegisteredRse,
    RegisteredSite,
    Registration,
    overlaid,
    rse_sites,
)
from aggregator.domain.sites import Downtime, Site

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SITE = Site("jpsrc", "https://broker.jpsrc.example", node="JPSRC")
DOWN = Downtime(NOW, NOW + timedelta(hours=1), "works")
ENTRY = RegisteredSite(
    "JPSRC",
    node="JPSRC",
    country="JP",
    latitude=35.7,
    longitude=139.5,
    rses=(RegisteredRse("JPSRC_STORM"),),
    downtimes=(DOWN,),
)


def over(site=SITE, *entries, links=None, now=NOW):
    registration = Registration(NOW, entries or (ENTRY,))
    [result] = overlaid([site], registration, links or Links(), now)
    return result


def test_what_the_configuration_leaves_out_is_filled_in():
    assert over() == replace(
        SITE,
        country="JP",
        latitude=35.7,
        longitude=139.5,
        rses=("JPSRC_STORM",),
        downtimes=(DOWN,),
    )


def test_what_the_configuration_states_stays():
    stated = replace(SITE, country="KR", latitude=1.0, longitude=2.0)
    result = over(stated)
    assert (result.country, result.latitude, result.longitude) == ("KR", 1.0, 2.0)
    assert result.url == stated.url


def test_half_a_position_is_none():
    assert over(replace(SITE, latitude=1.0)).latitude == 35.7


def test_rses_and_downtimes_are_added_once():
    stated = replace(SITE, rses=("OTHER", "jpsrc_storm "), downtimes=(DOWN,))
    result = over(stated)
    assert result.rses == ("OTHER", "jpsrc_storm ")
    assert result.downtimes == (DOWN,)


def test_aliases_name_the_same_rse():
    links = Links(rse_aliases={"JP_OLD": "JPSRC_STORM"})
    assert over(replace(SITE, rses=("JP_OLD",)), links=links).rses == ("JP_OLD",)


def test_an_rse_that_is_off_or_down_there_is_not_read():
    down = RegisteredRse("DOWN", (DOWN,))
    entry = replace(ENTRY, rses=(RegisteredRse("UP"), down), unusable_rses=("OFF",))
    stated = replace(SITE, rses=("OFF", "DOWN"))
    assert over(stated, entry).rses == ("UP",)
    assert over(stated, entry, now=DOWN.end).rses == ("DOWN", "UP")


def test_the_registry_can_disable_a_site_but_not_enable_one():
    off = over(SITE, replace(ENTRY, disabled=True))
    assert (off.enabled, off.disabled_because) == (
        False,
        "disabled in the site registry",
    )
    ours = over(replace(SITE, enabled=False), ENTRY)
    assert (ours.enabled, ours.disabled_because) == (False, "")


RAL = replace(ENTRY, name="UKSRC-RAL", node="UKSRC", country="GB")
CAM = replace(ENTRY, name="UKSRC-CAM", node="UKSRC", country="IE")


@pytest.mark.parametrize(
    ("site", "entries", "country"),
    [
        (Site("uksrc-cam", "u"), (RAL, CAM), "IE"),
        (Site("uksrc", "u"), (RAL,), "GB"),
        (Site("oxford", "u", node="uksrc"), (RAL,), "GB"),
        (Site("uksrc", "u"), (RAL, CAM), ""),
        (Site("uksrc", "u", registered_as="uksrc-cam"), (RAL, CAM), "IE"),
        (Site("uksrc-ral", "u", registered_as="gone"), (RAL, CAM), ""),
        (Site("frsrc", "u"), (RAL, CAM), ""),
    ],
)
def test_an_entry_is_found_by_its_name_or_as_the_only_one_of_its_node(
    site, entries, country
):
    assert over(site, *entries).country == country


def test_a_site_that_the_registry_does_not_know_stays_as_it_is():
    assert over(Site("frsrc", "u")) == Site("frsrc", "u")


def test_an_rse_may_be_read_by_several_sites():
    sites = [Site("a", "u", rses=("X", "Y")), Site("b", "v", rses=("x ", "X"))]
    assert rse_sites(sites, Links()) == {"X": ("a", "b"), "Y": ("a",)}
