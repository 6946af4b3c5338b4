"""Simulated sites as YAML files: the demo's own, and those that users write."""

from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from aggregator import strict_yaml
from site_adapters.simulated import SimulatedSite

DATA: Final = Path(__file__).parent / "data"
"""The demo's data lake, links, ranking policy, request and sites."""

_SITE: Final = TypeAdapter(SimulatedSite)
_NAMES: Final = frozenset(field.name for field in fields(SimulatedSite))


class SiteFileFault(ValueError):
    """A file doesn't describe a simulated site; the text says where and why."""


def read_site(path: Path, **changes: Any) -> SimulatedSite:
    """Read the description of one site, whose keys are ``SimulatedSite``'s.

    Args:
        path: The YAML file.
        **changes: What takes the place of the file's settings.

    Raises:
        SiteFileFault: The file can't be read, or isn't such a description.
    """
    try:
        located = strict_yaml.load_located(path.read_bytes(), str(path))
    except OSError as error:
        raise SiteFileFault(f"can't read {path}: {error.strerror}") from error
    except strict_yaml.YamlFault as error:
        place = f"{path}:{error.line}:{error.column}"
        raise SiteFileFault(f"{place}: {error.reason}") from error
    if not isinstance(located.value, dict):
        raise SiteFileFault(f"{path}: should be a mapping that describes a site")
    for name in located.value.keys() - _NAMES:
        raise SiteFileFault(f"{_at(located, path, name)}: there is no setting {name!r}")
    try:
        return _SITE.validate_python({**located.value, **changes})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = _at(located, path, *first["loc"])
        raise SiteFileFault(f"{place}: {_reason(first)}") from error


def _at(located: strict_yaml.Located, path: Path, *keys: str | int) -> str:
    pointer = "".join(f"/{key}" for key in keys)
    line, column = located.position(pointer)
    return f"{path}:{line}:{column}"


def _reason(detail: ErrorDetails) -> str:
    if detail["type"] == "value_error":
        return str(detail["ctx"]["error"])
    return f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}"


def demo_sites() -> tuple[SimulatedSite, ...]:
    """Return the demo's sites, in the order of their files' names."""
    return tuple(map(read_site, sorted((DATA / "sites").glob("*.yaml"))))
