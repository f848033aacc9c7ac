"""What the drivers raise, in our terms. The only place that knows their errors."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, quote_plus

from sqlalchemy import URL
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from reconciler.errors import InvariantViolated, StoreUnavailable

_SERIALIZATION_FAILURE = "40001"
_DEADLOCK_DETECTED = "40P01"
_UNDEFINED = ("42P01", "42703")
_NO_PRIVILEGE = "42501"
_DISK_FULL = "53100"
_UNDEFINED_TEXTS = ("no such table", "no such column")

_LITTLE_BYTES = 65_536
"""Less than SQLite needs to begin, beside the database."""

NOT_PREPARED = "the database isn't ready: zoe run hasn't prepared it yet (for this version)"
NOT_GRANTED = (
    "the database refuses this account: run deploy/postgres/zoe_web.sql in it again, as its owner"
)


def is_retryable(error: DBAPIError) -> bool:
    """Tell whether the database undid the whole transaction and asks to try it again."""
    if isinstance(error.orig, sqlite3.Error):
        # The low byte is the kind; the rest says more about it.
        kind = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
        return kind in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    return _state(error.orig) in (_SERIALIZATION_FAILURE, _DEADLOCK_DETECTED)


def _state(cause: BaseException | None) -> str:
    """Return the code that PostgreSQL gives with an error; "" for any other."""
    return getattr(cause, "sqlstate", None) or ""


def _lost() -> tuple[type[Exception], ...]:
    """Return what is raised where SQLAlchemy isn't asked, or has none of its own for.

    PostgreSQL's driver isn't loaded for SQLite; nobody raises the errors of one that isn't.
    """
    driver = sys.modules.get("psycopg")
    return (PoolTimeout, OSError, *([driver.Error] if driver else []))


@contextmanager
def translated(url: URL) -> Iterator[None]:
    """Translate everything that the database or its driver raises inside the block.

    Raises:
        InvariantViolated: A constraint was broken, a value can't be stored, a row isn't there
            that must be: our bug.
        StoreUnavailable: The server or the file can't be had, or doesn't do as we ask.
    """
    try:
        yield
    except (IntegrityError, DataError) as error:
        raise _violated(error.orig, url) from error
    except DBAPIError as error:
        raise _unavailable(error.orig, url) from error
    except _lost() as error:
        raise _unavailable(error, url) from error
    except (SQLAlchemyError, UnicodeEncodeError, OverflowError) as error:
        raise _violated(error, url) from error


@contextmanager
def readable(url: URL) -> Iterator[None]:
    """As :func:`translated`, for who neither makes tables nor gives rights: says who must.

    Raises:
        InvariantViolated, StoreUnavailable
    """
    try:
        with translated(url):
            yield
    except StoreUnavailable as error:
        told = _missing(error.__cause__)
        if told:
            raise StoreUnavailable(told) from error
        raise


def _missing(cause: BaseException | None) -> str:
    told = cause.orig if isinstance(cause, DBAPIError) else cause
    if isinstance(told, sqlite3.OperationalError):
        return NOT_PREPARED if str(told).startswith(_UNDEFINED_TEXTS) else ""
    if _state(told) in _UNDEFINED:
        return NOT_PREPARED
    return NOT_GRANTED if _state(told) == _NO_PRIVILEGE else ""


def _unavailable(cause: BaseException | None, url: URL) -> StoreUnavailable:
    where, remedy = url.render_as_string(hide_password=True), ""
    if _is_full(cause, url):
        remedy = "; its disk is full: make room, and zoe goes on by itself"
    return StoreUnavailable(
        f"the database {where} isn't available: {_scrubbed(cause, url)}{remedy}"
    )


def _is_full(cause: BaseException | None, url: URL) -> bool:
    """Tell whether it was for want of space; SQLite itself often says only that it can't go on."""
    if isinstance(cause, sqlite3.OperationalError) and url.database:
        try:
            return shutil.disk_usage(Path(url.database).parent).free < _LITTLE_BYTES
        except OSError:
            return False
    return _state(cause) == _DISK_FULL


def _violated(cause: BaseException | None, url: URL) -> InvariantViolated:
    said = _scrubbed(cause, url)
    return InvariantViolated("the database refuses what was asked of it", evidence=said)


def _scrubbed(cause: BaseException | None, url: URL) -> str:
    """Return the first line of the error, in which no password is left in any spelling."""
    lines = str(cause or "").strip().splitlines() or ["no reason given"]
    line = lines[0]
    password = str(url.password or "")
    for spelling in {password, quote(password, safe=""), quote_plus(password)} - {""}:
        line = line.replace(spelling, "***")
    return line
