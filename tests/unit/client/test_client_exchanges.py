"""What the client sends, and how it reads what comes."""

import orjson
import pytest
from aiohttp import web

from aggregator.client import BrokerClient, RankingAnswer

UUID = "7a8f1c56-0d5b-4d66-9a5a-3f0f5f8f8f00"
SET = {"uuid": UUID, "result": "YES", "offers": [{"uuid": "o1", "phase": "OFFERED"}]}


@pytest.mark.parametrize(
    ("text", "media_type"),
    [
        ("name: x", "application/yaml"),
        ('\n {"name": "x"}', "application/json"),
        (b"# a comment\nname: x", "application/yaml"),
    ],
)
async def test_text_goes_out_as_it_is(broker, text, media_type):
    broker.says("POST /offersets", SET, status=303, Location=f"/offersets/{UUID}")
    async with BrokerClient(broker.url) as client:
        offer_set = await client.submit(text, wait=12)

    [(_, headers, body)] = broker.calls
    assert headers["content-type"] == media_type
    assert headers["prefer"] == "wait=12"
    assert body == (text if isinstance(text, bytes) else text.encode())
    assert offer_set.offers[0].uuid == "o1"
    assert repr(offer_set) == f"OfferSetAnswer('{UUID}', 'YES', offers=1)"
    assert repr(offer_set.offers) == "(SessionAnswer('o1', 'OFFERED', site=''),)"


async def test_redirect_without_a_body_is_read_at_the_broker_itself(broker):
    broker.answers["POST /offersets"] = lambda: web.Response(
        status=303, headers={"Location": f"http://elsewhere.example/x/offersets/{UUID}"}
    )
    broker.says(f"GET /offersets/{UUID}", SET)
    async with BrokerClient(broker.url) as client:
        offer_set = await client.submit("name: x")

    assert offer_set.uuid == UUID
    assert [call for call, _, _ in broker.calls] == [
        "POST /offersets",
        f"GET /offersets/{UUID}",
    ]


async def test_submission_under_its_newer_name_is_tried_only_where_there_is_no_other(
    broker,
):
    broker.says("POST /requests", SET)
    async with BrokerClient(broker.url) as client:
        await client.submit({"name": "x"})
        broker.says("POST /offersets", {"title": "busy"}, status=503)
        with pytest.raises(Exception, match="busy"):
            await client.submit({"name": "x"})

    assert [call for call, _, _ in broker.calls] == [
        "POST /offersets",
        "POST /requests",
        "POST /offersets",
    ]


async def test_updates_are_strict(broker):
    broker.says(f"POST /sessions/{UUID}", {"uuid": UUID, "phase": "ACCEPTED"})
    async with BrokerClient(broker.url, token="sesame\n") as client:
        session = await client.accept(UUID)

    [(_, headers, body)] = broker.calls
    assert headers["prefer"] == "handling=strict"
    assert headers["authorization"] == "Bearer sesame"
    assert orjson.loads(body) == {
        "kind": "uri:enum-value-update",
        "path": "/phase",
        "value": "ACCEPTED",
    }
    assert session.phase == "ACCEPTED"


async def test_base_url_keeps_its_path_and_uuids_stay_one_segment(broker):
    broker.says("GET /eb/sessions/a/../b", {"uuid": "x", "phase": "OFFERED"})
    async with BrokerClient(f"{broker.url}/eb/") as client:
        await client.session("a/../b")

    assert [call for call, _, _ in broker.calls] == ["GET /eb/sessions/a/../b"]


async def test_sites_of_a_set_and_of_the_federation(broker):
    broker.says(
        f"GET /offersets/{UUID}/sites",
        {"sites": [{"site": "jpsrc", "outcome": "ok", "seconds": 0.5, "offers": 4}, 7]},
    )
    broker.says(
        "GET /federation/sites",
        {
            "sites": [
                {"name": "jpsrc", "state": "up", "rses": ["JPSRC_STORM"], "new": 1}
            ]
        },
    )
    async with BrokerClient(broker.url) as client:
        [report] = await client.sites(UUID)
        [site] = await client.federation_sites()

    assert (report.site, report.outcome, report.seconds) == ("jpsrc", "ok", 0.5)
    assert (report.offers, report.detail) == (4, "")
    assert (site.name, site.state, site.rses) == ("jpsrc", "up", ("JPSRC_STORM",))
    assert site.document["new"] == 1


def test_ranking_is_read_with_sizes_beyond_32_bits():
    ranking = RankingAnswer(
        {
            "offers": [
                {
                    "rank": 1,
                    "site": "jpsrc",
                    "session": "o1",
                    "reason": "starts first",
                    "estimate": {
                        "offered_start_s": 180.0,
                        "data_ready_s": 0,
                        "start_s": 180.0,
                        "bytes_to_move": 27487790694401,
                    },
                },
                "rubbish",
            ]
        }
    )
    [offer] = ranking.offers
    assert offer.bytes_to_move == 27487790694401
    assert (offer.rank, offer.site, offer.reason) == (1, "jpsrc", "starts first")
    assert (offer.offered_start, offer.data_ready, offer.start) == (180.0, 0.0, 180.0)
    assert ranking.by_session == {"o1": offer}


async def test_client_outside_of_its_context_says_so():
    client = BrokerClient("http://127.0.0.1:1")
    with pytest.raises(RuntimeError, match="async with"):
        await client.federation_sites()
