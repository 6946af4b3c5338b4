"""The same data in kinds that a site knows, and back in the user's words."""

import pytest

from aggregator.domain.offers import DataItem
from aggregator.domain.replicas import Did
from aggregator.domain.sites import DataKind
from aggregator.wire.answers import offer_from_payload
from aggregator.wire.data_kinds import doubted_kinds, kinds_of, translated
from aggregator.wire.users_data import offer_in_users_words, session_in_users_words
from tests.support.requests import KINDS, a_request

SIMPLE, S3, RUCIO, IVOA, SKAO = DataKind
UUID = "11111111-1111-4111-8111-111111111111"
HTTPS = "https://jp.example:8443/storm/x%20y"
S3_URL = "s3://s3.example:9000/bucket/a/b.fits"


def data(kind, name="one", **members):
    return {
        "kind": f"{KINDS}/data/{kind}-data-resource.yaml",
        "meta": {"name": name},
        **members,
    }


def skao(name="one", objectname="x", **more):
    block = {"namespace": "testing", "objectname": objectname, **more.pop("skao", {})}
    return data("skao", name, skao=block, **more)


def said(*items, known, url=HTTPS):
    request = a_request(data=list(items))

    def locate(did, item):
        return url

    return request, translated(request, known, locate)


def the_item(translation):
    (item,) = translation.request.payload["data"]
    return item


def test_what_a_site_knows_stays_as_it_is():
    request, translation = said(
        skao(), data("ivoa", "two", ivoa={"ivoid": "ivo://x"}), known=[SKAO, IVOA]
    )
    assert translation.request is request
    assert (translation.changes, translation.unsayable) == ((), ())
    assert kinds_of(request) == {SKAO, IVOA}


def test_a_url_is_said_as_simple_data():
    _, translation = said(
        skao(storage="disk", extra=1, ivoa={"obscore": {}}), known=[SIMPLE, IVOA]
    )
    assert the_item(translation) == data(
        "simple", storage="disk", extra=1, location=HTTPS
    )
    assert translation.changes == (
        "testing:x was asked for as simple data at jp.example",
    )
    assert translation.unsayable == ()
    assert translation.request.data == (DataItem("one"),)


def test_webdav_is_https():
    _, translation = said(skao(), known=[SIMPLE], url="davs://a.example:8443/x")
    assert the_item(translation)["location"] == "https://a.example:8443/x"


def test_an_s3_url_is_said_as_s3_data():
    _, translation = said(skao(), known=[SIMPLE, S3], url=S3_URL)
    assert the_item(translation) == data(
        "S3",
        endpoint="https://s3.example:9000",
        template="https://s3.example:9000/{bucket}/{object}",
        bucket="bucket",
        object="a/b.fits",
    )


@pytest.mark.parametrize(
    "url",
    [
        "",
        "s3://bucket",
        "s3://host/bucket",
        "s3:///b/o",
        "root://a//x",
        "https://[",
        "x",
    ],
)
def test_without_a_url_that_can_be_said_rucio_is_asked(url):
    _, translation = said(
        skao(skao={"objecttype": "FILE"}), known=[SIMPLE, S3, RUCIO], url=url
    )
    assert the_item(translation) == data(
        "rucio", rucio={"scope": "testing", "object": "x", "type": "FILE"}
    )
    assert translation.changes == ("testing:x was asked for as Rucio data",)


def test_an_ivoid_that_the_user_gave_is_said_rather_than_rucio():
    _, translation = said(
        skao(ivoa={"ivoid": "ivo://skao.int/x"}), known=[SIMPLE, IVOA, RUCIO], url=""
    )
    assert the_item(translation) == data("ivoa", ivoa={"ivoid": "ivo://skao.int/x"})


def test_what_can_not_be_said_is_told():
    _, translation = said(
        skao(), data("ivoa", "two", ivoa={"ivoid": "ivo://x"}), known=[SIMPLE], url=""
    )
    assert translation.unsayable == (
        (
            "it doesn't know SKAO data such as testing:x,"
            " and no URL of the whole is known that it could read"
        ),
        "it doesn't know IVOA data such as two",
    )


def test_rucio_data_are_said_in_the_other_kinds_too():
    item = data("rucio", rucio={"scope": "testing", "object": "x", "type": "FILE"})
    _, translation = said(item, known=[SKAO], url="")
    assert the_item(translation) == data(
        "skao", skao={"namespace": "testing", "objectname": "x", "objecttype": "FILE"}
    )
    _, translation = said(item, known=[SIMPLE, SKAO])
    assert the_item(translation) == data("simple", location=HTTPS)


def test_kinds_that_nobody_knows_go_as_they_are():
    exotic = data("exotic", "two", exotic=1)
    _, translation = said(exotic, skao(), known=[SIMPLE])
    assert translation.request.payload["data"] == [
        exotic,
        data("simple", location=HTTPS),
    ]
    assert translation.unsayable == ()


def test_the_users_request_is_not_changed():
    item = skao(storage="disk")
    request, _ = said(item, known=[SIMPLE])
    assert request.payload["data"] == [skao(storage="disk")]
    assert request.data[0].did == Did("testing", "x")


UNNAMED = {
    "kind": "uri:unknown-type",
    "level": "ERROR",
    "template": "Unknown data type [${kind}]",
}


@pytest.mark.parametrize(
    ("items", "message", "doubted"),
    [
        ([skao()], UNNAMED, {SKAO}),
        ([skao(), data("simple", "two")], UNNAMED, {SKAO}),
        ([skao(), data("rucio", "two")], UNNAMED, {SKAO, RUCIO}),
        ([data("simple")], UNNAMED, set()),
        ([skao(), data("exotic", "two")], UNNAMED, set()),
        ([skao()], UNNAMED | {"kind": "urn:not-supported"}, set()),
        ([skao()], UNNAMED | {"template": "Unknown executable type [${kind}]"}, set()),
        ([skao()], UNNAMED | {"template": "Unknown type [${kind}]"}, set()),
        ([skao()], {"kind": "uri:unknown-type"}, set()),
        (
            [skao(), data("rucio", "two")],
            UNNAMED | {"values": {"kind": f"{KINDS}/data/skao-data-resource.yaml"}},
            {SKAO},
        ),
        (
            [skao(), data("exotic", "two")],
            UNNAMED | {"message": "Unknown data type [.../SKAO-data-resource-1.0]"},
            {SKAO},
        ),
        (
            [skao()],
            UNNAMED | {"message": "Unknown data type [ivoa-data-resource]"},
            set(),
        ),
        ([skao()], UNNAMED | {"template": 3, "values": [1]}, set()),
    ],
)
def test_kinds_are_doubted_that_a_no_may_mean(items, message, doubted):
    request = a_request(data=items)
    assert doubted_kinds(request, [{"kind": "other"}, message]) == doubted


def session(*items, **members):
    return {"meta": {"uuid": UUID}, "phase": "OFFERED", "data": list(items), **members}


def offered(*items, residue=None):
    return offer_from_payload("site", session(*items), residue or {}, 0)


def test_an_offer_comes_back_in_the_users_words_with_all_that_the_site_added():
    request = a_request(
        data=[skao(storage="disk", ivoa={"ivoid": "ivo://x"}, skao={"datasize": 7})]
    )
    at_site = {
        "kind": f"{KINDS}/data/simple-data-resource.yaml",
        "meta": {"uuid": UUID, "name": "one", "messages": [{"kind": "m"}]},
        "phase": "INITIALIZING",
        "location": HTTPS,
        "storage": UUID,
        "extra": {"kept": True},
    }
    offer = offer_in_users_words(offered(at_site), request)
    (item,) = offer.payload["data"]
    assert item == {
        "kind": f"{KINDS}/data/skao-data-resource.yaml",
        "meta": {"uuid": UUID, "name": "one", "messages": [{"kind": "m"}]},
        "phase": "INITIALIZING",
        "storage": UUID,
        "extra": {"kept": True},
        "skao": {"namespace": "testing", "objectname": "x", "datasize": 7},
        "ivoa": {"ivoid": "ivo://x"},
    }
    assert offer.data == (DataItem("one", Did("testing", "x"), 7),)
    assert at_site["location"] == HTTPS


def test_data_are_found_by_name_whatever_their_order():
    request = a_request(
        data=[skao("one", "x"), data("simple", "two", location="u"), skao("three", "z")]
    )
    offer = offer_in_users_words(
        offered(
            data("simple", "three", location="1"),
            data("simple", "two", location="u"),
            data("simple", "one", location="2"),
        ),
        request,
    )
    assert [item["meta"]["name"] for item in offer.payload["data"]] == [
        "three",
        "two",
        "one",
    ]
    assert [item.did and item.did.name for item in offer.data] == ["z", None, "x"]


def without_name(item):
    return {key: value for key, value in item.items() if key != "meta"}


def test_data_without_a_name_are_found_in_their_order():
    request = a_request(
        data=[
            without_name(skao("_", "x")),
            skao("two", "y"),
            without_name(skao("_", "z")),
        ]
    )
    offer = offer_in_users_words(
        offered(
            data("simple", "two", location="1"),
            data("simple", "given by the site", location="2"),
            without_name(data("simple", location="3")),
        ),
        request,
    )
    assert [item.did.name for item in offer.data] == ["y", "x", "z"]


def test_data_that_nobody_asked_for_stay_as_they_are():
    request = a_request(data=[skao()])
    more = data("simple", "more", location="u")
    offer = offer_in_users_words(
        offered(data("simple", location="1"), more, 3), request
    )
    assert offer.payload["data"][1:] == [more, 3]
    assert offer.data[0].did == Did("testing", "x")


@pytest.mark.parametrize("items", [[], [skao()], [data("exotic")], [3], ["one"]])
def test_an_offer_of_the_same_data_is_the_same(items):
    offer = offered(*items)
    assert offer_in_users_words(offer, a_request(data=[skao()])) is offer


def test_of_the_residue_only_what_speaks_of_other_words_goes():
    kept = {"": 1, "/compute": 2, "/data/1": 3, "/data/10": 4, "/resources": 5}
    gone = {"/data/0": 6, "/data/0/meta": 7, "/resources/data/0": 8}
    offer = offered(data("simple", location="u"), skao("two"), residue=kept | gone)
    assert offer_in_users_words(offer, a_request(data=[skao()])).residue == kept


def test_a_session_is_shown_in_the_words_of_its_offer():
    before = session(skao(phase="INITIALIZING"))
    now = session(data("simple", location=HTTPS, phase="AVAILABLE"), phase="RUNNING")
    payload, residue = session_in_users_words(now, {"/data/0": 1}, before)
    assert payload == session(skao(phase="AVAILABLE"), phase="RUNNING") | {
        "data": [skao(phase="AVAILABLE")]
    }
    assert residue == {}
    same, residue = session_in_users_words(payload, {"/data/0": 1}, before)
    assert same is payload
    assert residue == {"/data/0": 1}


@pytest.mark.parametrize("before", [{}, {"data": None}, {"data": [None]}])
def test_a_session_of_which_nothing_is_known_stays_as_it_is(before):
    now = session(data("simple", location=HTTPS))
    assert session_in_users_words(now, {}, before) == (now, {})
