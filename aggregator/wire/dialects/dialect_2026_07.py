"""Dialect 2026-07, spoken since June 2026: the canonical vocabulary."""

from typing import Final

from aggregator.wire.dialects.wording import Wording

_KINDS: Final = (
    "https://www.purl.org/ivoa.net/Calycopis-openapi/schema/v1.0/kinds/{}.yaml"
)

WORDING: Final = Wording(
    name="2026-07",
    submit_path="/requests",
    direct_path="/direct",
    discriminator="kind",
    phase_path="/phase",
    kinds={
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
            "costs/abstract-cost-item",
            "costs/simple-minmax-float-cost",
            "metrics/abstract-metric-item",
            "metrics/simple-minmax-float-metric",
        )
    },
)
