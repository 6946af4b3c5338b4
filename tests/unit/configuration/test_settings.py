from pathlib import Path

import pytest

from aggregator.configuration.settings import Settings
from aggregator.services.limits import FanOutLimits, HealthLimits


def test_an_empty_settings_file_means_the_defaults(bench):
    bench.write("metabroker.yaml", "# nothing\n")
    settings = bench.load().settings
    assert settings == Settings()
    assert (settings.listen.host, settings.listen.port) == ("127.0.0.1", 8080)
    assert settings.fan_out == FanOutLimits()
    assert settings.health.errors == 5
    assert settings.bodies.max_request_bytes == 262_144
    assert settings.bodies.max_site_bytes == 4_194_304
    assert settings.auth.mode == "off"
    assert settings.store_url == "sqlite:///state/metabroker.sqlite"


def test_a_section_whose_keys_are_all_commented_out_means_its_defaults(bench):
    bench.write("metabroker.yaml", "fan_out:\n  # deadline: 9\nhealth:\n  errors:\n")
    settings = bench.load().settings
    assert settings.fan_out == FanOutLimits()
    assert settings.health == HealthLimits()


def test_what_is_given_takes_the_place_of_the_defaults(bench):
    bench.write(
        "metabroker.yaml",
        """\
        listen: {host: LOCALHOST, port: 0}
        public_url: HTTPS://Broker.Example:443/eb/
        trusted_hosts: [Inner.Example, "[::1]:8080"]
        broker_id: srcnet-1
        state: /var/lib/metabroker
        fan_out: {deadline: 12, quorum: 0.5}
        log: {level: debug, format: console}
        metrics: {listen: "127.0.0.1:9102"}
        """,
    )
    settings = bench.load().settings
    assert settings.listen.host == "localhost"
    assert settings.public_url == "https://broker.example/eb"
    assert settings.trusted_hosts == ("inner.example", "[::1]:8080")
    assert settings.store_url == ("sqlite:////var/lib/metabroker/metabroker.sqlite")
    assert settings.fan_out == FanOutLimits(deadline=12.0, quorum=0.5)
    assert settings.base_url(4711) == "https://broker.example/eb"
    assert settings.via_name(4711, "host") == "srcnet-1"
    assert settings.metrics.address == ("127.0.0.1", 9102)


def test_without_a_public_url_the_bound_loopback_address_is_the_base():
    settings = Settings()
    assert settings.base_url(4711) == "http://127.0.0.1:4711"
    assert settings.via_name(4711, "node-7") == "node-7:4711"


def test_a_database_url_with_a_password_is_not_shown(bench):
    url = "sqlite:///state.db?key=hunter2"
    bench.write("metabroker.yaml", f"store: {url}\n")
    settings = bench.load().settings
    assert settings.store_url == url
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        (
            "listen: {port: 80800}",
            ["1:16: port should be less than or equal to 65535, not 80800"],
        ),
        ("listen: {port: '80'}", ["1:16: port should be a whole number, not '80'"]),
        ("listen: {port: 80.5}", ["1:16: port should be a whole number, not 80.5"]),
        (
            "listen: 127.0.0.1:80",
            ["1:9: listen should be a mapping, not '127.0.0.1:80'"],
        ),
        ("listen: {host: a b}", ["1:16: host should be a host's name or address"]),
        (
            "fan_out:\n  dedline: 8\n",
            ["2:3: unknown key 'dedline'; did you mean 'deadline'?"],
        ),
        (
            "fan_ot:\n  deadline: 8\n",
            ["1:1: unknown key 'fan_ot'; did you mean 'fan_out'?"],
        ),
        ("zzz: 1", ["1:1: unknown key 'zzz'"]),
        (
            "fan_out: {deadline: 5m}",
            ["1:21: deadline should be a number, not '5m': write 300 (seconds)"],
        ),
        (
            "bodies: {max_site_bytes: 4 MiB}",
            [
                "1:26: max_site_bytes should be a whole number, not '4 MiB': write 4194304 (bytes)"
            ],
        ),
        (
            "fan_out: {quorum: 2}",
            ["1:19: quorum must be above 0 and at most 1, not 2.0"],
        ),
        (
            "fan_out:\n  deadline: 90",
            ["2:13: deadline must lie between shortest_wait and longest_wait"],
        ),
        (
            "fan_out:\n  longest_wait: 5",
            ["2:3: deadline must lie between shortest_wait and longest_wait"],
        ),
        ("fan_out: {grace: -1}", ["1:18: grace must be 0 or more, not -1"]),
        ("health: {probes: yes}", ["1:18: probes should be true or false, not 'yes'"]),
        (
            "log: {level: warn}",
            [
                "1:14: level should be 'debug', 'info', 'warning' or 'error', not 'warn'; did you mean 'warning'?"
            ],
        ),
        ("auth: {mode: required}", ["1:14: mode required needs issuer and audience"]),
        ("state: 7", ["1:8: state should be text, not 7: put it in quotes"]),
        (
            "store: mysql://me:hunter2@db/x",
            ["1:8: store should begin with sqlite:/// or postgresql://"],
        ),
        (
            "public_url: https://me:hunter2@x.example",
            ["1:13: public_url must not hold credentials"],
        ),
        (
            "public_url: broker.example",
            ["1:13: public_url should be a URL such as https://broker.example.org"],
        ),
        (
            "broker_id: a b",
            ["1:12: broker_id should be a host's name, with or without :port"],
        ),
        (
            "trusted_hosts:\n  - a.example\n  - https://b.example",
            [
                "3:5: trusted_hosts[1] should be a host or host:port, such as broker.example.org"
            ],
        ),
        ("ranking: []", ["1:10: ranking should have at least 1 item"]),
        (
            "ranking: one.yaml",
            ["1:10: ranking should be a list, not 'one.yaml': write [one.yaml]"],
        ),
        ("- 1", ["1:1: the document should be a mapping, not a list"]),
        (
            "listen: {port: 1\n",
            ["2:1: did not find expected ',' or '}' while parsing a flow mapping"],
        ),
        ("state: a\nstate: b\n", ["2:1: the key 'state' is given twice"]),
        ("listen: &a {port: 1}\n", ["1:9: an anchor is not allowed"]),
        (
            "listen: {host: 0.0.0.0}",
            [
                (
                    "1:16: listening at 0.0.0.0, which other machines can reach, needs"
                    " public_url: the URL that clients use, on which every link in an"
                    " answer is built"
                )
            ],
        ),
        (
            "fan_out: {quorum: x}\nlog: {format: yaml}\nstatus: {cache: 1}\n",
            [
                "1:19: quorum should be a number, not 'x'",
                "2:15: format should be 'json' or 'console', not 'yaml'",
                "3:10: unknown key 'cache'; did you mean 'cached'?",
            ],
        ),
    ],
)
def test_wrong_settings_are_told_with_place_and_reason(bench, text, problems):
    bench.write("metabroker.yaml", text)
    assert bench.problems() == [f"metabroker.yaml:{problem}" for problem in problems]


def test_a_missing_settings_file_is_told(bench):
    (bench.root / "metabroker.yaml").unlink()
    assert bench.problems() == [
        "metabroker.yaml: can't be read: no such file or directory"
    ]


def test_a_directory_in_place_of_the_settings_is_told(bench):
    path = bench.root / "metabroker.yaml"
    path.unlink()
    path.mkdir()
    assert bench.problems() == ["metabroker.yaml: can't be read: is a directory"]


def test_a_settings_file_that_is_not_text_is_told(bench):
    (bench.root / "metabroker.yaml").write_bytes(b"state: \xff\n")
    assert bench.problems() == ["metabroker.yaml:1:8: not UTF-8"]


def test_a_huge_file_is_refused_before_it_is_parsed(bench):
    with (bench.root / "metabroker.yaml").open("wb") as file:
        file.truncate(8 * 2**20 + 1)
    assert bench.problems() == [
        "metabroker.yaml: can't be read: is larger than 8388608 bytes"
    ]


def test_paths_are_relative_to_the_settings_file(bench, monkeypatch):
    monkeypatch.chdir("/")
    assert bench.load().files == tuple(
        bench.root / name
        for name in (
            "metabroker.yaml",
            "sites.yaml",
            "links.yaml",
            "replicas.yaml",
            "ranking/default.yaml",
        )
    )


def test_settings_cannot_be_changed(bench):
    with pytest.raises(ValueError, match="frozen"):
        bench.load().settings.state = Path("elsewhere")
