"""From a commit to what it wants: the manifests of a source, read by blob, cached by blob."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from policy.model.execution import Uid
from reconciler.converge.world import Identity, Wanted
from reconciler.failpoints import Point, reach
from reconciler.manifest.catalogue import Catalogue, Loader
from reconciler.manifest.diagnostic import Complaint, Diagnostic
from reconciler.manifest.lent import Lent
from reconciler.manifest.places import is_managed
from reconciler.ports import Commit, Source
from reconciler.review.rules import is_rule, rules_of, under
from reconciler.source.probation import Probation


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a reader has read: whoever begins with it reads only what differs."""

    loader: Loader
    last: tuple[str, Wanted] | None
    good: Mapping[str, tuple[str, str]]
    diagnostics: tuple[Diagnostic, ...]

    def over(self, source: Source) -> Reader:
        """Return a reader of a repository that begins with it."""
        reader = Reader(source, self.loader.apart())
        reader.resume(self)
        return reader


class Reader:
    """Reads commits of one source; a blob that it has seen before isn't read again."""

    def __init__(self, source: Source, loader: Loader) -> None:
        self.source = source
        self._loader = loader
        self._last: tuple[str, Wanted] | None = None
        self.good: Mapping[str, tuple[str, str]] = {}
        self.diagnostics: tuple[Diagnostic, ...] = ()
        self.catalogue: Catalogue | None = None
        self.files: Mapping[str, str] = {}
        """Path -> blob id of every file of the commit that was read last."""
        self.probation: Probation | None = None
        """Who is asked before content is treated that was never valid before."""
        self._lent: Lent | None = None

    def apart(self) -> Reader:
        """Return a reader that begins with what this one knows, and leaves this one as it is."""
        return self.kept().over(self.source)

    def kept(self) -> Kept:
        """Return what it knows, as it is now; it can be pickled for another process."""
        return Kept(
            loader=self._loader.apart(),
            last=self._last,
            good=self.good,
            diagnostics=self.diagnostics,
        )

    def resume(self, kept: Kept) -> None:
        """Take over what another reader of the same source has told last."""
        self._last, self.good, self.diagnostics = kept.last, kept.good, kept.diagnostics

    def rules(self, commit: str) -> dict[str, str]:
        """Return path -> blob of a commit's rule files: the Platform and the Namespaces.

        Raises:
            SourceUnavailable: The commit can't be read.
        """
        return rules_of(self.source.tree(commit).files)

    def read(
        self,
        commit: str,
        *,
        good: Mapping[str, tuple[str, str]],
        rules: Mapping[str, str] | None = None,
        lent: Lent | None = None,
    ) -> Wanted:
        """Return what a commit wants, with the last good version of what it broke.

        Args:
            commit: Its id; "" wants nothing and lets nothing go.
            good: Path -> (blob, commit) of the newest valid content known so far.
            rules: Path -> blob of the rule files that count instead of the commit's own. A
                reader reads a commit under the same rules every time.
            lent: What the platform's source lends, where this one is a tenant's.

        Raises:
            SourceUnavailable: A blob can't be read; nothing may be concluded from the rest.
        """
        if self._last is not None and self._last[0] == commit and self._lent is lent:
            return self._last[1]
        tree = self.source.tree(commit)
        refused = [(entry.path, entry.reason) for entry in tree.refused]
        if rules is not None:
            refused = [entry for entry in refused if not is_rule(entry[0])]
        files = tree.files if rules is None else under(rules, tree.files)
        set_aside = self._admitted(files, good)
        catalogue = self._loader.load(
            files,
            self.read_blob,
            commit=tree.commit,
            commit_of=self.source.commit,
            good=good,
            refused=refused,
            set_aside=set_aside,
            lent=lent,
        )
        self._lent = lent
        self.catalogue, self.good, self.files = catalogue, catalogue.good, tree.files
        self.diagnostics = catalogue.diagnostics
        wanted = self._wanted(tree.commit, catalogue)
        waits = self.probation is not None and self.probation.is_waiting
        self._last = None if waits else (commit, wanted)
        reach(Point.MANIFESTS_READ)
        return wanted

    def _wanted(self, commit: Commit, catalogue: Catalogue) -> Wanted:
        errors: dict[str, list[Diagnostic]] = defaultdict(list)
        for found in catalogue.diagnostics if catalogue.broken else ():
            if found.is_error:
                errors[found.file].append(found)
        return Wanted(
            source_id=self.source.id,
            commit=commit.id,
            message=commit.message,
            manifests={manifest.uid: manifest for manifest in catalogue.manifests},
            invalid=tuple(
                (
                    Identity(namespace=b.namespace, name=b.name, run=0, source_id=self.source.id),
                    Uid(b.uid),
                    b.message or _first_of(errors[b.path]),
                )
                for b in catalogue.broken
            ),
            namespaces=catalogue.namespaces,
            platform=catalogue.platform,
            reservations=catalogue.reservations,
            tree_is_empty=not catalogue.manifests and not catalogue.broken,
            sets=catalogue.sets,
            unparsed_namespaces=catalogue.unreadable,
            unparsed_sets=catalogue.unreadable_sets,
        )

    def _admitted(
        self, files: Mapping[str, str], good: Mapping[str, tuple[str, str]]
    ) -> Mapping[str, Complaint]:
        """Have it written down what is new among these files; return what isn't read now."""
        if self.probation is None:
            return {}
        known = {blob for blob, _ in good.values()}
        new = {blob for path, blob in files.items() if blob not in known and is_managed(path)}
        return self.probation.admit(self.source.id, new)

    def add(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        """Take over what was found wrong with the commit by who knows more than its files."""
        known = set(self.diagnostics)
        fresh = tuple(item for item in diagnostics if item not in known)
        if fresh:
            self.diagnostics = tuple(sorted((*self.diagnostics, *fresh)))

    def read_blob(self, blob: str) -> bytes:
        """Return a blob's bytes. Raises ValueError where that is more than is ever read."""
        return self.source.read(blob, limit_bytes=self._loader.limits.blob_bytes)


def _first_of(errors: Sequence[Diagnostic]) -> str:
    if not errors:
        return "its manifest is invalid"
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return min(errors).sentence + more
