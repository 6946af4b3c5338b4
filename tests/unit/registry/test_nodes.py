import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.domain.registry import RegisteredRse, RegisteredSite
from aggregator.domain.sites import Downtime
from aggregator.registry.nodes import MOST_FAULTS, NoNodes, read_nodes
from tests.support.registry import area, downtime, node, site, storage

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
JPSRC = node(
    "JPSRC",
    site(
        "JPSRC",
        country="JP",
        latitude=35.6754,
        longitude=139.5369,
        storages=[storage(area("JPSRC_STORM"), area("in", type="ingest"))],
        compute=[{"name": "JPSRC @ NAOJ", "hardware_type": "container"}],
    ),
)


def at(hours):
    return NOW + timedelta(hours=hours)


def span(first, last):
    return f"{at(first).isoformat()} to {at(last).isoformat()}"


def only_site(*nodes):
    registration = read_nodes(list(nodes), NOW)
    [found] = registration.sites
    return found, registration.faults


def test_a_plain_node_is_read():
    assert only_site(JPSRC) == (
        RegisteredSite(
            "JPSRC",
            node="JPSRC",
            country="JP",
            latitude=35.6754,
            longitude=139.5369,
            rses=(RegisteredRse("JPSRC_STORM"),),
        ),
        (),
    )


def test_names_are_read_without_the_spaces_around_them():
    found, _ = only_site(
        node(" UKSRC", site("UKSRC-RAL ", storages=[storage(area(" RAL_XRD "))]))
    )
    assert (found.node, found.name, found.rses[0].name) == (
        "UKSRC",
        "UKSRC-RAL",
        "RAL_XRD",
    )


@pytest.mark.parametrize(
    ("members", "place"),
    [
        ({"latitude": 51.4, "longitude": 0.0}, (51.4, 0.0)),
        ({"latitude": 51.4}, (51.4, 0.0)),
        ({"longitude": 8.5}, (0.0, 8.5)),
        ({"latitude": 0}, (0.0, 0.0)),
        ({}, (None, None)),
        ({"latitude": "51.4", "longitude": 1}, (None, None)),
        ({"latitude": 99, "longitude": 1}, (None, None)),
        ({"latitude": True, "longitude": 1}, (None, None)),
    ],
)
def test_of_two_coordinates_a_missing_one_is_a_zero_that_was_dropped(members, place):
    found, faults = only_site(node("X", site("X", **members)))
    assert (found.latitude, found.longitude) == place
    assert bool(faults) == (place == (None, None) and bool(members))


def test_what_is_switched_off_is_kept_apart():
    found, _ = only_site(
        node(
            "X",
            site(
                "X",
                storages=[
                    storage(area("ON"), area("OFF", is_force_disabled=True)),
                    storage(area("BESIDE"), is_force_disabled=True),
                    storage(area("ON", is_force_disabled=True)),
                ],
            ),
        )
    )
    assert [rse.name for rse in found.rses] == ["ON"]
    assert found.unusable_rses == ("OFF", "BESIDE")
    assert not found.disabled


@pytest.mark.parametrize(
    ("members", "disabled"),
    [
        ({"is_force_disabled": True}, True),
        ({"is_force_disabled": "true"}, True),
        ({"is_force_disabled": False}, False),
        ({"is_force_disabled": None}, False),
        ({"compute": [{"is_force_disabled": True}]}, True),
        ({"compute": [{"is_force_disabled": True}, {}]}, False),
    ],
)
def test_a_site_is_disabled_as_a_whole_or_with_all_of_its_compute(members, disabled):
    assert only_site(node("X", site("X", **members)))[0].disabled is disabled


def test_downtimes_of_the_site_count_and_those_of_all_compute_at_once():
    found, _ = only_site(
        node(
            "X",
            site(
                "X",
                downtime=[downtime(span(1, 2), type="Unplanned", reason=" net\nwork ")],
                compute=[
                    {"downtime": [downtime(span(10, 20)), downtime(span(30, 40))]},
                    {"downtime": [downtime(span(15, 35))]},
                    {"is_force_disabled": True},
                ],
            ),
        )
    )
    assert found.downtimes == (
        Downtime(at(1), at(2), "net work", planned=False),
        Downtime(at(15), at(20), "works"),
        Downtime(at(30), at(35), "works"),
    )


def test_a_storage_element_is_down_with_its_storage():
    found, _ = only_site(
        node(
            "X",
            site(
                "X",
                storages=[
                    storage(
                        area("A", downtime=[downtime(span(3, 4))]),
                        downtime=[downtime(span(1, 2))],
                    )
                ],
            ),
        )
    )
    [rse] = found.rses
    assert [rse.serves_at(at(hour)) for hour in (0, 1.5, 2.5, 3.5, 5)] == [
        *(True, False, True, False, True)
    ]


def test_a_downtime_that_is_over_is_left_out():
    over = downtime(span(-2, -1))
    assert only_site(node("X", site("X", downtime=[over])))[0].downtimes == ()


def test_a_date_without_a_zone_is_taken_as_utc_and_told():
    text = "2026-03-01T13:00:00 to 2026-03-01T14:00:00"
    found, faults = only_site(node("X", site("X", downtime=[downtime(text)])))
    assert found.downtimes == (Downtime(at(1), at(2), "works"),)
    assert faults == ("X has a downtime without a time zone, taken as UTC",)


@pytest.mark.parametrize(
    "text",
    ["", "soon", "2026-13-01T00:00:00Z to 2027", "2030-01-01T00:00:00Z", None, 7, []],
)
def test_a_range_that_is_none_costs_only_itself(text):
    good = downtime(span(1, 2))
    entry = site("X", downtime=[downtime(text), good, "rubbish", None])
    found, faults = only_site(node("X", entry))
    assert found.downtimes == (Downtime(at(1), at(2), "works"),)
    assert [fault.partition(" ")[0] for fault in faults] == ["downtime", "X"]


def test_a_range_that_ends_before_it_starts_is_told():
    found, faults = only_site(node("X", site("X", downtime=[downtime(span(2, 1))])))
    assert found.downtimes == ()
    assert "ends before it starts" in faults[0]


def test_a_site_that_is_there_twice_counts_once():
    twice = node("X", site("X", country="DE"), site("x", country="FR"))
    found, faults = only_site(twice)
    assert found.country == "DE"
    assert faults == ("the site x is there more than once",)


def test_a_site_without_a_name_costs_only_itself():
    found, faults = only_site(node("X", {"id": 1}, site("Y")), None, "Z", node("E"))
    assert found.name == "Y"
    assert faults == (
        "the list of nodes: not a list of objects",
        "the node 'X' has a site without a name",
    )


@pytest.mark.parametrize("wrong", [[1], ["x", None], {}, "x", 3, True])
@pytest.mark.parametrize("member", ["storages", "compute", "downtime"])
def test_what_is_no_list_of_objects_costs_only_itself_and_is_named(member, wrong):
    found, faults = only_site(node("X", site("Y", **{member: wrong})))
    assert found == RegisteredSite("Y", node="X")
    assert faults == (f"{member} of 'Y': not a list of objects",)


@pytest.mark.parametrize("member", ["storages", "compute", "downtime"])
def test_a_list_that_is_left_out_is_no_fault(member):
    assert only_site(node("X", site("Y", **{member: None}))) == (
        RegisteredSite("Y", node="X"),
        (),
    )


def test_faults_are_bounded():
    many = [site("X", downtime=[downtime(str(n)) for n in range(500)])]
    assert len(read_nodes([node("X", *many)], NOW).faults) == MOST_FAULTS


@pytest.mark.parametrize(
    "document", [{}, {"detail": "no"}, None, "x", 3, [{"name": "X"}], [1], []]
)
def test_what_holds_no_sites_is_no_list_of_nodes(document):
    with pytest.raises(NoNodes):
        read_nodes(document, NOW)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "name",
                    "sites",
                    "storages",
                    "areas",
                    "compute",
                    "downtime",
                    "date_range",
                    "type",
                    "latitude",
                    "longitude",
                    "country",
                    "is_force_disabled",
                    "reason",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=30,
)


@given(st.lists(JUNK, max_size=4))
def test_rubbish_costs_only_itself(junk):
    registration = read_nodes([*junk, *json.loads(json.dumps([JPSRC]))], NOW)
    assert "JPSRC" in {one.name for one in registration.sites}
