"""Column types that both databases agree on: aware times, free text, JSON, counters."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from sys import intern

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

from reconciler import canonical
from reconciler.converge.status_document import StatusDocument

JSON_DATA = JSON().with_variant(JSONB(), "postgresql")

# SQLite counts up by itself only in a column whose type is exactly INTEGER.
COUNTER = BigInteger().with_variant(Integer(), "sqlite")


class UtcTime(TypeDecorator[datetime]):
    """A time in UTC. SQLite keeps no zone, so it would come back naive and compare with nothing."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive times: whose zone would they be in?"""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone can't be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the time aware, in UTC, whatever the session's zone is."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Shared(TypeDecorator[str]):
    """Text that stands in many rows: of ten thousand runs, each row brings its own copy of it."""

    impl = Text
    cache_ok = True

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Return the one copy that everybody has."""
        return None if value is None else intern(value)


class FreeText(TypeDecorator[str]):
    """Text that somebody else wrote (logs, messages): what can't be stored is replaced."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Replace NUL (PostgreSQL refuses it) and lone surrogates (nobody can encode them)."""
        return None if value is None else storable(value)


def storable(text: str) -> str:
    """Return ``text`` without what a database refuses."""
    if "\0" in text:
        text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return text if text.isascii() else text.encode(errors="replace").decode()


def dump_json(value: object) -> str:
    """Return JSON whose text is equal for equal data, so that SQLite can compare it.

    JSONB refuses escaped NULs and lone surrogates just as TEXT does; they are replaced.
    """
    text = value.text if isinstance(value, StatusDocument) else canonical.text(value)
    if "\\u0000" in text or "\\ud" in text:
        text = canonical.text(_cleaned(json.loads(text)))
    return text


def _cleaned(value: object) -> object:
    match value:
        case str():
            return storable(value)
        case list():
            return [_cleaned(item) for item in value]
        case dict():
            return {storable(key): _cleaned(item) for key, item in value.items()}
        case _:
            return value
