"""Issuers of tokens for sites, and which sites need one."""

import pytest

from aggregator.credentials.token_endpoint import TokenIssuer
from aggregator.domain.sites import CredentialsMode, ReleaseCredentials

IAM = """\
token_issuers:
  iam:
    token_endpoint: https://iam.example/token
    client_id: metabroker
    client_secret_env: IAM_SECRET
"""
ENVIRON = {"IAM_SECRET": " canary-secret\n"}
URL = "https://a.example"


def sites(broker, issuers=IAM):
    return f"sites: [{{name: a, broker: {{url: '{URL}', {broker}}}}}]\n{issuers}"


EXCHANGE = (
    "credentials: exchange, token_issuer: iam, audience: a, release_credentials: none"
)


def test_every_key_of_an_issuer_reaches_who_asks_it(bench):
    bench.write("secrets/iam", "s\n")
    bench.write(
        "sites.yaml",
        """\
        sites:
          - name: a
            broker:
              url: https://a.example
              credentials: exchange
              token_issuer: ska-iam
              audience: https://a.example/broker
              scope: offers sessions.write
              release_credentials: client_credentials
          - name: b
            broker:
              url: https://b.example
              credentials: client_credentials
              token_issuer: ska-iam
          - name: c
            broker:
              url: https://c.example
              credentials: relay
              release_credentials: client_credentials
              token_issuer: ska-iam
              scope: release
        token_issuers:
          ska-iam:
            token_endpoint: HTTPS://IAM.Example:443/token
            client_id: metabroker-1
            client_secret_file: secrets/iam
            client_authentication: post
            timeout: 1.5
        """,
    )
    configuration = bench.load()
    assert configuration.token_issuers == {
        "ska-iam": TokenIssuer(
            name="ska-iam",
            token_endpoint="https://iam.example/token",
            client_id="metabroker-1",
            secret=None,
            secret_file=bench.root / "secrets" / "iam",
            client_authentication="post",
            timeout=1.5,
        )
    }
    a, b, c = configuration.sites
    assert a.credentials is CredentialsMode.EXCHANGE
    assert a.release_credentials is ReleaseCredentials.CLIENT_CREDENTIALS
    assert (a.token_issuer, a.audience, a.scope) == (
        "ska-iam",
        "https://a.example/broker",
        "offers sessions.write",
    )
    assert b.credentials is CredentialsMode.CLIENT_CREDENTIALS
    assert b.release_credentials is ReleaseCredentials.NONE
    assert (b.token_issuer, b.audience, b.scope) == ("ska-iam", "", "")
    assert (c.token_issuer, c.scope) == ("ska-iam", "release")


def test_a_secret_of_the_environment_is_not_shown(bench):
    bench.write("sites.yaml", sites(EXCHANGE))
    configuration = bench.load(ENVIRON)
    issuer = configuration.token_issuers["iam"]
    assert issuer.secret.get_secret_value() == "canary-secret"
    assert "canary" not in repr(configuration)


@pytest.mark.parametrize(
    ("broker", "problem"),
    [
        (
            "credentials: exchange, audience: a",
            "1:67: credentials exchange need a token_issuer",
        ),
        (
            "credentials: client_credentials",
            "1:67: credentials client_credentials need a token_issuer",
        ),
        (
            "credentials: relay, release_credentials: client_credentials",
            "1:95: release_credentials client_credentials need a token_issuer",
        ),
        (
            "credentials: exchange, token_issuer: iam",
            "1:67: credentials exchange need an audience: a token that is good for this site alone",
        ),
        (
            "credentials: exchange, token_issuer: iams, audience: a",
            "1:91: token_issuer 'iams' is not known; did you mean 'iam'?",
        ),
        (
            "credentials: relay, audience: a",
            "1:84: audience is for credentials exchange or client_credentials, or release_credentials client_credentials",
        ),
        (
            "token_issuer: iam",
            "1:68: token_issuer is for credentials exchange or client_credentials, or release_credentials client_credentials",
        ),
        (
            "release_credentials: none",
            "1:75: release_credentials are for credentials relay or exchange, not none: there releases show what all calls show",
        ),
        (
            "credentials: exchange, token_issuer: iam, audience: 'a b'",
            "1:106: audience should be the name or URL of whom tokens are for",
        ),
        (
            "credentials: client_credentials, token_issuer: iam, scope: 'a  b'",
            "1:113: scope should be scopes with one space between each two",
        ),
        (
            "credentials: exchanged",
            "1:67: credentials should be 'none', 'relay', 'exchange' or 'client_credentials', not 'exchanged'; did you mean 'exchange'?",
        ),
        (
            "credentials: relay, release_credentials: relay",
            "1:95: release_credentials should be 'none' or 'client_credentials', not 'relay'",
        ),
    ],
)
def test_what_does_not_fit_is_told_with_its_place(bench, broker, problem):
    bench.write("sites.yaml", sites(broker))
    assert bench.problems(ENVIRON) == [f"sites.yaml:{problem}"]


def issuer_with(**changes):
    entry = {
        "token_endpoint": "https://iam.example/token",
        "client_id": "metabroker",
        "client_secret_env": "IAM_SECRET",
    } | changes
    lines = [f"    {key}: {value}" for key, value in entry.items() if value is not None]
    return "\n".join(("token_issuers:", "  iam:", *lines, ""))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"token_endpoint": "http://iam.example/token"},
            "4:21: token_endpoint should be an https URL, so that nobody on the way reads tokens",
        ),
        (
            {"token_endpoint": "https://iam.example/token?a=b"},
            "4:21: token_endpoint must not have a query or a fragment",
        ),
        ({"token_endpoint": None}, "4:5: 'token_endpoint' is missing"),
        ({"client_id": None}, "4:5: 'client_id' is missing"),
        (
            {"client_id": "'a b'"},
            "5:16: client_id should be the name of a client, without spaces",
        ),
        (
            {"client_secret_env": None},
            "4:5: client_secret_file or client_secret_env is missing",
        ),
        (
            {"client_secret_file": "x"},
            "7:25: client_secret_file and client_secret_env exclude one another",
        ),
        (
            {"client_secret_env": "OTHER"},
            "6:24: the environment variable OTHER is not set",
        ),
        (
            {"client_secret_env": "'A B'"},
            "6:24: client_secret_env should be the name of an environment variable",
        ),
        (
            {"client_authentication": "jwt"},
            "7:28: client_authentication should be 'basic' or 'post', not 'jwt'",
        ),
        (
            {"timeout": 0},
            "7:14: timeout should be greater than 0, not 0",
        ),
    ],
)
def test_what_is_wrong_with_an_issuer_is_told_with_its_place(bench, changes, problem):
    bench.write("sites.yaml", sites(EXCHANGE, issuer_with(**changes)))
    assert bench.problems(ENVIRON) == [f"sites.yaml:{problem}"]


def test_a_secret_that_is_written_down_is_refused_and_not_repeated(bench):
    bench.write("sites.yaml", sites(EXCHANGE, issuer_with(client_secret="hunter2")))
    [problem] = bench.problems(ENVIRON)
    assert problem.startswith("sites.yaml:7:5: unknown key 'client_secret'; did you")
    assert "hunter2" not in problem


def test_a_secrets_file_has_to_be_there(bench):
    missing = issuer_with(client_secret_env=None, client_secret_file="secret")
    bench.write("sites.yaml", sites(EXCHANGE, missing))
    [problem] = bench.problems()
    assert problem.startswith("sites.yaml:6:25: ")
    assert problem.endswith("secret is no file that can be read")


def test_an_issuer_on_this_machine_may_be_spoken_to_in_the_clear(bench):
    here = issuer_with(token_endpoint="http://127.0.0.1:8090/token")
    bench.write("sites.yaml", sites(EXCHANGE, here))
    assert bench.load(ENVIRON).token_issuers["iam"].token_endpoint.endswith("/token")


@pytest.mark.parametrize("mode", ["relay", "exchange, token_issuer: iam, audience: a"])
def test_releases_that_end_with_a_restart_deserve_a_warning(bench, mode):
    bench.write("sites.yaml", sites(f"credentials: {mode}"))
    [warning] = bench.warnings(ENVIRON)
    assert warning == (
        "sites.yaml:1:67: releases at a work only while the user's token is in memory"
        " and good, so not after a restart: name release_credentials, be it none"
    )
    bench.write("sites.yaml", sites(f"credentials: {mode}, release_credentials: none"))
    assert bench.warnings(ENVIRON) == []
