"""One trace from the client through us to every site, and out to a collector."""

import asyncio
import gzip
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)

from site_adapters.simulated import SimulatedSite
from tests.support.running import REFERENCE, running_federation

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
SITES = (SimulatedSite(name="jpsrc"), SimulatedSite(name="espsrc"))


def sent_to(federation):
    return {
        name: site.requests[-1].headers["traceparent"].split("-")
        for name, site in federation.sites.items()
    }


async def test_the_clients_trace_goes_on_to_every_site_under_spans_of_their_own(
    tmp_path,
):
    async with running_federation(tmp_path, *SITES) as federation:
        await federation.post(
            "/offersets",
            REFERENCE,
            headers={"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "v=1"},
        )
        parents = sent_to(federation)
        assert {parts[1] for parts in parents.values()} == {TRACE}
        spans = {parts[2] for parts in parents.values()}
        assert len(spans) == 2
        assert PARENT not in spans
        states = [
            s.requests[-1].headers["tracestate"] for s in federation.sites.values()
        ]
        assert states == ["v=1", "v=1"]


async def test_without_a_trace_one_begins(tmp_path):
    async with running_federation(tmp_path, *SITES) as federation:
        await federation.post("/offersets", REFERENCE)
        first = {parts[1] for parts in sent_to(federation).values()}
        await federation.post("/offersets", REFERENCE)
        second = {parts[1] for parts in sent_to(federation).values()}
        assert len(first) == len(second) == 1
        assert first != second


@asynccontextmanager
async def collector():
    spans = []

    async def take(request):
        body = await request.read()
        if body[:2] == b"\x1f\x8b":
            body = gzip.decompress(body)
        message = ExportTraceServiceRequest.FromString(body)
        for resource in message.resource_spans:
            for scope in resource.scope_spans:
                spans.extend(scope.spans)
        return web.Response(body=b"")

    app = web.Application()
    app.router.add_post("/v1/traces", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1/traces", spans
    finally:
        await runner.cleanup()


@pytest.fixture
async def exported(tmp_path):
    async with collector() as (endpoint, spans):
        settings = {"tracing": {"endpoint": endpoint}}
        async with running_federation(
            tmp_path, *SITES, settings=settings
        ) as federation:
            await federation.post("/offersets", REFERENCE)
            scraped = await federation.get(
                "/metrics", headers={"Accept": "application/openmetrics-text"}
            )
            metrics = await scraped.text()
        async with asyncio.timeout(10):
            while len(spans) < 4:
                await asyncio.sleep(0.05)
        yield spans, metrics


async def test_spans_are_exported_as_one_tree(exported):
    spans, _ = exported
    (server,) = [span for span in spans if span.name == "POST /offersets"]
    children = [span for span in spans if span.parent_span_id == server.span_id]
    assert {span.name for span in children} == {"request jpsrc", "request espsrc"}
    assert {span.trace_id for span in children} == {server.trace_id}
    assert all(
        server.start_time_unix_nano <= span.start_time_unix_nano
        and span.end_time_unix_nano <= server.end_time_unix_nano
        for span in children
    )


async def test_measurements_lead_to_their_trace(exported):
    spans, metrics = exported
    (server,) = [span for span in spans if span.name == "POST /offersets"]
    assert f'trace_id="{server.trace_id.hex()}"' in metrics
