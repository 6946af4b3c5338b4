from textwrap import dedent

import pytest

from aggregator.configuration.registries import RegistryEntry
from aggregator.domain.replicas import Did
from aggregator.services.limits import SyntheticLimits

REGISTRY = "https://registry.example/api/v1"
REQUEST = """\
executable:
  kind: https://www.purl.org/ivoa.net/Calycopis-openapi/schema/v1.0/kinds/executable/docker-container.yaml
  image: {locations: [images.example/probe:1], digest: "sha256:00"}
"""


def test_without_a_word_there_is_no_second_listener_registry_or_synthetic_probe(bench):
    configuration = bench.load()
    assert configuration.settings.operators.address is None
    assert configuration.settings.registry == RegistryEntry()
    assert configuration.settings.health.synthetic is None
    assert configuration.probe_request is None


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8081", ("127.0.0.1", 8081)),
        ("[::1]:0", ("::1", 0)),
        ("localhost:9", ("localhost", 9)),
    ],
)
def test_operators_are_let_in_on_this_machine(bench, text, address):
    bench.write("metabroker.yaml", f"operators: {{listen: '{text}'}}")
    assert bench.load().settings.operators.address == address


@pytest.mark.parametrize("text", ["0.0.0.0:8081", "[::]:8081", "broker.example:80"])
def test_operators_are_let_in_nowhere_else(bench, text):
    bench.write("metabroker.yaml", f"operators:\n  listen: '{text}'")
    [problem] = bench.problems()
    assert problem.startswith("metabroker.yaml:2:11: listen should be on this machine")


def test_an_address_without_a_port_is_none(bench):
    bench.write("metabroker.yaml", "operators: {listen: '127.0.0.1'}")
    assert "should be host:port" in bench.problems()[0]


def test_a_registry_on_the_network(bench):
    bench.write("token", "secret\n")
    bench.write(
        "metabroker.yaml",
        f"""\
        registry:
          kind: site-capabilities
          url: {REGISTRY}
          interval: 60
          token_file: token
        """,
    )
    configuration = bench.load()
    assert configuration.settings.registry.interval == 60
    assert configuration.settings.registry.url == REGISTRY
    assert configuration.registry_token.file == bench.root / "token"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{kind: site-capabilities}", "needs the url of that service"),
        (f"{{url: '{REGISTRY}'}}", "url is for kind site-capabilities, not static"),
        (
            "{kind: site-capabilities, url: 'http://r.example', token_env: A}",
            "token_env needs an https URL",
        ),
        (
            f"{{kind: site-capabilities, url: '{REGISTRY}', token_file: gone}}",
            "gone is no file that can be read",
        ),
        (
            f"{{kind: site-capabilities, url: '{REGISTRY}', token_env: GONE}}",
            "the environment variable GONE is not set",
        ),
        (f"{{kind: site-capabilities, url: '{REGISTRY}', interval: 0}}", "greater"),
    ],
)
def test_a_registry_that_can_not_be_used_is_told(bench, text, problem):
    bench.write("metabroker.yaml", f"registry: {text}")
    assert any(problem in each for each in bench.problems())


def test_a_site_may_be_registered_under_another_name(bench):
    bench.write(
        "sites.yaml",
        """\
        sites:
          - name: uksrc
            registered_as: UKSRC-RAL
            broker: {url: "https://uk.example"}
        """,
    )
    assert bench.load().sites[0].registered_as == "UKSRC-RAL"


def synthetic(bench, request, settings="request: probe.yaml"):
    bench.write("probe.yaml", request)
    bench.write("metabroker.yaml", f"health:\n  synthetic: {{{settings}}}\n")


def test_a_synthetic_probe_sends_what_a_file_says(bench):
    data = dedent(
        """\
        data:
          - kind: https://www.purl.org/ivoa.net/Calycopis-openapi/schema/v1.0/kinds/data/skao-data-resource.yaml
            skao: {namespace: testing, objectname: small}
        """
    )
    synthetic(bench, REQUEST + data, "request: probe.yaml, sites: [north]")
    configuration = bench.load()
    assert configuration.probe_request.executable_kind == "docker-container"
    assert configuration.probe_request.data[0].did == Did("testing", "small")
    [limits] = [configuration.settings.health.synthetic]
    assert isinstance(limits, SyntheticLimits)
    assert (limits.sites, limits.interval) == (("north",), 900.0)
    assert bench.root / "probe.yaml" in configuration.files


def test_a_request_that_no_site_could_understand_is_told_with_its_place(bench):
    synthetic(bench, "executable:\n  image: {}\n")
    assert [each.split(": ")[0] for each in bench.problems()] == ["probe.yaml:2:3"]


def test_a_request_that_is_not_there_is_told(bench):
    bench.write("metabroker.yaml", "health: {synthetic: {request: gone.yaml}}")
    assert "gone.yaml can't be read" in bench.problems()[0]


def test_sites_that_are_to_be_probed_and_are_not_there_are_told(bench):
    synthetic(bench, REQUEST, "request: probe.yaml, sites: [north, nroth]")
    assert any("did you mean 'north'" in each for each in bench.problems())


def test_the_times_of_a_synthetic_probe_are_positive(bench):
    synthetic(bench, REQUEST, "request: probe.yaml, interval: 0")
    assert any("interval must be more than 0" in each for each in bench.problems())
