"""Which Executions of a commit are in force: resolved, checked against one another, or held back.

A file counts as a whole. Its newest content is in force if every document of it resolves and
fits the others; else its last good content; else its Executions are broken.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from reconciler.manifest.build import Attach, Attachment
from reconciler.manifest.diagnostic import Complaint, Diagnostic, Path, Problem, Severity, quoted
from reconciler.manifest.documents import Execution, Parsed
from reconciler.manifest.intake import Intake, Key
from reconciler.manifest.limits import Limits
from reconciler.manifest.notify import notifications
from reconciler.manifest.resolve import Context, Resolved, resolve
from reconciler.manifest.rules import cycles, refuse_cycle
from reconciler.manifest.spec import (
    Manifest,
    Namespace,
    Origin,
    Platform,
    Reservation,
    UpdateMode,
)
from reconciler.manifest.suggest import did_you_mean
from reconciler.manifest.zapps import ZApp


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that a file's outcome depends on besides its own content."""

    platform: Platform
    namespace: Namespace | None
    commit: str
    zapps: tuple[tuple[str, ZApp | None], ...]
    attachments: tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a file of Executions resolved to. ``documents`` are index and document of each."""

    path: str
    blob: str
    inputs: Inputs
    documents: tuple[Execution, ...]
    manifests: tuple[Manifest, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def is_whole(self) -> bool:
        """Whether every document could be resolved."""
        return not any(diagnostic.is_error for diagnostic in self.diagnostics)

    def stale(self) -> Outcome:
        """Return the same as the last good content of a file that has errors now."""
        manifests = tuple(replace(manifest, is_current=False) for manifest in self.manifests)
        return Outcome(
            self.path, self.blob, self.inputs, self.documents, manifests, self.diagnostics
        )


@dataclass(slots=True)
class Executions:
    """Resolves the Execution files of a revision, through the outcomes of earlier ones.

    ``context_of`` gives what documents of a namespace are resolved against, without the commit.
    """

    intake: Intake
    context_of: Callable[[str], Context]
    before: Mapping[Key, Outcome]
    limits: Limits
    kept: dict[Key, Outcome] = field(default_factory=dict)

    def in_force(self) -> dict[str, Outcome]:
        """Return, by path, what is in force; files without any are left out."""
        found: dict[str, Outcome] = {}
        for path, parsed in self.intake.newest["Execution"].items():
            outcome = self._newest(path, parsed) or self._last_good(path)
            if outcome is not None:
                found[path] = outcome
        return self._without_conflicts(found)

    def _newest(self, path: str, parsed: Parsed) -> Outcome | None:
        blob = self.intake.revision.files.get(path)
        if blob is None or not parsed.contents:
            return None
        outcome = self._outcome(path, blob, parsed)
        # All that is wrong is told at once, also about the documents that could be read.
        self.intake.report(outcome.diagnostics)
        if not parsed.is_valid:
            return None
        if outcome.is_whole:
            return outcome
        return outcome if self._is_good(path, blob) else None

    def _is_good(self, path: str, blob: str) -> bool:
        good = self.intake.revision.good.get(path)
        return good is not None and good[0] == blob

    def _last_good(self, path: str) -> Outcome | None:
        """Return the last good content, resolved as far as it still can be."""
        parsed = self.intake.last_good(path)
        if parsed is None:
            return None
        blob = self.intake.revision.good[path][0]
        return self._outcome(path, blob, parsed).stale()

    def _outcome(self, path: str, blob: str, parsed: Parsed) -> Outcome:
        key = (path, blob)
        outcome = self.before.get(key)
        if outcome is None or not self._still_holds(outcome):
            outcome = self._resolve(path, blob, parsed)
        self.kept[key] = outcome
        return outcome

    def _still_holds(self, outcome: Outcome) -> bool:
        inputs = outcome.inputs
        context = self.context_of(_folder(outcome.path))
        files = self.intake.revision.files
        return (
            inputs.platform == context.platform
            and inputs.namespace == context.namespace
            and all(context.zapps.get(name) is zapp for name, zapp in inputs.zapps)
            and all(files.get(path) == blob for path, blob in inputs.attachments)
            and inputs.commit == self.intake.first_seen_id(outcome.path, outcome.blob)
        )

    def _resolve(self, path: str, blob: str, parsed: Parsed) -> Outcome:
        commit = self.intake.first_seen(path, blob)
        asked: dict[str, str | None] = {}
        context = replace(
            self.context_of(_folder(path)),
            commit=commit.id,
            attach=self._attach(f"executions/{_folder(path)}", asked),
            attach_zapp=lambda folder: self._attach(f"zapps/{folder}", asked),
        )
        manifests: list[Manifest] = []
        problems: list[tuple[int, Problem]] = []
        found = tuple(item for item in parsed.contents if isinstance(item, Execution))
        for execution in found:
            resolved = resolve(execution, context)
            problems += [(execution.index, problem) for problem in resolved.problems]
            origin = Origin(
                source_id=context.source_id,
                path=path,
                line=execution.line,
                blob=blob,
                commit=commit.id,
                author=commit.author,
                committed_at=commit.committed_at,
            )
            manifests.append(_manifest(execution, resolved, origin))
        diagnostics = self.intake.locate(path, blob, problems) if problems else []
        names = {str(execution.spec["zapp"]) for execution in found if "zapp" in execution.spec}
        inputs = Inputs(
            platform=context.platform,
            namespace=context.namespace,
            commit=commit.id,
            zapps=tuple((name, context.zapps.get(name)) for name in sorted(names)),
            attachments=tuple(sorted(asked.items())),
        )
        return Outcome(path, blob, inputs, found, tuple(manifests), tuple(diagnostics))

    def _attach(self, folder: str, asked: dict[str, str | None]) -> Attach:
        """Return what finds files in ``folder``, and notes which were asked for."""

        def attach(source: str) -> Attachment:
            path = f"{folder}/{source}"
            asked[path] = self.intake.revision.files.get(path)
            return self.intake.attachment(folder, source)

        return attach

    # Documents against one another

    def _without_conflicts(self, found: dict[str, Outcome]) -> dict[str, Outcome]:
        """Put newcomers that clash with others back to their last good content.

        Content that was in force before has the right of way: it isn't at fault.
        """
        for path, problems in self._conflicts(found).items():
            outcome = found[path]
            is_newcomer = not self._is_good(path, outcome.blob)
            severity = Severity.ERROR if is_newcomer else Severity.WARNING
            told = [(index, replace(problem, severity=severity)) for index, problem in problems]
            self.intake.report(self.intake.locate(path, outcome.blob, told))
            if is_newcomer:
                del found[path]
                if (before := self._last_good(path)) is not None:
                    found[path] = before
        return found

    def _conflicts(self, found: Mapping[str, Outcome]) -> dict[str, list[tuple[int, Problem]]]:
        conflicts: dict[str, list[tuple[int, Problem]]] = defaultdict(list)
        by_namespace: dict[str, list[tuple[Outcome, Execution]]] = defaultdict(list)
        for outcome in found.values():
            for execution in outcome.documents:
                by_namespace[execution.namespace].append((outcome, execution))
        total = 0
        for members in by_namespace.values():
            room = min(self.limits.manifests_per_namespace, self.limits.manifests - total)
            total += len(members)
            for path, index, problem in self._clashes(members, room):
                conflicts[path].append((index, problem))
        return conflicts

    def _clashes(
        self, members: list[tuple[Outcome, Execution]], room: int
    ) -> Iterator[tuple[str, int, Problem]]:
        yield from self._over_count(members, room)
        homes: dict[str, list[str]] = defaultdict(list)
        for outcome, execution in members:
            homes[execution.name].append(outcome.path)
        for outcome, execution in members:
            paths = homes[execution.name]
            if len(paths) > 1 and not self._has_right_of_way(outcome, paths):
                others = [path for path in paths if path != outcome.path] or [outcome.path]
                message = f"{execution.namespace}/{execution.name} is in {others[0]} too"
                complaint = Complaint("DuplicateIdentity", message, "rename one of the two")
                yield outcome.path, execution.index, complaint.at(("metadata", "name"))
        yield from _check_after(members, homes)
        yield from self._check_reservations(members)

    def _check_reservations(
        self, members: list[tuple[Outcome, Execution]]
    ) -> Iterator[tuple[str, int, Problem]]:
        for outcome, execution in members:
            name = execution.spec.get("reservation")
            if name is None:
                continue
            known = self.context_of(execution.namespace).reservations
            complaint = _refuse_reservation(name, execution.namespace, known)
            if complaint is not None:
                yield outcome.path, execution.index, complaint.at(("spec", "reservation"))

    def _has_right_of_way(self, outcome: Outcome, paths: list[str]) -> bool:
        """Tell whether this file held the name before, alone."""
        return self._is_good(outcome.path, outcome.blob) and paths.count(outcome.path) == 1

    def _over_count(
        self, members: list[tuple[Outcome, Execution]], room: int
    ) -> Iterator[tuple[str, int, Problem]]:
        if len(members) <= room:
            return
        ordered = sorted(
            members, key=lambda item: (not self._is_good(item[0].path, item[0].blob), item[0].path)
        )
        for outcome, execution in ordered[max(0, room) :]:
            message = f"more than {max(0, room)} executions in {execution.namespace}"
            complaint = Complaint("TooManyManifests", message, "delete what has ended")
            yield outcome.path, execution.index, complaint.at(("metadata", "name"))


def _check_after(
    members: list[tuple[Outcome, Execution]], homes: Mapping[str, list[str]]
) -> Iterator[tuple[str, int, Problem]]:
    edges: dict[str, list[str]] = {}
    owners: dict[str, tuple[Outcome, Execution]] = {}
    for outcome, execution in members:
        after = execution.spec.get("after")
        if not after:
            continue
        owners[execution.name] = (outcome, execution)
        edges[execution.name] = [entry["name"] for entry in after]
        for index, entry in enumerate(after):
            if entry["name"] not in homes:
                place: Path = ("spec", "after", index, "name")
                yield outcome.path, execution.index, _no_predecessor(entry["name"], homes).at(place)
    for circle in cycles(edges) if edges else ():
        for name in circle:
            outcome, execution = owners[name]
            problem = refuse_cycle(circle, "after").at(("spec", "after"))
            yield outcome.path, execution.index, problem


def _no_predecessor(name: str, homes: Mapping[str, list[str]]) -> Complaint:
    remedy = did_you_mean(name, homes, otherwise="remove it")
    return Complaint("UnknownExecution", f"no execution {name} in this namespace", remedy)


def _refuse_reservation(
    name: str, namespace: str, known: Mapping[str, Reservation]
) -> Complaint | None:
    if name not in known:
        remedy = did_you_mean(name, known, otherwise=f"add reservations/{name}.yaml, or remove it")
        return Complaint("UnknownReservation", f"no reservation {quoted(name)}", remedy)
    users = known[name].namespaces
    if users and namespace not in users:
        message = f"the reservation {name} isn't for {namespace}, but for {', '.join(users[:8])}"
        return Complaint("ReservationNotGranted", message, "remove it, or ask the operator")
    return None


def _folder(path: str) -> str:
    return path.split("/", 2)[1]


def _manifest(execution: Execution, resolved: Resolved, origin: Origin) -> Manifest:
    return Manifest(
        uid=resolved.identity.uid,
        namespace=execution.namespace,
        name=execution.name,
        run=execution.run,
        origin=origin,
        document_hash=resolved.document_hash,
        spec=resolved.spec,
        spec_hash=resolved.spec_hash,
        labels=execution.labels,
        suspend=execution.spec.get("suspend", False),
        update=UpdateMode(execution.spec.get("update", "never")),
        schedule=execution.schedule,
        notify=notifications(execution.spec),
    )
