from datetime import UTC, datetime

import pytest

from aggregator.domain.sites import (
    CredentialsMode,
    Downtime,
    Required,
    Site,
    SiteKind,
)


def test_a_site_needs_a_name_and_a_url_only(bench):
    bench.write("sites.yaml", "sites: [{name: a, broker: {url: 'http://a.example'}}]")
    assert bench.load().sites == (Site(name="a", url="http://a.example"),)


def test_every_key_of_a_site_reaches_the_domain(bench):
    bench.write(
        "sites.yaml",
        """\
        sites:
          - name: jpsrc-2
            node: JPSRC
            country: JP
            latitude: 35.5
            longitude: 139
            description: a site
            rses: [" JPSRC_STORM ", JPSRC_TAPE]
            broker:
              url: HTTPS://Broker.Example:8443/eb/
              adapter: simulated
              dialect: 2025-11
              kind: metabroker
              credentials: relay
              connect_timeout: 1
              in_flight: 4
            required: always
            schedule_includes_staging: true
            ingest_gbps: 5
            enabled: false
            downtime:
              - type: Unplanned
                date_range: 2026-01-10T09:00:00.000+09:00 to 2026-01-11T00:00:00Z
                reason: network
        """,
    )
    assert bench.load().sites == (
        Site(
            name="jpsrc-2",
            url="https://broker.example:8443/eb",
            node="JPSRC",
            adapter="simulated",
            dialect="2025-11",
            kind=SiteKind.METABROKER,
            enabled=False,
            required=Required.ALWAYS,
            credentials=CredentialsMode.RELAY,
            description="a site",
            country="JP",
            latitude=35.5,
            longitude=139.0,
            rses=("JPSRC_STORM", "JPSRC_TAPE"),
            schedule_includes_staging=True,
            ingest_gbps=5.0,
            in_flight=4,
            connect_timeout=1.0,
            downtimes=(
                Downtime(
                    datetime(2026, 1, 10, tzinfo=UTC),
                    datetime(2026, 1, 11, tzinfo=UTC),
                    "network",
                    planned=False,
                ),
            ),
        ),
    )


SITE = "sites:\n- name: a\n  broker: {url: 'http://a.example'}\n  "


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("colour: red", "4:3: unknown key 'colour'"),
        ("rse: [A]", "4:3: unknown key 'rse'; did you mean 'rses'?"),
        ("latitude: 91", "4:13: latitude should be less than or equal to 90, not 91"),
        ("latitude: 9", "4:13: latitude and longitude belong together"),
        (
            "country: jp",
            "4:12: country should be two capital letters of ISO 3166, such as JP",
        ),
        ("rses: A", "4:9: rses should be a list, not 'A': write [A]"),
        ("rses: [A, 2]", "4:13: rses[1] should be text, not 2: put it in quotes"),
        ("rses: [A, ' ']", "4:13: rses[1] should be the name of a storage element"),
        ("ingest_gbps: 0", "4:16: ingest_gbps should be greater than 0, not 0"),
        (
            "ingest_gbps: 10 Gb/s",
            "4:16: ingest_gbps should be a number, not '10 Gb/s': write 10 (Gb/s)",
        ),
        ("enabled: no", "4:12: enabled should be true or false, not 'no'"),
        (
            "required: true",
            "4:13: required should be 'always', 'never' or 'when-it-holds-data', not true",
        ),
        (
            "required: alway",
            "4:13: required should be 'always', 'never' or 'when-it-holds-data', not 'alway'; did you mean 'always'?",
        ),
        (
            "downtime: [{date_range: 2026-01-10T00:00:00 to 2026-01-11T00:00:00Z}]",
            "4:27: date_range has '2026-01-10T00:00:00', which has no time zone: add a Z",
        ),
        (
            "downtime: [{date_range: soon to 2026-01-11T00:00:00Z}]",
            "4:27: date_range has 'soon', which is no instant such as 2026-01-31T12:00:00Z",
        ),
        (
            "downtime: [{date_range: today}]",
            "4:27: date_range should be '<instant> to <instant>'",
        ),
        (
            "downtime: [{date_range: 2026-01-11T00:00:00Z to 2026-01-10T00:00:00Z}]",
            "4:27: date_range ends before it starts",
        ),
        (
            "downtime: [{date_range: 0001-01-01T00:00:00+14:00 to 2026-01-10T00:00:00Z}]",
            "4:27: date_range has '0001-01-01T00:00:00+14:00', which is no instant such as 2026-01-31T12:00:00Z",
        ),
        ("downtime: [{}]", "4:14: 'date_range' is missing"),
        (
            "downtime: [{date_range: 2026-01-10T00:00Z to 2026-01-11T00:00Z, type: planned}]",
            "4:73: type should be 'Planned' or 'Unplanned', not 'planned'; did you mean 'Planned'?",
        ),
    ],
)
def test_a_wrong_site_is_told_with_place_and_reason(bench, line, problem):
    bench.write("sites.yaml", SITE + line)
    assert bench.problems() == [f"sites.yaml:{problem}"]


@pytest.mark.parametrize(
    ("broker", "problem"),
    [
        ("{}", "3:11: 'url' is missing"),
        (
            "{url: broker.example}",
            "3:17: url should be a URL such as https://broker.example.org",
        ),
        (
            "{url: 'ftp://b.example'}",
            "3:17: url should be a URL such as https://broker.example.org",
        ),
        (
            "{url: 'https://me:hunter2@b.example'}",
            "3:17: url must not hold credentials",
        ),
        (
            "{url: 'https://b.example/?token=hunter2'}",
            "3:17: url must not have a query or a fragment",
        ),
        (
            "{url: 'https://b.example/#'}",
            "3:17: url must not have a query or a fragment",
        ),
        (
            "{url: 'https://b.example:http'}",
            "3:17: url has a host or port that can't be read",
        ),
        ("{url: 'https://[::1'}", "3:17: url has a host or port that can't be read"),
        (
            "{url: 'https://b_.example-'}",
            "3:17: url has a host that is neither a name nor an address",
        ),
        (
            "{url: 'https://b .example'}",
            "3:17: url is too long for a URL, or has characters that no URL has",
        ),
        (
            "{url: 'http://b.example', adapter: simulate}",
            "3:46: adapter 'simulate' is not known; did you mean 'simulated'?",
        ),
        (
            "{url: 'http://b.example', adapter: skaha}",
            "3:46: adapter 'skaha' is not known; known are execution-broker, simulated",
        ),
        (
            "{url: 'http://b.example', dialect: 2026-7}",
            "3:46: dialect '2026-7' is not known; did you mean '2026-07'?",
        ),
        (
            "{url: 'http://b.example', kind: site}",
            "3:43: kind should be 'broker' or 'metabroker', not 'site'",
        ),
        (
            "{url: 'http://b.example', in_flight: 0}",
            "3:48: in_flight should be greater than or equal to 1, not 0",
        ),
        (
            "{url: 'http://b.example', connect_timeout: 3s}",
            "3:54: connect_timeout should be a number, not '3s': write 3 (seconds)",
        ),
        (
            "{url: 'http://b.example', credentials: relay}",
            "3:50: credentials relay need an https URL, so that nobody on the way reads them",
        ),
    ],
)
def test_a_wrong_broker_is_told_with_place_and_reason(bench, broker, problem):
    bench.write("sites.yaml", f"sites:\n- name: a\n  broker: {broker}")
    assert bench.problems() == [f"sites.yaml:{problem}"]


def test_credentials_may_be_relayed_over_loopback(bench):
    bench.write(
        "sites.yaml",
        "sites: [{name: a, broker: {url: 'http://[::1]:1', credentials: relay}}]",
    )
    assert bench.load().sites[0].credentials is CredentialsMode.RELAY


@pytest.mark.parametrize("name", ["JPSRC", "a_b", "-a", "a-", "a b", '""', "é"])
def test_names_are_safe_in_metrics_and_urls(bench, name):
    bench.write("sites.yaml", f"sites:\n- name: {name}\n  broker: {{url: 'http://a'}}")
    assert bench.problems() == [
        (
            "sites.yaml:2:9: name should be of lower-case letters, digits and inner"
            " hyphens, such as jpsrc"
        )
    ]


def test_names_and_urls_are_unique(bench):
    bench.write(
        "sites.yaml",
        """\
        sites:
          - name: a
            broker: {url: "https://a.example"}
          - name: a
            broker: {url: "https://A.example:443/"}
        """,
    )
    assert bench.problems() == [
        "sites.yaml:4:11: name a is given in line 2 already",
        "sites.yaml:5:19: url https://a.example is given in line 3 already",
    ]


def test_one_wrong_site_does_not_hide_what_is_wrong_with_others(bench):
    bench.write(
        "sites.yaml",
        """\
        sites:
          - name: a
            broker: {url: 7}
          - name: a
            country: Japan
            broker: {url: "https://a.example", dialect: latin}
          - node: C
          - text
        colour: red
        """,
    )
    assert bench.problems() == [
        "sites.yaml:3:19: url should be text, not 7: put it in quotes",
        "sites.yaml:4:11: name a is given in line 2 already",
        "sites.yaml:5:14: country should be two capital letters of ISO 3166, such as JP",
        "sites.yaml:6:49: dialect 'latin' is not known; known are 2025-11, 2026-07, auto",
        "sites.yaml:7:5: 'name' is missing",
        "sites.yaml:7:5: 'broker' is missing",
        "sites.yaml:8:5: sites[3] should be a mapping, not 'text'",
        "sites.yaml:9:1: unknown key 'colour'",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1:1: the document should be a mapping, not null"),
        ("rse_aliases: {}", "1:1: 'sites' is missing"),
        ("sites: {}", "1:8: sites should be a list, not a mapping"),
    ],
)
def test_a_file_without_a_list_of_sites_is_told(bench, text, problem):
    bench.write("sites.yaml", text)
    assert bench.problems() == [f"sites.yaml:{problem}"]


def test_a_federation_without_a_site_to_ask_is_warned_of(bench):
    bench.write("sites.yaml", "sites: []")
    assert bench.warnings() == [
        "sites.yaml:1:8: no site is enabled: every request will be answered with 503"
    ]


ALIASES = "sites: [{name: a, rses: [DISK], broker: {url: 'http://a'}}]\nrse_aliases: "


def test_aliases_lead_to_the_storage_elements_of_sites(bench):
    bench.write("sites.yaml", ALIASES + "{ old_disk: Disk }")
    links = bench.load().links
    assert links.rse("OLD_disk ") == "DISK"
    assert links.rse_sites == {"DISK": ("a",)}


def test_a_site_may_itself_use_an_alias(bench):
    bench.write("sites.yaml", ALIASES + "{DISK: DISK_1, DISK_0: DISK_1}")
    assert bench.load().links.rse_sites == {"DISK_1": ("a",)}


def test_an_alias_of_an_unknown_storage_element_is_warned_of(bench):
    bench.write("sites.yaml", ALIASES + "{OLD: TAPE}")
    assert bench.warnings() == ["sites.yaml:2:20: TAPE is a storage element of no site"]


@pytest.mark.parametrize("aliases", ["{A: B, B: DISK}", "{A: a, C: DISK}"])
def test_an_alias_of_an_alias_is_refused(bench, aliases):
    bench.write("sites.yaml", ALIASES + aliases)
    (problem,) = bench.problems()
    assert problem.startswith("sites.yaml:2:18: ")
    assert problem.endswith(" is an alias itself; name what it stands for")


def test_a_storage_element_may_serve_several_sites(bench):
    bench.write(
        "sites.yaml",
        "sites:\n"
        "- {name: a, rses: [DISK, disk], broker: {url: 'http://a'}}\n"
        "- {name: b, rses: [DISK], broker: {url: 'http://b'}}\n",
    )
    assert bench.load().links.rse_sites == {"DISK": ("a", "b")}
