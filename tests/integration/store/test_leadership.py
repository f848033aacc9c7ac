"""The lease among real processes: who died is superseded at once, who lives is left alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import psycopg
import pytest

from reconciler.errors import LeaseLost
from reconciler.ports import Lease
from reconciler.store.engine import open_engine, parse_url
from reconciler.store.lease import check
from reconciler.store.meta import bump
from reconciler.store.process import ProcessIdentity, current_process, is_gone
from reconciler.stored import Changes
from tests.fixtures.postgres import DEPLOYMENT, OpenStore, wait_until

_LEADER = """
import sys
from random import Random
from reconciler.store.repository import SqlStore
from tests.fixtures.postgres import FixedClock

url, deployment = sys.argv[1:]
store = SqlStore(url, deployment=deployment, clock=FixedClock(), random=Random(1))
lease = store.acquire_lease("child", ttl_s=600)
print(lease.epoch, lease.expires_at.isoformat(), flush=True)
sys.stdin.read()
"""


@contextmanager
def leader(url: str) -> Iterator[tuple[subprocess.Popen[str], Lease]]:
    """A process that takes the lease for ten minutes and holds it until it is killed."""
    child = subprocess.Popen(
        [sys.executable, "-c", _LEADER, url, DEPLOYMENT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        epoch, expires_at = child.stdout.readline().split()
        yield (
            child,
            Lease(holder="child", epoch=int(epoch), expires_at=datetime.fromisoformat(expires_at)),
        )
    finally:
        child.kill()
        child.wait(10)
        child.stdin.close()
        child.stdout.close()


def test_a_holder_that_was_killed_is_superseded_at_once(
    open_store: OpenStore, database_url: str
) -> None:
    store = open_store(database_url)
    with leader(database_url) as (child, lost):
        assert store.acquire_lease("here", ttl_s=60) is None
        child.kill()
        child.wait(10)
        taken = store.acquire_lease("here", ttl_s=60)
    assert taken is not None
    assert taken.epoch == lost.epoch + 1
    with pytest.raises(LeaseLost):
        store.commit(Changes(snapshot="x"), lost)
    assert store.load().snapshot is None


def test_a_restarted_holder_gets_a_new_epoch_under_its_old_name(
    open_store: OpenStore, sqlite_url: str
) -> None:
    store = open_store(sqlite_url)
    with leader(sqlite_url) as (child, lost):
        assert store.acquire_lease("child", ttl_s=60) is None
        child.kill()
        child.wait(10)
        again = store.acquire_lease("child", ttl_s=60)
    assert again is not None
    assert again.epoch == lost.epoch + 1


@pytest.mark.postgres
def test_nobody_takes_over_while_a_write_is_under_way(
    open_store: OpenStore, postgres_url: str
) -> None:
    store = open_store(postgres_url)
    held = store.acquire_lease("here", ttl_s=-1)
    assert held is not None
    engine = open_engine(parse_url(postgres_url))
    with psycopg.connect(postgres_url) as rival:
        with engine.begin() as writing:
            check(writing, held)
            with pytest.raises(psycopg.errors.LockNotAvailable):
                rival.execute("SELECT * FROM lease FOR UPDATE NOWAIT")
            rival.rollback()
        assert rival.execute("SELECT epoch FROM lease FOR UPDATE NOWAIT").fetchone() == (1,)
    engine.dispose()


@pytest.mark.postgres
def test_a_request_doesnt_wait_for_the_leaders_write(
    open_store: OpenStore, postgres_url: str
) -> None:
    store = open_store(postgres_url)
    engine = open_engine(parse_url(postgres_url))
    with engine.begin() as writing:
        bump(writing)
        store.request_pass("main")
    engine.dispose()
    assert store.take_wanted() == ("main",)


def test_a_zombie_counts_as_gone() -> None:
    child = subprocess.Popen(["sleep", "600"])
    process = identity_of(child.pid)
    try:
        assert not is_gone(process)
    finally:
        child.kill()
    # Not waited for yet, so its entry in /proc stays.
    wait_until(lambda: is_gone(process))
    child.wait(10)
    assert is_gone(process)


def test_this_process_lives() -> None:
    assert not is_gone(current_process())


def test_a_pid_that_was_used_again_is_another_process() -> None:
    assert is_gone(replace(current_process(), started=current_process().started - 1))


@pytest.mark.parametrize("boot_id", ["", "another boot", "another boot pid:[4026531836]"])
def test_nobody_is_declared_dead_from_afar(boot_id: str) -> None:
    assert not is_gone(ProcessIdentity(boot_id=boot_id, pid=2**22 + 1, started=1))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a pid namespace")
def test_a_holder_in_another_container_isnt_judged_by_its_pid(
    open_store: OpenStore, sqlite_url: str
) -> None:
    # Containers of one machine share its boot id, but each counts its own pids.
    script = f"import sys; sys.argv[1:] = {[sqlite_url, DEPLOYMENT]!r}{_LEADER}"
    command = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    child = subprocess.Popen(
        [*command, sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        if not child.stdout.readline():
            pytest.skip("this machine allows no pid namespaces")
        assert open_store(sqlite_url).acquire_lease("here", ttl_s=60) is None
    finally:
        child.kill()
        child.wait(10)
        child.stdin.close()
        child.stdout.close()


def identity_of(pid: int) -> ProcessIdentity:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return replace(current_process(), pid=pid, started=int(fields[19]))
