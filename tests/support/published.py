"""The published OpenAPI document of the newest dialect, where it is at hand."""

import os
from pathlib import Path

import pytest

FOLDER = os.environ.get("METABROKER_OPENAPI_DIR", "")
PUBLISHED = Path(FOLDER) / "openapi-2026-07.yaml"

needs_published = pytest.mark.skipif(
    not FOLDER,
    reason="METABROKER_OPENAPI_DIR names no folder with the published documents",
)
