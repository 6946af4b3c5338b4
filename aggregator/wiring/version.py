"""Our version."""

import importlib.metadata
from typing import Final

_DISTRIBUTION: Final = "srcnet-metabroker"


def version() -> str:
    """Return our version."""
    return importlib.metadata.version(_DISTRIBUTION)
