"""A pass in progress: what is known so far, and the questions that its steps ask of it.

The steps (``departures``, ``admission``, ``telling``) write here what they find; nothing outside
of a pass sees it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from itertools import groupby

from policy.model.execution import Allocation, ApplicationType, Uid
from reconciler.converge import change_window, idleness, storage
from reconciler.converge.blocked import Blocked
from reconciler.converge.desired_state import DesiredService, DesiredState
from reconciler.converge.idleness import Activity
from reconciler.converge.ledger import Hold, Record, fold
from reconciler.converge.roll import call
from reconciler.converge.runs import is_scheduled
from reconciler.converge.status import SetName
from reconciler.converge.steps import Step
from reconciler.converge.tasks import grouped, is_live
from reconciler.converge.world import Identity, World
from reconciler.manifest.idle import Idle
from reconciler.manifest.namespace_defaults import made
from reconciler.manifest.platform import Namespace
from reconciler.manifest.spec import ExecutionSpec, Manifest, Origin

ENDS_SOON = timedelta(minutes=1)
"""What ends within this time gets no more elastic replicas: they would hardly be up."""


class Draft:
    """Records, groups and specs as they are at this point of a pass.

    ``frozen`` and ``steps`` are what the pass adds; ``held`` and ``blocked`` say why something
    doesn't happen; ``ending`` are those that shouldn't grow any more; ``kept`` are all runs of the
    names that an operator holds (``converge.holds``); ``lively`` are those that must be looked at
    (``converge.calm``).
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.memory = world.memory
        self.wanted = world.wanted
        self.activity = world.activity
        self.last = world.last.basis if world.last is not None else None
        self.grouped = grouped(world.observed, self.last.grouped if self.last else None)
        self.groups = self.grouped.by_uid
        self.nodes = self.grouped.nodes
        self.secrets = {secret.name: secret for secret in world.observed.secrets}
        self.records = dict(world.memory.records)
        self.placements: dict[Uid, tuple[Allocation, ...]] = dict(world.memory.placements)
        self.frozen: dict[tuple[Uid, int], ExecutionSpec] = {}
        self.steps: list[Step] = []
        self.held: dict[Uid, tuple[str, str]] = {}
        self.storage_faults = storage.faults(world.observed)
        self.blocked: dict[Uid, Blocked] = {}
        self.ending: set[Uid] = set()
        self.closed = change_window.closed(world.wanted.platform, now=world.now)
        self.roll = call(
            world.wanted,
            world.memory.records,
            world.memory.identities,
            self.last.roll if self.last else None,
        )
        self.holds = world.memory.holds()
        self.kept = {uid for name in self.holds for uid in self.roll.runs.get(name, {}).values()}
        self.lively: set[Uid] = set()

    def enter(self, steps: Iterable[Step]) -> None:
        """Add facts, and take over what they say."""
        for uid, group in groupby(steps, key=lambda step: step.entry.uid):
            entered = list(group)
            moved = fold((step.entry for step in entered), self.records.get(uid))
            self.steps.extend(entered)
            if moved is not None:
                self.records[uid] = moved

    def hold_of(self, uid: Uid) -> Hold | None:
        """Return the operator's hold that is on a run, if one is."""
        if uid not in self.kept:
            return None
        identity = self.identity(uid)
        return self.holds[identity.namespace, identity.name]

    def is_outrun(self, manifest: Manifest) -> bool:
        """Tell whether a higher run of the same name is known; runs of a schedule have no rank."""
        if is_scheduled(manifest.run):
            return False
        source = self.wanted.source(manifest.origin.source_id)
        return manifest.run < self.roll.newest[source, manifest.namespace, manifest.name]

    def spec_of(self, uid: Uid, record: Record | None) -> ExecutionSpec | None:
        """Return the frozen spec in force; None before the first admission.

        What was adopted has a stand-in for as long as it runs, and begins nothing with that.
        """
        if record is None or (record.is_adopted and not record.attempt_open):
            return None
        key = (uid, record.generation_in_force)
        return self.frozen.get(key) or self.memory.frozen.get(key)

    def newest_spec_of(self, uid: Uid, record: Record | None) -> ExecutionSpec | None:
        """Return what was frozen for the newest generation, also if that failed."""
        if record is None:
            return None
        key = (uid, record.generation)
        return self.frozen.get(key) or self.memory.frozen.get(key)

    def manifest_of(self, uid: Uid) -> Manifest | None:
        """Return the manifest of a run, or of a schedule, that is wanted."""
        recurrence = self.wanted.recurrences.get(uid)
        return recurrence.template if recurrence else self.wanted.manifests.get(uid)

    def wanted_spec(self, uid: Uid) -> ExecutionSpec | None:
        """Return what the newest manifest resolves to, if it does."""
        manifest = self.manifest_of(uid)
        return manifest.spec if manifest else None

    def set_of(self, uid: Uid) -> SetName | None:
        """Return the set that a run is a member of, or was when somebody last asked for it."""
        manifest = self.manifest_of(uid)
        if manifest is not None:
            item = manifest.item
            return (item.set.namespace, item.set.name) if item else None
        told = self.memory.statuses.get(uid)
        return told.of_set if told is not None else None

    def identity(self, uid: Uid) -> Identity:
        """Return whose run it is."""
        manifest = self.manifest_of(uid)
        if manifest is None:
            return self.memory.identities[uid]
        return Identity(
            namespace=manifest.namespace,
            name=manifest.name,
            run=manifest.run,
            source_id=manifest.origin.source_id,
        )

    def owner(self, namespace: str) -> Namespace:
        """Return a namespace; what is held there may outlive the set that it was made for."""
        found, defaults = (
            self.wanted.namespaces.get(namespace),
            self.wanted.platform.namespace_defaults,
        )
        if found is not None:
            return found
        return made(namespace, defaults) if defaults is not None else Namespace(name=namespace)

    def attempt_as_it_is(self, uid: Uid, record: Record) -> DesiredState:
        """Return what is there of an attempt as what should be."""
        mine = [g for g in self.groups.get(uid, ()) if g.attempt == record.attempt]
        return DesiredState(
            services={g.service.spec.name: DesiredService(spec=g.service.spec) for g in mine}
        )

    def stand_in(self, uid: Uid, record: Record) -> Manifest:
        """Return a stand-in for the manifest of a run that is only kept by a hold."""
        identity = self.memory.identities[uid]
        return Manifest(
            uid=uid,
            namespace=identity.namespace,
            name=identity.name,
            run=identity.run,
            origin=Origin(source_id="", path="", line=0, blob="", commit=""),
            document_hash=record.document_hash,
            spec=None,
        )

    def predecessors(
        self, manifest: Manifest, spec: ExecutionSpec
    ) -> Mapping[str, tuple[Record, bool]]:
        """Return name -> (record, has started) of what an execution waits for, as it is now."""
        found: dict[str, tuple[Record, bool]] = {}
        for after in spec.after:
            uid = self.roll.wanted.get((manifest.namespace, after.name))
            if uid is not None and (record := self.records.get(uid)) is not None:
                found[after.name] = (record, record.first_started_at is not None)
        return found

    def activity_of(self, uid: Uid) -> tuple[Activity, Idle] | None:
        """Return what is known of the use of an open attempt, if that is asked for."""
        activity, record = self.activity.get(uid), self.records.get(uid)
        if activity is None or record is None or not record.attempt_open:
            return None
        spec = self.spec_of(uid, record)
        if spec is None or spec.idle is None or activity.attempt != record.attempt:
            return None
        return activity, spec.idle

    def idle_alarms(self) -> list[datetime]:
        """Return the times at which somebody's idleness is told of, or ends it."""
        found = [known for uid in self.activity if (known := self.activity_of(uid)) is not None]
        now = self.world.now
        return [at for activity, idle in found for at in idleness.alarms(activity, idle, now=now)]

    def unprepared(self, uid: Uid, spec: ExecutionSpec | None) -> str:
        """Return why a storage that an execution mounts where it was placed isn't ready; or ""."""
        if not self.storage_faults or spec is None:
            return ""
        mounted = {
            service.name: {volume.storage for volume in service.volumes}
            for service in spec.services
        }
        namespace = self.identity(uid).namespace
        told = (
            self.storage_faults.get((namespace, placed.node, name), "")
            for placed in self.placements.get(uid, ())
            for name in sorted(mounted.get(placed.component, ()))
        )
        return next(filter(None, told), "")

    def has_live_tasks(self, uid: Uid) -> bool:
        """Tell whether tasks of a run are still there, or may be: of what ended just now."""
        before = self.memory.records.get(uid)
        ran = before is not None and before.attempt_open
        if self.world.attempts_are_as_recorded:
            return ran
        tasks = [task for group in self.groups.get(uid, ()) for task in group.tasks]
        # Where none is seen of what ran until now, the reading may be an older one: the next tells.
        return any(map(is_live, tasks)) or (ran and not tasks)

    def is_batch(self, uid: Uid, record: Record) -> bool:
        """Tell whether a run was admitted as a batch."""
        spec = self.spec_of(uid, record)
        return spec is not None and spec.type is ApplicationType.BATCH

    def ends_soon(self, uid: Uid, record: Record, spec: ExecutionSpec) -> bool:
        """Tell whether more replicas would hardly start before the execution ends.

        Also where nobody wants it any more and only a hold keeps it.
        """
        if not record.attempt_open:
            return False
        if uid not in self.wanted.manifests:
            return True
        completing = {service.name for service in spec.services if service.completes}
        groups = (g for g in self.groups.get(uid, ()) if g.attempt == record.attempt)
        if any(group.complete for group in groups if group.component in completing):
            return True
        if record.started_at is None or spec.lifetime_ms is None:
            return False
        left = timedelta(milliseconds=spec.lifetime_ms - record.ran_ms)
        return record.started_at + left - self.world.now < ENDS_SOON
