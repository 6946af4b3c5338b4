"""Settings that the environment may override: deployment and secrets, no others."""

import difflib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from aggregator.configuration.addresses import read_host_port
from aggregator.configuration.documents import Document
from aggregator.configuration.problems import Findings, Problem

PREFIX: Final = "METABROKER_"

OVERRIDES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "METABROKER_LISTEN": "listen",
        "METABROKER_PUBLIC_URL": "public_url",
        "METABROKER_STATE": "state",
        "METABROKER_STORE": "store",
    }
)
"""Each variable with the setting whose place it takes, be that set or not."""

_NEARLY: Final = 0.85


def overridden(
    document: Document, environ: Mapping[str, str], findings: Findings
) -> Document:
    """Return the settings document with what the environment overrides.

    A variable that is set to nothing counts as not set. ``METABROKER_LISTEN`` is
    ``host:port``.
    """
    _warn_of_misspellings(environ, findings)
    if not isinstance(document.value, dict | None):
        return document
    value: dict[str, Any] = dict(document.value or {})
    sources: dict[str, str] = {}
    for variable, key in OVERRIDES.items():
        if text := environ.get(variable, "").strip():
            value[key] = _listen(text, findings) if key == "listen" else text
            sources[f"/{key}"] = variable
    return document.with_overrides(value, sources)


def _listen(text: str, findings: Findings) -> dict[str, Any] | None:
    try:
        host, port = read_host_port(text)
    except ValueError as error:
        problem = Problem("METABROKER_LISTEN", None, None, "/listen", str(error))
        findings.problems.append(problem)
        return None
    return {"host": host, "port": port}


def _warn_of_misspellings(environ: Mapping[str, str], findings: Findings) -> None:
    for name in sorted(environ):
        if name in OVERRIDES or not name.startswith(PREFIX):
            continue
        nearest = difflib.get_close_matches(name, OVERRIDES, n=1, cutoff=_NEARLY)
        if nearest:
            reason = f"is not read; did you mean {nearest[0]}?"
            findings.warnings.append(Problem(name, None, None, "", reason))
