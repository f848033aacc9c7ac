"""Add how long the stages of a pass took."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; nobody knows it of passes that were made."""
    kind = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    op.add_column("passes", sa.Column("stages_ms", kind, nullable=False, server_default="{}"))


def downgrade() -> None:
    """Refuse: going back is restoring the backup."""
    raise NotImplementedError("restore the backup made before the upgrade")
