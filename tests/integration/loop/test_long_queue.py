"""While a long queue moves its places and its snapshot are told from time to time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from reconciler import snapshot_pace
from reconciler.cluster.fake import Outcome
from reconciler.converge import moves, publication, snapshots
from reconciler.converge.status import document
from tests.fixtures.site import Site

COUNT = 12
EACH = timedelta(milliseconds=500)


def batch(name: str) -> str:
    return (
        f"apiVersion: zoe/v1\nkind: Execution\nmetadata: {{name: {name}}}\nspec:\n  type: batch\n"
        "  services:\n    main:\n      image: ends\n"
        "      resources: {reservations: {cpus: 4, memory: 16MiB}}\n"
    )


def stored(site: Site) -> Mapping[str, Any]:
    return {row.name: row.status for row in site.store.load().executions}


def told(site: Site) -> Mapping[str, Any]:
    return {s.name: json.loads(json.dumps(document(s))) for s in site.reports[-1].statuses}


def snapshot_of(site: Site) -> snapshots.Taken:
    text = site.store.load().snapshot
    assert text is not None
    return snapshots.read(json.loads(text))


@pytest.fixture
def long_queue(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(moves, "FEW", 2)
    monkeypatch.setattr(moves, "EACH", EACH)
    monkeypatch.setattr(snapshot_pace, "EACH", EACH)
    site.cluster.script("ends", Outcome.exits(0))
    site.push({f"executions/aml/e{n:02}.yaml": batch(f"e{n:02}") for n in range(COUNT)})
    return site


def places(site: Site) -> dict[str, int]:
    """The place of each who waits, as it is."""
    assert site.loop.last is not None
    uids = {s.uid: s.name for s in site.reports[-1].statuses}
    return {uids[w.uid]: w.position for w in site.loop.last.decision.waits}


def told_places(site: Site) -> dict[str, int]:
    found = {name: doc["status"].get("position") for name, doc in stored(site).items()}
    return {name: position for name, position in found.items() if position is not None}


def test_places_and_snapshot_are_behind_for_so_long_and_no_longer(long_queue: Site) -> None:
    site, late = long_queue, COUNT * EACH
    clock, right_at, written_at = site.loop.clock, None, None
    lagged = unwritten = 0
    for _ in range(60):
        site.reconcile(ms=100)
        now, last = clock.now(), site.loop.last
        assert last is not None
        assert stored(site) == told(site)
        assert told_places(site).keys() == places(site).keys()
        if told_places(site) == places(site):
            right_at = now
        if snapshot_of(site).snapshot.executions == last.snapshot.executions:
            written_at = now
        assert right_at is not None
        assert written_at is not None
        assert now - min(right_at, written_at) <= late + timedelta(milliseconds=100)
        lagged += right_at != now
        unwritten += written_at != now
    assert all(doc["status"]["phase"] == "Succeeded" for doc in stored(site).values())
    assert lagged
    assert unwritten


def test_who_is_behind_is_told_though_nothing_happens_any_more(long_queue: Site) -> None:
    site = long_queue
    site.cluster.script("ends", Outcome.exits(0, after_ms=3_600_000))
    site.reconcile(passes=2)
    for gone in ("e00", "e01"):  # the first to leave is told of at once
        site.push({f"executions/aml/{gone}.yaml": None})
        site.reconcile(passes=4, ms=200)
    assert told_places(site) != places(site)
    due = site.reports[-1].wake_at
    assert due is not None
    site.cluster.advance((due - site.loop.clock.now()) // timedelta(milliseconds=1))
    site.reconcile()
    assert told_places(site) == places(site)


def test_the_branch_has_what_was_told_last(long_queue: Site) -> None:
    site = long_queue
    site.reconcile(passes=60, ms=100)
    files = site.published()
    for name, doc in stored(site).items():
        assert files[publication.status_path("aml", name)] == publication.status_file(doc)
    assert snapshots.read(json.loads(files[publication.SNAPSHOT_PATH])).snapshot.executions == ()
