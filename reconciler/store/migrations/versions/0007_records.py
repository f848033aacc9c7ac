"""Add what the loop writes down for people: passes, commits, intervals, boards, logs looked at.

And by what a reader fetches only what changed: the version that wrote a row.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")
_COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)

_SHOWN_LOGS = """
CREATE VIEW shown_logs AS
SELECT h.uid, h.attempt, h.component, h.node, h.log_tail
FROM harvests h
JOIN executions e ON e.uid = h.uid
JOIN boards b ON b.topic = 'namespaces'
WHERE {allows}
"""
_ALLOWS = {
    "sqlite": "json_extract(b.document, '$.\"' || e.namespace || '\".page.logs') = 1",
    "postgresql": "b.document -> e.namespace -> 'page' ->> 'logs' = 'true'",
}


def upgrade() -> None:
    """Create the tables, empty; rows that are there have no version and are read as they are."""
    op.add_column("executions", sa.Column("version", sa.BigInteger(), nullable=True))
    op.create_index("ix_executions_version", "executions", ["version"])
    op.add_column("snapshots", sa.Column("digest", sa.Text(), nullable=True))
    op.add_column("snapshots", sa.Column("version", sa.BigInteger(), nullable=True))
    op.create_index("ix_ledger_commit_id", "ledger", ["commit_id"])
    op.create_index("ix_ledger_at", "ledger", ["at"])
    _passes()
    _commits()
    _intervals()
    _boards()
    _logs()


def downgrade() -> None:
    """Refuse: going back is restoring the backup."""
    raise NotImplementedError("restore the backup made before the upgrade")


def _passes() -> None:
    op.create_table(
        "pulse",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("tried_at", _TIME, nullable=True),
        sa.Column("interval_s", sa.Integer(), nullable=False),
        sa.Column("commit_id", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_pulse"),
        sa.CheckConstraint("id = 1", name="one_row"),
    )
    op.create_table(
        "passes",
        sa.Column("id", _COUNTER, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), nullable=False),
        sa.Column("commit_id", sa.Text(), nullable=False),
        sa.Column("running", sa.BigInteger(), nullable=False),
        sa.Column("waiting", sa.BigInteger(), nullable=False),
        sa.Column("actions", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("cpu_millis", sa.BigInteger(), nullable=False),
        sa.Column("cpu_reserved_millis", sa.BigInteger(), nullable=False),
        sa.Column("memory_bytes", sa.BigInteger(), nullable=False),
        sa.Column("memory_reserved_bytes", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_passes"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_passes_at", "passes", ["at"])


def _commits() -> None:
    op.create_table(
        "commits",
        sa.Column("number", _COUNTER, nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("commit_id", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("committed_at", _TIME, nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("seen_at", _TIME, nullable=False),
        sa.Column("hold", sa.Text(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("signer", sa.Text(), nullable=False),
        sa.Column("pull", sa.BigInteger(), nullable=True),
        sa.Column("delta", _JSON, nullable=False),
        sa.Column("problems", sa.BigInteger(), nullable=False),
        sa.Column("is_base", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_commits"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_commits_commit_id", "commits", ["commit_id"])
    op.create_index("ix_commits_seen_at", "commits", ["seen_at"])
    op.create_table(
        "documents",
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "name", name="pk_documents"),
    )


def _intervals() -> None:
    op.create_table(
        "intervals",
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("since", _TIME, nullable=False),
        sa.Column("until", _TIME, nullable=True),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("zapp", sa.Text(), nullable=False),
        sa.Column("labels", _JSON, nullable=False),
        sa.Column("cpu_millis", sa.BigInteger(), nullable=False),
        sa.Column("memory_bytes", sa.BigInteger(), nullable=False),
        sa.Column("generic", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("uid", "since", name="pk_intervals"),
    )
    op.create_index("ix_intervals_until", "intervals", ["until"])
    op.create_index("ix_intervals_namespace_since", "intervals", ["namespace", "since"])


def _boards() -> None:
    op.create_table(
        "boards",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("document", _JSON, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("topic", name="pk_boards"),
    )


def _logs() -> None:
    op.create_table(
        "looks",
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("asked_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("uid", name="pk_looks"),
    )
    op.create_table(
        "tails",
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("component", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("uid", "component", "node", name="pk_tails"),
    )
    op.create_index("ix_tails_at", "tails", ["at"])
    op.execute(_SHOWN_LOGS.format(allows=_ALLOWS[op.get_bind().dialect.name]))
