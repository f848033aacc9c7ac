"""Add what is known of who is used, for ending what nobody uses."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, empty: nothing is known yet."""
    op.create_table(
        "activities",
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("idle_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unknown_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("uid", name="pk_activities"),
    )


def downgrade() -> None:
    """Refuse: going back is restoring the backup."""
    raise NotImplementedError("restore the backup made before the upgrade")
