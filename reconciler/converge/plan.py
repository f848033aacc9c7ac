"""Desired and observed state to ordered actions: applied once, it leaves nothing to plan."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from policy.model.execution import Uid
from reconciler.converge.desired_state import (
    DesiredConfig,
    DesiredService,
    DesiredState,
    Requirement,
)
from reconciler.converge.making_room import Part, allowance, part_of
from reconciler.converge.orphans import Orphan, orphans
from reconciler.converge.requirements import unmet
from reconciler.converge.secret_plan import (
    CreateSecret,
    RemoveSecret,
    new_secrets,
    old_secrets,
    taken_name,
)
from reconciler.converge.state import (
    KIND_INIT,
    KIND_KEEP,
    KIND_PREFETCH,
    KINDS_OF_NOBODY,
    LABEL_KIND,
    LABEL_NAMESPACE,
    LABEL_SPEC_HASH,
    LABEL_STACK,
    LABEL_UID,
    NetworkSpec,
    ObservedNetwork,
    ObservedService,
    ObservedState,
    RestartCondition,
    ServiceSpec,
    TaskState,
)
from reconciler.converge.tasks import Group, grouped

MAKING_ROOM = "MakingRoom"
"""The reason of a note that something waits until others have left."""


class Why(StrEnum):
    """What an action is for."""

    NEW = "new"
    ROLLING = "rolling"
    DRIFT = "drift"
    SCALE = "scale"
    GONE = "gone"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateNetwork:
    """Make a namespace's overlay network."""

    spec: NetworkSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateConfig:
    """Make a config from a blob."""

    config: DesiredConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateService:
    """Start a group."""

    spec: ServiceSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateService:
    """Bring a service to its spec, as read at ``version``. A mere scale restarts nobody."""

    id: str
    version: int
    spec: ServiceSpec
    why: Why


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveService:
    """Stop a group and forget it."""

    id: str
    name: str
    uid: str
    why: Why = Why.GONE


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveConfig:
    """Forget a config that nothing uses."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveNetwork:
    """Forget a network that nothing uses."""

    id: str
    name: str


Action = (
    RemoveService
    | CreateNetwork
    | CreateConfig
    | CreateSecret
    | UpdateService
    | CreateService
    | RemoveConfig
    | RemoveSecret
    | RemoveNetwork
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something the plan leaves alone, and why: a name conflict, an orphan, a wait."""

    uid: str
    name: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Actions in the order to take them: what goes, then what services need, then services."""

    actions: tuple[Action, ...] = ()
    notes: tuple[Note, ...] = ()


def plan(
    desired: DesiredState,
    observed: ObservedState,
    *,
    known: Collection[Uid],
    lingering: Collection[str] = (),
    kept_networks: Collection[str] = (),
    deployment: str = "",
    groups: Mapping[str, Group] | None = None,
) -> Plan:
    """Return what brings the observed state to the desired one.

    Args:
        desired: All that should exist.
        observed: One complete reading.
        known: Every uid that the ledger knows; a service of any other is an orphan, never removed.
        lingering: Ids of finished services that stay for a while longer.
        kept_networks: Names of networks that stay although nothing uses them.
        deployment: Whose secrets may be removed; all are observed.
        groups: The services of ``observed`` with their tasks, where they are known already.
    """
    groups = grouped(observed).by_name if groups is None else groups
    removes = _removals(desired, observed, known=known, lingering=lingering)
    removed = {action.name for action in removes if isinstance(action, RemoveService)}
    staying = frozenset(groups.keys() - desired.services.keys() - removed)
    allowed = allowance(desired, observed, groups, staying)
    removes = [action for action in removes if not _is_kept(action, groups, allowed.kept)]
    services = [_capped(s, allowed.replicas.get(n)) for n, s in sorted(desired.services.items())]
    changes, creates, notes = _of_services(services, desired, observed, groups)
    return Plan(
        actions=(
            *removes,
            *_new_networks(desired, observed),
            *_new_configs(desired, observed),
            *new_secrets(desired, observed),
            *sorted(changes, key=lambda change: _grows(change, groups)),
            *creates,
            *_old_configs(desired, observed),
            *old_secrets(desired, observed, known, deployment=deployment),
            *_old_networks(desired, observed, kept_networks),
        ),
        notes=(
            *(_making_room(desired, uid, told) for uid, told in sorted(allowed.waits.items())),
            *map(_orphaned, orphans(observed, known, deployment=deployment)),
            *notes,
        ),
    )


def _of_services(
    services: Iterable[DesiredService],
    desired: DesiredState,
    observed: ObservedState,
    groups: Mapping[str, Group],
) -> tuple[list[UpdateService | RemoveService], list[CreateService], list[Note]]:
    """Return what changes, what is made, and what is left alone of the services that should be."""
    by_name = {service.spec.name: service for service in observed.services}
    there = {secret.name: secret for secret in observed.secrets}
    changes: list[UpdateService | RemoveService] = []
    creates: list[CreateService] = []
    notes: list[Note] = []
    for wanted in services:
        name = wanted.spec.name
        present = by_name.get(name)
        if taken := taken_name(wanted.spec, desired, there):
            notes.append(_taken(wanted.spec, taken))
        elif present is not None:
            changes += _change(wanted.spec, present, groups[name])
        elif (conflict := _conflict(wanted.spec, observed)) is not None:
            notes.append(conflict)
        elif (waits_for := unmet(wanted, groups)) is not None:
            notes.append(_waiting(wanted.spec, waits_for))
        elif wanted.spec.replicas:
            creates.append(CreateService(spec=wanted.spec))
    return changes, creates, notes


def network_for(namespace: str, networks: Collection[ObservedNetwork], *, fresh_name: str) -> str:
    """Return the name of a namespace's network: the newest that is there, else a fresh one."""
    mine = [n for n in networks if n.labels.get(LABEL_NAMESPACE) == namespace]
    return max(mine, key=lambda n: (n.created_at, n.id)).name if mine else fresh_name


def _removals(
    desired: DesiredState,
    observed: ObservedState,
    *,
    known: Collection[Uid],
    lingering: Collection[str],
) -> list[Action]:
    removes: list[Action] = []
    for service in sorted(observed.services, key=lambda s: s.spec.name):
        labels = service.spec.labels
        if service.spec.name in desired.services or service.id in lingering:
            continue
        uid = labels.get(LABEL_UID, "")
        if labels.get(LABEL_KIND) in KINDS_OF_NOBODY or uid in known:
            removes.append(RemoveService(id=service.id, name=service.spec.name, uid=uid))
    return removes


def _change(
    wanted: ServiceSpec, present: ObservedService, group: Group
) -> list[UpdateService | RemoveService]:
    labels = present.spec.labels
    if labels.get(LABEL_KIND) in (KIND_PREFETCH, KIND_KEEP):
        return []
    if labels.get(LABEL_KIND) == KIND_INIT:
        # An earlier version's isn't tried again by Swarm: as a new one it is.
        if present.spec.restart.condition is not RestartCondition.NONE:
            return []
        failed = any(t.state in (TaskState.FAILED, TaskState.REJECTED) for t in group.tasks)
        if failed and not group.complete:
            return [RemoveService(id=present.id, name=wanted.name, uid="", why=Why.FAILED)]
        return []
    if labels.get(LABEL_SPEC_HASH) != wanted.labels[LABEL_SPEC_HASH]:
        return [_update(wanted, present, Why.ROLLING)]
    if present.is_drifted:
        return [_update(wanted, present, Why.DRIFT)]
    if present.spec.replicas != wanted.replicas:
        # The spec as it is, so that a newer version of Zoe restarts nobody by scaling.
        scaled = replace(present.spec, replicas=wanted.replicas)
        return [_update(scaled, present, Why.SCALE)]
    return []


def _update(spec: ServiceSpec, present: ObservedService, why: Why) -> UpdateService:
    return UpdateService(id=present.id, version=present.version, spec=spec, why=why)


def _grows(change: UpdateService | RemoveService, groups: Mapping[str, Group]) -> bool:
    """Tell whether a change adds replicas: those come after all that takes some away."""
    if isinstance(change, RemoveService):
        return False
    return change.spec.replicas > groups[change.spec.name].service.spec.replicas


def _is_kept(action: Action, groups: Mapping[str, Group], kept: Collection[Part]) -> bool:
    """Tell whether a group of an attempt that goes on must stay until another one is up."""
    return (
        isinstance(action, RemoveService)
        and action.name in groups
        and part_of(groups[action.name].service.spec.labels) in kept
    )


def _capped(service: DesiredService, replicas: int | None) -> DesiredService:
    if replicas is None:
        return service
    return replace(service, spec=replace(service.spec, replicas=replicas))


def _new_networks(desired: DesiredState, observed: ObservedState) -> list[Action]:
    have = {network.name for network in observed.networks}
    return [
        CreateNetwork(spec=spec)
        for name, spec in sorted(desired.networks.items())
        if name not in have
    ]


def _old_networks(
    desired: DesiredState, observed: ObservedState, kept: Collection[str]
) -> list[Action]:
    used = {a.network for service in observed.services for a in service.spec.networks}
    return [
        RemoveNetwork(id=network.id, name=network.name)
        for network in sorted(observed.networks, key=lambda n: n.name)
        if network.name not in desired.networks
        and network.name not in kept
        and network.name not in used
        and LABEL_NAMESPACE in network.labels
    ]


def _new_configs(desired: DesiredState, observed: ObservedState) -> list[Action]:
    have = {config.name for config in observed.configs}
    return [
        CreateConfig(config=config)
        for name, config in sorted(desired.configs.items())
        if name not in have
    ]


def _old_configs(desired: DesiredState, observed: ObservedState) -> list[Action]:
    # A kept log goes together with what has written it down: alone it would be written again.
    users = (
        service
        for service in observed.services
        if service.spec.labels.get(LABEL_KIND) != KIND_KEEP or service.spec.name in desired.services
    )
    used = {config.name for service in users for config in service.spec.configs}
    return [
        RemoveConfig(id=config.id, name=config.name)
        for config in sorted(observed.configs, key=lambda c: c.name)
        if config.name not in desired.configs and config.name not in used
    ]


def _conflict(spec: ServiceSpec, observed: ObservedState) -> Note | None:
    """Return why a service can't be created beside what others run."""
    if spec.name.lower() in observed.foreign_names:
        message = f"a service of somebody else is called {spec.name}; rename or remove it"
        return _note(spec, "NameConflict", message)
    stack = spec.labels.get(LABEL_STACK, "")
    if stack in observed.foreign_stacks:
        message = f"a stack of somebody else is called {stack}; rename the execution or the stack"
        return _note(spec, "NameConflict", message)
    return None


def _taken(spec: ServiceSpec, name: str) -> Note:
    message = f"a secret of somebody else is called {name}; remove it"
    return _note(spec, "NameConflict", message)


def _orphaned(orphan: Orphan) -> Note:
    return Note(uid=orphan.uid, name=orphan.name, reason="Orphan", message=orphan.told)


def _waiting(spec: ServiceSpec, requirement: Requirement) -> Note:
    return _note(spec, "DependencyNotReady", f"starts once {requirement.told_as}")


def _making_room(desired: DesiredState, uid: str, told: str) -> Note:
    names = (n for n, s in desired.services.items() if s.spec.labels.get(LABEL_UID) == uid)
    return Note(uid=uid, name=min(names), reason=MAKING_ROOM, message=told)


def _note(spec: ServiceSpec, reason: str, message: str) -> Note:
    return Note(uid=spec.labels.get(LABEL_UID, ""), name=spec.name, reason=reason, message=message)
