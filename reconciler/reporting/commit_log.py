"""The rows of one source's commits: what each changed, and why one is held back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from policy.model.execution import Uid
from reconciler import canonical
from reconciler.errors import SourceUnavailable
from reconciler.manifest.catalogue import Catalogue
from reconciler.manifest.ownership import Rules
from reconciler.manifest.spec import Manifest
from reconciler.posted import PostedPlan
from reconciler.reporting.records import CommitRow, Delta, Recorded
from reconciler.source import trust
from reconciler.source.acceptance import Acceptance
from reconciler.source.desired import Reader

NO_SOURCE = "the Git repository can't be reached; what was accepted last stays in force"
_NO_SPACE = (
    "a disk is full, so the newest commit can't be fetched; what was accepted last stays in force"
)
_NO_SIGNATURES = "signatures can't be checked now, so the newest commit isn't accepted"
_OF_PARTS_AWAY = {"SourceUnavailable": NO_SOURCE, "CannotVerify": _NO_SIGNATURES}


def problem_of(acceptance: Acceptance | None) -> str:
    """Return why the newest commit isn't desired, for anybody to read; "" if it is."""
    if acceptance is None or not acceptance.hold:
        return ""
    # What Git and ssh-keygen say may name hosts and files; the other sentences are our own.
    told = _OF_PARTS_AWAY.get(acceptance.hold)
    if told == NO_SOURCE and "No space left on device" in acceptance.message:
        told = _NO_SPACE
    if told is None:
        return acceptance.message
    return f"{acceptance.tenant}: {told}" if acceptance.tenant else told


@dataclass(slots=True)
class CommitLog:
    """Follows one source. What was worked out of a catalogue once isn't worked out again."""

    reader: Reader
    _settled: Catalogue | None = None
    """Of this catalogue everything is stored."""
    _digests: dict[Uid, tuple[Manifest, str]] = field(default_factory=dict)

    @property
    def source_id(self) -> str:
        """Return whose commits these are."""
        return self.reader.source.id

    def documents(self, recorded: Recorded) -> dict[str, str | None]:
        """Return what is asked for otherwise than stored; None for what isn't any more."""
        catalogue = self.reader.catalogue
        if catalogue is None or catalogue is self._settled:
            return {}
        before = recorded.documents.get(self.source_id, {})
        after = {f"{m.namespace}/{m.name}": self._digest(m) for m in catalogue.manifests}
        self._digests = {m.uid: self._digests[m.uid] for m in catalogue.manifests}
        changed: dict[str, str | None] = {
            **{name: digest for name, digest in after.items() if before.get(name) != digest},
            **dict.fromkeys(before.keys() - after.keys()),
        }
        if not changed:
            self._settled = catalogue
        return changed

    def held(
        self, acceptance: Acceptance | None, recorded: Recorded, at: datetime
    ) -> tuple[CommitRow, ...]:
        """Return the row of a tip that isn't accepted, once for each reason."""
        if acceptance is None or not acceptance.hold or not acceptance.tip:
            return ()
        told = (acceptance.tip, acceptance.hold, problem_of(acceptance))
        if recorded.held.get(self.source_id) == told:
            return ()
        row = self._row_of(acceptance.tip, at)
        return () if row is None else (replace(row, hold=told[1], told=told[2]),)

    def accepted(
        self,
        commit: str,
        documents: Mapping[str, str | None],
        recorded: Recorded,
        at: datetime,
        *,
        rules: Callable[[], Rules],
        merged: Sequence[PostedPlan] = (),
    ) -> tuple[CommitRow, ...]:
        """Return the row of the accepted commit, if it has none yet or changed something since.

        Args:
            commit: Its id.
            documents: What it changes, as :meth:`documents` returns it.
            recorded: What is stored.
            at: When.
            rules: Returns whose signatures are known.
            merged: The posted plans that it merged.
        """
        before = recorded.documents.get(self.source_id, {})
        delta = Delta(
            added=tuple(sorted(n for n, d in documents.items() if d and n not in before)),
            changed=tuple(sorted(n for n, d in documents.items() if d and n in before)),
            removed=tuple(sorted(n for n, d in documents.items() if d is None)),
        )
        is_known = recorded.commits.get(self.source_id) == commit
        if is_known and not (delta.added or delta.removed):
            return ()
        row = self._row_of(commit, at)
        if row is None:
            return ()
        parents = self.reader.source.commit(row.id).parents
        told = replace(
            row,
            signer=self._signer(commit, rules()),
            pull=_pull(merged, (row.id, *parents[1:])),
            delta=delta,
            problems=len(self.reader.diagnostics),
        )
        return (told,)

    def _digest(self, manifest: Manifest) -> str:
        known = self._digests.get(manifest.uid)
        if known is None or known[0] is not manifest:
            known = (manifest, document_digest(manifest))
            self._digests[manifest.uid] = known
        return known[1]

    def _row_of(self, revision: str, at: datetime) -> CommitRow | None:
        try:
            commit = self.reader.source.commit(revision)
        except SourceUnavailable:
            return None  # the next pass tries again
        return CommitRow(
            id=commit.id,
            source_id=self.source_id,
            author=commit.author,
            committed_at=commit.committed_at,
            message=commit.message,
            seen_at=at,
        )

    def _signer(self, commit: str, rules: Rules) -> str:
        if not rules.is_required:
            return ""
        return trust.signer_of(self.reader.source.provenance(), commit, rules)


def _pull(merged: Sequence[PostedPlan], heads: Sequence[str]) -> int | None:
    """Return whose merge a commit is: of several that came with it, the one that it joins."""
    of_itself = [plan.pull for plan in merged if plan.head in heads]
    found = of_itself or [plan.pull for plan in merged]
    return found[0] if len(found) == 1 else None


def document_digest(manifest: Manifest) -> str:
    """Return what an Execution document is told apart by: all that its author can set."""
    said = (
        *(manifest.run, manifest.document_hash, manifest.labels, manifest.suspend),
        *(manifest.update, manifest.schedule, manifest.notify),
    )
    return canonical.digest(said)[:32]
