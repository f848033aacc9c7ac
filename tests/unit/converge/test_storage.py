"""What namespaces mount of the installation's storages, and what is told where that can't be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policy.model.execution import NodeId
from reconciler.converge.host import Host, Storage
from reconciler.converge.plan import CreateConfig, CreateService
from reconciler.converge.state import Mount, ObservedFile, ObservedState, TaskState
from reconciler.converge.status import Phase
from reconciler.converge.storage import NamespaceStorage
from reconciler.manifest.namespace_defaults import made
from reconciler.manifest.platform import Namespace, NamespaceDefaults, Platform
from reconciler.manifest.spec import Volume
from tests.builders import (
    NOW,
    Ledger,
    carried_out,
    interactive,
    manifest,
    observed,
    service,
    status_of,
    wanted,
)
from tests.unit.converge.passes import as_there, with_tasks

STORAGES = {
    "workspace": Storage(),
    "scratch": Storage(path="/srv/scratch", is_shared=True),
    "datasets": Storage(path="/srv/data", is_shared=True, is_read_only=True, is_whole=True),
    "results": Storage(path="/srv/results", is_shared=True, is_read_only=True),
}
OF_AML = NamespaceStorage(
    host=Host(deployment="zoe", storages=STORAGES), namespace=Namespace(name="aml"), epoch=1
)


@pytest.mark.parametrize(
    ("name", "source", "read_only"),
    [
        ("workspace", "zoe-zoe-aml-workspace", False),
        ("scratch", "/srv/scratch/aml", False),
        ("datasets", "/srv/data", True),
        ("results", "/srv/results/aml", True),
    ],
)
def test_a_namespace_mounts_its_own_or_what_all_may_only_read(
    name: str, source: str, read_only: bool
) -> None:
    volume = Volume(type="volume", source=name, target="/data")
    assert OF_AML.mount(volume) == Mount(
        type="bind" if source.startswith("/") else "volume",
        source=source,
        target="/data",
        read_only=read_only,
    )


def test_only_what_it_can_write_is_prepared_for_a_namespace() -> None:
    volumes = tuple(Volume(type="volume", source=name, target=f"/{name}") for name in STORAGES)
    specs = OF_AML.preparing(service(volumes=volumes), NodeId("n1"))
    prepared = sorted(mount.source for s in specs.values() for mount in s.spec.mounts)
    assert prepared == ["/srv/scratch", "zoe-zoe-aml-workspace"]


BOOK = manifest(
    interactive(service(volumes=(Volume(type="workspace", target="/work"),))), name="book"
)
OTHER = manifest(interactive(), name="other")


def with_inits(state: ObservedState, task_state: TaskState, **fields: object) -> ObservedState:
    """All tasks run, but those that prepare storage."""
    changed = with_tasks(state, TaskState.RUNNING)
    inits = {s.id for s in state.services if s.spec.name.startswith("init-")}
    tasks = (
        replace(task, state=task_state, **fields) if task.service_id in inits else task
        for task in changed.tasks
    )
    return replace(changed, tasks=tuple(tasks))


def begun(ledger: Ledger) -> ObservedState:
    found = ledger.assess(wanted(BOOK, OTHER), observed())
    return as_there(found, observed())


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"exit_code": 3, "error": "task: non-zero exit (3)"}, "its folder can't be made there"),
        ({"exit_code": 4}, "can't be given to the namespace's uid and gid"),
        ({"error": "bind source path does not exist: /srv/x"}, "path does not exist: /srv/x"),
        ({}, "it failed"),
    ],
)
def test_a_workspace_that_cannot_be_made_is_a_reason_and_the_others_run(
    fields: dict[str, object], why: str
) -> None:
    ledger = Ledger()
    state = with_inits(begun(ledger), TaskState.FAILED, **fields)
    found = ledger.assess(wanted(BOOK, OTHER), state)
    status = status_of(found, BOOK)
    assert (status.phase, status.reason) == (Phase.STARTING, "StorageNotPrepared")
    assert status.message.startswith("its storage workspace can't be prepared on n")
    assert why in status.message
    assert "the operator looks at [storage] in zoe.toml" in status.message
    assert status_of(found, OTHER).phase is Phase.RUNNING
    assert found.plan.actions == ()  # Swarm tries it again by itself


def test_a_start_that_storage_kept_back_ends_with_that_reason() -> None:
    ledger = Ledger()
    state = with_inits(begun(ledger), TaskState.FAILED, exit_code=3)
    ledger.later(minutes=11)
    found = ledger.assess(wanted(BOOK, OTHER), state)
    late = [step for step in found.steps if step.entry.reason == "StartTimeout"]
    (end,) = [step for step in late if step.entry.uid == BOOK.uid]
    assert "its folder can't be made there" in end.message


def test_once_the_node_is_mended_it_starts() -> None:
    ledger = Ledger()
    state = with_inits(begun(ledger), TaskState.COMPLETE, exit_code=0)
    found = ledger.assess(wanted(BOOK, OTHER), state)
    (made,) = [a.spec for a in found.plan.actions if isinstance(a, CreateService)]
    assert made.name.startswith("book-main-")
    assert status_of(found, BOOK).reason == "Starting"


def test_a_log_is_kept_for_the_owner_of_a_workspace_whose_set_is_gone() -> None:
    defaults = NamespaceDefaults(terms=Namespace(name="default"), uids=(20_000, 29_999), gid=0)
    owner = made("aml", defaults)
    book = manifest(replace(interactive(), logs_kept_in="workspace"))
    platform = Platform(namespace_defaults=defaults)
    asked = replace(wanted(book, platform=platform), namespaces={"aml": owner})
    ledger = Ledger()
    state = carried_out(ledger.assess(asked, observed()), observed())
    ledger.assess(asked, state)
    gone = wanted(platform=platform)
    found = ledger.assess(gone, state)
    (config,) = [a.config for a in found.plan.actions if isinstance(a, CreateConfig)]
    log = ObservedFile(id="log", name=config.name, labels=config.labels, created_at=NOW)
    found = ledger.assess(gone, replace(state, configs=(log,)))
    init, writer = (found.desired.services[name].spec for name in sorted(found.desired.services))
    assert init.name.startswith("init-")
    assert f"chown {owner.uid}:{owner.gid} " in " ".join(init.entrypoint or ())
    assert writer.user == f"{owner.uid}:{owner.gid}"
