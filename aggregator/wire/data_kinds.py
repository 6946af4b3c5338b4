"""Kinds of data: the same data in words that a site knows, and back in the user's.

Brokers differ in the kinds that they know: the newest refuse SKAO data. What has an
identifier in the data lake can also be named by the URL of a replica.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

from aggregator.domain.replicas import Did, Replica
from aggregator.domain.requests import ExecutionRequest
from aggregator.domain.sites import DataKind
from aggregator.wire import extraction
from aggregator.wire.dialects import CANONICAL_KINDS, KNOWN_KINDS

Node = Mapping[str, Any]
Locate = Callable[[Did, Node], str]
"""Returns the URL by which a site can read a dataset, empty where there is none."""

_URIS: Final = {
    DataKind.SIMPLE: CANONICAL_KINDS["data/simple-data-resource"],
    DataKind.S3: CANONICAL_KINDS["data/S3-data-resource"],
    DataKind.RUCIO: CANONICAL_KINDS["data/rucio-data-resource"],
    DataKind.IVOA: CANONICAL_KINDS["data/ivoa-data-resource"],
    DataKind.SKAO: CANONICAL_KINDS["data/skao-data-resource"],
}
_KINDS: Final = {uri: kind for kind, uri in _URIS.items()}
_WORDS: Final = {
    DataKind.SIMPLE: "simple",
    DataKind.S3: "S3",
    DataKind.RUCIO: "Rucio",
    DataKind.IVOA: "IVOA",
    DataKind.SKAO: "SKAO",
}
OF_THE_LAKE: Final = frozenset({DataKind.SKAO, DataKind.RUCIO})
"""Kinds that name data by their identifier in the data lake."""

BLOCKS: Final = frozenset(
    {"location", "endpoint", "template", "bucket", "object", "rucio", "ivoa", "skao"}
)
"""The members by which the kinds name data."""

_SCHEMES: Final = {
    DataKind.SIMPLE: frozenset({"https", "http", "davs"}),
    DataKind.S3: frozenset({"s3"}),
}
_UNKNOWN_TYPE: Final = "uri:unknown-type"
_OTHER_ROLES: Final = ("executable", "compute", "storage", "volume")
_MANY_FILES: Final = frozenset({"CONTAINER", "DATASET"})


@dataclass(frozen=True, slots=True)
class Translation:
    """A request as a site may know it.

    Attributes:
        changes: What it says otherwise than the user, in words.
        unsayable: What it can't say in a kind that the site knows, in words.
    """

    request: ExecutionRequest
    changes: tuple[str, ...] = ()
    unsayable: tuple[str, ...] = ()


def kinds_of(request: ExecutionRequest) -> frozenset[DataKind]:
    """Return the kinds of the data that a request names, of those that there are."""
    items = extraction.mappings(request.payload, "data")
    return frozenset(kind for kind in map(kind_of, items) if kind is not None)


def translated(
    request: ExecutionRequest, known: Collection[DataKind], locate: Locate
) -> Translation:
    """Return a request with all data in kinds that are ``known``, as far as they go.

    Names, storage and everything else of the data stay as they are.

    Args:
        request: The user's.
        known: The kinds that the site knows.
        locate: Finds URLs.
    """
    listed = request.payload.get("data")
    if not isinstance(listed, list) or kinds_of(request) <= set(known):
        return Translation(request)
    dids = iter(request.data)
    changes, unsayable, data = [], [], []
    for item in listed:
        named = next(dids) if isinstance(item, dict) else None
        kind = kind_of(item) if named is not None else None
        if named is None or kind is None or kind in known:
            data.append(item)
            continue
        what = str(named.did or named.name)
        other = _otherwise(item, named.did, known, locate)
        if other is None:
            reason = f"it doesn't know {_WORDS[kind]} data such as {what}"
            unsayable.append(reason + _lacking(named.did, known))
            continue
        data.append(other)
        changes.append(f"{what} was asked for as {_told(other)}")
    payload = {**request.payload, "data": data}
    return Translation(
        replace(request, payload=payload, data=extraction.data_items(payload)),
        tuple(changes),
        tuple(unsayable),
    )


def url_schemes(known: Collection[DataKind]) -> frozenset[str]:
    """Return the schemes of URLs that ``known`` kinds of data can say."""
    return frozenset().union(*(_SCHEMES.get(kind, ()) for kind in known))


def claimed_replicas(item: Node) -> tuple[Replica, ...]:
    """Return the replicas that a user names for SKAO data, as far as they have URLs."""
    listed = extraction.mappings(extraction.mapping(item, "skao"), "replicas")
    texts = (
        (extraction.text(r, "rsename"), extraction.text(r, "dataurl")) for r in listed
    )
    return tuple(Replica(rse or "", url) for rse, url in texts if url)


def is_of_many_files(item: Node) -> bool:
    """Whether data are said to be more than a file, so that no URL is all of them."""
    blocks = (extraction.mapping(item, key) for key in ("skao", "rucio"))
    types = (block.get("objecttype") or block.get("type") for block in blocks)
    return any(isinstance(one, str) and one in _MANY_FILES for one in types)


def doubted_kinds(
    request: ExecutionRequest, messages: Sequence[Node]
) -> frozenset[DataKind]:
    """Return the kinds of data in a request that a site, saying NO, may not know.

    Reference brokers say that it is a kind of data, but leave the place for its name
    unfilled. Then it is one of those that name data of the lake: the others are known
    to all. Where there are kinds that we don't know either, it may be these.
    """
    items = extraction.mappings(request.payload, "data")
    suspects = kinds_of(request) & OF_THE_LAKE
    is_clear = all(kind_of(item) is not None for item in items)
    doubted: set[DataKind] = set()
    for message in filter(_names_unknown_type, messages):
        text = _whole_text(message)
        named = [kind for kind in DataKind if f"{kind.value}-data-resource" in text]
        if named:
            doubted |= suspects & set(named)
        elif is_clear and "data" in text and not any(r in text for r in _OTHER_ROLES):
            doubted |= suspects
    return frozenset(doubted)


def names_unknown_type(messages: Sequence[Node]) -> bool:
    """Whether a site says that it doesn't know a kind of something."""
    return any(map(_names_unknown_type, messages))


def _names_unknown_type(message: Node) -> bool:
    return str(message.get("kind")).lower() == _UNKNOWN_TYPE


def kind_of(item: Node) -> DataKind | None:
    """Return the kind of data, None where it is another."""
    uri = item.get("kind")
    return _KINDS.get(KNOWN_KINDS.get(uri, uri)) if isinstance(uri, str) else None


def _otherwise(
    item: Node, did: Did | None, known: Collection[DataKind], locate: Locate
) -> dict[str, Any] | None:
    """Return data in a known kind; None where no such kind can say them."""
    if did is None:
        return None
    found = locate(did, item)
    url = found if _host(found) else ""
    ways: tuple[tuple[DataKind, Mapping[str, Any] | None], ...] = (
        (DataKind.SIMPLE, _as_simple(url)),
        (DataKind.S3, _as_s3(url)),
        (DataKind.IVOA, _as_ivoa(item)),
        (
            DataKind.RUCIO,
            _as_lake_data("rucio", ("scope", "object", "type"), item, did),
        ),
        (
            DataKind.SKAO,
            _as_lake_data("skao", ("namespace", "objectname", "objecttype"), item, did),
        ),
    )
    for kind, block in ways:
        if kind in known and block:
            rest = {k: v for k, v in item.items() if k not in BLOCKS}
            return {**rest, "kind": _URIS[kind], **block}
    return None


def _lacking(did: Did | None, known: Collection[DataKind]) -> str:
    """Say what would have helped, if anything would."""
    if did is None or not url_schemes(known):
        return ""
    return ", and no URL of the whole is known that it could read"


def _as_simple(url: str) -> Node | None:
    scheme, _, rest = url.partition("://")
    if scheme not in _SCHEMES[DataKind.SIMPLE]:
        return None
    # WebDAV is HTTP: davs is what grid storage calls https.
    return {"location": f"https://{rest}" if scheme == "davs" else url}


def _as_s3(url: str) -> Node | None:
    """Return the parts of ``s3://host/bucket/object``, as Rucio writes it."""
    parts = urlsplit(url)
    bucket, _, name = parts.path.lstrip("/").partition("/")
    if parts.scheme not in _SCHEMES[DataKind.S3] or not bucket or not name:
        return None
    endpoint = f"https://{parts.netloc}"
    template = f"{endpoint}/{{bucket}}/{{object}}"
    return {
        "endpoint": endpoint,
        "template": template,
        "bucket": bucket,
        "object": name,
    }


def _as_ivoa(item: Node) -> Node | None:
    block = extraction.mapping(item, "ivoa")
    return {"ivoa": block} if extraction.text(block, "ivoid") else None


def _as_lake_data(
    key: str, members: tuple[str, str, str], item: Node, did: Did
) -> Node:
    namespace, name, object_type = members
    block = extraction.mapping(item, "skao") or extraction.mapping(item, "rucio")
    said = block.get("objecttype") or block.get("type")
    given = {object_type: said} if said is not None else {}
    return {key: {namespace: did.namespace, name: did.name, **given}}


def _told(item: Node) -> str:
    kind = kind_of(item)
    assert kind is not None
    where = extraction.text(item, "location") or extraction.text(item, "endpoint")
    at = f" at {_host(where)}" if where else ""
    return f"{_WORDS[kind]} data{at}"


def _whole_text(message: Node) -> str:
    parts = [message.get("template"), message.get("message")]
    parts += extraction.mapping(message, "values").values()
    return " ".join(part for part in parts if isinstance(part, str)).lower()


def _host(url: str) -> str:
    """Return the host of a URL, empty where it has none that can be read."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
