import pytest

from aggregator.configuration.addresses import (
    bound_url,
    default_broker_id,
    host_of,
    is_loopback,
    is_remote,
    read_authority,
    read_base_url,
    read_host,
    read_host_port,
)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://a.example", "https://a.example"),
        ("HTTPS://A.Example:443/", "https://a.example"),
        ("http://a.example:80", "http://a.example"),
        ("http://a.example:443/x/y//", "http://a.example:443/x/y"),
        ("http://[0:0::1]:8080/x", "http://[::1]:8080/x"),
        ("http://127.0.0.1", "http://127.0.0.1"),
    ],
)
def test_base_urls_have_one_form(text, url):
    assert read_base_url(text) == url
    assert read_base_url(url) == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.example",
        "//a.example",
        "https://",
        "https:///path",
        "file:///etc/passwd",
        "https://me@a.example",
        "https://:@a.example",
        "https://a.example?",
        "https://a.example/#",
        "https://a.example\\@b.example",
        "https://a.example/\n",
        "https://ä.example",
        "https://[::g]",
        "https://[v7.x]",
        "https://a.example:99999",
        "https://a..example:x",
        "https://" + "a" * 2048,
    ],
)
def test_other_urls_are_refused_without_repeating_them(text):
    with pytest.raises(ValueError, match=r"^(should|must|has|is) ") as caught:
        read_base_url(text)
    assert "a.example" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:0", "127.0.0.1", 0),
        ("[::]:80", "::", 80),
        (" Localhost:65535 ", "localhost", 65535),
    ],
)
def test_hosts_with_ports(text, host, port):
    assert read_host_port(text) == (host, port)


@pytest.mark.parametrize(
    "text", ["", ":80", "a", "a:", "a:-1", "a:65536", "a:٣", "::1:8", "[::1]", "a b:1"]
)
def test_what_is_no_host_with_port(text):
    with pytest.raises(ValueError, match=r"^(should|has) "):
        read_host_port(text)


@pytest.mark.parametrize(
    ("text", "authority"),
    [
        ("A.example", "a.example"),
        ("a:80", "a:80"),
        ("[::1]", "[::1]"),
        ("[::1]:80", "[::1]:80"),
    ],
)
def test_authorities(text, authority):
    assert read_authority(text) == authority


@pytest.mark.parametrize(
    "text", ["", "http://a", "a/b", "u@a", "a:b", "a?", ":80", "[::1"]
)
def test_what_is_no_authority(text):
    with pytest.raises(ValueError, match="should be a host or host:port"):
        read_authority(text)


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "127.9.9.9", "::1", "LOCALHOST"]
)
def test_loopback_is_this_machine_alone(host):
    assert is_loopback(host)
    assert not is_remote(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "broker.example"])
def test_everything_else_is_remote(host):
    assert not is_loopback(host)
    assert is_remote(host)


def test_urls_of_a_bound_listener():
    assert bound_url("127.0.0.1", 80) == "http://127.0.0.1:80"
    assert bound_url("::1", 80) == "http://[::1]:80"
    assert host_of("http://[::1]:80/x") == "::1"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://broker.example/eb", "broker.example"),
        ("https://broker.example:8443", "broker.example:8443"),
        ("http://127.0.0.1:8080", "node-7:8080"),
        ("http://localhost", "node-7"),
    ],
)
def test_loopback_addresses_never_name_a_service_in_via(url, name):
    assert default_broker_id(url, "node-7") == name


def test_a_name_in_via_is_a_token_whatever_the_machine_is_called():
    assert default_broker_id("http://[::1]:1", "my machine, ä") == "my-machine---:1"
    assert default_broker_id("http://[::1]:1", "") == "localhost:1"


@pytest.mark.parametrize("text", ["", "a b", "::g", "[::1]", "-a", "a/b"])
def test_what_is_no_host(text):
    with pytest.raises(ValueError, match="should be a host's name or address"):
        read_host(text)
