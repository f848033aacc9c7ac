"""Whatever is committed: a picture brought up to date is as one that is read anew."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.model.execution import Uid
from reconciler.reporting.records import Pulse, Recording
from reconciler.store.archive import SqlArchive
from reconciler.store.repository import SqlStore
from reconciler.stored import Changes, ExecutionRow
from reconciler.view.picture import Picture
from tests.fixtures.postgres import DEPLOYMENT, FixedClock

AT = datetime(2026, 1, 1, tzinfo=UTC)

uids = st.sampled_from([Uid(name) for name in "abcd"])
few = st.sampled_from(["x", "y", "ü"])
rows = st.builds(
    ExecutionRow,
    uid=uids,
    namespace=st.just("lab"),
    name=few,
    run=st.just(1),
    source_id=st.just("main"),
    phase=few,
    reason=st.just(""),
    status=st.fixed_dictionaries({"status": few}),
    updated_at=st.just(AT),
)
boards = st.fixed_dictionaries(
    {},
    optional={
        "problems": st.lists(st.fixed_dictionaries({"path": few}), max_size=2),
        "namespaces": st.dictionaries(few, st.fixed_dictionaries({"weight": st.integers(1, 2)})),
        "platform": st.fixed_dictionaries({"suspend": st.booleans()}),
    },
)
changes = st.builds(
    Changes,
    executions=st.lists(rows, max_size=3, unique_by=lambda row: row.uid).map(tuple),
    forgotten=st.lists(uids, max_size=2, unique=True).map(tuple),
    snapshot=st.none() | few,
    snapshot_id=few,
    recording=st.builds(Recording, boards=boards),
)
Step = tuple[Changes, bool]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("picture")


@settings(max_examples=30, deadline=None)
@given(steps=st.lists(st.tuples(changes, st.booleans()), max_size=6))
def test_a_picture_brought_up_to_date_is_as_one_read_anew(
    steps: Sequence[Step], sqlite_template: Path, folder: Path
) -> None:
    for old in folder.iterdir():
        old.unlink()
    url = f"sqlite:///{shutil.copyfile(sqlite_template, folder / 'zoe.db')}"
    clock = FixedClock()
    last: Picture | None = None
    with (
        SqlStore(url, deployment=DEPLOYMENT, clock=clock, random=Random(1)) as store,
        SqlArchive(url, clock=clock, random=Random(1)) as archive,
    ):
        lease = store.acquire_lease("here", ttl_s=60)
        assert lease is not None
        for number, (one, is_looked_at) in enumerate(steps):
            store.commit(one, lease)
            store.beat(Pulse(at=AT, interval_s=number), None, lease)
            if is_looked_at:  # a page that is behind by several commits catches up, too
                last = archive.picture(last)
        assert archive.picture(last) == archive.picture(None)
