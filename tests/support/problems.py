"""Problem details as a client reads them, whatever the media type."""

import re
from xml.etree import ElementTree as ET

from aggregator import strict_yaml

_NAMESPACE = "{urn:ietf:rfc:7807}"
_INSIDES = re.compile(r"Traceback|File \"|\.py\b|site-packages|Error\(|Exception")


async def problem_of(response, status):
    """Return the problem in a response, which must have this status.

    It must be of RFC 9457, name the request's id, and show nothing of our insides.
    """
    text = await response.text()
    assert response.status == status, text[:1000]
    assert not _INSIDES.search(text), text[:1000]
    document = _READERS[response.content_type](text)
    assert document["status"] == status
    assert document["type"].startswith("urn:metabroker:problem:")
    assert document["title"]
    assert document["detail"]
    assert document["instance"] == response.url.raw_path
    assert document["request_id"] == response.headers["X-Request-ID"]
    return document


async def fault_of(response, status):
    """Return the first of the errors that a problem names."""
    return (await problem_of(response, status))["errors"][0]


def _of_xml(text):
    document = _value_of(ET.fromstring(text))
    return {**document, "status": int(document["status"])}


def _value_of(element):
    if len(element) == 0:
        return element.text or ""
    if all(child.tag == f"{_NAMESPACE}i" for child in element):
        return [_value_of(child) for child in element]
    return {child.tag.removeprefix(_NAMESPACE): _value_of(child) for child in element}


def _of_json(text):
    return strict_yaml.load(text)


_READERS = {
    "application/problem+json": _of_json,
    "application/problem+yaml": strict_yaml.load,
    "application/problem+xml": _of_xml,
}
