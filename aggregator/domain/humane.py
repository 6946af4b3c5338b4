"""Lengths of time and sizes as people read them."""

from typing import Final

_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86400
_KIBI: Final = 1024
_SIZES: Final = ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def humane_duration(seconds: float) -> str:
    """Write a length of time in its two largest units, as in ``2 min 10 s``."""
    if seconds < 0:
        return f"-{humane_duration(-seconds)}"
    whole = _rounded(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return _two(whole, _MINUTE, "min", 1, "s")
    if whole < _DAY:
        return _two(whole, _HOUR, "h", _MINUTE, "min")
    return _two(whole, _DAY, "d", _HOUR, "h")


def _rounded(seconds: float) -> int:
    grain = 1 if seconds < _HOUR else _MINUTE if seconds < _DAY else _HOUR
    return round(seconds / grain) * grain


def _two(whole: int, large: int, name: str, small: int, rest_name: str) -> str:
    count, rest = divmod(whole, large)
    rest //= small
    return f"{count} {name} {rest} {rest_name}" if rest else f"{count} {name}"


def humane_size(count: int) -> str:
    """Write a number of bytes with a binary unit, as in ``25.0 TiB``."""
    if count < _KIBI:
        return f"{count} B"
    amount = float(count)
    unit = ""
    for unit in _SIZES:  # noqa: B007 (the unit that was reached is the result)
        amount /= _KIBI
        if round(amount, 1) < _KIBI:
            break
    return f"{amount:.1f} {unit}"
