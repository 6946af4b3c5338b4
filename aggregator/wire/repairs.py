"""Repairs: what requests often misplace, put right by adding, never by removing."""

from typing import Any

from aggregator.wire.dialects.components import Node
from aggregator.wire.dialects.volumes import split


def repaired(request: Node) -> Node:
    """Return a canonical request with what it misplaced where it belongs, too.

    An executable's ``digest`` beside its image becomes the image's; the
    ``resources`` that a compute resource lists beside its volumes become those of
    the volumes that name none. The request itself is returned where it needs
    nothing, and is never changed.
    """
    return _with_resources_of_volumes(_with_digest_of_image(request))


def _with_digest_of_image(request: Node) -> Node:
    executable = request.get("executable")
    if not isinstance(executable, dict):
        return request
    image, digest = executable.get("image"), executable.get("digest")
    if not isinstance(image, dict) or not isinstance(digest, str):
        return request
    if image.get("digest") is not None:
        return request
    image = {**image, "digest": digest}
    return {**request, "executable": {**executable, "image": image}}


def _with_resources_of_volumes(request: Node) -> Node:
    compute = request.get("compute")
    if not isinstance(compute, dict):
        return request
    names, volumes = compute.get("resources"), compute.get("volumes")
    if not isinstance(volumes, list) or not isinstance(names, list) or not names:
        return request
    if not all(isinstance(name, str) for name in names):
        return request
    if not any(_names_no_resource(volume) for volume in volumes):
        return request
    added: list[Any] = []
    for index, volume in enumerate(volumes):
        if _names_no_resource(volume):
            bare = {key: volume[key] for key in volume if key != "resource"}
            added += split({**bare, "resources": names}, index)
        else:
            added.append(volume)
    return {**request, "compute": {**compute, "volumes": added}}


def _names_no_resource(volume: Any) -> bool:
    return isinstance(volume, dict) and not (
        volume.get("resource") or volume.get("resources")
    )
