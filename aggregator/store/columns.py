"""Column types: how moments, names and JSON are kept in either database."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
from sqlalchemy import BigInteger, Dialect, LargeBinary, Text
from sqlalchemy.types import TypeDecorator

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """A moment, as whole microseconds since 1970 in UTC.

    A number sorts and compares alike in both databases, is exact, and no driver
    or session setting can put it into another time zone. SQLite has no type for
    moments, and its text forms sort wrongly where the fraction is left out.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(
        self, value: datetime | None, dialect: Dialect
    ) -> int | None:
        """Return the number that stands for ``value``.

        Raises:
            TypeError: ``value`` has no time zone.
        """
        del dialect
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(
        self, value: int | None, dialect: Dialect
    ) -> datetime | None:
        """Return the moment for which ``value`` stands."""
        del dialect
        return None if value is None else _EPOCH + value * _MICROSECOND


class Name(TypeDecorator[str]):
    r"""A text that somebody else chose, such as a site's uuid of a session.

    PostgreSQL can't hold the character NUL, which JSON can bring and a URL can ask
    for: it is written as ``\0``, so that such a name is kept, or not found, like
    any other.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Return ``value`` without NUL."""
        del dialect
        if value is None or not ("\0" in value or "\\" in value):
            return value
        return value.replace("\\", "\\\\").replace("\0", "\\0")

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Return the text that was written as ``value``."""
        del dialect
        if value is None or "\\" not in value:
            return value
        parts = value.split("\\\\")
        return "\\".join(part.replace("\\0", "\0") for part in parts)


class Document(TypeDecorator[Mapping[str, Any]]):
    """A JSON object, as the bytes that orjson writes.

    Not a JSON column: the database never looks inside, and what comes back is
    what went in, 64-bit integers, floats and the order of the keys included.
    """

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(
        self, value: Mapping[str, Any] | None, dialect: Dialect
    ) -> bytes | None:
        """Return ``value`` as JSON."""
        del dialect
        return None if value is None else orjson.dumps(value)

    def process_result_value(
        self, value: bytes | None, dialect: Dialect
    ) -> Mapping[str, Any] | None:
        """Return the object that was written as ``value``."""
        del dialect
        if value is None:
            return None
        document: Mapping[str, Any] = orjson.loads(value)
        return document
