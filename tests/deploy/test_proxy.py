"""The example of a proxy, run in front of the service."""

import asyncio
import ssl
import subprocess
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aiohttp
import pytest
import trustme

from aggregator.demo.simulated_sites import DATA
from site_adapters.simulated import SimulatedSite
from tests.support.conversation import eventually
from tests.support.ports import free_port
from tests.support.ranking import ROOT
from tests.support.running import running_federation
from tests.support.tools import tool

NAME = "broker.example.org"
EXAMPLE = (ROOT / "deploy" / "nginx" / "metabroker.conf").read_text()
DEMO_REQUEST = (DATA / "request.yaml").read_bytes()
YAML = {"Content-Type": "application/yaml"}
DRAIN = {"for": "2h", "reason": "because"}


@pytest.fixture
async def federation(tmp_path):
    sites = [SimulatedSite(name="a")]
    async with running_federation(tmp_path, *sites) as running:
        yield running


def _start(*settings):
    nginx = tool("nginx")
    checked = subprocess.run(
        [nginx, "-t", *settings], check=False, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stderr
    return subprocess.Popen([nginx, *settings], stderr=subprocess.PIPE)


@asynccontextmanager
async def proxy(directory, url, example=EXAMPLE):
    """Run the example in front of ``url``, and yield a client of it."""
    key, certificate = directory / "key.pem", directory / "certificate.pem"
    authority = trustme.CA()
    issued = authority.issue_cert(NAME, "127.0.0.1")
    issued.private_key_pem.write_to_path(str(key))
    issued.cert_chain_pems[0].write_to_path(str(certificate))
    port = free_port()
    site = example
    for before, after in (
        ("127.0.0.1:8080", urlsplit(url).netloc),
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        (f"/etc/ssl/private/{NAME}.key", str(key)),
        (f"/etc/ssl/certs/{NAME}.pem", str(certificate)),
    ):
        assert site.count(before) == 1
        site = site.replace(before, after)
    (directory / "site.conf").write_text(site)
    places = "".join(
        f"{kind}_temp_path {directory}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (directory / "nginx.conf").write_text(
        f"events {{}}\npid {directory}/pid;\nerror_log stderr;\ndaemon off;\n"
        f"http {{ access_log off;\n{places}include {directory}/site.conf; }}\n"
    )
    process = _start("-p", str(directory), "-c", str(directory / "nginx.conf"))
    context = ssl.create_default_context()
    authority.configure_trust(context)
    try:
        async with aiohttp.ClientSession(
            f"https://127.0.0.1:{port}",
            connector=aiohttp.TCPConnector(ssl=context),
            timeout=aiohttp.ClientTimeout(total=20),
        ) as client:

            async def answers():
                try:
                    return (await client.get("/livez")).status == 200
                except aiohttp.ClientConnectionError:
                    return False

            await eventually(answers, within=10)
            yield client
    finally:
        process.terminate()
        process.communicate(timeout=10)


async def test_a_request_goes_through(federation, tmp_path):
    async with proxy(tmp_path, federation.url) as client:
        answer = await client.post(
            "/offersets", data=DEMO_REQUEST, allow_redirects=False, headers=YAML
        )
        assert answer.status == 303
        assert answer.headers["Location"].startswith(federation.url)
        assert (await client.get("/metrics")).status == 200


async def test_events_of_the_sites_come_at_once(federation, tmp_path):
    async with proxy(tmp_path, federation.url) as client:
        events = await client.get("/federation/sites/events")
        async with asyncio.timeout(10):
            assert b"event: sites" in await events.content.readuntil(b"\r\n\r\n")
            drained = await federation.post(
                "/federation/sites/a/drain",
                '{"for": "2h", "reason": "because"}',
                headers={"Content-Type": "application/json"},
            )
            assert drained.status == 200
            told = await events.content.readuntil(b"\r\n\r\n")
            assert b'"state":"drained"' in told
        events.close()


async def test_what_comes_through_the_proxy_is_no_operators(federation, tmp_path):
    """Also where the proxy is made to pretend that it was asked for on this machine."""
    host = "$request_id;\n    proxy_set_header Host localhost;"
    for example in (EXAMPLE, EXAMPLE.replace("$request_id;", host)):
        async with proxy(tmp_path, federation.url, example) as client:
            answer = await client.post("/federation/sites/a/drain", json=DRAIN)
            assert answer.status == 403
            assert (await client.get("/federation/audit")).status == 403
