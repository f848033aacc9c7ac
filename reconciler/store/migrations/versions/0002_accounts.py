"""Add the accounts: progress of executions, use of namespaces, runtimes of what completed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    """Create the tables, empty: accounts begin at zero."""
    op.create_table(
        "progress",
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("work", sa.BigInteger(), nullable=False),
        sa.Column("as_of_ms", sa.BigInteger(), nullable=False),
        sa.Column("rate", sa.BigInteger(), nullable=False),
        sa.Column("grown_ms", sa.BigInteger(), nullable=True),
        sa.Column("shrunk_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("uid", name="pk_progress"),
    )
    op.create_table(
        "usage",
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("as_of_ms", sa.BigInteger(), nullable=False),
        sa.Column("amounts", _JSON, nullable=False),
        sa.Column("held", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("namespace", name="pk_usage"),
    )
    op.create_table(
        "runtimes",
        sa.Column("id", _COUNTER, nullable=False),
        sa.Column("namespace", sa.Text(), nullable=False),
        sa.Column("application", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("runtime_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_runtimes"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_runtimes_namespace_application", "runtimes", ["namespace", "application"])


def downgrade() -> None:
    """Refuse: going back is restoring the backup."""
    raise NotImplementedError("restore the backup made before the upgrade")
