"""Dialect 2025-06, spoken from June to October 2025: ``computer``.

Until the end of September its requests listed the intervals in which they may start.
"""

from dataclasses import replace
from typing import Final

from aggregator.wire.dialects import dialect_2025_11

WORDING: Final = replace(
    dialect_2025_11.WORDING,
    name="2025-06",
    kinds={
        **dialect_2025_11.KINDS,
        "compute/simple-compute-resource": (
            "https://www.purl.org/ivoa.net/EB/schema/types/"
            "computer/simple-compute-resource-1.0"
        ),
    },
    compute_key="computer",
    session_phases={"INITIAL": "PROPOSED", "AVAILABLE": "READY"},
    offered_schedule=True,
    plain_starts=True,
    requested_start="either",
)
