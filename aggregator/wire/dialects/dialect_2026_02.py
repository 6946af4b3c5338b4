"""Dialect 2026-02, spoken from November 2025 to March 2026: ``kind`` and ``meta``."""

from typing import Final

from aggregator.wire.dialects import dialect_2026_04
from aggregator.wire.dialects.wording import Wording

WORDING: Final = Wording(
    name="2026-02",
    submit_path="/offersets",
    direct_path=None,
    discriminator="kind",
    kinds=dialect_2026_04.KINDS,
    volumes_beside=True,
)
