"""Enrichment: what a replica catalogue knows, filled into a request for the sites."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aggregator.domain.replicas import Did, LocatedData, Replica
from aggregator.domain.requests import ExecutionRequest
from aggregator.wire import extraction

Node = Mapping[str, Any]


def enriched(
    request: ExecutionRequest, located: Mapping[Did, LocatedData]
) -> tuple[ExecutionRequest, tuple[str, ...]]:
    """Return a request with replicas and sizes filled in, and in words which.

    They go into the SKAO blocks that have none; what the user gave stays.

    Args:
        request: The user's.
        located: What the catalogue knows.
    """
    listed = request.payload.get("data")
    if not isinstance(listed, list) or not located:
        return request, ()
    items = iter(request.data)
    changes: list[str] = []
    data: list[Any] = []
    for item in listed:
        did = next(items).did if isinstance(item, dict) else None
        known = located.get(did) if did is not None else None
        added = _additions(extraction.mapping(item, "skao"), known) if known else {}
        if added:
            item = {**item, "skao": {**item["skao"], **added}}  # noqa: PLW2901
            changes.append(f"{did}: {_told(added)} filled in from the catalogue")
        data.append(item)
    if not changes:
        return request, ()
    payload = {**request.payload, "data": data}
    whole = replace(request, payload=payload, data=extraction.data_items(payload))
    return whole, tuple(changes)


def _additions(block: Node, known: LocatedData) -> dict[str, Any]:
    if not block:
        return {}
    added: dict[str, Any] = {}
    if block.get("datasize") is None and known.size is not None:
        added["datasize"] = known.size
    if not block.get("replicas") and known.replicas:
        added["replicas"] = [_replica(replica) for replica in known.replicas]
    return added


def _replica(replica: Replica) -> dict[str, str]:
    url = {"dataurl": replica.url} if replica.url else {}
    return {"rsename": replica.rse, **url}


def _told(added: Node) -> str:
    parts = []
    if "datasize" in added:
        parts.append("size")
    if "replicas" in added:
        parts.append(
            f"replicas at {', '.join(r['rsename'] for r in added['replicas'])}"
        )
    return " and ".join(parts)
