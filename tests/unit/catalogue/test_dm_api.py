"""The Data Management API, as a real server answers it."""

import asyncio
import time

import pytest

from aggregator.catalogue.dm_api import DmApiCatalogue
from aggregator.credentials.secrets import Secret
from aggregator.domain.events import CatalogueAsked
from aggregator.domain.outcomes import Outcome
from aggregator.domain.replicas import Did, LocatedData, Replica
from tests.support.catalogues import FakeDmApi, running_catalogue, storage_element
from tests.support.lookups import did, look_up, told, unknown
from tests.support.raw_site import answers, closed_port, http, raw_site

URL = "https://rucio.example:8443/disk/testing/one"
DATA = {
    "testing/one": [
        storage_element("SPSRC_STORM", "root://rucio.example//disk/testing/one", URL),
        storage_element("JPSRC_STORM", "https://jp.example:8443/one"),
    ],
    "testing/two": [storage_element("JPSRC_STORM", "https://jp.example:8443/two")],
}


@pytest.fixture
async def fake():
    async with running_catalogue(FakeDmApi(data=dict(DATA))) as running:
        yield running


@pytest.fixture
def dm_api(fake, caller):
    return DmApiCatalogue(caller(fake))


def outcomes(telemetry):
    return [event.outcome for event in telemetry.of(CatalogueAsked)]


@pytest.mark.parametrize("old", [False, True])
async def test_both_shapes_of_answers_name_storage_elements_and_urls(fake, dm_api, old):
    fake.old = old
    lookup = await look_up(dm_api, "testing:one", "testing:two")
    assert lookup.located[did("testing:one")] == LocatedData(
        did("testing:one"),
        (
            Replica("SPSRC_STORM", URL),
            Replica("JPSRC_STORM", "https://jp.example:8443/one"),
        ),
    )
    assert told(lookup)["testing:two"] == ["JPSRC_STORM"]
    assert (lookup.unknown, lookup.fault) == (frozenset(), None)


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("form", ["404", "[]"])
async def test_data_that_it_does_not_know_are_unknown(fake, dm_api, old, form):
    fake.old, fake.unknown = old, form
    lookup = await look_up(dm_api, "testing:one", "testing:never")
    assert sorted(told(lookup)) == ["testing:one"]
    assert unknown(lookup) == ["testing:never"]
    assert lookup.fault is None


async def test_a_storage_element_without_replicas_holds_none(fake, dm_api):
    fake.data["testing/gone"] = [storage_element("SPSRC_STORM")]
    assert unknown(await look_up(dm_api, "testing:gone")) == ["testing:gone"]


async def test_names_are_encoded_by_segment_and_keep_their_slashes(fake, dm_api):
    name = "eb_001.prod_001/PTF 10tce+é?#.fits"
    fake.data[f"daac:x/{name}"] = [storage_element("A", "https://a.example/1")]
    lookup = await dm_api.look_up(
        [Did("daac:x", name)], asyncio.get_running_loop().time() + 20
    )
    assert [data.replicas[0].rse for data in lookup.located.values()] == ["A"]
    ((path, _, _),) = fake.asked
    assert path == (
        "/data/locate/daac%3Ax/eb_001.prod_001/PTF%2010tce%2B%C3%A9%3F%23.fits"
    )


@pytest.mark.parametrize(
    "name", ["../../admin", "a/../b", ".", "a//b", "/a", "a/", "", "x" * 1001]
)
async def test_names_that_would_lead_elsewhere_are_not_asked_for(fake, dm_api, name):
    lookup = await dm_api.look_up(
        [Did("testing", name), Did("..", "a")], asyncio.get_running_loop().time() + 20
    )
    assert len(lookup.unknown) == 2
    assert fake.asked == []


async def test_the_token_is_shown_and_nothing_of_a_client(fake, dm_api):
    await look_up(dm_api, "testing:one")
    ((_, headers, _),) = fake.asked
    assert headers["Authorization"] == "Bearer eyJ.catalogue.token"
    assert "X-Forwarded-For" not in headers


async def test_a_wrong_token_is_a_matter_of_credentials(fake, caller, telemetry):
    lookup = await look_up(DmApiCatalogue(caller(fake, token="wrong")), "testing:one")
    assert (lookup.located, lookup.unknown) == ({}, frozenset())
    assert lookup.fault is Outcome.UNAUTHORIZED
    assert outcomes(telemetry) == [Outcome.UNAUTHORIZED]


async def test_after_a_refused_token_the_rest_is_not_asked_for(fake, caller):
    names = [f"testing:{number}" for number in range(100)]
    await look_up(DmApiCatalogue(caller(fake, token="wrong")), *names)
    assert len(fake.asked) <= 8


async def test_a_forbidden_namespace_leaves_the_others_alone(fake, dm_api):
    fake.forbidden = ("secret",)
    lookup = await look_up(dm_api, "secret:one", "testing:one")
    assert sorted(told(lookup)) == ["testing:one"]
    assert lookup.unknown == frozenset()
    assert lookup.fault is Outcome.FORBIDDEN


async def test_a_token_in_a_file_may_be_written_anew(fake, caller, tmp_path):
    file = tmp_path / "token"
    file.write_text("wrong\n")
    dm_api = DmApiCatalogue(caller(fake, token=Secret(None, file)))
    assert (await look_up(dm_api, "testing:one")).fault is Outcome.UNAUTHORIZED
    file.write_text(f"{fake.token}\n")
    assert told(await look_up(dm_api, "testing:one")).keys() == {"testing:one"}


@pytest.mark.parametrize("content", [None, b"", b"two words", b"\xff\xfe", b"a\nb"])
async def test_without_a_token_to_send_nothing_is_asked(
    fake, caller, tmp_path, telemetry, content
):
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    dm_api = DmApiCatalogue(caller(fake, token=Secret(None, file)))
    assert (await look_up(dm_api, "testing:one")).fault is Outcome.MISCONFIGURED
    assert fake.asked == []
    assert outcomes(telemetry) == [Outcome.MISCONFIGURED]


async def test_few_calls_are_open_at_once(fake, dm_api):
    for number in range(50):
        fake.data[f"testing/{number}"] = DATA["testing/two"]
    lookup = await look_up(dm_api, *(f"testing:{number}" for number in range(50)))
    assert len(lookup.located) == 50
    assert 1 < fake.most_open_calls <= 8


async def test_silence_costs_the_deadline_and_no_more(fake, dm_api, telemetry):
    fake.wrong.silent = True
    began = time.monotonic()
    names = [f"testing:{number}" for number in range(50)]
    lookup = await look_up(dm_api, *names, seconds=0.2)
    assert 0.2 <= time.monotonic() - began < 2
    assert (lookup.located, lookup.unknown) == ({}, frozenset())
    assert lookup.fault is Outcome.TIMEOUT
    assert set(outcomes(telemetry)) == {Outcome.TIMEOUT}


async def test_what_came_before_the_deadline_counts(fake, dm_api):
    await look_up(dm_api, "testing:one")
    fake.wrong.silent = True
    lookup = await look_up(dm_api, "testing:two", "..:x", seconds=0.2)
    assert unknown(lookup) == ["..:x"]
    assert lookup.fault is Outcome.TIMEOUT


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (500, Outcome.ERROR_5XX),
        (503, Outcome.ERROR_5XX),
        (429, Outcome.THROTTLED),
        (422, Outcome.REFUSED_4XX),
        (302, Outcome.MISCONFIGURED),
        (204, Outcome.MISCONFIGURED),
    ],
)
async def test_other_statuses_leave_data_open(fake, dm_api, telemetry, status, outcome):
    fake.wrong.status = status
    lookup = await look_up(dm_api, "testing:one")
    assert (lookup.located, lookup.unknown) == ({}, frozenset())
    assert lookup.fault is outcome
    assert outcomes(telemetry) == [outcome]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"null",
        b"3",
        b'"SPSRC_STORM"',
        b"[null, 3]",
        b'[{"rse": "A"}]',
        b'{"detail": "something"}',
        b"[" * 100_000,
    ],
)
async def test_rubbish_is_not_taken_for_knowledge(fake, dm_api, body):
    fake.wrong.body = body
    lookup = await look_up(dm_api, "testing:one")
    assert (lookup.located, lookup.unknown) == ({}, frozenset())
    assert lookup.fault is Outcome.BAD_PAYLOAD


async def test_of_entries_those_that_can_be_read_count(fake, dm_api):
    fake.wrong.body = (
        b'[null, {"identifier": 3}, {"identifier": " A ", "replicas": [1, "no url", '
        b'"https://a.example/x?sig=secret", "https://me:pw@a.example/x"]},'
        b'{"identifier": "B"}]'
    )
    lookup = await look_up(dm_api, "testing:one")
    assert lookup.located[did("testing:one")].replicas == (Replica("A"), Replica("B"))


async def test_an_endless_answer_is_cut_off(fake, dm_api):
    fake.wrong.body = b"[" + b" " * 2_000_000 + b"]"
    assert (await look_up(dm_api, "testing:one")).fault is Outcome.TOO_LARGE


async def test_nobody_at_home_is_a_fault(fake, caller):
    fake.url = f"http://127.0.0.1:{closed_port()}"
    lookup = await look_up(DmApiCatalogue(caller(fake)), "testing:one")
    assert lookup.fault is Outcome.CONNECT_ERROR


async def test_a_redirect_is_not_followed_with_the_token(caller):
    elsewhere = FakeDmApi(data=dict(DATA))
    async with running_catalogue(elsewhere):
        moved = http(302, Location=f"{elsewhere.url}/data/locate/testing/one")
        async with raw_site(answers(moved)) as site:
            lookup = await look_up(DmApiCatalogue(caller(site)), "testing:one")
    assert lookup.fault is Outcome.MISCONFIGURED
    assert elsewhere.asked == []
