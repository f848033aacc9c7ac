"""Find what one namespace held without reading everybody's.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the index."""
    op.create_index("ix_intervals_namespace_since", "intervals", ["namespace", "since"])


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_intervals_namespace_since", "intervals")
