"""Finding again what was frozen: specs aren't on the status branch, but their digests are.

What a commit resolves to is compared with the digest that a fact tells; where none does, with what
runs. What fits neither is never made from: the execution is adopted as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from policy.model.execution import ApplicationType, Uid
from reconciler import canonical
from reconciler.converge.ledger import Record
from reconciler.converge.recovery import Recovered
from reconciler.converge.render import component_hash
from reconciler.converge.secrets import is_ours
from reconciler.converge.state import LABEL_SPEC_HASH, ObservedState, RestartCondition
from reconciler.converge.tasks import Group, groups_by_uid
from reconciler.converge.world import Identity
from reconciler.manifest.spec import ExecutionSpec, Manifest, Service


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is looked for: the spec of a run. ``groups`` are what runs of it."""

    identity: Identity
    record: Record
    digest: str
    groups: tuple[Group, ...]


class Search:
    """Specs that were found, and those that are still looked for."""

    def __init__(self, recovered: Recovered, observed: ObservedState) -> None:
        groups = groups_by_uid(observed)
        self.found: dict[Uid, ExecutionSpec] = {}
        self._left = {
            uid: Target(
                identity=recovered.identities[uid],
                record=recovered.records[uid],
                digest=digest,
                groups=tuple(
                    group
                    for group in groups.get(uid, ())
                    if group.attempt == recovered.records[uid].attempt
                ),
            )
            for uid, digest in recovered.digests.items()
        }

    @property
    def left(self) -> Collection[Uid]:
        """Those that matter and weren't found: of what has ended, nothing is made any more."""
        return [uid for uid, target in self._left.items() if not target.record.is_final]

    def offer(self, manifests: Iterable[Manifest]) -> None:
        """Look at what a commit resolves to."""
        by_name = {_name(m): m.spec for m in manifests if m.spec is not None}
        for uid, target in tuple(self._left.items()):
            spec = by_name.get(_key(target.identity))
            if spec is not None and target.digest and canonical.digest(spec) == target.digest:
                self._take(uid, spec)

    def match(self, manifests: Iterable[Manifest]) -> None:
        """Take what would make just what runs, where no digest has told."""
        by_name = {_name(m): m.spec for m in manifests if m.spec is not None}
        for uid, target in tuple(self._left.items()):
            spec = by_name.get(_key(target.identity))
            if spec is not None and target.record.attempt_open and _fits(spec, target.groups):
                self._take(uid, spec)

    def stand_ins(
        self, manifests: Iterable[Manifest], types: Mapping[Uid, str]
    ) -> Mapping[Uid, ExecutionSpec | None]:
        """Return what stands in for those that weren't found; None where nothing runs."""
        by_name = {_name(m): m.spec for m in manifests if m.spec is not None}
        return {
            uid: _stand_in(by_name.get(_key(self._left[uid].identity)), self._left[uid], types[uid])
            for uid in self.left
        }

    def _take(self, uid: Uid, spec: ExecutionSpec) -> None:
        self.found[uid] = spec
        del self._left[uid]


def _name(manifest: Manifest) -> tuple[str, str, str]:
    return manifest.origin.source_id, manifest.namespace, manifest.name


def _key(identity: Identity) -> tuple[str, str, str]:
    return identity.source_id, identity.namespace, identity.name


def _fits(spec: ExecutionSpec, groups: Iterable[Group]) -> bool:
    """Tell whether what runs is made from just these components.

    One with secrets of ours can't be told: their names count too, and depend on their values.
    """
    services = {service.name: service for service in spec.services}
    there = {g.component: g.service.spec.labels.get(LABEL_SPEC_HASH) for g in groups}
    core = {service.name for service in spec.services if service.core}
    if not there or not core <= there.keys() <= services.keys():
        return False
    return all(
        component_hash(services[name]) == hash_
        and not any(is_ours(mount) for mount in services[name].secrets)
        for name, hash_ in there.items()
    )


def _stand_in(spec: ExecutionSpec | None, target: Target, type_: str) -> ExecutionSpec | None:
    """Return by what an attempt is judged of which it isn't known what it was made from."""
    if not target.record.attempt_open:
        return None
    components = {group.component for group in target.groups}
    if spec is not None and {s.name for s in spec.services} == components:
        return spec
    services = tuple(_service(name, target.groups) for name in sorted(components))
    return ExecutionSpec(
        type=ApplicationType(type_) if type_ else ApplicationType.BATCH, services=services
    )


def _service(name: str, groups: Iterable[Group]) -> Service:
    mine = [group.service.spec for group in groups if group.component == name]
    count = sum(spec.replicas for spec in mine)
    return Service(
        name=name,
        image=mine[0].image,
        core=count,
        maximum=max(count, 1),
        reservations=mine[0].reservations,
        limits=mine[0].limits,
        completes=mine[0].restart.condition is RestartCondition.NONE,
    )
