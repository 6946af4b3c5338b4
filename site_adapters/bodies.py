"""Bodies of sites' answers: read within bounds, decoded whatever they claim to be."""

import asyncio
from typing import Any, Final

import aiohttp

from aggregator.domain.errors import SyntaxFault, UnsupportedMediaType
from aggregator.domain.outcomes import Outcome
from aggregator.wire import media, strict_json
from site_adapters.outcomes import CallFailed

_CHUNK: Final = 64 * 1024
_BOM: Final = b"\xef\xbb\xbf"
_BLANK: Final = b" \t\r\n"

_LARGEST_YAML: Final = 256 * 1024
"""YAML takes a hundred times longer to read than JSON, so less of it is read."""

_LARGEST_PEEK: Final = 64 * 1024

_WHAT_IT_IS: Final = {
    "text/html": "HTML",
    "application/xhtml+xml": "HTML",
    "application/xml": "XML",
    "text/xml": "XML",
}


async def read_body(response: aiohttp.ClientResponse, cap: int) -> bytes:
    """Return the body, decompressed.

    Raises:
        CallFailed: It is larger than ``cap`` bytes.
    """
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > cap:
            raise CallFailed(
                Outcome.TOO_LARGE, f"the answer is larger than {cap} bytes"
            )
    return bytes(body)


async def decode_document(body: bytes, content_type: str) -> dict[str, Any]:
    """Return the object that a body holds.

    JSON is taken for what it is whatever its content type says; YAML where it says
    so, or where it is the error body of a broker that prefers it.

    Raises:
        CallFailed: The body is empty, too large, not well-formed, or no object.
    """
    text = body.removeprefix(_BOM).strip(_BLANK)
    if not text:
        raise CallFailed(Outcome.BAD_PAYLOAD, "the answer is empty")
    document = await _decode(text, content_type.partition(";")[0].strip().lower())
    if not isinstance(document, dict):
        raise CallFailed(Outcome.BAD_PAYLOAD, "the answer isn't an object")
    return document


def peek_document(body: bytes) -> dict[str, Any] | None:
    """Return the object in a small JSON body, None where it is anything else."""
    if len(body) > _LARGEST_PEEK:
        return None
    try:
        document = strict_json.load_leniently(body.removeprefix(_BOM))
    except strict_json.JsonFault:
        return None
    return document if isinstance(document, dict) else None


async def _decode(text: bytes, media_type: str) -> Any:
    if media_type.endswith(("yaml", "yml")):
        return await _decode_yaml(text)
    if media_type.endswith("json") or text[:1] in {b"{", b"["}:
        return _decode_json(text)
    what = _WHAT_IT_IS.get(media_type, media_type or "of no known type")
    raise CallFailed(Outcome.BAD_PAYLOAD, f"the answer is {what}, not JSON")


def _decode_json(text: bytes) -> Any:
    try:
        return strict_json.load_leniently(text)
    except strict_json.JsonFault as error:
        raise CallFailed(
            Outcome.BAD_PAYLOAD, f"the answer isn't well-formed JSON: {error.reason}"
        ) from error


async def _decode_yaml(text: bytes) -> Any:
    if len(text) > _LARGEST_YAML:
        raise CallFailed(
            Outcome.TOO_LARGE,
            f"the answer is YAML and larger than {_LARGEST_YAML} bytes",
        )
    try:
        return await asyncio.to_thread(media.decode, text, "application/yaml")
    except (SyntaxFault, UnsupportedMediaType) as error:
        raise CallFailed(
            Outcome.BAD_PAYLOAD, f"the answer isn't well-formed YAML: {error.detail}"
        ) from error
