"""What the account of ``zoe web`` may do, after the script of ``deploy/``, and that it is all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import psycopg
import pytest
from psycopg import Connection, sql

from policy.model.execution import Uid
from reconciler.errors import StoreUnavailable
from reconciler.inbox import Delivery, Outcome, ReviewRequest
from reconciler.ports import Lease
from reconciler.reporting.records import Harvest
from reconciler.store.archive import SqlArchive
from reconciler.store.inbox import SqlInbox
from reconciler.stored import Changes, ExecutionRow
from tests.fixtures.postgres import FixedClock, OpenStore

pytestmark = pytest.mark.postgres

SCRIPT = Path(__file__).parents[3] / "deploy/postgres/zoe_web.sql"
AT = datetime(2026, 1, 1, 10, 30, tzinfo=UTC)
UID = Uid("00000000000000aa")

READS = frozenset({"SELECT"})
ALLOWED: Mapping[str, frozenset[str]] = {
    "deliveries": READS | {"INSERT"},
    "wanted": READS | {"INSERT", "UPDATE"},
    "review_requests": READS | {"INSERT", "UPDATE"},
    "looks": READS | {"INSERT", "UPDATE"},
    **dict.fromkeys(
        (
            *("meta", "pulse", "passes", "executions", "snapshots", "boards", "commits"),
            *("intervals", "ledger", "events", "tails", "posted_plans", "shown_logs"),
        ),
        READS,
    ),
}
STATEMENTS = {
    "SELECT": "SELECT * FROM {}",
    "INSERT": "INSERT INTO {} DEFAULT VALUES",
    "UPDATE": "UPDATE {} SET {} = NULL WHERE false",
    "DELETE": "DELETE FROM {} WHERE false",
    "TRUNCATE": "TRUNCATE {}",
    "ALTER": "ALTER TABLE {} ADD COLUMN mine int",
    "DROP": "DROP TABLE {}",
}


@pytest.fixture
def web_url(postgres_url: str) -> Iterator[str]:
    """The database as the account reaches it."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        for _ in range(2):
            connection.execute(SCRIPT.read_text())
    yield postgres_url.replace("postgres@", "zoe_web@")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        # The account is the whole server's: other tests' databases may still know it.
        connection.execute("DROP OWNED BY zoe_web")


@pytest.fixture
def archive(web_url: str, store_clock: FixedClock) -> Iterator[SqlArchive]:
    with SqlArchive(web_url, clock=store_clock, random=Random(1)) as opened:
        yield opened


def delivery(identity: str, review: ReviewRequest | None = None) -> Delivery:
    return Delivery(
        source_id="platform",
        delivery_id=identity,
        provider="github",
        kind="push",
        outcome=Outcome.REVIEW if review else Outcome.LOOK,
        received_at=AT,
        review=review,
    )


def test_it_can_put_deliveries_down(web_url: str, postgres_url: str, open_store: OpenStore) -> None:
    store = open_store(postgres_url)
    asked = ReviewRequest(
        source_id="platform",
        kind="pull_request",
        pull=7,
        head="a" * 40,
        action="updated",
        requested_at=AT,
    )
    again = replace(asked, requested_at=AT + timedelta(seconds=1))
    with SqlInbox(web_url, random=Random(1)) as inbox:
        inbox.check()
        assert inbox.record([delivery("a", asked), delivery("b")]) == (True, True)
        given = [delivery("c", again), delivery("b"), delivery("d")]
        assert inbox.record(given) == (True, False, True)
    assert store.take_wanted() == ("platform",)
    assert store.review_requests() == (again,)


def test_it_can_read_all_that_pages_show(
    archive: SqlArchive, postgres_url: str, open_store: OpenStore
) -> None:
    store = open_store(postgres_url)
    lease = store.acquire_lease("here", ttl_s=60)
    assert lease is not None
    _commit(store.commit, lease)
    assert archive.picture(archive.picture(None)).documents.keys() == {UID}
    archive.look_at(UID)
    archive.look_at(UID)
    assert store.looked_at(since=AT, limit=5) == (UID,)
    (harvest,) = archive.harvests(UID)
    assert (harvest.exit_code, harvest.log_tail) == (1, "")
    until = AT + timedelta(days=1)
    answers = [
        *(archive.events(limit=5), archive.entries([UID]), archive.entries_of("c", limit=5)),
        *(archive.ends(since=AT), archive.tails(UID), archive.passes(since=AT, limit=5)),
        *(archive.commits(limit=5), archive.commits_until(5), archive.plans(limit=5)),
        archive.intervals(since=AT, until=until),
    ]
    assert answers == [()] * len(answers)
    assert archive.commit("a" * 40) is None
    assert archive.plan("pull/7") is None
    assert not archive.wait(0.01, known=archive.state_version())


def _commit(commit: object, lease: Lease) -> None:
    assert callable(commit)
    row = ExecutionRow(
        uid=UID,
        namespace="lab",
        name="a",
        run=1,
        source_id="main",
        phase="Failed",
        reason="",
        status={},
    )
    harvest = Harvest(
        uid=UID,
        attempt=1,
        component="main",
        node="n1",
        exit_code=1,
        error="",
        log_tail="password",
        at=AT,
    )
    commit(Changes(executions=(row,), harvests=(harvest,)), lease)


def test_it_can_do_nothing_else(web_url: str, postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as connection:
        found = connection.execute(
            "SELECT table_name, min(column_name) FROM information_schema.columns"
            " WHERE table_schema = 'public' GROUP BY 1"
        )
        relations = dict(found.fetchall())
    assert ALLOWED.keys() < relations.keys()
    assert {"frozen_specs", "harvests", "outbox", "confirmations", "lease"} <= relations.keys()
    with psycopg.connect(web_url, autocommit=True) as connection:
        for name, column in relations.items():
            done = {verb for verb in STATEMENTS if _is_permitted(connection, verb, name, column)}
            assert done == ALLOWED.get(name, frozenset()), name


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT log_tail FROM harvests",
        "CREATE TABLE mine (i int)",
        "SELECT nextval('ledger_seq_seq')",
        "CREATE ROLE other",
        "SELECT pg_read_file('/etc/passwd')",
        "COPY (SELECT 1) TO PROGRAM 'true'",
    ],
)
def test_it_cannot_go_round_about(web_url: str, statement: str) -> None:
    with (
        psycopg.connect(web_url, autocommit=True) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


def _is_permitted(connection: Connection, verb: str, name: str, column: str) -> bool:
    parts = [sql.Identifier(name), sql.Identifier(column)][: STATEMENTS[verb].count("{}")]
    try:
        connection.execute(sql.SQL(STATEMENTS[verb]).format(*parts))
    except psycopg.errors.InsufficientPrivilege:
        return False
    except psycopg.errors.IntegrityError:
        return True  # rights are looked at before what a row holds
    except (psycopg.errors.WrongObjectType, psycopg.errors.ObjectNotInPrerequisiteState):
        return False  # a view that nobody can write to
    return True


def test_without_the_script_of_this_version_it_says_what_to_run(
    archive: SqlArchive, postgres_url: str
) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("REVOKE SELECT ON boards FROM zoe_web")
    with pytest.raises(StoreUnavailable, match=r"run deploy/postgres/zoe_web\.sql in it again"):
        archive.picture(None)
