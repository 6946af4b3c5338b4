"""Checks of the numbers that an operator writes into a policy."""

import math


def finite(**values: float | None) -> None:
    """Refuse values that are no finite number; None stands for "not set".

    Raises:
        ValueError: Naming the key that is wrong.
    """
    for key, value in values.items():
        if value is not None and not math.isfinite(value):
            raise ValueError(f"{key} must be a finite number, not {value}")


def not_negative(**values: float | None) -> None:
    """Refuse values below 0, and those that are no finite number.

    Raises:
        ValueError: Naming the key that is wrong.
    """
    finite(**values)
    for key, value in values.items():
        if value is not None and value < 0:
            raise ValueError(f"{key} must be 0 or more, not {value:g}")


def positive(**values: float | None) -> None:
    """Refuse values of 0 and below, and those that are no finite number.

    Raises:
        ValueError: Naming the key that is wrong.
    """
    finite(**values)
    for key, value in values.items():
        if value is not None and value <= 0:
            raise ValueError(f"{key} must be more than 0, not {value:g}")
