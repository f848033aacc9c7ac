"""Killed at each of the sixteen points: real processes, Git and database, a simulated cluster.

The same kills on a real Swarm are a long run: ``make chaos``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from reconciler.cluster.fake import Outcome
from reconciler.converge.state import LABEL_EXECUTION, LABEL_NAMESPACE, LABEL_UID
from reconciler.failpoints import Point, hooked
from tests.fixtures.site import Site, execution_file, namespace_file
from tests.safety.lives import KILLED, Life, Place
from tests.safety.surviving import Served

CONVERGES_IN = 2
SMALL = "{cpus: 10m, memory: 8MiB}"
ANOTHER = f"    other: {{image: python, completes: true, resources: {{reservations: {SMALL}}}}}\n"


@pytest.fixture
def place(site: Site, tmp_path: Path) -> Iterator[Place]:
    """Return where processes can live that take over from one another."""
    site.cluster.script("python", Outcome.exits(0, after_ms=500, log="ran\n"))
    site.store.release_lease(site.lease)
    with Served(tmp_path / "cluster", site.cluster, site.clock) as served:
        yield Place(address=served.address, folder=tmp_path, repository=Path(site.repository.path))


def _small(name: str, **fields: str) -> str:
    return execution_file(name, **fields).replace(
        "cpus: 1, memory: 64MiB", "cpus: 10m, memory: 8MiB"
    )


def _round(number: int) -> Mapping[str, str | None]:
    """Return a change that makes a pass go by every point: a namespace, a deletion among it."""
    here = f"executions/n{number}"
    files: dict[str, str | None] = {
        f"namespaces/n{number}.yaml": namespace_file(f"n{number}"),
        f"{here}/book.yaml": _small("book"),
        f"{here}/gang.yaml": _small(
            "gang", type_="batch", service="completes: true", image="python"
        )
        + ANOTHER,
    }
    if number:
        files[f"executions/n{number - 1}/book.yaml"] = None
    return files


def _expected(rounds: int) -> dict[str, str]:
    return {
        f"n{number}/{name}": phase
        for number in range(rounds)
        for name, phase in (
            ("book", "Running" if number == rounds - 1 else "Stopped"),
            ("gang", "Succeeded"),
        )
    }


def test_one_change_passes_every_point(site: Site) -> None:
    site.cluster.script("python", Outcome.exits(0, after_ms=500))
    seen: list[Point] = []
    with hooked(seen.append):
        for number in (0, 1):
            site.push(_round(number))
            for _ in range(3):
                site.reconcile(ms=2_000)
                site.published()
    assert set(seen) == set(Point)


def test_killed_at_each_point_nothing_is_lost_doubled_or_left(site: Site, place: Place) -> None:
    life = Life(place)
    for number, point in enumerate(Point):
        site.push(_round(number))
        assert not life.passes(4, order=f"{point}=kill9"), f"{point} wasn't reached"
        assert life.end() == KILLED
        life = Life(place)
        assert life.passes(CONVERGES_IN)
        assert site.phases() == _expected(number + 1), f"not converged after a kill at {point}"
    assert life.end() == 0
    created = [
        effect.name
        for effect in site.cluster.effects
        if effect.method == "create_service" and not effect.error
    ]
    # A service's name is made of uid, incarnation, attempt, component and node.
    assert {name: count for name, count in Counter(created).items() if count > 1} == {}
    assert len(created) == len(Point) * len(("book", "main of gang", "other of gang"))
    rows = site.store.load().executions
    assert {row.status["status"]["attempt"] for row in rows} == {1}
    running = {f"{row.namespace}/{row.name}" for row in rows if row.phase == "Running"}
    ended = {row.uid for row in rows if row.phase == "Succeeded"}
    there = [service.spec.labels for service in site.cluster.observe().services]
    kept = [labels for labels in there if labels[LABEL_UID] not in ended]
    assert [f"{labels[LABEL_NAMESPACE]}/{labels[LABEL_EXECUTION]}" for labels in kept] == [*running]
