import json
from datetime import timedelta

import pytest
import yaml

from aggregator.domain.offers import Quote
from tests.support.simulated_dialogue import DIALECTS, META_DIALECTS, SKAO, Dialogue


def starts(says, offers):
    """Where each dialect says when an offer starts."""
    if says.dialect in ("2025-05", "2025-06"):
        return [one["schedule"]["offered"]["available"]["start"] for one in offers]
    if says.dialect in ("2026-04", "2026-07"):
        return [says.compute(one)["schedule"]["available"]["start"] for one in offers]
    return [one["schedule"]["available"]["start"] for one in offers]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_request_gets_offers_by_303_with_location_and_body(simulate, dialect):
    client = await simulate(dialect)
    says = client.says

    async with await client.post(says.path, says.request()) as answer:
        document = await answer.json()

        assert answer.status == 303
        assert answer.content_type == "application/json"
        location = f"{client.running.url}/offersets/{says.uuid(document)}"
        assert answer.headers["Location"] == says.url(document) == location
    assert document[says.key] == says.uris["offerset"]
    assert document["result"] == "YES"
    assert len(document["offers"]) == 4
    for number, offer in enumerate(document["offers"]):
        names = {"2026-02": "no-name", "2026-04": "null", "2026-07": "null"}
        name = names.get(dialect, "job")
        assert offer[says.key] == says.uris["session"]
        assert offer["phase"] == "OFFERED"
        assert says.about(offer)["name"] == f"{name}-offer-{number}"
        url = f"{client.running.url}/sessions/{says.uuid(offer)}"
        assert says.url(offer) == url
        assert says.compute(offer)[says.key] == says.uris["compute"]
        assert offer["executable"][says.key] == says.uris["docker"]
        assert offer["executable"]["image"]["digest"] == "sha256:00"


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_offers_follow_one_another_from_the_queue_s_end(simulate, dialect):
    client = await simulate(dialect, first_start=90, expiry=120)

    offers = await client.offers()

    suffix = "" if dialect in ("2025-05", "2025-06") else "/PT0S"
    assert starts(client.says, offers) == [
        f"2026-03-01T12:{minute:02}:31Z{suffix}" for minute in (1, 21, 41)
    ] + [f"2026-03-01T13:01:31Z{suffix}"]
    assert {one["expires"][:19] for one in offers} == {"2026-03-01T12:02:00"}


@pytest.mark.parametrize("dialect", ["2026-04", "2026-07"])
async def test_newest_brokers_have_lost_the_schedules_but_the_compute_resource_s(
    simulate, dialect
):
    client = await simulate(dialect)

    offer = (await client.offers())[0]

    assert "schedule" not in offer
    assert offer["compute"]["schedule"]["available"]["duration"] == "PT20M"
    for part in (offer["executable"], *offer["storage"], *offer["data"]):
        assert part["schedule"]["available"]["start"].startswith("1970-")


@pytest.mark.parametrize("dialect", ["2025-11", "2026-02"])
async def test_brokers_between_have_schedules_for_session_and_components(
    simulate, dialect
):
    client = await simulate(dialect, preparing=60)

    offer = (await client.offers())[0]

    assert offer["schedule"] == {
        "preparing": {"start": "2026-03-01T12:00:01Z", "duration": "PT1M"},
        "available": {"start": "2026-03-01T12:01:01Z/PT0S", "duration": "PT20M"},
        "releasing": {"start": "2026-03-01T12:21:06Z", "duration": "PT10S"},
    }
    assert offer["executable"]["phase"] == "INITIALIZING"
    assert offer["data"][0]["schedule"]["preparing"]["duration"] == "PT24S"


@pytest.mark.parametrize("dialect", ["2025-05", "2025-06"])
async def test_oldest_brokers_know_no_phases_of_components(simulate, dialect):
    client = await simulate(dialect)

    offer = (await client.offers())[0]

    assert "phase" not in client.says.compute(offer)
    assert offer["executable"]["schedule"] == {}
    assert set(offer["schedule"]) == {"offered"}


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_storage_is_made_for_data_with_references_by_uuid(simulate, dialect):
    client = await simulate(dialect)
    says = client.says

    resources = says.resources((await client.offers())[0])

    (storage,), (data,) = resources["storage"], resources["data"]
    assert says.about(storage)["name"] == "Storage for [survey]"
    assert storage[says.key] == says.uris["storage"]
    assert data[says.key] == says.uris["skao"]
    assert data["storage"] == says.uuid(storage)
    link = "resources" if dialect == "2025-05" else "data"
    assert storage[link] == [says.uuid(data)]
    oldest = {"checksum": {}} if dialect in ("2025-05", "2025-06") else {}
    assert data["skao"] == SKAO | oldest
    assert ("ivoa" in data) == bool(oldest)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_data_go_to_the_storage_that_they_name(simulate, dialect):
    client = await simulate(dialect)
    says = client.says
    request = says.request()
    size = {"min": 1, "max": 10}
    says.resources(request)["storage"] = [says.element("storage", "disk", size=size)]
    says.resources(request)["data"][0]["storage"] = "disk"

    resources = says.resources((await client.submit(request))["offers"][0])

    (storage,) = resources["storage"]
    assert says.about(storage)["name"] == "disk"
    assert storage["size"] == size
    assert resources["data"][0]["storage"] == says.uuid(storage)


@pytest.mark.parametrize("dialect", META_DIALECTS)
async def test_every_component_has_a_url_that_leads_nowhere(simulate, dialect):
    client = await simulate(dialect)

    offer = (await client.offers())[0]

    for folder, part in (
        ("executables", offer["executable"]),
        ("compute", offer["compute"]),
        ("storage", offer["storage"][0]),
        ("data", offer["data"][0]),
    ):
        path = f"/{folder}/{part['meta']['uuid']}"
        assert part["meta"]["url"] == client.running.url + path
        async with await client.get(path) as answer:
            assert answer.status == 404


async def test_urls_are_built_from_the_host_header(simulate):
    client = await simulate("2026-07")
    says = client.says

    async with await client.post(
        says.path, says.request(), headers={"Host": "inner.example:81"}
    ) as answer:
        document = await answer.json()

    assert answer.headers["Location"].startswith("http://inner.example:81/offersets/")
    urls = json.dumps(document).count("http://inner.example:81/")
    assert urls == 1 + 4 * 6


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_reading_an_offer_set_again_shows_the_same_in_json_and_yaml(
    simulate, dialect
):
    client = await simulate(dialect)
    says = client.says
    first = await client.submit(says.request())
    path = f"/offersets/{says.uuid(first)}"

    async with await client.get(path) as answer:
        again = await answer.json()
    async with await client.get(path, headers={"Accept": "text/yaml"}) as answer:
        text = await answer.text()

    assert answer.content_type == "text/yaml"
    assert not text.startswith("---")
    assert 'result: "YES"' in text
    assert yaml.safe_load(text) == again
    assert [says.uuid(one) for one in again["offers"]] == [
        says.uuid(one) for one in first["offers"]
    ]
    fresh, stored = (says.about(one)["created"] for one in (first, again))
    assert len(stored) == len("2026-03-01T12:00:00.25Z")
    assert fresh.startswith(stored[:-1])


@pytest.mark.parametrize(
    ("duration", "count", "length"),
    [
        ("PT10M", 4, "PT20M"),
        ("PT30M", 2, "PT1H"),
        ("PT45M", 1, "PT1H30M"),
        ("PT1H", 1, "PT2H"),
        ("PT2H", 1, "PT2H"),
        (None, 1, "PT2H"),
        ("PT90S", 4, "PT3M"),
    ],
)
async def test_twice_the_duration_is_offered_within_two_hours(
    simulate, duration, count, length
):
    client = await simulate("2026-02")

    offers = await client.offers(duration=duration)

    assert len(offers) == count
    assert {one["schedule"]["available"]["duration"] for one in offers} == {length}


async def test_more_than_two_hours_is_a_no_without_messages(simulate):
    client = await simulate("2026-07")

    document = await client.submit(client.says.request(duration="PT121M"))

    assert document["result"] == "NO"
    assert "offers" not in document
    assert "messages" not in document["meta"]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_cores_and_memory_are_twice_the_minimum(simulate, dialect):
    client = await simulate(dialect)

    offer = (await client.offers(cores=3, memory=5))[0]

    compute = client.says.compute(offer)
    assert compute["cores"] == {"min": 6, "max": 6}
    assert compute["memory"] == {"min": 10, "max": 10}


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_later_start_is_kept_and_an_earlier_one_ignored(simulate, dialect):
    client = await simulate(dialect, step=60)

    later = await client.offers(start="2026-03-01T15:00:00Z/PT1H")
    earlier = await client.offers(start="2026-03-01T09:00:00Z/PT1H")

    assert starts(client.says, later)[1].startswith("2026-03-01T15:01:00Z")
    assert starts(client.says, earlier)[0].startswith("2026-03-01T12:01:01Z")


async def test_number_and_step_of_offers_are_the_site_s(simulate):
    client = await simulate("2025-11", offers=2, step=5)

    offers = await client.offers()

    assert starts(client.says, offers) == [
        "2026-03-01T12:01:01Z/PT0S",
        "2026-03-01T12:01:06Z/PT0S",
    ]


async def test_costs_and_metrics_are_on_session_and_compute(simulate):
    client = await simulate(
        "2026-07",
        costs=(Quote("urn:ivoa:calycopis:cost:monetary", 0.0, 0.5),),
        metrics=(Quote("urn:ivoa:calycopis:metric:io-throughput", 150.0),),
    )

    offer = (await client.offers())[0]

    kinds = "https://www.purl.org/ivoa.net/Calycopis-openapi/schema/v1.0/kinds"
    assert offer["costs"] == [
        {
            "kind": f"{kinds}/costs/simple-minmax-float-cost.yaml",
            "type": "urn:ivoa:calycopis:cost:monetary",
            "description": "Estimated monetary cost",
            "min": 0.0,
            "max": 0.5,
        }
    ]
    assert offer["metrics"][0]["kind"].endswith("simple-minmax-float-metric.yaml")
    assert "max" not in offer["metrics"][0]
    assert offer["compute"]["costs"] == offer["costs"]
    assert offer["compute"]["metrics"] == offer["metrics"]


async def test_without_costs_there_is_no_empty_member_anywhere(simulate):
    client = await simulate("2026-07")

    text = json.dumps(await client.submit(client.says.request()))

    assert ": []" not in text
    assert ": {}" not in text
    assert "null" not in text.replace("null-offer", "")


async def test_a_flattened_broker_of_2025_05_has_resources_at_the_top(simulate):
    client = await simulate("2025-05", flattened=True)
    request = client.says.request()
    resources = request.pop("resources")
    request["computer"] = resources.pop("compute")[0]

    offers = (await client.submit(request | resources))["offers"]

    assert offers[0]["computer"]["type"] == client.says.uris["compute"]
    assert offers[0]["data"][0]["type"] == client.says.uris["skao"]


@pytest.mark.parametrize("dialect", ["2026-04", "2026-07"])
async def test_direct_execution_makes_one_accepted_session(simulate, dialect, clock):
    client = await simulate(dialect)
    says = client.says

    async with await client.post(says.direct_path, says.request()) as answer:
        session = await answer.json()

    assert answer.status == 303
    assert answer.headers["Location"] == says.url(session)
    assert session["phase"] == "ACCEPTED"
    assert list(client.running.sessions) == [says.uuid(session)]


async def test_direct_execution_of_what_can_t_be_done_is_a_500(simulate):
    client = await simulate("2026-07")

    async with await client.post("/direct", {}) as answer:
        assert answer.status == 500


async def test_yaml_requests_are_read_by_json_s_scalar_rules(simulate):
    client = await simulate("2026-07")
    request = Dialogue("2026-07").request()
    request["executable"]["environment"] = {"SWITCH": "SLOT"}
    text = yaml.safe_dump(request).replace("SLOT", "no")
    text = text.replace("sha256:00", "0000")

    async with client.http.post(
        client.running.url + "/requests",
        data=text,
        headers={"Content-Type": "application/yaml"},
    ) as answer:
        offer = (await answer.json())["offers"][0]

    assert offer["executable"]["environment"] == {"SWITCH": "no"}
    assert offer["executable"]["image"]["digest"] == "0000"


async def test_an_offer_expires_but_can_still_be_accepted(simulate, clock):
    client = await simulate("2026-07", expiry=10)
    offer = (await client.offers())[0]
    clock.advance(timedelta(hours=1).total_seconds())

    session = await client.update(offer["meta"]["uuid"], "ACCEPTED")

    assert session["phase"] == "ACCEPTED"
