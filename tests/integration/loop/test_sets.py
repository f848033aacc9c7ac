"""Sets from a commit to the cluster and the status branch, in virtual time."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
import yaml

from reconciler.cluster.fake import Outcome
from reconciler.converge.ledger import Fact
from tests.fixtures.site import PLATFORM, Site, execution_file, namespace_file

SWEEP = "executions/aml/sweep.yaml"
FILL = "executions/aml/fill.yaml"
WORK = "executions/aml/work.yaml"


def sweep(
    count: int, *, name: str = "sweep", rules: str = "", spec: str = "", cpus: int = 1
) -> str:
    """A set of batch executions of so many CPUs each; the cluster has twelve."""
    return f"""\
apiVersion: zoe/v1
kind: ExecutionSet
metadata: {{name: {name}}}
spec:
  items: {{from: 1, to: {count}}}
  {rules}
  template:
    spec:
      type: batch
      {spec}
      services:
        main:
          image: "busybox:${{{{ item.key }}}}"
          resources: {{reservations: {{cpus: {cpus}, memory: 64MiB}}}}
"""


def reasons(site: Site) -> Counter[str]:
    rows = sorted(site.store.load().executions, key=lambda row: row.run)
    return Counter({row.name: row.reason for row in rows}.values())


def started(site: Site) -> list[Any]:
    """When attempts were intended."""
    return [e.at for e in site.store.load().entries if e.fact is Fact.ATTEMPT_INTENDED]


def set_status(site: Site, path: str = "status/aml/_sets/sweep.yaml") -> Any:
    return yaml.safe_load(site.published()[path])["status"]


def settle(site: Site, *, passes: int = 8) -> None:
    site.reconcile(passes=passes, ms=500)


def test_a_sweep_keeps_to_its_width_and_stops_when_too_many_fail(site: Site) -> None:
    site.cluster.script("busybox:2", Outcome.exits(1, after_ms=1_000))
    site.push({SWEEP: sweep(6, rules="parallel: 3\n  maxFailed: 0")})
    settle(site, passes=2)
    assert reasons(site)["SetParallel"] == 3
    settle(site)
    assert reasons(site) == {"Running": 2, "NonZeroExit": 1, "SetFailed": 3}
    told = set_status(site)
    assert (told["ready"], told["total"]) == (2, 6)
    assert told["phases"] == {"Failed": 1, "Pending": 3, "Running": 2}
    assert {"namespace": "aml", "name": "sweep-2", "phase": "Failed", "reason": "NonZeroExit"} in (
        told["missing"]
    )
    # Nothing is left to do, or to say; also for whoever takes over.
    site.restart()
    settle(site, passes=3)
    writes, pushed = site.writes(), site.published()
    settle(site, passes=3)
    assert site.writes() == writes
    assert site.published() == pushed


def test_starts_are_so_far_apart_and_a_clock_says_when(site: Site) -> None:
    site.push({SWEEP: sweep(3, rules="stagger: 30s")})
    for _ in range(40):
        report = site.reconcile(ms=0)
        if report.is_moving:
            site.cluster.advance(500)
            continue
        if report.wake_at is None:
            break
        left = report.wake_at - site.clock.now()
        site.cluster.advance(max(1, int(left.total_seconds() * 1000)))
    times = started(site)
    assert len(times) == 3
    assert [(b - a).total_seconds() for a, b in pairwise(times)] == [30, 30]


def test_a_filler_that_repeats_uses_what_is_left_and_yields_in_one_pass(site: Site) -> None:
    for number in range(1, 7):
        site.cluster.script(f"busybox:{number}", Outcome.exits(0, after_ms=20_000))
    fill = sweep(6, name="fill", rules="repeat: always", spec="priority: filler", cpus=2)
    site.push({FILL: fill})
    settle(site, passes=6)
    assert reasons(site)["Running"] == 6
    site.cluster.advance(20_000)
    settle(site, passes=12)
    assert len(started(site)) >= 12  # who ended was started again: the width stays
    before = reasons(site)["Running"]
    site.push({WORK: execution_file("work", image="work", service="replicas: 8")})
    site.reconcile(ms=0)
    ended = [e for e in site.store.load().entries if e.reason == "Preempted"]
    assert len(ended) == 4, before
    settle(site, passes=6)
    assert site.status("aml/work")["phase"] == "Running"
    assert reasons(site)["Running"] == 3
    site.push({FILL: None})
    settle(site, passes=6)
    assert reasons(site)["Running"] == 1
    assert "status/aml/_sets/fill.yaml" not in site.published()


def test_an_item_that_cant_be_is_told_and_the_others_run(site: Site) -> None:
    site.push({"executions/aml/mine.yaml": execution_file("sweep-2")})
    settle(site, passes=3)
    site.push({SWEEP: sweep(3)})
    settle(site)
    assert site.phases() == {
        "aml/sweep-1": "Running",
        "aml/sweep-2": "Running",
        "aml/sweep-3": "Running",
    }
    told = set_status(site)
    assert (told["ready"], told["total"]) == (2, 3)
    (refused,) = told["refused"]
    assert refused["name"] == "sweep-2"
    assert refused["message"].startswith(f"{SWEEP}:5:10: ")


def test_a_course_over_many_namespaces_goes_as_one(site: Site) -> None:
    defaults = PLATFORM.replace("spec: {}", "spec: {namespaceDefaults: {uid: 4000}}")
    course = sweep(8, name="lab").replace(
        "template:\n", "template:\n    namespace: group-${{ item.key }}\n"
    )
    site.push({"platform.yaml": defaults, "sets/lab.yaml": course})
    settle(site)
    assert site.phases() == {f"group-{n}/lab-{n}": "Running" for n in range(1, 9)}
    assert set_status(site, "status/_sets/lab.yaml")["ready"] == 8
    fewer = course.replace("from: 1, to: 8", "from: 1, to: 2")
    site.push({"sets/lab.yaml": fewer})
    settle(site)
    assert site.phases()["group-8/lab-8"] == "Running"  # most of it at once: held
    restarts = len(started(site))
    site.push({"sets/lab.yaml": None, WORK: execution_file("work")})
    settle(site)
    assert Counter(site.phases().values()) == {"Stopped": 8, "Running": 1}
    assert len(started(site)) == restarts + 1


@pytest.mark.parametrize("path", ["sets/course.yaml", "sets/l\u00e4b.yaml"])
def test_a_course_whose_file_is_renamed_and_cant_be_read_goes_on(site: Site, path: str) -> None:
    course = sweep(3, name="lab").replace(
        "template:\n", "template:\n    namespace: group-${{ item.key }}\n"
    )
    defaults = PLATFORM.replace("spec: {}", "spec: {namespaceDefaults: {uid: 4000}}")
    site.push({"platform.yaml": defaults, "sets/lab.yaml": course, WORK: execution_file("work")})
    settle(site)
    site.push({"sets/lab.yaml": None, path: f"<<<<<<< HEAD\n{course}"})
    settle(site)
    assert Counter(site.phases().values()) == {"Running": 4}
    assert site.status("group-1/lab-1")["reason"] == "OwnerUnreadable"
    restarts = len(started(site))
    site.push({path: None, "sets/course.yaml": course})
    settle(site)
    assert Counter(site.phases().values()) == {"Running": 4}
    assert (len(started(site)), site.condition("group-1/lab-1", "Held")) == (restarts, None)


def test_removing_an_item_neither_renames_nor_restarts_another(site: Site) -> None:
    listed = sweep(4).replace("{from: 1, to: 4}", "[1, 2, 3, 4]")
    site.push({SWEEP: listed, "namespaces/bio.yaml": namespace_file("bio")})
    settle(site)
    before = {row.name: (row.uid, row.status["status"]) for row in site.store.load().executions}
    site.push({SWEEP: listed.replace("[1, 2, 3, 4]", "[4, 2, 1]")})
    settle(site)
    after = {row.name: (row.uid, row.status["status"]) for row in site.store.load().executions}
    assert site.phases()["aml/sweep-3"] == "Stopped"
    assert {n: told for n, told in after.items() if n != "sweep-3"} == {
        n: told for n, told in before.items() if n != "sweep-3"
    }
    assert len(started(site)) == 4
