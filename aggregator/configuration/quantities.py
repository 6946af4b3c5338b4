"""Quantities with units: what to write where a plain number is wanted."""

import re
from collections.abc import Mapping
from typing import Final

from aggregator.domain.schedules import Duration

_SECONDS: Final = {
    "ms": 0.001,
    "s": 1,
    "sec": 1,
    "second": 1,
    "seconds": 1,
    "m": 60,
    "min": 60,
    "minute": 60,
    "minutes": 60,
    "h": 3600,
    "hour": 3600,
    "hours": 3600,
    "d": 86400,
    "day": 86400,
    "days": 86400,
    "w": 604800,
}
_BYTES: Final = {
    "b": 1,
    "bytes": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "pb": 10**15,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
    "pib": 2**50,
}
_GBPS: Final = {
    "Mb/s": 1e-3,
    "Mbit/s": 1e-3,
    "Mbps": 1e-3,
    "mbps": 1e-3,
    "Gb/s": 1,
    "Gbit/s": 1,
    "Gbps": 1,
    "gbps": 1,
    "Tb/s": 1e3,
    "Tbps": 1e3,
    "MB/s": 8e-3,
    "GB/s": 8,
}
_MB_S: Final = {"kB/s": 1e-3, "MB/s": 1, "GB/s": 1e3, "TB/s": 1e6}
_PERCENT: Final = {"%": 1, "percent": 1}
_BY_ENDING: Final[Mapping[str, tuple[str, Mapping[str, float]]]] = {
    "gbps": ("Gb/s", _GBPS),
    "gb": ("GB", {unit: count / 10**9 for unit, count in _BYTES.items()}),
    "bytes": ("bytes", _BYTES),
    "_mb_s": ("MB/s", _MB_S),
    "_core_hours": ("core-hours", {u: count / 3600 for u, count in _SECONDS.items()}),
    "_percent": ("percent", _PERCENT),
    "_s": ("seconds", _SECONDS),
    "": ("seconds", _SECONDS),
}
"""The unit of a key by its ending, and what others are in it; the first counts."""

_QUANTITY: Final = re.compile(
    r"\s*(-?\d{1,15}(?:\.\d{1,9})?)\s*([A-Za-z]+(?:/s)?|%)\s*"
)


def plain_number_hint(key: str, text: str) -> str:
    """Say which plain number stands for a quantity with a unit, in the key's unit.

    Args:
        key: The name of the setting; its ending names its unit (``_s``, ``_bytes``,
            ``gb``, ``_gbps``, ``_mb_s``, ``_core_hours``, ``_percent``), and times
            without an ending are in seconds.
        text: What was written, such as ``5m``, ``PT5M``, ``4 MiB`` or ``10 Gb/s``.

    Returns:
        Such as ``write 300 (seconds)``; empty where no quantity is recognised, and
        for rates (``_per_``), which have two units.
    """
    if "_per_" in key:
        return ""
    if text.startswith("P"):
        return _duration_hint(text)
    match = _QUANTITY.fullmatch(text)
    if match is None:
        return ""
    unit, factors = next(
        found for ending, found in _BY_ENDING.items() if key.endswith(ending)
    )
    factor = factors.get(match[2], factors.get(match[2].lower()))
    return _hint(float(match[1]), factor, unit)


def names_unit(key: str) -> bool:
    """Whether the name of a setting says its unit."""
    return key.endswith(tuple(filter(None, _BY_ENDING)))


def _duration_hint(text: str) -> str:
    try:
        seconds = Duration.parse(text).approximate_seconds
    except ValueError:
        return ""
    return _hint(seconds, 1, "seconds")


def _hint(amount: float, factor: float | None, unit: str) -> str:
    if factor is None:
        return ""
    return f"write {round(amount * factor, 9):.15g} ({unit})"
