"""Which Executions of a commit are in force: resolved, checked against one another, or held back.

A file counts as a whole. Its newest content is in force if every document of it resolves and
fits the others; else its last good content; else its Executions are broken. Only of a set some
items may be held back by themselves, where the others are fine: they are ``refused``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from sys import intern

from reconciler.manifest.build import Attach
from reconciler.manifest.clashes import Claim, Clash, clashes, taken_sets
from reconciler.manifest.diagnostic import Diagnostic, Problem, Severity
from reconciler.manifest.documents import Parsed
from reconciler.manifest.execution import Execution
from reconciler.manifest.intake import Intake, Key, finder
from reconciler.manifest.lent import Lent
from reconciler.manifest.limits import Limits
from reconciler.manifest.notify import notifications
from reconciler.manifest.outcome import Inputs, Name, Outcome
from reconciler.manifest.resolve import Context, Resolved
from reconciler.manifest.sets import ExecutionSet, at_item, at_items
from reconciler.manifest.spec import ExecutionSpec, Manifest, Origin, UpdateMode
from reconciler.manifest.zapps import ZApp


@dataclass(slots=True)
class _Work:
    """What resolving a file has brought so far."""

    manifests: list[Manifest] = field(default_factory=list)
    problems: list[tuple[int, Problem]] = field(default_factory=list)
    of_items: list[tuple[Execution, Problem]] = field(default_factory=list)


@dataclass(slots=True)
class Executions:
    """Resolves the Execution files of a revision, through the outcomes of earlier ones.

    ``context_of`` gives what documents of a namespace are resolved against, without the commit.
    """

    intake: Intake
    context_of: Callable[[str], Context]
    before: Mapping[Key, Outcome]
    limits: Limits
    lent: Lent | None = None
    kept: dict[Key, Outcome] = field(default_factory=dict)
    specs: dict[str, ExecutionSpec] = field(default_factory=dict)
    """What was resolved, by its digest: many that are alike are one object."""

    def in_force(self) -> dict[str, Outcome]:
        """Return, by path, what is in force; files without any are left out."""
        return self._without_conflicts(self.resolved())

    def resolved(self) -> dict[str, Outcome]:
        """Return, by path, what would be in force if nothing clashed."""
        found: dict[str, Outcome] = {}
        for kind in ("Execution", "ExecutionSet"):
            for path, parsed in self.intake.newest[kind].items():
                outcome = self._newest(path, parsed) or self._last_good(path)
                if outcome is not None:
                    found[path] = outcome
        return found

    def _newest(self, path: str, parsed: Parsed) -> Outcome | None:
        blob = self.intake.revision.files.get(path)
        if blob is None or not parsed.contents:
            return None
        outcome = self._outcome(path, blob, parsed)
        # All that is wrong is told at once, also about the documents that could be read.
        self.intake.report(outcome.diagnostics)
        if not parsed.is_valid:
            return None
        return outcome if outcome.is_whole or self.intake.revision.was_good(path, blob) else None

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
        files = self.intake.revision.files
        contexts = [(self.context_of(name), owner) for name, owner in inputs.namespaces]
        return (
            all(
                inputs.platform == context.platform and owner == context.namespace
                for context, owner in contexts
            )
            and all(contexts[0][0].zapps.get(name) is zapp for name, zapp in inputs.zapps)
            and all(files.get(path) == blob for path, blob in inputs.attachments)
            and all(self._lent_blob(path) == blob for path, blob in inputs.borrowed)
            and inputs.commit == self.intake.first_seen_id(outcome.path, outcome.blob)
        )

    def _resolve(self, path: str, blob: str, parsed: Parsed) -> Outcome:
        commit = self.intake.first_seen(path, blob)
        asked: dict[str, str | None] = {}
        borrowed: dict[str, str | None] = {}
        found, sets = tuple(_executions(parsed)), tuple(_sets(parsed))
        contexts = {
            name: replace(
                self.context_of(name),
                commit=commit.id,
                attach=self._attach(path.rpartition("/")[0], asked),
                attach_zapp=lambda zapp: self._attach_zapp(zapp, asked, borrowed),
            )
            for name in dict.fromkeys([*_folder(path), *(e.namespace for e in found)])
        }
        work = _Work()
        for execution in found:
            context = contexts[execution.namespace]
            origin = Origin(
                source_id=context.source_id,
                path=path,
                line=execution.line,
                blob=blob,
                commit=commit.id,
                author=commit.author,
                committed_at=commit.committed_at,
            )
            resolved = self.intake.handling.resolve(execution, context)
            _enter(work, execution, resolved, self._manifest(execution, resolved, origin))
        names = {str(execution.spec["zapp"]) for execution in found if "zapp" in execution.spec}
        first = next(iter(contexts.values()))
        inputs = Inputs(
            platform=first.platform,
            namespaces=tuple((name, context.namespace) for name, context in contexts.items()),
            commit=commit.id,
            zapps=tuple((name, first.zapps.get(name)) for name in sorted(names)),
            attachments=tuple(sorted(asked.items())),
            borrowed=tuple(sorted(borrowed.items())),
        )
        outcome = Outcome(
            path=path,
            blob=blob,
            inputs=inputs,
            documents=found,
            manifests=tuple(work.manifests),
            diagnostics=(),
            is_whole=True,
            sets=sets,
        )
        return self._judged(outcome, work)

    def _manifest(self, execution: Execution, resolved: Resolved, origin: Origin) -> Manifest:
        spec_hash = intern(resolved.spec_hash)
        return Manifest(
            uid=resolved.identity.uid,
            namespace=execution.namespace,
            name=execution.name,
            run=execution.run,
            origin=origin,
            # The ledger has the same digests.
            document_hash=intern(resolved.document_hash),
            spec=resolved.spec and self.specs.setdefault(spec_hash, resolved.spec),
            spec_hash=spec_hash,
            labels=execution.labels,
            suspend=execution.spec.get("suspend", False),
            update=UpdateMode(execution.spec.get("update", "never")),
            schedule=execution.schedule,
            notify=notifications(execution.spec),
            item=execution.item,
        )

    def _judged(self, outcome: Outcome, work: _Work) -> Outcome:
        """Add what is wrong: of a whole set to its document, else to the items that have it."""
        problems = list(work.problems)
        is_whole = not any(problem.is_error for _, problem in problems)
        held: list[tuple[Execution, Problem]] = []
        for found in outcome.sets:
            mine = [(e, p) for e, p in work.of_items if e.item and e.item.set is found.spec]
            problems += [(found.index, problem) for problem in at_items(mine, of=found.members)]
            errors = [(e, p) for e, p in mine if p.is_error]
            if len({execution.name for execution, _ in errors}) == len(found.members):
                is_whole = False
            else:
                held += errors
        if not problems:
            return outcome
        pairs = [*problems, *((e.index, at_item(problem, e)) for e, problem in held)]
        located = self.intake.locate(outcome.path, outcome.blob, pairs)
        refused: dict[Name, str] = {}
        for (execution, _), diagnostic in zip(held, located[len(problems) :], strict=True):
            refused.setdefault((execution.namespace, execution.name), diagnostic.sentence)
        diagnostics = tuple(located[: len(problems)])
        judged = replace(outcome, diagnostics=diagnostics, is_whole=is_whole)
        return judged.without({}, refused)

    def _lent_blob(self, path: str) -> str | None:
        return self.lent.files.get(path) if self.lent else None

    def _attach_zapp(
        self, zapp: ZApp, asked: dict[str, str | None], borrowed: dict[str, str | None]
    ) -> Attach:
        if self.lent is not None and self.lent.is_of_platform(zapp):
            return self.lent.attach(zapp, borrowed)
        return self._attach(f"zapps/{zapp.folder}", asked)

    def _attach(self, folder: str, asked: dict[str, str | None]) -> Attach:
        return finder(self.intake.attachment, self.intake.revision.files, folder, asked)

    # Documents against one another

    def _without_conflicts(self, found: dict[str, Outcome]) -> dict[str, Outcome]:
        """Put newcomers that clash with others back to their last good content.

        Content that was in force before has the right of way: it isn't at fault. An item of a set
        that clashes is held back by itself.
        """
        by_path: dict[str, list[Clash]] = defaultdict(list)
        for clash in self._clashes(found):
            by_path[clash.path].append(clash)
        for path, mine in by_path.items():
            outcome = found[path]
            is_newcomer = not self.intake.revision.was_good(path, outcome.blob)
            severity = Severity.ERROR if is_newcomer else Severity.WARNING
            found_out = [(c.index, replace(_problem(c), severity=severity)) for c in mine]
            located = self.intake.locate(path, outcome.blob, found_out)
            self.intake.report(located)
            if not is_newcomer:
                continue
            if all(_is_of_item(clash) for clash in mine):
                found[path] = _without(outcome, mine, located)
                continue
            del found[path]
            if (before := self._last_good(path)) is not None:
                found[path] = before
        return found

    def _clashes(self, found: Mapping[str, Outcome]) -> Iterator[Clash]:
        was_good = self.intake.revision.was_good
        goods = {path: was_good(path, outcome.blob) for path, outcome in found.items()}
        claims = [
            Claim(path, goods[path], execution)
            for path, outcome in found.items()
            for execution in outcome.documents
            if (execution.namespace, execution.name) not in outcome.refused
        ]
        yield from clashes(claims, self.limits, lambda name: self.context_of(name).reservations)
        yield from taken_sets(
            [
                (path, goods[path], each.spec, each.index)
                for path, outcome in found.items()
                for each in outcome.sets
            ]
        )


def _executions(parsed: Parsed) -> Iterator[Execution]:
    for content in parsed.contents:
        if isinstance(content, Execution):
            yield content
        elif isinstance(content, ExecutionSet):
            yield from content.members


def _sets(parsed: Parsed) -> Iterator[ExecutionSet]:
    return (content for content in parsed.contents if isinstance(content, ExecutionSet))


def _folder(path: str) -> tuple[str, ...]:
    """Return the namespace whose folder a file is in, if it is in one."""
    parts = path.split("/", 2)
    return (parts[1],) if parts[0] == "executions" else ()


def _enter(work: _Work, execution: Execution, resolved: Resolved, manifest: Manifest) -> None:
    work.manifests.append(manifest)
    if execution.item is None:
        work.problems += [(execution.index, problem) for problem in resolved.problems]
    else:
        work.of_items += [(execution, problem) for problem in resolved.problems]


def _is_of_item(clash: Clash) -> bool:
    return clash.execution is not None and clash.execution.item is not None


def _problem(clash: Clash) -> Problem:
    """Return what is wrong, at the item where it is one's."""
    if clash.execution is None or clash.execution.item is None:
        return clash.problem
    return at_item(clash.problem, clash.execution)


def _without(outcome: Outcome, mine: list[Clash], located: list[Diagnostic]) -> Outcome:
    taken: dict[Name, str] = {}
    unmet: dict[Name, str] = {}
    for clash, diagnostic in zip(mine, located, strict=True):
        if clash.execution is not None:
            is_unmet = clash.problem.code != "DuplicateIdentity"
            name = (clash.execution.namespace, clash.execution.name)
            (unmet if is_unmet else taken).setdefault(name, diagnostic.sentence)
    return outcome.without(taken, unmet)
