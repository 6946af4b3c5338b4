"""Dialect 2025-11, spoken in October and November 2025: ``type`` and ``compute``."""

from typing import Final

from aggregator.wire.dialects.wording import Wording

_TYPES: Final = "https://www.purl.org/ivoa.net/EB/schema/types/{}-1.0"

KINDS: Final = {
    **{
        name: _TYPES.format(name)
        for name in (
            "executable/docker-container",
            "executable/singularity-container",
            "executable/jupyter-notebook",
            "compute/simple-compute-resource",
            "storage/simple-storage-resource",
            "volume/simple-volume-mount",
            "data/simple-data-resource",
            "data/S3-data-resource",
            "data/rucio-data-resource",
            "data/ivoa-data-resource",
            "data/skao-data-resource",
        )
    },
    "offerset/execution-offerset": _TYPES.format("offerset/offerset-response"),
    "session/scheduled-execution-session": _TYPES.format(
        "session/execution-session-response"
    ),
}
"""The kinds, which 2025-06 has too but for compute."""

WORDING: Final = Wording(
    name="2025-11",
    submit_path="/offersets",
    direct_path=None,
    discriminator="type",
    kinds=KINDS,
    meta_on_top=True,
    volumes_beside=True,
    cardinalities={"SINGLE": "INSTANCE"},
    update_wrapped=True,
)
