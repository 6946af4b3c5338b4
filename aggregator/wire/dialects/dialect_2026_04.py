"""Dialect 2026-04, spoken from March to May 2026: volumes inside compute."""

from typing import Final

from aggregator.wire.dialects.wording import Wording

_KINDS: Final = "https://www.purl.org/ivoa.net/EB/schema/v1.0/types/{}-1.0"

KINDS: Final = {
    name: _KINDS.format(name)
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
        "offerset/execution-offerset",
        "session/scheduled-execution-session",
        "session/simple-execution-session",
    )
}
"""The kinds, which 2026-02 has too."""

WORDING: Final = Wording(
    name="2026-04",
    submit_path="/offersets",
    direct_path="/sessions",
    discriminator="kind",
    kinds=KINDS,
)
