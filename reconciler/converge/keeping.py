"""Whole logs of what ended, kept in the workspace of its namespace (``logs: {keep: workspace}``).

A service's log goes with it. So a group that ended stays until its log is in a config, and a task
of ours beside it writes that into the workspace, as the namespace's own user. What is there on the
Swarm says how far that is: nothing of it is a fact.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from policy.model.execution import NodeId, Uid
from reconciler import canonical
from reconciler.converge import naming
from reconciler.converge.desired_state import DesiredConfig, DesiredService, DesiredState
from reconciler.converge.draft import Draft
from reconciler.converge.ledger import Ending, Record
from reconciler.converge.plan import Note
from reconciler.converge.state import (
    KIND_KEEP,
    LABEL_DEPLOYMENT,
    LABEL_EPOCH,
    LABEL_KEPT_AS,
    LABEL_KIND,
    LABEL_NAMESPACE,
    LABEL_NODE,
    LABEL_SPEC_HASH,
    LABEL_UID,
    FileReference,
    ObservedFile,
    ObservedTask,
    Restart,
    RestartCondition,
    ServiceSpec,
    TaskState,
)
from reconciler.converge.storage import NamespaceStorage, prepared
from reconciler.converge.tasks import Group, tasks_of_kind
from reconciler.manifest.spec import Service, Volume

WAITS = timedelta(seconds=30)
"""So long an ended group stays at most for its log to be read."""

TRIES = timedelta(minutes=10)
"""So long the log is tried to be written."""

_WHERE = {LABEL_NAMESPACE, LABEL_NODE, LABEL_KEPT_AS}
_AGAIN = Restart(condition=RestartCondition.ON_FAILURE, delay_ms=10_000)
_WORKSPACE = Volume(type="workspace", target="/workspace")
_LOG = "/log.gz"
_SCRIPT = (
    'set -e; umask 027; mkdir -p "/workspace/${1%/*}"; '
    f'gunzip -c {_LOG} >"/workspace/$1.part"; mv "/workspace/$1.part" "/workspace/$1"'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """What should exist to keep logs, and the ids of services that stay for it."""

    state: DesiredState = field(default_factory=DesiredState)
    lingering: frozenset[str] = frozenset()
    notes: tuple[Note, ...] = ()


def keeping(draft: Draft, homes: Mapping[str, NodeId]) -> Keeping:
    """Return what keeping the logs of ended attempts takes now.

    ``homes`` are the nodes of the workspaces that aren't shared.
    """
    there = {c.name: c for c in draft.world.observed.configs if _is_kept(c)}
    configs: dict[str, DesiredConfig] = {}
    waiting: set[str] = set()
    present: set[str] = set()
    for uid, group, end in _ended(draft):
        config = _config(draft, uid, group, homes)
        present.add(config.name)
        if config.name not in there and draft.world.now - end.at < WAITS:
            configs[config.name] = config
            waiting.add(group.service.id)
    services: dict[str, DesiredService] = {}
    done, failed = _written(draft), _failed(draft)
    for name, found in there.items():
        is_young = draft.world.observed.taken_at - found.created_at < TRIES
        # While the group is there, what says that its log is kept stays, too.
        if name in present or (is_young and name not in done):
            configs[name] = DesiredConfig(name=name, labels=found.labels)
            services |= _writer(draft, found)
    return Keeping(
        state=DesiredState(configs=configs, services=services),
        lingering=frozenset(waiting),
        notes=tuple(
            _note(found, why)
            for name, found in sorted(there.items())
            if name not in done and (why := failed.get(name) or _unprepared(draft, found))
        ),
    )


def _is_kept(config: ObservedFile) -> bool:
    """Tell whether a log is in it; one that says neither whose nor where to was made by hand."""
    labels = config.labels
    return labels.get(LABEL_KIND) == KIND_KEEP and labels.keys() >= _WHERE


def _ended(draft: Draft) -> Iterator[tuple[Uid, Group, Ending]]:
    """Yield the groups of ended attempts whose logs are asked for and can still be read."""
    for uid, groups in draft.groups.items():
        record = draft.records.get(uid)
        spec = draft.spec_of(uid, record)
        if record is None or spec is None or not spec.logs_kept_in:
            continue
        for group in groups:
            end = _end_of(record, group)
            if end is not None and group.tasks and not group.is_node_lost:
                yield uid, group, end


def _end_of(record: Record, group: Group) -> Ending | None:
    if record.attempt_open and group.attempt == record.attempt:
        return None
    return record.last_end or record.ended


def _config(draft: Draft, uid: Uid, group: Group, homes: Mapping[str, NodeId]) -> DesiredConfig:
    identity, host = draft.identity(uid), draft.world.host
    here = group.service.spec.node
    home = homes.get(identity.namespace, here)
    file = f"{group.component}.{re.sub(r'[^A-Za-z0-9.-]', '-', group.node_name)}.log"
    path = f"{identity.name}/run-{identity.run}/attempt-{group.attempt}/{file}"
    return DesiredConfig(
        name=naming.kept_log_name(service=group.service.spec.name),
        labels={
            LABEL_DEPLOYMENT: host.deployment,
            LABEL_NAMESPACE: identity.namespace,
            LABEL_KIND: KIND_KEEP,
            LABEL_KEPT_AS: f".zoe/logs/{path}",
            LABEL_NODE: here if host.storages["workspace"].is_shared else home,
            LABEL_UID: "",
            LABEL_EPOCH: str(draft.world.epoch),
        },
        log_of=group.service.id,
    )


def _writer(draft: Draft, config: ObservedFile) -> dict[str, DesiredService]:
    """Return the service that writes a log where it belongs, after what prepares that place."""
    labels, host = config.labels, draft.world.host
    name, node = labels[LABEL_NAMESPACE], NodeId(labels[LABEL_NODE])
    namespace = draft.owner(name)
    storage = NamespaceStorage(host=host, namespace=namespace, epoch=draft.world.epoch)
    first = storage.preparing(Service(name="keep", image="", volumes=(_WORKSPACE,)), node)
    spec = ServiceSpec(
        name=config.name,
        image=host.init_image,
        labels={
            **labels,
            LABEL_SPEC_HASH: canonical.digest(config.name)[:16],
            LABEL_EPOCH: str(draft.world.epoch),
        },
        node=node,
        entrypoint=("/bin/sh", "-c", _SCRIPT, "keep", labels[LABEL_KEPT_AS]),
        # The namespace's own user: what it linked elsewhere leads to nothing that isn't its own.
        user=f"{namespace.uid}:{namespace.gid}",
        mounts=(storage.mount(_WORKSPACE),),
        configs=(FileReference(name=config.name, target=_LOG),),
        pids_limit=16,
        restart=_AGAIN,
    )
    requires = (prepared(first),) if first else ()
    return {**first, spec.name: DesiredService(spec=spec, requires=requires)}


def _note(config: ObservedFile, error: str) -> Note:
    labels = config.labels
    told = f"{labels[LABEL_KEPT_AS]} can't be written in {labels[LABEL_NAMESPACE]}'s workspace"
    return Note(uid="", name=config.name, reason="LogsNotKept", message=f"{told}: {error}")


def _unprepared(draft: Draft, config: ObservedFile) -> str:
    labels = config.labels
    place = (labels[LABEL_NAMESPACE], NodeId(labels[LABEL_NODE]), _WORKSPACE.storage)
    return draft.storage_faults.get(place, "")


def _written(draft: Draft) -> frozenset[str]:
    """Return the names of the writers that are through."""
    tasks = _tasks_of_writers(draft)
    return frozenset(name for name, task in tasks if task.state is TaskState.COMPLETE)


def _failed(draft: Draft) -> Mapping[str, str]:
    """Return the errors of the writers that met one."""
    bad = (TaskState.FAILED, TaskState.REJECTED)
    return {name: task.error for name, task in _tasks_of_writers(draft) if task.state in bad}


def _tasks_of_writers(draft: Draft) -> Iterator[tuple[str, ObservedTask]]:
    for service, tasks in tasks_of_kind(draft.world.observed, KIND_KEEP):
        yield from ((service.spec.name, task) for task in tasks)
