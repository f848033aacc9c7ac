"""A set's life in passes: members of a few words, a ledger, and a cluster that obeys."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from reconciler.converge.state import LABEL_UID, TaskState
from reconciler.converge.world import Assessment, Wanted
from reconciler.manifest.spec import ExecutionSpec, Item, Manifest, SetSpec
from tests.builders import (
    NOW,
    Ledger,
    batch,
    carried_out,
    manifest,
    observed,
    observed_node,
    wanted,
)


def members(count: int, *, spec: ExecutionSpec | None = None, **rules: object) -> list[Manifest]:
    """Return the members of a set, ``lab-1`` onwards."""
    found = SetSpec(namespace="aml", name="lab", **rules)  # type: ignore[arg-type]
    return [
        manifest(spec or batch(), name=f"lab-{n}", item=Item(set=found, key=str(n), index=n - 1))
        for n in range(1, count + 1)
    ]


class Course:
    """A ledger, and a cluster with room for all, whose tasks run until they are told to end."""

    def __init__(self, *manifests: Manifest, cpus: int = 100) -> None:
        self.ledger = Ledger()
        self.wanted: Wanted = wanted(*manifests)
        self.state = observed(observed_node("n1", cpus=cpus, memory=2**40))
        self.found: Assessment
        self.reconcile()

    def reconcile(self, *, passes: int = 1, **later: float) -> Assessment:
        """Let time pass, make passes, and let the cluster do as each says."""
        self.ledger.later(**later)
        for _ in range(passes):
            self.state = replace(self.state, taken_at=self.ledger.now)
            self.found = self.ledger.assess(self.wanted, self.state)
            self.state = carried_out(self.found, self.state, at=self.ledger.now)
        return self.found

    def want(self, *manifests: Manifest, **fields: object) -> None:
        self.wanted = wanted(*manifests, **fields)  # type: ignore[arg-type]

    def end(self, *names: str, code: int = 0) -> None:
        """Let the tasks of some executions exit."""
        uids = {
            document["metadata"]["uid"]
            for document in self.ledger.memory.statuses.values()
            if document["metadata"]["name"] in names
        }
        ids = {s.id for s in self.state.services if s.spec.labels[LABEL_UID] in uids}
        state = TaskState.FAILED if code else TaskState.COMPLETE
        tasks = [
            replace(t, state=state, exit_code=code, desired_state=TaskState.SHUTDOWN)
            if t.service_id in ids
            else t
            for t in self.state.tasks
        ]
        self.state = replace(self.state, tasks=tuple(tasks))

    @property
    def reasons(self) -> dict[str, str]:
        """Reason of every execution, of those of several runs the newest, by name."""
        found = sorted(
            (d["metadata"]["name"], d["metadata"]["run"], d["status"]["reason"])
            for d in self.ledger.memory.statuses.values()
        )
        return {name: reason for name, _, reason in found}

    @property
    def counts(self) -> Counter[str]:
        return Counter(self.reasons.values())

    def message(self, name: str) -> str:
        found = [
            (d["metadata"]["run"], d["status"]["message"])
            for d in self.ledger.memory.statuses.values()
            if d["metadata"]["name"] == name
        ]
        return str(max(found)[1])


__all__ = ["NOW", "Course", "members"]
