"""The loop's own tables, as both databases have them.

The newest migration must come to exactly these and those of ``record_tables``.

Constraints are named, since migrations on SQLite can only change what has a name. There are no
foreign keys: facts outlive the rows that they are about. Times are UTC; ``commit_id`` stands for
a commit, since ``commit`` is a word of SQL.
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

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)

ONLY_ROW = 1
"""The id of the row in tables that have just one."""

meta = Table(
    "meta",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("deployment", Text, nullable=False),
    Column("state_version", BigInteger, nullable=False),
    Column("key_mark", Text, nullable=False, server_default=""),
    CheckConstraint("id = 1", name="one_row"),
)

lease = Table(
    "lease",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("holder", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("boot_id", Text, nullable=False),
    Column("pid", BigInteger, nullable=False),
    Column("pid_started", BigInteger, nullable=False),
    # Milliseconds since 1970, so that one expression adds and compares on both databases.
    Column("expires_ms", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

ledger = Table(
    "ledger",
    metadata,
    Column("seq", COUNTER, primary_key=True),
    Column("uid", Shared, nullable=False),
    Column("run", BigInteger, nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("attempt", BigInteger, nullable=False),
    Column("fact", Text, nullable=False),
    Column("spec_hash", Shared, nullable=False),
    Column("code", BigInteger),
    Column("reason", FreeText, nullable=False),
    Column("node", Shared, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("commit_id", Shared),
    Column("said_by", FreeText),
    Column("told", FreeText),
    Index(None, "uid"),
    Index(None, "commit_id"),
    Index(None, "at"),
    # A number that was given once is never given again, not even after a restart.
    sqlite_autoincrement=True,
)

executions = Table(
    "executions",
    metadata,
    Column("uid", Shared, primary_key=True),
    Column("namespace", Shared, nullable=False),
    Column("name", Shared, nullable=False),
    Column("run", BigInteger, nullable=False),
    Column("source_id", Shared, nullable=False),
    Column("phase", Shared, nullable=False),
    Column("reason", Shared, nullable=False),
    Column("status", JSON_DATA, nullable=False),
    Column("is_final", Boolean, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    # The state_version that wrote it last; none for what an older program wrote.
    Column("version", BigInteger),
    Index(None, "namespace", "name", "run"),
    Index(None, "name"),
    Index(None, "phase"),
    Index(None, "version"),
)

frozen_specs = Table(
    "frozen_specs",
    metadata,
    Column("uid", Shared, nullable=False),
    Column("generation", BigInteger, nullable=False),
    Column("spec_hash", Shared, nullable=False),
    Column("spec", Text, nullable=False),
    PrimaryKeyConstraint("uid", "generation"),
)

placements = Table(
    "placements",
    metadata,
    Column("uid", Shared, nullable=False),
    Column("component", Shared, nullable=False),
    Column("node", Shared, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("position", Integer, nullable=False),
    PrimaryKeyConstraint("uid", "component", "node"),
    CheckConstraint("count > 0", name="some"),
)

progress = Table(
    "progress",
    metadata,
    Column("uid", Shared, primary_key=True),
    Column("work", BigInteger, nullable=False),
    # Milliseconds since 1970, as policy has them.
    Column("as_of_ms", BigInteger, nullable=False),
    Column("rate", BigInteger, nullable=False),
    Column("grown_ms", BigInteger),
    Column("shrunk_ms", BigInteger),
)

usage = Table(
    "usage",
    metadata,
    Column("namespace", Shared, primary_key=True),
    Column("as_of_ms", BigInteger, nullable=False),
    # Bytes times milliseconds outgrow every integer type of a database.
    Column("amounts", JSON_DATA, nullable=False),
    Column("held", JSON_DATA, nullable=False),
)

runtimes = Table(
    "runtimes",
    metadata,
    Column("id", COUNTER, primary_key=True),
    Column("namespace", Shared, nullable=False),
    Column("application", Text, nullable=False),
    Column("ended_at", UtcTime, nullable=False),
    Column("runtime_ms", BigInteger, nullable=False),
    Index(None, "namespace", "application"),
    sqlite_autoincrement=True,
)

good_files = Table(
    "good_files",
    metadata,
    Column("source_id", Shared, nullable=False),
    Column("path", Shared, nullable=False),
    Column("blob", Shared, nullable=False),
    Column("commit_id", Shared, nullable=False),
    PrimaryKeyConstraint("source_id", "path"),
)

sources = Table(
    "sources",
    metadata,
    Column("source_id", Shared, primary_key=True),
    Column("commit_id", Shared, nullable=False),
    Column("at", UtcTime, nullable=False),
)

intents = Table(
    "intents",
    metadata,
    Column("id", COUNTER, primary_key=True),
    Column("uid", Shared, nullable=False),
    Column("attempt", BigInteger, nullable=False),
    Column("action", Text, nullable=False),
    Column("object_name", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("done_at", UtcTime),
    Index(None, "uid"),
    sqlite_autoincrement=True,
)

wanted = Table(
    "wanted",
    metadata,
    Column("source_id", Shared, primary_key=True),
    Column("requested_at", UtcTime, nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("source_id", Shared, nullable=False),
    Column("delivery_id", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("received_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("source_id", "delivery_id"),
    Index(None, "received_at"),
)

review_requests = Table(
    "review_requests",
    metadata,
    Column("source_id", Shared, nullable=False),
    # What is to be reviewed: pull/7, or merge_group/COMMIT.
    Column("subject", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("pull", BigInteger),
    Column("head", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("branch", FreeText, nullable=False),
    Column("is_fork", Boolean, nullable=False),
    Column("requested_at", UtcTime, nullable=False),
    PrimaryKeyConstraint("source_id", "subject"),
)

posted_plans = Table(
    "posted_plans",
    metadata,
    Column("source_id", Shared, nullable=False),
    # As in review_requests; of several plans for one, the newest counts.
    Column("subject", Text, nullable=False),
    Column("pull", BigInteger),
    Column("head", Text, nullable=False),
    Column("base", Text, nullable=False),
    Column("tree", Text, nullable=False),
    Column("plan", JSON_DATA, nullable=False),
    Column("body", FreeText, nullable=False),
    Column("merged_as", Text, nullable=False),
    Column("is_agreed", Boolean, nullable=False),
    Column("differences", JSON_DATA, nullable=False),
    Column("at", UtcTime, nullable=False),
    PrimaryKeyConstraint("source_id", "subject"),
    Index(None, "at"),
)

confirmations = Table(
    "confirmations",
    metadata,
    Column("commit_id", Shared, primary_key=True),
    Column("confirmed_by", FreeText, nullable=False),
    Column("at", UtcTime, nullable=False),
)

hold_requests = Table(
    "hold_requests",
    metadata,
    Column("namespace", Shared, nullable=False),
    Column("name", Shared, nullable=False),
    Column("is_release", Boolean, nullable=False),
    Column("asked_by", FreeText, nullable=False),
    Column("told", FreeText, nullable=False),
    Column("at", UtcTime, nullable=False),
    PrimaryKeyConstraint("namespace", "name"),
)

activities = Table(
    "activities",
    metadata,
    Column("uid", Shared, primary_key=True),
    Column("attempt", BigInteger, nullable=False),
    Column("idle_since", UtcTime),
    Column("answered_at", UtcTime),
    Column("unknown_since", UtcTime),
    Column("why", FreeText, nullable=False),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("text", FreeText, nullable=False),
    Column("at", UtcTime, nullable=False),
    # What it is told apart by, and the state_version that wrote it; as with executions.
    Column("digest", Text),
    Column("version", BigInteger),
    CheckConstraint("id = 1", name="one_row"),
)

published = Table(
    "published",
    metadata,
    Column("path", Shared, primary_key=True),
    Column("digest", Text, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("target", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("message", JSON_DATA, nullable=False),
    Column("digest", Text, nullable=False),
    Column("sent_digest", Text, nullable=False),
    Column("remote_id", Text, nullable=False),
    Column("sends", BigInteger, nullable=False),
    Column("tries", BigInteger, nullable=False),
    Column("changed_at", UtcTime, nullable=False),
    Column("due_at", UtcTime, nullable=False),
    Column("error", FreeText, nullable=False),
    Column("is_waiting", Boolean, nullable=False),
    PrimaryKeyConstraint("target", "key"),
    Index(None, "is_waiting"),
)

trials = Table(
    "trials",
    metadata,
    Column("source_id", Shared, nullable=False),
    Column("blob", Shared, nullable=False),
    Column("tries", BigInteger, nullable=False),
    Column("alone", BigInteger, nullable=False),
    Column("together", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("version", Text, nullable=False),
    PrimaryKeyConstraint("source_id", "blob"),
)
