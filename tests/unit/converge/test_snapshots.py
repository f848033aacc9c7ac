"""Whoever reads a snapshot's document decides on the same as who wrote it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import yaml
from hypothesis import given

from policy.model.cluster import Snapshot
from policy.settings import PolicySettings
from reconciler import canonical
from reconciler.converge import publication, snapshots
from reconciler.manifest.platform import Platform
from tests import strategies

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def text_of(
    snapshot: Snapshot, settings: PolicySettings, writer: snapshots.Writer | None = None
) -> str:
    by = writer or snapshots.Writer()
    return by.write(snapshot, settings, Platform(), commit="c" * 40).text


def written(snapshot: Snapshot, settings: PolicySettings) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(text_of(snapshot, settings))
    return told


@given(strategies.snapshots(calendar=True), strategies.settings())
def test_what_is_read_is_what_was_written(snapshot: Snapshot, settings: PolicySettings) -> None:
    told = written(snapshot, settings)
    for copy in (
        yaml.load(text_of(snapshot, settings), Loader=LOADER),  # noqa: TID251 - our own, and large
        yaml.load(publication.dump(told), Loader=LOADER),  # noqa: TID251 - as it was written once
    ):
        taken = snapshots.read(copy)
        assert (taken.snapshot, taken.settings) == (snapshot, settings)
        assert written(taken.snapshot, taken.settings) == told


@given(strategies.snapshots(calendar=True), strategies.settings())
def test_the_id_depends_on_everything_but_the_time(
    snapshot: Snapshot, settings: PolicySettings
) -> None:
    told = written(snapshot, settings)
    later = written(replace(snapshot, now_ms=snapshot.now_ms + 1), settings)
    assert (told["id"], told["takenAt"] < later["takenAt"]) == (later["id"], True)
    other = replace(settings, backfill_depth=settings.backfill_depth + 1)
    assert written(snapshot, other)["id"] != told["id"]


@given(strategies.snapshots(calendar=True), strategies.settings())
def test_the_id_is_the_digest_of_all_but_the_time_and_by_the_same_rule_as_ever(
    snapshot: Snapshot, settings: PolicySettings
) -> None:
    told = written(snapshot, settings)
    body = {key: value for key, value in told.items() if key not in ("id", "takenAt")}
    assert told["id"] == canonical.digest(body)[:16]


@given(strategies.snapshots(calendar=True), strategies.snapshots(calendar=True))
def test_who_has_written_others_before_writes_the_same(one: Snapshot, other: Snapshot) -> None:
    writer, settings = snapshots.Writer(), PolicySettings()
    mixed = replace(
        one, executions=tuple({e.uid: e for e in (*other.executions, *one.executions)}.values())
    )
    for snapshot in (one, mixed, other, one):
        assert text_of(snapshot, settings, writer) == text_of(snapshot, settings)


@given(strategies.snapshots(calendar=True))
def test_an_execution_is_a_line_so_that_git_stores_what_changed(snapshot: Snapshot) -> None:
    lines = text_of(snapshot, PolicySettings()).splitlines()
    for execution in snapshot.executions:
        assert any(canonical.dumps(execution) == line.rstrip(",") for line in lines)


def test_an_older_document_is_read_as_if_nothing_else_was_set() -> None:
    old = {
        "apiVersion": "zoe.snapshot/v1",
        "commit": "c" * 40,
        "executions": [],
        "id": "0123456789abcdef",
        "nodes": [],
        "takenAt": "2026-01-01T12:00:00+00:00",
    }
    taken = snapshots.read(old)
    assert taken.taken_at == datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert taken.snapshot == Snapshot(now_ms=1_767_268_800_000, nodes=(), executions=())
    assert (taken.settings, taken.priorities) == (PolicySettings(), {})


def test_the_classes_of_fillers_arent_offered() -> None:
    empty = Snapshot(now_ms=0, nodes=(), executions=())
    assert snapshots.read(written(empty, PolicySettings())).priorities == {
        "low": -10,
        "normal": 0,
        "high": 10,
    }
