"""Add what is being tried for the first time, to find out what the process dies of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, empty: nothing is in hand."""
    op.create_table(
        "trials",
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("blob", sa.Text(), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("alone", sa.BigInteger(), nullable=False),
        sa.Column("together", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "blob", name="pk_trials"),
    )


def downgrade() -> None:
    """Refuse: going back is restoring the backup."""
    raise NotImplementedError("restore the backup made before the upgrade")
