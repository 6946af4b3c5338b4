"""Failures: which errors of a driver mean that the store can't be used now.

Everything else is a mistake of ours, and is raised as it is.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from aggregator.domain.errors import StoreUnavailable

_SOON: Final = 1.0
_LATER: Final = 5.0
_OPERATOR: Final = 30.0

_TOO_SLOW: Final = ("the store didn't answer in time", _SOON)
_UNREACHABLE: Final = ("the store's database can't be reached", _LATER)

_SQLITE: Final = {
    sqlite3.SQLITE_BUSY: ("the store's database is locked by another process", _SOON),
    sqlite3.SQLITE_LOCKED: ("the store's database is locked", _SOON),
    sqlite3.SQLITE_INTERRUPT: _TOO_SLOW,
    sqlite3.SQLITE_NOMEM: ("the store's database is out of memory", _LATER),
    sqlite3.SQLITE_FULL: ("the store's database, or its disk, is full", _OPERATOR),
    sqlite3.SQLITE_READONLY: ("the store's database can't be written", _OPERATOR),
    sqlite3.SQLITE_PERM: ("the store's database may not be opened", _OPERATOR),
    sqlite3.SQLITE_AUTH: ("the store's database may not be opened", _OPERATOR),
    sqlite3.SQLITE_CANTOPEN: ("the store's database can't be opened", _OPERATOR),
    sqlite3.SQLITE_IOERR: ("the store's disk can't be read or written", _OPERATOR),
    sqlite3.SQLITE_CORRUPT: ("the store's database is damaged", _OPERATOR),
    sqlite3.SQLITE_NOTADB: ("the store's file is not a database", _OPERATOR),
}
"""By primary result code. Source: https://www.sqlite.org/rescode.html"""

_POSTGRESQL: Final = {
    "08": _UNREACHABLE,
    "25P03": _TOO_SLOW,
    "25006": ("the store's database can't be written", _OPERATOR),
    "28": ("the store's database refuses our credentials", _OPERATOR),
    "3D": ("the store's database doesn't exist", _OPERATOR),
    "40": ("the store's database was busy with the same rows", _SOON),
    "42501": ("the store's database doesn't permit what we need", _OPERATOR),
    "53100": ("the store's disk is full", _OPERATOR),
    "53": ("the store's database is short of resources", _LATER),
    "55P03": ("the store's database is locked", _SOON),
    "57014": _TOO_SLOW,
    "57": ("the store's database is going down or coming up", _LATER),
    "58": ("the store's database has trouble with its system", _OPERATOR),
    "XX": ("the store's database is damaged", _OPERATOR),
}
"""By SQLSTATE, or its class. Source: PostgreSQL's documentation, appendix A."""


@contextmanager
def plain_failures() -> Iterator[None]:
    """Raise ``StoreUnavailable`` in the place of a driver's errors that mean it."""
    try:
        yield
    except Exception as error:
        unavailable = store_unavailable(error)
        if unavailable is None:
            raise
        raise unavailable from error


def store_unavailable(error: Exception) -> StoreUnavailable | None:
    """Return what to raise in the place of ``error``, None where it is our mistake.

    A refused statement's text and values are left out: they may be a user's.
    """
    cause = error.orig if isinstance(error, DBAPIError) else error
    found = _reason(error, cause)
    return None if found is None else StoreUnavailable(found[0], retry_after=found[1])


def _reason(error: Exception, cause: BaseException | None) -> tuple[str, float] | None:
    if isinstance(cause, TimeoutError | PoolExhausted):
        return _TOO_SLOW
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", None)
        if code is not None:
            return _SQLITE.get(code & 0xFF)
    state = getattr(cause, "sqlstate", None)
    if isinstance(state, str):
        return _POSTGRESQL.get(state) or _POSTGRESQL.get(state[:2])
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return _UNREACHABLE
    return _UNREACHABLE if isinstance(cause, OSError) else None
