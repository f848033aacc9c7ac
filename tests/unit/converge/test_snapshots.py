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
from reconciler.converge import publication, snapshots
from reconciler.manifest.platform import Platform
from tests import strategies

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def written(snapshot: Snapshot, settings: PolicySettings) -> dict[str, Any]:
    return snapshots.document(snapshot, settings, Platform(), commit="c" * 40)


@given(strategies.snapshots(calendar=True), strategies.settings())
def test_what_is_read_is_what_was_written(snapshot: Snapshot, settings: PolicySettings) -> None:
    told = written(snapshot, settings)
    for copy in (
        json.loads(json.dumps(told)),
        yaml.load(publication.dump(told), Loader=LOADER),  # noqa: TID251 - our own, and large
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
