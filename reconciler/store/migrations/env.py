"""What Alembic runs: the pending revisions, inside the transaction that the caller opened."""

from __future__ import annotations

from alembic import context

from reconciler.store.record_tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite can't alter most of a table; Alembic then copies it.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
