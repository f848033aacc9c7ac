"""All documents of a commit, resolved: what is in force, what is broken, and why.

An invalid file never takes anything away: its last good content stays in force. Cost follows
change: what was read is kept by blob, what was resolved by all that it was resolved from, so a
pass over an unchanged repository compares and does nothing else.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from policy.model.execution import Uid
from reconciler.manifest.build import Attachment
from reconciler.manifest.diagnostic import Complaint, Diagnostic
from reconciler.manifest.executions import Executions
from reconciler.manifest.grants import Offer
from reconciler.manifest.handling import AS_SHIPPED, Handling
from reconciler.manifest.identity import uid_of
from reconciler.manifest.intake import CommitLike, Good, Intake, Key, Memory, Revision
from reconciler.manifest.lent import Lent, own_part, unread
from reconciler.manifest.limits import DEFAULT_LIMITS, Limits
from reconciler.manifest.outcome import Outcome
from reconciler.manifest.places import place_of
from reconciler.manifest.platform import Namespace, Platform, Reservation, ZAppSummary
from reconciler.manifest.resolve import Context
from reconciler.manifest.revised import Loaded, revised
from reconciler.manifest.rulebook import Rulebook
from reconciler.manifest.spec import Manifest, SetSummary

__all__ = ["BrokenManifest", "Catalogue", "CommitLike", "Good", "Loader"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenManifest:
    """An Execution that never had a valid version: shown as phase Invalid.

    ``message`` is there for an item of a set, whose file may be in force for others.
    """

    namespace: str
    name: str
    path: str
    uid: Uid
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """A commit, resolved. ``manifests`` are sorted by namespace and name.

    ``bad_paths`` are files whose newest content has errors; ``good`` is what to hand to the next
    call of :meth:`Loader.load`; ``documents`` counts the documents of every file; ``unreadable``
    are the namespaces in which a bad file may ask for more, ``unreadable_sets`` the files (by name)
    that may ask for it in any; ``lent`` is what tenants may use of it.
    """

    platform: Platform
    namespaces: Mapping[str, Namespace]
    manifests: tuple[Manifest, ...]
    broken: tuple[BrokenManifest, ...]
    zapps: tuple[ZAppSummary, ...]
    diagnostics: tuple[Diagnostic, ...]
    bad_paths: frozenset[str]
    good: Good
    documents: Mapping[str, int] = field(default_factory=dict)
    reservations: Mapping[str, Reservation] = field(default_factory=dict)
    sets: tuple[SetSummary, ...] = ()
    unreadable: frozenset[str] = frozenset()
    unreadable_sets: frozenset[str] = frozenset()
    lent: Lent | None = field(default=None, compare=False)


class Loader:
    """Loads commits of one source, one after the other. Keeps what the last one needed."""

    def __init__(
        self,
        *,
        deployment: str,
        source_id: str,
        security_profiles: Collection[str],
        storages: Mapping[str, Collection[str]],
        limits: Limits = DEFAULT_LIMITS,
        handling: Handling = AS_SHIPPED,
    ) -> None:
        self._deployment = deployment
        self._source_id = source_id
        self._offer = Offer(security_profiles=security_profiles, storages=storages)
        self._limits = limits
        self._handling = handling
        self._memory = Memory()
        self._outcomes: Mapping[Key, Outcome] = {}
        self._last: Loaded | None = None
        self._catalogue: Catalogue | None = None

    @property
    def limits(self) -> Limits:
        """Return what bounds the input."""
        return self._limits

    def apart(self) -> Loader:
        """Return a loader that begins with what this one remembers; then each goes its own way."""
        other = copy.copy(self)
        # Not copied along: these can't be handed to another process, but to the same one.
        other._last, other._catalogue = self._last, self._catalogue
        return other

    def load(
        self,
        files: Mapping[str, str],
        read: Callable[[str], bytes],
        *,
        commit: CommitLike,
        commit_of: Callable[[str], CommitLike],
        good: Good,
        refused: Sequence[tuple[str, str]] = (),
        set_aside: Mapping[str, Complaint] = MappingProxyType({}),
        now: datetime | None = None,
        lent: Lent | None = None,
    ) -> Catalogue:
        """Return what a commit says.

        Args:
            files: Path -> blob id of every regular file.
            read: Blob id -> bytes; ValueError where they are too many.
            commit: The commit.
            commit_of: Commit id -> commit, asked for those in ``good`` only.
            good: What the last call returned; empty at the very first.
            refused: Path and reason of tree entries that are never read.
            set_aside: Blob -> why it isn't read now, for those that aren't.
            now: When it is, for what lies in the past; by default when its content was committed.
            lent: What the platform's source lends, if this one is a tenant's; what only the
                platform may say is then left unread.
        """
        revision = Revision(
            files=files,
            read=read,
            commit=commit,
            commit_of=commit_of,
            good=good,
            refused=refused,
            set_aside=set_aside,
            now=now,
        )
        own = revision if lent is None else own_part(revision)
        ignored = tuple(unread(files)) if lent is not None else ()
        kept = self._revised(own, lent, ignored)
        self._catalogue = kept or self._whole(own, lent, ignored)
        return self._catalogue

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what only saves the next load time, and can't be handed to others."""
        return {**vars(self), "_last": None, "_catalogue": None}

    def _intake(self, revision: Revision) -> Intake:
        return Intake(revision, self._memory, self._limits, self._handling)

    def _whole(
        self, revision: Revision, lent: Lent | None, ignored: tuple[Diagnostic, ...]
    ) -> Catalogue:
        intake = self._intake(revision)
        intake.read_all()
        rulebook = Rulebook(intake, lent=lent)
        rulebook.settle()
        context_of = self._contexts(rulebook)
        executions = Executions(intake, context_of, self._outcomes, self._limits, lent=lent)
        in_force = executions.in_force()
        self._memory, self._outcomes = intake.kept, executions.kept
        intake.report(ignored)
        catalogue = self._made(intake, rulebook, in_force)
        self._last = Loaded(
            files=revision.files,
            refused=revision.refused,
            good=catalogue.good,
            memory=intake.kept,
            outcomes=executions.kept,
            in_force=in_force,
            budget=intake.budget,
            diagnostics=catalogue.diagnostics,
            documents=catalogue.documents,
            context_of=context_of,
            fresh=[p for p, kept in catalogue.good.items() if revision.good.get(p) != kept],
            lent=lent,
            ignored=ignored,
        )
        return catalogue

    def _revised(
        self, revision: Revision, lent: Lent | None, ignored: tuple[Diagnostic, ...]
    ) -> Catalogue | None:
        """Return the last catalogue with what has changed, if that is all there is to do."""
        before = self._catalogue
        if self._last is None or before is None:
            return None
        if self._last.lent is not lent or self._last.ignored != ignored:
            return None
        intake = self._intake(revision)
        found = revised(self._last, intake)
        if found is None:
            self._memory = self._memory.with_(intake.kept)
            return None
        self._last, touched = found
        self._memory, self._outcomes = self._last.memory, self._last.outcomes
        manifests = [m for m in before.manifests if m.origin.path not in touched.paths]
        manifests += (m for outcome in touched.found.values() for m in outcome.manifests)
        return replace(
            before,
            manifests=tuple(sorted(manifests, key=attrgetter("namespace", "name"))),
            good=self._last.good,
            documents=self._last.documents,
        )

    def _made(
        self, intake: Intake, rulebook: Rulebook, in_force: Mapping[str, Outcome]
    ) -> Catalogue:
        manifests = [manifest for outcome in in_force.values() for manifest in outcome.manifests]
        manifests.sort(key=attrgetter("namespace", "name"))
        bad = frozenset(intake.bad)
        return Catalogue(
            platform=rulebook.platform,
            namespaces=rulebook.namespaces,
            manifests=tuple(manifests),
            broken=self._broken(intake, in_force),
            zapps=rulebook.summaries(),
            diagnostics=tuple(sorted(set(intake.diagnostics))),
            bad_paths=bad,
            good=_new_good(intake),
            documents={
                path: len(parsed.contents)
                for files in intake.newest.values()
                for path, parsed in files.items()
            },
            reservations=rulebook.reservations,
            sets=tuple(_summaries(in_force)),
            unreadable=frozenset(_unreadable(bad, in_force)),
            unreadable_sets=frozenset(_unreadable_sets(bad, in_force)),
            lent=None if rulebook.lent is not None else rulebook.lend(self._source_id),
        )

    def _contexts(self, rulebook: Rulebook) -> Callable[[str], Context]:
        made: dict[str, Context] = {}

        def context_of(namespace: str) -> Context:
            if namespace not in made:
                made[namespace] = Context(
                    deployment=self._deployment,
                    source_id=self._source_id,
                    commit="",
                    platform=rulebook.platform,
                    namespace=rulebook.namespaces.get(namespace),
                    namespaces=rulebook.namespaces,
                    reservations=rulebook.reservations,
                    zapps=rulebook.zapps,
                    broken_zapps=rulebook.broken_zapps,
                    offer=self._offer,
                    attach=_nothing,
                    attach_zapp=lambda _: _nothing,
                    is_tenant=rulebook.lent is not None,
                )
            return made[namespace]

        return context_of

    def _broken(
        self, intake: Intake, in_force: Mapping[str, Outcome]
    ) -> tuple[BrokenManifest, ...]:
        taken = {
            (execution.namespace, execution.name)
            for outcome in in_force.values()
            for execution in outcome.documents
            if (execution.namespace, execution.name) not in outcome.refused
        }
        broken: dict[tuple[str, str], BrokenManifest] = {}

        def note(key: tuple[str, str], run: int, path: str, message: str = "") -> None:
            uid = uid_of(
                deployment=self._deployment,
                source_id=self._source_id,
                namespace=key[0],
                name=key[1],
                run=run,
            )
            made = BrokenManifest(
                namespace=key[0], name=key[1], path=path, uid=uid, message=message
            )
            broken.setdefault(key, made)

        for path, parsed in intake.newest["Execution"].items():
            place = place_of(path)
            if path in in_force or place is None:
                continue
            for stub in parsed.stubs:
                if (place.folder, stub.name) not in taken:
                    note((place.folder, stub.name), stub.run, path)
        for path, outcome in in_force.items():
            for execution in outcome.documents:
                key = (execution.namespace, execution.name)
                if key in outcome.refused and key not in taken:
                    note(key, execution.run, path, outcome.refused[key])
        return tuple(broken[key] for key in sorted(broken))


def _summaries(in_force: Mapping[str, Outcome]) -> Iterator[SetSummary]:
    """Yield the sets in force."""
    for path, outcome in in_force.items():
        for found in outcome.sets:
            names = [(member.namespace, member.name) for member in found.members]
            yield SetSummary(
                spec=found.spec,
                path=path,
                line=found.line,
                total=len(names),
                refused=tuple((*n, outcome.refused[n]) for n in names if n in outcome.refused),
            )


def _unreadable(bad: Collection[str], in_force: Mapping[str, Outcome]) -> Iterator[str]:
    """Yield the namespaces of files with errors; of a set's, those that it is over.

    A file that is in force but for some items hides nothing.
    """
    for path in bad:
        outcome = in_force.get(path)
        if outcome is not None and outcome.is_whole and outcome.is_newest:
            continue
        if path.startswith("executions/"):
            yield path.split("/")[1]
        elif outcome is not None:
            yield from (execution.namespace for execution in outcome.documents)


def _unreadable_sets(bad: Collection[str], in_force: Mapping[str, Outcome]) -> Iterator[str]:
    """Yield sets of which no version was ever valid: over whom they are isn't known.

    They are told by the names of their files, as executions are that can't be read.
    """
    for path in bad:
        place = place_of(path)
        if place is not None and place.kind == "ExecutionSet" and path not in in_force:
            yield place.stem


def _nothing(source: str) -> Attachment:
    raise Complaint("NoSuchFile", f"no file {source}", "remove it")


def _new_good(intake: Intake) -> Good:
    """Return the newest valid content of every managed file that has ever had one."""
    revision = intake.revision
    good: dict[str, tuple[str, str]] = {}
    for files in intake.newest.values():
        for path in files:
            if path not in intake.bad:
                blob = revision.files[path]
                good[path] = (blob, intake.first_seen_id(path, blob))
            elif path in revision.good:
                good[path] = revision.good[path]
    return good
