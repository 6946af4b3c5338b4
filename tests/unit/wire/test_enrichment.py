"""What a catalogue knows, filled into a request."""

from aggregator.domain.offers import DataItem
from aggregator.domain.replicas import Did, LocatedData, Replica
from aggregator.wire.enrichment import enriched
from tests.support.requests import KINDS, a_request

X = Did("testing", "x")
KNOWN = {
    X: LocatedData(X, (Replica("A", "https://a.example/x"), Replica("B")), size=2**50)
}
FILLED = {
    "datasize": 2**50,
    "replicas": [{"rsename": "A", "dataurl": "https://a.example/x"}, {"rsename": "B"}],
}


def asking(**block):
    item = {
        "kind": f"{KINDS}/data/skao-data-resource.yaml",
        "meta": {"name": "one"},
        "skao": {"namespace": "testing", "objectname": "x", **block},
    }
    return a_request(data=[item])


def block_of(request):
    (item,) = request.payload["data"]
    return item["skao"]


def test_size_and_replicas_are_filled_in():
    request = asking(checksum={"type": "md5"})
    whole, changes = enriched(request, KNOWN)
    assert block_of(whole) == block_of(request) | FILLED
    assert whole.data == (DataItem("one", X, 2**50, ("A", "B")),)
    assert changes == (
        "testing:x: size and replicas at A, B filled in from the catalogue",
    )
    assert block_of(request).keys() == {"namespace", "objectname", "checksum"}


def test_what_the_user_gave_stays():
    given = {"replicas": [{"rsename": "C"}], "datasize": 0}
    request = asking(**given)
    assert enriched(request, KNOWN) == (request, ())
    whole, changes = enriched(asking(replicas=given["replicas"]), KNOWN)
    assert block_of(whole)["replicas"] == given["replicas"]
    assert block_of(whole)["datasize"] == 2**50
    assert changes == ("testing:x: size filled in from the catalogue",)


def test_an_empty_list_of_replicas_is_none_given():
    whole, _ = enriched(asking(replicas=[], datasize=1), KNOWN)
    assert block_of(whole)["replicas"] == FILLED["replicas"]


def test_nothing_is_filled_in_that_is_not_known():
    request = asking()
    bare = {X: LocatedData(X, ())}
    for located in ({}, bare, {Did("testing", "y"): KNOWN[X]}):
        assert enriched(request, located) == (request, ())


def test_data_of_other_kinds_are_left_alone():
    rucio = {
        "kind": f"{KINDS}/data/rucio-data-resource.yaml",
        "rucio": {"scope": "testing", "object": "x"},
    }
    simple = {"kind": f"{KINDS}/data/simple-data-resource.yaml", "location": "u"}
    request = a_request(data=[rucio, simple])
    assert enriched(request, KNOWN) == (request, ())
    assert enriched(a_request(), KNOWN)[1] == ()
