"""What happened at the Cluster port, by execution, beside what a plan said would."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pygit2

from reconciler.cluster.fake import Outcome
from reconciler.converge.instants import epoch_ms
from reconciler.converge.ledger import EndReason, Fact
from reconciler.converge.runs import is_scheduled
from reconciler.converge.state import LABEL_SPEC_HASH, LABEL_UID, ServiceSpec
from reconciler.converge.tasks import is_live
from reconciler.report import Report
from tests.fixtures.git_servers import BareRepository
from tests.fixtures.site import Site, opened_site
from tests.fixtures.zoe_process import ZoeProcess
from tests.integration.review.drawing import ENDS, FAILS, MISSING, Files

BY_DECISION = frozenset(
    {
        EndReason.DELETED,
        EndReason.SUPERSEDED,
        EndReason.SUSPENDED,
        EndReason.REPLACED,
        EndReason.PREEMPTED,
    }
)
STEP_MS = 500
MOST_PASSES = 60


@dataclass
class Happened:
    """What became of one execution's services, and how many replicas it has in the end."""

    created: bool = False
    removed: bool = False
    rolled: bool = False
    replicas_before: int = 0
    replicas: int = 0


@dataclass
class Place:
    """A site with the folder of an operator who plans beside it."""

    site: Site
    folder: Path
    zoe: ZoeProcess
    specs: dict[str, ServiceSpec] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    read: int = 0
    first_created: dict[str, datetime] = field(default_factory=dict)

    def plan(self, files: Files) -> tuple[str, dict[str, Any]]:
        """Commit beside the branch; return the commit and the plan of another process."""
        git, base = self.site.repository.git, self.site.repository.tip()
        git.references.create("refs/heads/topic", base, force=True)
        head = self.site.repository.commit(files, branch="topic", message=str(files))
        repo = str(self.site.repository.path)
        arguments = ("plan", "--repo", repo, "--base", base, "--head", head, "-o", "json")
        told = self.zoe(*arguments, cwd=self.folder)
        assert told.code in (0, 1), told.err
        return head, told.data

    def merge(self, head: str) -> None:
        self.site.repository.git.references.create("refs/heads/main", head, force=True)

    def settle(self) -> None:
        """Make passes until one finds nothing to do."""
        for _ in range(MOST_PASSES):
            report = self._pass()
            if not report.is_moving and not report.outcomes and not report.facts:
                return

    def _pass(self) -> Report:
        seen, now = len(self.site.cluster.effects), self.site.clock.now()
        report = self.site.reconcile(ms=STEP_MS)
        for effect in self.site.cluster.effects[seen:]:
            if effect.method == "create_service" and isinstance(effect.spec, ServiceSpec):
                self.first_created.setdefault(effect.spec.labels.get(LABEL_UID, ""), now)
        return report

    def wait(self, seconds: int) -> None:
        """Let time pass, with passes when the loop asks for them."""
        end = self.site.clock.now() + timedelta(seconds=seconds)
        while (now := self.site.clock.now()) < end:
            wake_at = self.site.reports[-1].wake_at or end
            ms = (min(wake_at, end) - now) // timedelta(milliseconds=1)
            self.site.cluster.advance(max(ms, STEP_MS))
            self.settle()

    def live(self) -> Counter[str]:
        """Return uid -> replicas that are asked for of services with live tasks."""
        observed = self.site.cluster.observe()
        alive = {task.service_id for task in observed.tasks if is_live(task)}
        found: Counter[str] = Counter()
        for service in observed.services:
            if service.id in alive and (uid := service.spec.labels.get(LABEL_UID)):
                found[uid] += service.spec.replicas
        return found

    @property
    def next_wake_s(self) -> float:
        """Return in how many seconds a clock alone changes something."""
        wake_at = self.site.reports[-1].wake_at
        if wake_at is None:
            return math.inf
        return (wake_at - self.site.clock.now()).total_seconds()

    def sizes(self) -> Callable[[], list[int]]:
        """Return what tells how much those of the last pass have done by now, as rank counts it."""
        assert self.site.loop.last is not None
        executions = self.site.loop.last.snapshot.executions
        return lambda: [e.coarse_size(epoch_ms(self.site.clock.now())) for e in executions]

    def own_accord(self) -> int:
        """Return how many attempts have ended by themselves, and how many runs have come due."""
        entries = self.site.store.load().entries
        ends = [entry for entry in entries if entry.fact is Fact.ATTEMPT_ENDED]
        due = [e for e in entries if e.fact is Fact.FIRST_SEEN and is_scheduled(e.run)]
        return len(due) + sum(entry.reason not in BY_DECISION for entry in ends)

    def happened(self, before: Mapping[str, int]) -> dict[str, Happened]:
        """Return what the port saw since it was asked last."""
        found: dict[str, Happened] = {}
        for effect in self.site.cluster.effects[self.read :]:
            spec = effect.spec
            if isinstance(spec, ServiceSpec) and (uid := spec.labels.get(LABEL_UID)):
                self.owners[effect.name] = uid
            owner = self.owners.get(effect.name)
            if effect.error or owner is None:
                continue
            told = found.setdefault(owner, Happened())
            if effect.method == "create_service":
                told.created = True
            elif effect.method == "remove_service":
                told.removed = told.removed or owner in before
            elif effect.method == "update_service" and isinstance(spec, ServiceSpec):
                told.rolled = told.rolled or _hash(spec) != _hash(self.specs.get(effect.name))
            if isinstance(spec, ServiceSpec):
                self.specs[effect.name] = spec
        self.read = len(self.site.cluster.effects)
        after = self.live()
        for uid in {*before, *after}:
            told = found.setdefault(uid, Happened())
            told.replicas_before, told.replicas = before.get(uid, 0), after.get(uid, 0)
        return found


def _hash(spec: ServiceSpec | None) -> str:
    return spec.labels.get(LABEL_SPEC_HASH, "") if spec else ""


@contextmanager
def place(folder: Path, zoe: ZoeProcess, migrated: Path) -> Iterator[Place]:
    """Lend a site with an empty repository, in an empty folder; its database is a copy."""
    pygit2.init_repository(str(folder / "config.git"), bare=True, initial_head="main")
    repository = BareRepository(folder / "config.git")
    with opened_site(folder, repository, migrated=migrated) as site:
        site.cluster.script(ENDS, Outcome.exits(0, after_ms=300_000))
        site.cluster.script(FAILS, Outcome.exits(3, after_ms=200_000))
        site.cluster.remove_image(MISSING)
        settings = site.settings
        lines = [
            f"{key} = {json.dumps(str(getattr(settings, key)))}"
            for key in ("deployment", "state_dir", "database_url", "init_image")
        ]
        lines += ["[[source]]", 'id = "platform"', f'url = "{repository.path}"']
        (folder / "zoe.toml").write_text("\n".join(lines) + "\n")
        yield Place(site=site, folder=folder, zoe=zoe)
