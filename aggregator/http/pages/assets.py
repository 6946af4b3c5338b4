"""Assets: what pages load, all of it from the package."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from aggregator.http.pages.rendering import page


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, as browsers get it."""

    body: bytes
    content_type: str


def _static(name: str) -> bytes:
    return (files(__package__) / "static" / name).read_bytes()


ASSETS: Final[Mapping[str, Asset]] = MappingProxyType(
    {
        "sites.css": Asset(page("sites.css").encode(), "text/css; charset=utf-8"),
        "sites.js": Asset(_static("sites.js"), "text/javascript; charset=utf-8"),
        "icon.svg": Asset(_static("icon.svg"), "image/svg+xml"),
    }
)
