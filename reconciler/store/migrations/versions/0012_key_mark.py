"""By what the database knows the installation's key; the key itself is in no database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add it; whoever leads next fills it in."""
    op.add_column("meta", sa.Column("key_mark", sa.Text, nullable=False, server_default=""))


def downgrade() -> None:
    """Refuse: going back is restoring the backup."""
    raise NotImplementedError("restore the backup made before the upgrade")
