"""Let facts go of runs that aren't told of any more; those of others still can't."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# No bug of ours may rewrite what is known of a run. One whose row is gone was forgotten on purpose.
_SQLITE = (
    "DROP TRIGGER ledger_loses_nothing",
    """
    CREATE TRIGGER ledger_loses_nothing BEFORE DELETE ON ledger
    WHEN OLD.uid = '' OR EXISTS (SELECT 1 FROM executions WHERE uid = OLD.uid)
    BEGIN SELECT RAISE(ABORT, 'the ledger is insert-only'); END
    """,
)
_POSTGRES = (
    "DROP TRIGGER ledger_insert_only ON ledger",
    """
    CREATE TRIGGER ledger_insert_only BEFORE UPDATE OR TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change()
    """,
    """
    CREATE FUNCTION refuse_ledger_loss() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN
        IF OLD.uid = '' OR EXISTS (SELECT 1 FROM executions WHERE uid = OLD.uid) THEN
            RAISE EXCEPTION 'the ledger is insert-only' USING ERRCODE = '23000';
        END IF;
        RETURN OLD;
    END $$
    """,
    """
    CREATE TRIGGER ledger_loses_nothing BEFORE DELETE ON ledger
    FOR EACH ROW EXECUTE FUNCTION refuse_ledger_loss()
    """,
)


def upgrade() -> None:
    """Put the triggers in the place of those that let nothing go."""
    is_postgres = op.get_bind().dialect.name == "postgresql"
    for statement in _POSTGRES if is_postgres else _SQLITE:
        op.execute(statement)


def downgrade() -> None:
    """Refuse: going back is restoring the backup."""
    raise NotImplementedError("restore the backup made before the upgrade")
