"""URLs and sessions: what an operator writes, and what a connection is set to."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from reconciler.errors import ConfigError, StoreUnavailable
from reconciler.store.engine import open_engine, parse_url
from tests.fixtures.postgres import OpenStore


class TestPasswords:
    SECRET = "s3cr/t p@ss"

    def test_they_are_in_no_message(self, open_store: OpenStore) -> None:
        store = open_store("postgresql://zoe:s3cr%2Ft+p%40ss@127.0.0.1:1/zoe")
        with pytest.raises(StoreUnavailable, match="Connection refused") as caught:
            store.load()
        told = "".join(traceback.format_exception(caught.value)) + repr(store.__dict__)
        assert "zoe:***@127.0.0.1" in str(caught.value)
        for spelling in ("s3cr/t", "s3cr%2Ft"):
            assert spelling not in told

    @pytest.mark.parametrize(
        "url", ["s3cr3t", "mysql://u:s3cr3t@h/d", "sqlite://", "sqlite:///:memory:"]
    )
    def test_an_unusable_url_is_the_operators_to_fix(self, open_store: OpenStore, url: str) -> None:
        with pytest.raises(ConfigError, match="database_url") as caught:
            open_store(url)
        assert "s3cr3t" not in "".join(traceback.format_exception(caught.value))


def test_sessions_have_their_settings(database_url: str) -> None:
    engine = open_engine(parse_url(database_url))

    def ask(query: str) -> object:
        with engine.connect() as connection:
            return connection.exec_driver_sql(query).scalar_one()

    if engine.dialect.name == "sqlite":
        names = ("journal_mode", "busy_timeout", "foreign_keys", "synchronous")
        found = [ask(f"PRAGMA {name}") for name in names]
        assert found == ["wal", 5000, 1, 1]
    else:
        names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        assert [ask(f"SHOW {name}") for name in names] == ["15s", "5s", "15s"]
    engine.dispose()


def test_a_file_that_is_no_database_is_reported(open_store: OpenStore, tmp_path: Path) -> None:
    (tmp_path / "zoe.db").write_text("not a database at all" * 100)
    with pytest.raises(StoreUnavailable, match="not a database"):
        open_store(f"sqlite:///{tmp_path / 'zoe.db'}").migrate()
