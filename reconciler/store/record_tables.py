"""The tables of what is written down for people: the loop never decides on any of it.

``metadata`` holds all tables, these and the loop's own.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from reconciler.store.column_types import COUNTER, JSON_DATA, FreeText, Shared, UtcTime
from reconciler.store.tables import metadata

__all__ = [
    "boards",
    "commits",
    "documents",
    "events",
    "harvests",
    "intervals",
    "looks",
    "metadata",
    "passes",
    "pulse",
    "shown_logs",
    "tails",
]

events = Table(
    "events",
    metadata,
    Column("id", COUNTER, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("uid", Shared, nullable=False),
    Column("namespace", Shared, nullable=False),
    Column("name", Shared, nullable=False),
    Column("reason", Text, nullable=False),
    Column("message", FreeText, nullable=False),
    Column("commit_id", Shared, nullable=False),
    Column("is_warning", Boolean, nullable=False),
    Index(None, "uid"),
    Index(None, "namespace", "name"),
    Index(None, "at"),
    sqlite_autoincrement=True,
)

harvests = Table(
    "harvests",
    metadata,
    Column("uid", Shared, nullable=False),
    Column("attempt", BigInteger, nullable=False),
    Column("component", Shared, nullable=False),
    Column("node", Shared, nullable=False),
    Column("exit_code", BigInteger),
    Column("error", FreeText, nullable=False),
    Column("log_tail", FreeText, nullable=False),
    Column("at", UtcTime, nullable=False),
    PrimaryKeyConstraint("uid", "attempt", "component", "node"),
)

pulse = Table(
    "pulse",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),
    Column("tried_at", UtcTime),
    Column("interval_s", Integer, nullable=False),
    Column("commit_id", Shared, nullable=False),
    Column("problem", FreeText, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

passes = Table(
    "passes",
    metadata,
    Column("id", COUNTER, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("duration_ms", BigInteger, nullable=False),
    Column("commit_id", Shared, nullable=False),
    Column("running", BigInteger, nullable=False),
    Column("waiting", BigInteger, nullable=False),
    Column("actions", BigInteger, nullable=False),
    Column("failures", BigInteger, nullable=False),
    Column("cpu_millis", BigInteger, nullable=False),
    Column("cpu_reserved_millis", BigInteger, nullable=False),
    Column("memory_bytes", BigInteger, nullable=False),
    Column("memory_reserved_bytes", BigInteger, nullable=False),
    Column("stages_ms", JSON_DATA, nullable=False, server_default="{}"),
    Index(None, "at"),
    sqlite_autoincrement=True,
)

commits = Table(
    "commits",
    metadata,
    # Numbered as they were accepted or held back. The same commit may come again.
    Column("number", COUNTER, primary_key=True),
    Column("source_id", Shared, nullable=False),
    Column("commit_id", Shared, nullable=False),
    Column("author", FreeText, nullable=False),
    Column("committed_at", UtcTime, nullable=False),
    Column("message", FreeText, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    # Why it is held back; "" for those that were accepted.
    Column("hold", Text, nullable=False),
    Column("told", FreeText, nullable=False),
    Column("signer", FreeText, nullable=False),
    Column("pull", BigInteger),
    Column("delta", JSON_DATA, nullable=False),
    Column("problems", BigInteger, nullable=False),
    # It stands for all that came before it: what is left of forgotten ones.
    Column("is_base", Boolean, nullable=False),
    Index(None, "commit_id"),
    Index(None, "seen_at"),
    sqlite_autoincrement=True,
)

documents = Table(
    "documents",
    metadata,
    Column("source_id", Shared, nullable=False),
    # NAMESPACE/NAME.
    Column("name", Shared, nullable=False),
    Column("digest", Text, nullable=False),
    PrimaryKeyConstraint("source_id", "name"),
)

intervals = Table(
    "intervals",
    metadata,
    Column("uid", Shared, nullable=False),
    Column("since", UtcTime, nullable=False),
    Column("until", UtcTime),
    Column("namespace", Shared, nullable=False),
    Column("name", Shared, nullable=False),
    Column("zapp", FreeText, nullable=False),
    Column("labels", JSON_DATA, nullable=False),
    Column("cpu_millis", BigInteger, nullable=False),
    Column("memory_bytes", BigInteger, nullable=False),
    Column("generic", JSON_DATA, nullable=False),
    PrimaryKeyConstraint("uid", "since"),
    Index(None, "until"),
    Index(None, "namespace", "since"),
)

boards = Table(
    "boards",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("document", JSON_DATA, nullable=False),
    Column("digest", Text, nullable=False),
    # The state_version that wrote it.
    Column("version", BigInteger, nullable=False),
)

looks = Table(
    "looks",
    metadata,
    Column("uid", Shared, primary_key=True),
    Column("asked_at", UtcTime, nullable=False),
)

tails = Table(
    "tails",
    metadata,
    Column("uid", Shared, nullable=False),
    Column("component", Shared, nullable=False),
    Column("node", Shared, nullable=False),
    Column("text", FreeText, nullable=False),
    Column("at", UtcTime, nullable=False),
    PrimaryKeyConstraint("uid", "component", "node"),
    Index(None, "at"),
)

shown_logs = Table(
    "shown_logs",
    # A view, which migrations make: of the harvests of those whose namespace lets pages show logs.
    MetaData(),
    Column("uid", Shared),
    Column("attempt", BigInteger),
    Column("component", Shared),
    Column("node", Shared),
    Column("log_tail", FreeText),
)
