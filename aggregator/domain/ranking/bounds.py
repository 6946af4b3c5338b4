"""Checks of the numbers and names that an operator writes into a policy."""

import math
from collections.abc import Iterable


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


def groups_of_users(key: str, names: Iterable[str], *, wildcards: str = "") -> None:
    """Refuse names that no group of users can have.

    Args:
        key: Where they stand.
        names: What is written there.
        wildcards: Characters with which a name may begin instead of a slash.

    Raises:
        ValueError: A name doesn't begin with a slash.
    """
    for name in names:
        if not name.startswith(("/", *wildcards)):
            raise ValueError(
                f"{key} must begin with a slash: write /{name}, not {name}"
            )
