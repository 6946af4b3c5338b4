"""The request that synthetic probes send: a file like those of users."""

from collections.abc import Set as AbstractSet
from typing import Final

from aggregator.configuration.documents import Document
from aggregator.configuration.pointers import items_at
from aggregator.configuration.problems import Findings
from aggregator.configuration.validation import report_unknown
from aggregator.domain.errors import InvalidInput
from aggregator.domain.requests import ExecutionRequest
from aggregator.wire.dialects import NEWEST
from aggregator.wire.reading import read_request

PLACE: Final = "/health/synthetic"
"""Where the settings speak of synthetic probes."""


def read_probe_request(
    document: Document | None, findings: Findings
) -> ExecutionRequest | None:
    """Return the request that a file holds; None where there is none.

    Args:
        document: The file, None where none is named or it couldn't be read.
        findings: Take what is wrong.
    """
    if document is None:
        return None
    try:
        return read_request(document.value, NEWEST)
    except InvalidInput as error:
        for violation in error.violations:
            findings.problems.append(
                document.problem(violation.pointer, violation.reason)
            )
        return None


def report_unknown_sites(
    settings: Document, names: AbstractSet[str] | None, findings: Findings
) -> None:
    """Report sites that are to be probed and aren't configured."""
    for pointer in items_at(settings.value, f"{PLACE}/sites"):
        report_unknown(settings, pointer, names, findings)
