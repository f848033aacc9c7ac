"""Whatever is committed in whatever order: what is loaded is what a plain dictionary would hold."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.model.execution import Allocation, NodeId, Uid
from reconciler.store.repository import SqlStore
from reconciler.stored import Changes, ExecutionRow, GoodFile
from tests.fixtures.postgres import DEPLOYMENT, FixedClock

AT = datetime(2026, 1, 1, tzinfo=UTC)

uids = st.sampled_from([Uid("a"), Uid("b"), Uid("c")])
few = st.sampled_from(["x", "y", "ü"])
placements = st.lists(
    st.builds(Allocation, component=few, node=few.map(NodeId), count=st.integers(1, 3)),
    max_size=3,
    unique_by=lambda group: (group.component, group.node),
).map(tuple)
rows = st.builds(
    ExecutionRow,
    uid=uids,
    namespace=st.just("lab"),
    name=few,
    run=st.integers(1, 2),
    source_id=few,
    phase=few,
    reason=few,
    status=st.dictionaries(few, st.none() | st.integers() | few).map(
        lambda status: dict(sorted(status.items()))
    ),
    is_final=st.booleans(),
    updated_at=st.just(AT),
)
files = st.builds(
    GoodFile, source_id=few, path=few, blob=st.sampled_from(["", "b1", "b2"]), commit=few
)
changes = st.builds(
    Changes,
    placements=st.dictionaries(uids, placements),
    executions=st.lists(rows, max_size=3, unique_by=lambda row: row.uid).map(tuple),
    good_files=st.lists(files, max_size=3, unique_by=lambda f: (f.source_id, f.path)).map(tuple),
    accepted=st.dictionaries(few, few),
    published=st.dictionaries(few, st.none() | few),
    snapshot=st.none() | few,
)


class Model:
    """The store as dictionaries."""

    def __init__(self) -> None:
        self.placements: dict[Uid, tuple[Allocation, ...]] = {}
        self.executions: dict[Uid, ExecutionRow] = {}
        self.files: dict[tuple[str, str], GoodFile] = {}
        self.accepted: dict[str, str] = {}
        self.published: dict[str, str | None] = {}
        self.snapshot: str | None = None

    def apply(self, written: Changes) -> None:
        self.placements.update(written.placements)
        self.executions.update({row.uid: row for row in written.executions})
        self.files.update({(file.source_id, file.path): file for file in written.good_files})
        self.accepted.update(written.accepted)
        self.published.update(written.published)
        if written.snapshot is not None:
            self.snapshot = written.snapshot

    def expected(self) -> tuple[object, ...]:
        return (
            {uid: groups for uid, groups in self.placements.items() if groups},
            set_of(self.executions.values()),
            set_of(file for file in self.files.values() if file.blob),
            self.accepted,
            {path: digest for path, digest in self.published.items() if digest is not None},
            self.snapshot,
        )


def set_of(values: Iterable[object]) -> list[str]:
    """Values that can't be hashed, in an order that doesn't matter."""
    return sorted(map(repr, values))


def loaded(store: SqlStore) -> tuple[object, ...]:
    stored = store.load()
    return (
        stored.placements,
        set_of(stored.executions),
        set_of(stored.good_files),
        stored.accepted,
        stored.published,
        stored.snapshot,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("model")


@settings(max_examples=40, deadline=None)
@given(written=st.lists(changes, max_size=5))
def test_a_store_is_the_sum_of_its_commits(
    written: Sequence[Changes], sqlite_template: Path, folder: Path
) -> None:
    for old in folder.iterdir():
        old.unlink()
    path = folder / "zoe.db"
    shutil.copyfile(sqlite_template, path)
    model = Model()
    url = f"sqlite:///{path}"
    with SqlStore(url, deployment=DEPLOYMENT, clock=FixedClock(), random=Random(1)) as store:
        lease = store.acquire_lease("here", ttl_s=60)
        assert lease is not None
        for one in written:
            store.commit(one, lease)
            model.apply(one)
        assert loaded(store) == model.expected()
