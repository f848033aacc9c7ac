"""While a long queue moves its places are told from time to time, and at last to everybody."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from reconciler import trailing
from reconciler.cluster.fake import Outcome
from reconciler.converge import publication, snapshots
from reconciler.converge.status import document, published
from tests.fixtures.site import Site

COUNT = 12


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
    monkeypatch.setattr(trailing, "FEW", 2)
    site.cluster.script("ends", Outcome.exits(0))
    site.push({f"executions/aml/e{n:02}.yaml": batch(f"e{n:02}") for n in range(COUNT)})
    return site


def test_places_lag_while_the_queue_moves_and_are_right_when_it_rests(long_queue: Site) -> None:
    site = long_queue
    lagged = snapshots_seen = 0
    for _ in range(60):
        site.reconcile(ms=100)
        assert {n: published(d) for n, d in stored(site).items()} == {
            n: published(d) for n, d in told(site).items()
        }
        lagged += stored(site) != told(site)
        last = site.loop.last
        assert last is not None
        is_newest = snapshot_of(site).snapshot.executions == last.snapshot.executions
        snapshots_seen += not is_newest
        if not site.reports[-1].facts:
            assert (stored(site), is_newest) == (told(site), True)
    assert all(doc["status"]["phase"] == "Succeeded" for doc in stored(site).values())
    assert lagged
    assert snapshots_seen


def test_the_branch_has_what_was_told_last(long_queue: Site) -> None:
    site = long_queue
    site.reconcile(passes=60, ms=100)
    files = site.published()
    for name, doc in stored(site).items():
        assert files[publication.status_path("aml", name)] == publication.status_file(doc)
    assert snapshots.read(json.loads(files[publication.SNAPSHOT_PATH])).snapshot.executions == ()
