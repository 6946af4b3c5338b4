import pytest

from aggregator.configuration.catalogues import CatalogueEntry
from aggregator.domain.sites import DataKind

URL = "https://catalogue.example/api/v1"
DM_API = f"catalogue: {{kind: dm-api, url: '{URL}'}}"


def test_without_a_word_the_file_of_replicas_is_the_catalogue(bench):
    configuration = bench.load()
    assert configuration.settings.catalogue == CatalogueEntry()
    assert configuration.settings.catalogue.kind == "static"
    assert configuration.settings.enrich is False
    token = configuration.catalogue_token
    assert (token.given, token.file) == (None, None)


def test_what_is_given_takes_the_place_of_the_defaults(bench):
    bench.write("secrets/token", "abc\n")
    bench.write(
        "metabroker.yaml",
        """\
        enrich: true
        catalogue:
          kind: rucio
          url: HTTPS://Rucio.Example:443/
          timeout: 3
          ttl: 60
          negative_ttl: 5
          token_file: secrets/token
          account: broker
        """,
    )
    configuration = bench.load()
    entry = configuration.settings.catalogue
    assert (entry.kind, entry.url) == ("rucio", "https://rucio.example")
    assert (entry.timeout, entry.ttl, entry.negative_ttl) == (3, 60, 5)
    assert entry.stale_for == 86400
    assert configuration.settings.enrich is True
    assert configuration.catalogue_token.file == bench.root / "secrets" / "token"
    assert configuration.catalogue_token.given is None


def test_a_token_of_the_environment_is_not_shown(bench):
    bench.write("metabroker.yaml", DM_API.replace("}", ", token_env: DM_TOKEN}"))
    configuration = bench.load({"DM_TOKEN": " hunter2\n"})
    assert configuration.catalogue_token.given.get_secret_value() == "hunter2"
    assert "hunter2" not in repr(configuration)


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        (
            "catalogue: {kind: dmapi}",
            [
                "1:19: kind should be 'static', 'dm-api' or 'rucio', not 'dmapi'; did you mean 'dm-api'?"
            ],
        ),
        (
            "catalogue: {kind: dm-api}",
            ["1:19: kind dm-api needs the url of that service"],
        ),
        (
            "catalogue: {kind: dm-api, url: 'ftp://x.example'}",
            ["1:32: url should be a URL such as https://broker.example.org"],
        ),
        (
            "catalogue: {url: 'https://x.example'}",
            ["1:18: url is for kind dm-api or rucio, not static"],
        ),
        (
            "catalogue: {kind: rucio, url: 'https://x.example'}",
            ["1:19: kind rucio needs token_file or token_env"],
        ),
        (
            DM_API.replace("}", ", account: a}"),
            ["1:77: account is for kind rucio alone"],
        ),
        (
            DM_API.replace("}", ", token_file: a, token_env: A}"),
            ["1:80: token_file and token_env exclude one another"],
        ),
        (
            "catalogue: {kind: dm-api, url: 'http://x.example', token_env: A}",
            ["1:63: token_env needs an https URL, so that nobody on the way reads it"],
        ),
        (
            DM_API.replace("}", ", token_env: A}"),
            ["1:79: the environment variable A is not set"],
        ),
        (
            DM_API.replace("}", ", token_env: A-B}"),
            ["1:79: token_env should be the name of an environment variable"],
        ),
        (
            DM_API.replace("}", ", timeout: 0, ttl: 5 min, ttls: 3}"),
            [
                "1:77: timeout should be greater than 0, not 0",
                "1:85: ttl should be a number, not '5 min': write 300 (seconds)",
                "1:92: unknown key 'ttls'; did you mean 'ttl'?",
            ],
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(bench, text, problems):
    bench.write("metabroker.yaml", text)
    told = [problem.removeprefix("metabroker.yaml:") for problem in bench.problems()]
    assert told == problems


@pytest.mark.parametrize("made", [None, "directory"])
def test_a_file_of_the_token_must_be_there(bench, made):
    if made is not None:
        (bench.root / "token").mkdir()
    bench.write("metabroker.yaml", DM_API.replace("}", ", token_file: token}"))
    (problem,) = bench.problems()
    assert problem == "metabroker.yaml:1:80: token is no file that can be read"


def test_a_catalogue_on_this_machine_may_be_shown_a_token_in_the_clear(bench):
    bench.write(
        "metabroker.yaml",
        "catalogue: {kind: dm-api, url: 'http://127.0.0.1:8080', token_env: A}",
    )
    assert bench.load({"A": "x"}).catalogue_token.given is not None


def test_sites_know_all_kinds_of_data_unless_they_say_which(bench):
    bench.write(
        "sites.yaml",
        """\
        sites:
          - {name: north, broker: {url: "https://north.example"}}
          - name: south
            data_kinds: [simple, s3]
            broker: {url: "https://south.example"}
        """,
    )
    north, south = bench.load().sites
    assert north.data_kinds == tuple(DataKind)
    assert south.data_kinds == (DataKind.SIMPLE, DataKind.S3)


def test_kinds_of_data_are_checked(bench):
    site = '{name: north, data_kinds: KINDS, broker: {url: "https://north.example"}}'
    bench.write("sites.yaml", f"sites:\n  - {site.replace('KINDS', '[S3]')}\n")
    (problem,) = bench.problems()
    assert problem.startswith("sites.yaml:2:32: ")
    assert problem.endswith("not 'S3'; did you mean 's3'?")


def test_distances_of_rucio_stand_for_classes_of_links(bench):
    bench.write(
        "links.yaml",
        """\
        classes: {lunar: 0.1}
        rucio_distances:
          - {up_to: 9, class: lunar}
          - {up_to: 2, class: lan}
        """,
    )
    links = bench.load().links
    assert links.distance_classes == ((2, "lan"), (9, "lunar"))


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (
            "{up_to: 9, class: lane}",
            "3:23: class 'lane' is not known; did you mean 'lan'?",
        ),
        ("{up_to: 2, class: lan}", "3:13: the distance 2 is given in line 2 already"),
        ("{class: lan}", "3:5: 'up_to' is missing"),
        (
            "{up_to: 0, class: lan}",
            "3:13: up_to should be greater than or equal to 1, not 0",
        ),
        (
            "{up_to: [2], class: lan}",
            "3:13: up_to should be a whole number, not a list",
        ),
    ],
)
def test_what_is_wrong_with_distances_is_told_with_its_place(bench, entry, problem):
    bench.write(
        "links.yaml", f"rucio_distances:\n  - {{up_to: 2, class: lan}}\n  - {entry}\n"
    )
    assert bench.problems() == [f"links.yaml:{problem}"]
