"""Dialect 2025-05, spoken from February to June 2025: the ``resources`` block.

In its last days the block was flattened, with the same URIs: that form is a variant.
"""

from dataclasses import replace
from typing import Final

from aggregator.wire.dialects import dialect_2025_06

_TYPES: Final = "https://www.purl.org/ivoa.net/EB/schema/types/{}-1.0"

_FLATTENED: Final = replace(
    dialect_2025_06.WORDING,
    name="2025-05",
    kinds={
        name: _TYPES.format(path)
        for name, path in {
            "executable/docker-container": "executables/docker-container",
            "executable/singularity-container": "executables/singularity-container",
            "executable/jupyter-notebook": "executables/jupyter-notebook",
            "compute/simple-compute-resource": (
                "resources/compute/simple-compute-resource"
            ),
            "storage/simple-storage-resource": (
                "resources/storage/simple-storage-resource"
            ),
            "volume/simple-volume-mount": "resources/volumes/simple-volume-mount",
            "data/simple-data-resource": "resources/data/simple-data-resource",
            "data/S3-data-resource": "resources/data/amazon-s3-data-resource",
            "data/rucio-data-resource": "resources/data/rucio-data-resource",
            "data/ivoa-data-resource": "resources/data/ivoa-data-resource",
            "data/skao-data-resource": "resources/data/skao-data-resource",
            "offerset/execution-offerset": "offersets/offerset-response",
            "session/scheduled-execution-session": (
                "sessions/execution-session-response"
            ),
        }.items()
    },
    storage_link="resources",
    requested_start="list",
)

WORDING: Final = replace(
    _FLATTENED,
    compute_key="compute",
    resources_block=True,
    variants=(_FLATTENED,),
)
