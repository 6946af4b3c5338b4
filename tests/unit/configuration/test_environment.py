import pytest

from aggregator.configuration.settings import Settings


def test_the_environment_takes_the_place_of_what_the_file_says(bench):
    bench.write(
        "metabroker.yaml",
        "listen: {port: 1}\npublic_url: https://a.example\nstate: a\n"
        "store: sqlite:///a\n",
    )
    settings = bench.load(
        {
            "METABROKER_LISTEN": "[::1]:8081",
            "METABROKER_PUBLIC_URL": "https://b.example/",
            "METABROKER_STATE": "b",
            "METABROKER_STORE": "sqlite:///b",
        }
    ).settings
    assert (settings.listen.host, settings.listen.port) == ("::1", 8081)
    assert settings.public_url == "https://b.example"
    assert str(settings.state) == "b"
    assert settings.store_url == "sqlite:///b"
    assert settings.model_copy(update={"public_url": None}).base_url(1) == (
        "http://[::1]:1"
    )


@pytest.mark.parametrize("text", ["public_url:\nstate: null\n", "# nothing\n", "{}"])
def test_the_environment_fills_what_the_file_leaves_empty(bench, text):
    bench.write("metabroker.yaml", text)
    settings = bench.load(
        {"METABROKER_PUBLIC_URL": "https://b.example", "METABROKER_STATE": "b"}
    ).settings
    assert settings.public_url == "https://b.example"
    assert str(settings.state) == "b"


def test_a_variable_set_to_nothing_counts_as_not_set(bench):
    bench.write("metabroker.yaml", "state: a\n")
    settings = bench.load(
        {"METABROKER_STATE": "", "METABROKER_LISTEN": " ", "METABROKER_STORE": ""}
    ).settings
    assert str(settings.state) == "a"
    assert settings.listen == Settings().listen


def test_a_setting_that_is_wrong_in_the_file_is_right_once_overridden(bench):
    bench.write("metabroker.yaml", "public_url: nonsense\n")
    environ = {"METABROKER_PUBLIC_URL": "https://b.example"}
    assert bench.load(environ).settings.public_url == "https://b.example"


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        (
            "METABROKER_LISTEN",
            "8080",
            "should be host:port, such as 127.0.0.1:8080 or [::1]:8080",
        ),
        (
            "METABROKER_LISTEN",
            "::1:8080",
            "should be host:port, such as 127.0.0.1:8080 or [::1]:8080",
        ),
        (
            "METABROKER_LISTEN",
            "127.0.0.1:http",
            "has a port that is not a number from 0 to 65535",
        ),
        (
            "METABROKER_LISTEN",
            "0.0.0.0:80",
            (
                "listening at 0.0.0.0, which other machines can reach, needs public_url:"
                " the URL that clients use, on which every link in an answer is built"
            ),
        ),
        (
            "METABROKER_PUBLIC_URL",
            "https://me:hunter2@b.example",
            "public_url must not hold credentials",
        ),
        (
            "METABROKER_STORE",
            "mysql://me:hunter2@db/x",
            "store should begin with sqlite:/// or postgresql://",
        ),
    ],
)
def test_a_wrong_variable_is_blamed_by_its_name(bench, variable, value, reason):
    assert bench.problems({variable: value}) == [f"{variable}: {reason}"]


def test_listening_elsewhere_is_fine_with_a_public_url(bench):
    environ = {
        "METABROKER_LISTEN": "0.0.0.0:80",
        "METABROKER_PUBLIC_URL": "https://b.example",
    }
    assert bench.load(environ).settings.listen.host == "0.0.0.0"


def test_limits_are_not_read_from_the_environment(bench):
    configuration = bench.load({"METABROKER_FAN_OUT": "9"})
    assert configuration.settings.fan_out == Settings().fan_out
    assert configuration.warnings == ()


def test_a_misspelt_variable_is_warned_of(bench):
    environ = {"METABROKER_PUBLIC_ULR": "https://b.example", "HOME": "/root"}
    assert bench.warnings(environ) == [
        "METABROKER_PUBLIC_ULR: is not read; did you mean METABROKER_PUBLIC_URL?"
    ]


def test_variables_that_others_read_are_no_misspellings(bench):
    environ = {"METABROKER_CONFIG": "a.yaml", "METABROKER_URL": "http://127.0.0.1"}
    assert bench.warnings(environ) == []
