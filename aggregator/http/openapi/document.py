"""The document, put together from its files."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from aggregator import strict_yaml
from aggregator.wire.dialects import DIALECTS

_DIALECTS: Final = {"type": "string", "enum": [*DIALECTS]}
_COMPONENTS: Final = ("exchange.yaml", "examples.yaml", "schemas.yaml")


def api_document(public_url: str, version: str) -> dict[str, Any]:
    """Return the API's OpenAPI 3.1 document as plain data, which is not to be changed.

    Args:
        public_url: The URL by which clients reach the service.
        version: The service's version.
    """
    outline = _file("openapi.yaml")
    components = {
        name: component
        for file in _COMPONENTS
        for name, component in _file(file).items()
    }
    parameters = components["parameters"]
    dialect = {**parameters["Dialect"], "schema": _DIALECTS}
    return {
        **outline,
        "info": {**outline["info"], "version": version},
        "servers": [{"url": public_url}],
        "components": {
            **components,
            "parameters": {**parameters, "Dialect": dialect},
        },
    }


@cache
def _file(name: str) -> Mapping[str, Any]:
    content: Mapping[str, Any] = strict_yaml.load(
        files(__package__).joinpath(name).read_bytes()
    )
    return content
