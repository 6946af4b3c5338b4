"""Rucio's list of replicas, as a real server gives it."""

import time

import pytest

from aggregator.catalogue.rucio import RucioCatalogue
from aggregator.domain.events import CatalogueAsked
from aggregator.domain.outcomes import Outcome
from aggregator.domain.replicas import LocatedData, Replica
from tests.support.catalogues import FakeRucio, rucio_file, running_catalogue
from tests.support.lookups import did, look_up, told, unknown
from tests.support.raw_site import answers, http, raw_site

TIB = 2**40
ONE = rucio_file("testing:one", 25 * TIB, "JPSRC_STORM", "SPSRC_STORM")
TWO = rucio_file("testing:two", 7, "JPSRC_STORM")


@pytest.fixture
async def fake():
    rucio = FakeRucio()
    rucio.have(ONE, TWO)
    async with running_catalogue(rucio) as running:
        yield running


@pytest.fixture
def rucio(fake, caller):
    return RucioCatalogue(caller(fake, headers="rucio"))


def have_dataset(fake, name, *files):
    fake.have(*files)
    fake.datasets[name] = [f"{file['scope']}:{file['name']}" for file in files]


async def test_all_data_are_asked_for_at_once(fake, rucio):
    lookup = await look_up(rucio, "testing:one", "testing:two", "testing:never")
    ((path, _, document),) = fake.asked
    assert path == "/replicas/list"
    assert document["dids"] == [
        {"scope": "testing", "name": "one"},
        {"scope": "testing", "name": "two"},
        {"scope": "testing", "name": "never"},
    ]
    assert document["ignore_availability"] is False
    assert lookup.located[did("testing:one")] == LocatedData(
        did("testing:one"),
        (
            Replica("JPSRC_STORM", "https://jpsrc-storm.example:8443/one"),
            Replica("SPSRC_STORM", "https://spsrc-storm.example:8443/one"),
        ),
        size=27_487_790_694_400,
    )
    assert unknown(lookup) == ["testing:never"]
    assert lookup.fault is None


async def test_the_token_goes_where_rucio_reads_it_and_no_address_with_it(fake, caller):
    rucio = RucioCatalogue(caller(fake, headers="rucio", account="broker"))
    await look_up(rucio, "testing:one")
    ((_, headers, _),) = fake.asked
    assert headers["X-Rucio-Auth-Token"] == fake.token
    assert headers["X-Rucio-Account"] == "broker"
    assert headers["Accept"] == "application/x-json-stream"
    assert {"Authorization", "X-Forwarded-For"}.isdisjoint(headers)


async def test_only_available_replicas_count(fake, rucio):
    states = {
        "B": "UNAVAILABLE",
        "C": "COPYING",
        "D": "BAD",
        "E": "TEMPORARY_UNAVAILABLE",
    }
    fake.have(rucio_file("testing:x", 1, "A", *states, states=states))
    assert told(await look_up(rucio, "testing:x")) == {"testing:x": ["A"]}


async def test_a_replica_of_which_no_state_is_told_does_not_count(fake, rucio):
    line = rucio_file("testing:x", 1, "A", "B")
    del line["states"]["B"]
    fake.have(line)
    assert told(await look_up(rucio, "testing:x")) == {"testing:x": ["A"]}


async def test_tape_is_told_from_disk(fake, rucio):
    fake.have(rucio_file("testing:x", 1, "A_TAPE", "A_DISK"))
    lookup = await look_up(rucio, "testing:x")
    replicas = lookup.located[did("testing:x")].replicas
    assert {replica.rse: replica.tape for replica in replicas} == {
        "A_TAPE": True,
        "A_DISK": False,
    }


async def test_of_several_urls_the_one_that_most_can_read_is_kept(fake, rucio):
    fake.have(
        rucio_file(
            "testing:x",
            1,
            "A=root://a.example//x",
            "A=davs://a.example/x",
            "A=https://a.example/x?authz=secret",
            "B=s3://b.example:9000/bucket/x",
            "B=gsiftp://b.example/x",
            "C=https://c.example/x",
            "C=davs://c.example/x",
            "D=srm://d.example:8443/srm/managerv2?SFN=/x",
        )
    )
    lookup = await look_up(rucio, "testing:x")
    replicas = lookup.located[did("testing:x")].replicas
    assert {replica.rse: replica.url for replica in replicas} == {
        "A": "davs://a.example/x",
        "B": "s3://b.example:9000/bucket/x",
        "C": "https://c.example/x",
        "D": "",
    }


async def test_a_file_without_replicas_keeps_its_size(fake, rucio):
    fake.have(rucio_file("testing:x", 5))
    lookup = await look_up(rucio, "testing:x")
    assert lookup.located[did("testing:x")] == LocatedData(did("testing:x"), (), 5)


@pytest.mark.parametrize(
    "beside", [(), ("testing:one",), ("testing:one", "testing:two")]
)
async def test_a_dataset_is_what_its_files_are(fake, rucio, beside):
    have_dataset(
        fake,
        "testing:set",
        rucio_file("testing:f1", 10, "A", "B", "C_TAPE"),
        rucio_file("testing:f2", 20, "A", "C_TAPE"),
        rucio_file("testing:f3", 30, "B", "A", "C_TAPE"),
    )
    lookup = await look_up(rucio, "testing:set", *beside)
    assert lookup.located[did("testing:set")] == LocatedData(
        did("testing:set"),
        (Replica("A"), Replica("C_TAPE", tape=True)),
        size=60,
        files=3,
        caveat="its files at B are not counted: not all are there",
    )
    assert told(lookup).keys() == {"testing:set", *beside}
    assert len(fake.asked) == 1


async def test_a_file_of_two_datasets_counts_in_both(fake, rucio):
    shared = rucio_file("testing:f", 10, "A")
    have_dataset(fake, "testing:s1", shared, rucio_file("testing:g", 1, "A"))
    have_dataset(fake, "testing:s2", shared)
    lookup = await look_up(rucio, "testing:s1", "testing:s2", "testing:f")
    sizes = {str(one): data.size for one, data in lookup.located.items()}
    assert sizes == {"testing:s1": 11, "testing:s2": 10, "testing:f": 10}
    assert len(fake.asked) == 1


async def test_a_size_is_unknown_where_that_of_a_file_is(fake, rucio):
    have_dataset(
        fake,
        "testing:set",
        rucio_file("testing:f1", None, "A"),
        rucio_file("testing:f2", 2, "A"),
    )
    lookup = await look_up(rucio, "testing:set")
    data = lookup.located[did("testing:set")]
    assert (data.size, data.files) == (None, 2)


async def test_without_parents_datasets_are_asked_for_one_by_one(fake, rucio):
    fake.tells_parents = False
    have_dataset(fake, "testing:s1", rucio_file("testing:f1", 1, "A"))
    have_dataset(fake, "testing:s2", rucio_file("testing:f2", 2, "B"))
    lookup = await look_up(
        rucio, "testing:s1", "testing:one", "testing:s2", "testing:no"
    )
    assert told(lookup) == {
        "testing:one": ["JPSRC_STORM", "SPSRC_STORM"],
        "testing:s1": ["A"],
        "testing:s2": ["B"],
    }
    assert unknown(lookup) == ["testing:no"]


@pytest.mark.parametrize("form", ["missing", "404", "400"])
async def test_unknown_data_are_unknown_in_all_three_forms(fake, rucio, form):
    fake.unknown = form
    lookup = await look_up(rucio, "testing:never")
    assert unknown(lookup) == ["testing:never"]
    assert (lookup.located, lookup.fault) == ({}, None)


@pytest.mark.parametrize("form", ["404", "400"])
async def test_unknown_data_do_not_hide_the_others(fake, rucio, form):
    fake.unknown = form
    names = [f"testing:{number}" for number in range(40)]
    fake.have(*(rucio_file(name, 1, "A") for name in names))
    lookup = await look_up(rucio, *names[:17], "testing:never", *names[17:])
    assert told(lookup).keys() == set(names)
    assert unknown(lookup) == ["testing:never"]
    assert len(fake.asked) <= 13


async def test_calls_are_bounded_when_much_is_unknown(fake, rucio):
    fake.unknown = "404"
    lookup = await look_up(rucio, *(f"testing:no-{number}" for number in range(200)))
    assert len(fake.asked) == 64
    assert lookup.located == {}


async def test_many_data_go_in_several_questions(fake, rucio):
    names = [f"testing:{number}" for number in range(450)]
    fake.have(*(rucio_file(name, 1, "A") for name in names))
    lookup = await look_up(rucio, *names)
    assert len(lookup.located) == 450
    assert [len(document["dids"]) for _, _, document in fake.asked] == [200, 200, 50]


async def test_an_answer_that_breaks_off_leaves_the_rest_open(fake, rucio, telemetry):
    fake.wrong.breaks_off = 1
    lookup = await look_up(rucio, "testing:one", "testing:two", "testing:never")
    assert told(lookup).keys() == {"testing:one"}
    assert lookup.unknown == frozenset()
    assert lookup.fault is Outcome.BAD_PAYLOAD
    assert [e.outcome for e in telemetry.of(CatalogueAsked)] == [Outcome.BAD_PAYLOAD]


async def test_a_dataset_that_breaks_off_is_not_taken_for_whole(fake, rucio):
    files = [rucio_file(f"testing:f{number}", 10, "A") for number in range(3)]
    have_dataset(fake, "testing:set", *files)
    fake.wrong.breaks_off = 2
    lookup = await look_up(rucio, "testing:set", "testing:f0")
    assert told(lookup).keys() == {"testing:f0"}
    assert lookup.unknown == frozenset()


@pytest.mark.parametrize("token", ["wrong"])
async def test_a_wrong_token_is_a_matter_of_credentials(fake, caller, token):
    rucio = RucioCatalogue(caller(fake, token=token, headers="rucio"))
    lookup = await look_up(rucio, "testing:one", "testing:two")
    assert (lookup.located, lookup.unknown) == ({}, frozenset())
    assert lookup.fault is Outcome.UNAUTHORIZED
    assert len(fake.asked) == 1


async def test_a_bearer_is_no_token_of_rucios(fake, caller):
    lookup = await look_up(RucioCatalogue(caller(fake)), "testing:one")
    assert (lookup.located, lookup.unknown) == ({}, frozenset())
    assert lookup.fault is Outcome.REFUSED_4XX


async def test_a_server_that_is_not_rucio_is_not_believed(caller):
    not_found = http(404, b"<h1>not found</h1>", "text/html")
    async with raw_site(answers(not_found)) as site:
        rucio = RucioCatalogue(caller(site, headers="rucio"))
        lookup = await look_up(rucio, "testing:one")
    assert lookup.unknown == frozenset()
    assert lookup.fault is Outcome.MISCONFIGURED


@pytest.mark.parametrize(
    "body",
    [b"<html>", b"[]", b'"x"', b'{"scope": 1, "name": "x"}', b'{"scope": "testing"'],
)
async def test_rubbish_is_not_taken_for_knowledge(fake, rucio, body):
    fake.wrong.body = body
    lookup = await look_up(rucio, "testing:one")
    assert (lookup.located, lookup.unknown) == ({}, frozenset())
    assert lookup.fault is Outcome.BAD_PAYLOAD


async def test_members_of_other_types_count_as_not_there(fake, rucio):
    fake.wrong.body = (
        b'{"scope": "testing", "name": "one", "bytes": "7", "pfns": {"u": 3, "v": '
        b'{"rse": ["A"]}}, "rses": [], "states": "AVAILABLE"}\n\n'
    )
    lookup = await look_up(rucio, "testing:one")
    assert lookup.located[did("testing:one")] == LocatedData(did("testing:one"), ())


async def test_an_endless_line_is_cut_off(fake, rucio):
    fake.wrong.body = b'{"x": "' + b"x" * 2_000_000
    lookup = await look_up(rucio, "testing:one")
    assert lookup.fault is Outcome.TOO_LARGE


async def test_silence_costs_the_deadline_and_no_more(fake, rucio):
    fake.wrong.silent = True
    began = time.monotonic()
    names = [f"testing:{number}" for number in range(500)]
    lookup = await look_up(rucio, *names, seconds=0.2)
    assert 0.2 <= time.monotonic() - began < 2
    assert lookup.fault is Outcome.TIMEOUT
    assert len(fake.asked) == 1


async def test_an_endless_answer_is_cut_off(fake, rucio, monkeypatch):
    monkeypatch.setattr("aggregator.catalogue.rucio._LARGEST_ANSWER", 100_000)
    names = [f"testing:{number}" for number in range(200)]
    fake.have(*(rucio_file(name, 1, *"ABCDEFGHIJ") for name in names))
    lookup = await look_up(rucio, *names)
    assert lookup.fault is Outcome.TOO_LARGE
    assert 0 < len(lookup.located) < 200
    assert lookup.unknown == frozenset()
