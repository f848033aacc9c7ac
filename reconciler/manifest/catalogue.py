"""All documents of a commit, resolved: what is in force, what is broken, and why.

An invalid file never takes anything away: its last good content stays in force. Cost follows
change: what was read is kept by blob, what was resolved by all that it was resolved from, so a
pass over an unchanged repository compares and does nothing else.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from policy.model.execution import Uid
from reconciler.manifest.build import Attachment
from reconciler.manifest.diagnostic import Complaint, Diagnostic, Severity
from reconciler.manifest.documents import Content, Execution, Parsed
from reconciler.manifest.executions import Executions, Outcome
from reconciler.manifest.grants import Offer
from reconciler.manifest.identity import uid_of
from reconciler.manifest.intake import CommitLike, Good, Intake, Key, Memory, Revision
from reconciler.manifest.lent import Lent, own_part, unread
from reconciler.manifest.limits import DEFAULT_LIMITS, Limits
from reconciler.manifest.places import place_of
from reconciler.manifest.reservations import check_reservation, settle
from reconciler.manifest.resolve import Context
from reconciler.manifest.spec import Manifest, Namespace, Platform, Reservation, ZAppSummary
from reconciler.manifest.zapps import ZApp

__all__ = ["BrokenManifest", "Catalogue", "CommitLike", "Good", "Loader"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenManifest:
    """An Execution whose file never had a valid version: shown as phase Invalid."""

    namespace: str
    name: str
    path: str
    uid: Uid


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """A commit, resolved. ``manifests`` are sorted by namespace and name.

    ``bad_paths`` are files whose newest content has errors; ``good`` is what to hand to the next
    call of :meth:`Loader.load`; ``documents`` counts the documents of every file; ``lent`` is what
    tenants may use of it.
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
    lent: Lent | None = field(default=None, compare=False)


class Loader:
    """Loads commits of one source, one after the other. Keeps what the last one needed."""

    def __init__(
        self,
        *,
        deployment: str,
        source_id: str,
        security_profiles: Collection[str],
        storages: Collection[str],
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._deployment = deployment
        self._source_id = source_id
        self._offer = Offer(security_profiles=security_profiles, storages=storages)
        self._limits = limits
        self._memory = Memory()
        self._outcomes: Mapping[Key, Outcome] = {}

    def apart(self) -> Loader:
        """Return a loader that begins with what this one remembers; then each goes its own way."""
        return copy.copy(self)

    def load(
        self,
        files: Mapping[str, str],
        read: Callable[[str], bytes],
        *,
        commit: CommitLike,
        commit_of: Callable[[str], CommitLike],
        good: Good,
        refused: Sequence[tuple[str, str]] = (),
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
            now=now,
        )
        intake = Intake(
            revision if lent is None else own_part(revision), self._memory, self._limits
        )
        intake.read_all()
        owners = _Owners(intake, lent=lent)
        owners.settle()
        executions = Executions(
            intake, self._contexts(owners), self._outcomes, self._limits, lent=lent
        )
        in_force = executions.in_force()
        manifests = [manifest for outcome in in_force.values() for manifest in outcome.manifests]
        manifests.sort(key=lambda manifest: (manifest.namespace, manifest.name))
        self._memory, self._outcomes = intake.kept, executions.kept
        return Catalogue(
            platform=owners.platform,
            namespaces=owners.namespaces,
            manifests=tuple(manifests),
            broken=self._broken(intake, in_force),
            zapps=owners.summaries(),
            diagnostics=tuple(
                sorted({*intake.diagnostics, *(() if lent is None else unread(files))})
            ),
            bad_paths=frozenset(intake.bad),
            good=_new_good(intake),
            documents={
                path: len(parsed.contents)
                for files in intake.newest.values()
                for path, parsed in files.items()
            },
            reservations=owners.reservations,
            lent=None if lent is not None else owners.lend(self._source_id),
        )

    def _contexts(self, owners: _Owners) -> Callable[[str], Context]:
        made: dict[str, Context] = {}

        def context_of(namespace: str) -> Context:
            if namespace not in made:
                made[namespace] = Context(
                    deployment=self._deployment,
                    source_id=self._source_id,
                    commit="",
                    platform=owners.platform,
                    namespace=owners.namespaces.get(namespace),
                    namespaces=owners.namespaces,
                    reservations=owners.reservations,
                    zapps=owners.zapps,
                    broken_zapps=owners.broken_zapps,
                    offer=self._offer,
                    attach=_nothing,
                    attach_zapp=lambda _: _nothing,
                    is_tenant=owners.lent is not None,
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
        }
        broken: dict[tuple[str, str], BrokenManifest] = {}
        for path, parsed in intake.newest["Execution"].items():
            place = place_of(path)
            if path in in_force or place is None:
                continue
            for stub in parsed.stubs:
                key = (place.folder, stub.name)
                uid = uid_of(
                    deployment=self._deployment,
                    source_id=self._source_id,
                    namespace=place.folder,
                    name=stub.name,
                    run=stub.run,
                )
                if key not in taken:
                    item = BrokenManifest(
                        namespace=place.folder, name=stub.name, path=path, uid=uid
                    )
                    broken.setdefault(key, item)
        return tuple(broken[key] for key in sorted(broken))


def _nothing(source: str) -> Attachment:
    raise Complaint("NoSuchFile", f"no file {source}", "remove it")


def _new_good(intake: Intake) -> Good:
    """Return the newest valid content of every managed file that has ever had one."""
    old = intake.revision.good
    good: dict[str, tuple[str, str]] = {}
    for files in intake.newest.values():
        for path in files:
            if path not in intake.bad:
                blob = intake.revision.files[path]
                before = old.get(path)
                is_same = before is not None and before[0] == blob
                good[path] = before if before and is_same else (blob, intake.revision.commit.id)
            elif path in old:
                good[path] = old[path]
    return good


@dataclass(slots=True)
class _Owners:
    """Platform, Namespaces, ZApps and Reservations in force: newest if valid, else last good."""

    intake: Intake
    lent: Lent | None = None
    platform: Platform = field(default_factory=Platform)
    namespaces: dict[str, Namespace] = field(default_factory=dict)
    zapps: dict[str, ZApp] = field(default_factory=dict)
    broken_zapps: dict[str, str] = field(default_factory=dict)
    reservations: dict[str, Reservation] = field(default_factory=dict)

    def settle(self) -> None:
        """Fill in everything."""
        if self.lent is not None:
            self._borrow(self.lent)
        for kind in ("Platform", "Namespace", "ZApp", "Reservation"):
            homes = self.lent.homes(kind) if self.lent else {}
            # Content that was good before comes first: it keeps its name against a newcomer.
            for path, parsed in sorted(self.intake.newest[kind].items(), key=self._rank):
                self._file(kind, path, parsed, homes)
        if not self.intake.newest["Platform"] and self.lent is None:
            self._warn_of_no_platform()

    def lend(self, source_id: str) -> Lent:
        """Return what tenants may use of it."""
        return Lent(
            source_id=source_id,
            platform=self.platform,
            namespaces=self.namespaces,
            reservations=self.reservations,
            zapps=self.zapps,
            broken_zapps=self.broken_zapps,
            files=self.intake.revision.files,
            attachment=self.intake.attachment,
        )

    def _borrow(self, lent: Lent) -> None:
        self.platform, self.namespaces = lent.rules(), dict(lent.namespaces)
        self.reservations = dict(lent.reservations)
        self.zapps, self.broken_zapps = dict(lent.zapps), dict(lent.broken_zapps)

    def summaries(self) -> tuple[ZAppSummary, ...]:
        """Return the applications by name, without what only an execution needs."""
        return tuple(
            ZAppSummary(
                name=zapp.name,
                title=zapp.title,
                path=zapp.path,
                type=zapp.spec["type"],
                parameters=zapp.spec.get("parameters", {}),
            )
            for _, zapp in sorted(self.zapps.items())
        )

    def _rank(self, item: tuple[str, Parsed]) -> tuple[bool, str]:
        path = item[0]
        good = self.intake.revision.good.get(path)
        return (good is None or good[0] != self.intake.revision.files.get(path), path)

    def _file(self, kind: str, path: str, parsed: Parsed, homes: dict[str, str]) -> None:
        content = parsed if parsed.is_valid else self.intake.last_good(path)
        if kind == "Reservation" and content is parsed and self._is_misfit(path, parsed):
            content = self.intake.last_good(path)
        if content is None:
            place = place_of(path)
            if kind == "ZApp" and place is not None:
                self.broken_zapps[place.folder] = path
            return
        for index, item in enumerate(content.contents):
            name = kind if isinstance(item, Platform) else item.name
            if name in homes:
                self._duplicate(path, index, kind, name, homes[name])
            else:
                homes[name] = path
                self._own(item, is_current=content is parsed)

    def _is_misfit(self, path: str, parsed: Parsed) -> bool:
        """Tell whether a file's newest content must give way: new, and at odds with the rest.

        What was in force before isn't at fault when a namespace or an image goes: it is told, and
        stays.
        """
        blob = self.intake.revision.files.get(path)
        if blob is None:
            return False
        good = self.intake.revision.good.get(path)
        is_newcomer = good is None or good[0] != blob
        now = self.intake.revision.now or self.intake.first_seen(path, blob).committed_at
        found = [
            (index, problem if is_newcomer else replace(problem, severity=Severity.WARNING))
            for index, item in enumerate(parsed.contents)
            if isinstance(item, Reservation)
            for problem in check_reservation(
                item, platform=self.platform, namespaces=self.namespaces, now=now
            )
        ]
        if found:
            self.intake.report(self.intake.locate(path, blob, found))
        return any(problem.severity is Severity.ERROR for _, problem in found)

    def _own(self, item: Content, *, is_current: bool) -> None:
        match item:
            case Platform():
                self.platform = item if is_current else replace(item, is_current=False)
            case Namespace():
                self.namespaces[item.name] = item if is_current else replace(item, is_current=False)
            case Reservation():
                settled = settle(item, self.platform)
                self.reservations[item.name] = replace(settled, is_current=is_current)
            case ZApp():
                self.zapps[item.name] = item
            case Execution():
                pass

    def _duplicate(self, path: str, index: int, kind: str, name: str, home: str) -> None:
        message = f"{kind} {name} is in {home} too"
        complaint = Complaint("DuplicateIdentity", message, "rename one of the two")
        blob = self.intake.revision.files.get(path)
        if blob is not None:
            problem = complaint.at(("metadata", "name"))
            self.intake.report(self.intake.locate(path, blob, [(index, problem)]))

    def _warn_of_no_platform(self) -> None:
        diagnostic = Diagnostic(
            file="platform.yaml",
            line=0,
            column=0,
            pointer="",
            code="NoPlatform",
            message="there is no platform.yaml: defaults apply",
            remedy="add one, as zoe init writes it",
            severity=Severity.WARNING,
        )
        self.intake.report([diagnostic])
