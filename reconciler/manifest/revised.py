"""A commit of which only some Execution files differ from the one before: the rest is taken over.

So an edit among ten thousand files costs what one file costs. It is done only where nothing else
can come of it: where files that others depend on have changed, or where anything is wrong with
what changed or in the namespaces of that, the whole commit is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace

from reconciler.manifest.budget import Budget
from reconciler.manifest.clashes import Claim, clashes
from reconciler.manifest.diagnostic import Diagnostic
from reconciler.manifest.executions import Executions
from reconciler.manifest.intake import Good, Intake, Key, Memory
from reconciler.manifest.lent import Lent
from reconciler.manifest.outcome import Outcome
from reconciler.manifest.places import Standing, place_of
from reconciler.manifest.platform import Reservation
from reconciler.manifest.resolve import Context
from reconciler.manifest.sets import ExecutionSet

MOST = 1000
"""Of more changed files the whole commit is loaded: that takes little longer then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What came of a commit, as far as the next one may need it.

    Attributes:
        files: Path -> blob of the commit.
        refused: Tree entries that were never read.
        good: The newest valid content of every file.
        memory: What was read.
        outcomes: What was resolved.
        in_force: What is in force, by path.
        budget: What was spent.
        diagnostics: What is wrong.
        documents: How many documents each file has.
        context_of: What documents of a namespace are resolved against.
        fresh: The files of which this content was valid for the first time.
        lent: What the platform lent.
        ignored: What a tenant's repository says in vain.
    """

    files: Mapping[str, str]
    refused: Collection[tuple[str, str]]
    good: Good
    memory: Memory
    outcomes: Mapping[Key, Outcome]
    in_force: Mapping[str, Outcome]
    budget: Budget
    diagnostics: Collection[Diagnostic]
    documents: Mapping[str, int]
    context_of: Callable[[str], Context]
    fresh: Collection[str] = ()
    lent: Lent | None = None
    ignored: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """The files that are other than before: all of them, and what those came to that are there."""

    paths: Set[str]
    found: Mapping[str, Outcome] = field(default_factory=dict)


def revised(last: Loaded, intake: Intake) -> tuple[Loaded, Touched] | None:
    """Return what comes of a commit after the ``last`` one; None: load the whole of it.

    What is read for that is in ``intake.kept``, in any case.
    """
    revision = intake.revision
    is_alike = (
        list(revision.refused) == list(last.refused)
        and not revision.set_aside
        and not last.budget.is_exceeded
        and revision.now is None
        and revision.good == last.good
    )
    if not is_alike:
        return None
    gone = last.files.keys() - revision.files.keys()
    changed = {path for path, blob in revision.files.items() if last.files.get(path) != blob}
    touched = gone | changed
    if len(touched) > MOST or not all(_is_plain(last, path) for path in touched):
        return None
    namespaces = {path.split("/")[1] for path in touched}
    if any(_may_go(last, diagnostic.file, namespaces) for diagnostic in last.diagnostics):
        return None
    return _revised(last, intake, touched, namespaces)


def _revised(
    last: Loaded, intake: Intake, touched: Set[str], namespaces: Collection[str]
) -> tuple[Loaded, Touched] | None:
    revision, limits = intake.revision, intake.limits
    intake.budget = _refunded(last, touched)
    there = sorted(touched & revision.files.keys())
    intake.read((path, revision.files[path]) for path in there)
    executions = Executions(intake, last.context_of, last.outcomes, limits, lent=last.lent)
    found = executions.resolved()
    in_force = {p: outcome for p, outcome in last.in_force.items() if p not in touched} | found
    documents = {p: count for p, count in last.documents.items() if p not in touched}
    documents |= {p: len(parsed.contents) for p, parsed in intake.newest["Execution"].items()}
    claims = list(_claims(in_force, namespaces, found))
    is_plain = (
        not intake.diagnostics
        and list(found) == there
        and all(outcome.is_whole and not outcome.sets for outcome in found.values())
        and sum(documents.values()) + intake.budget.items <= limits.manifests
        and not any(clashes(claims, limits, _reservations(last.context_of)))
    )
    if not is_plain:
        return None
    good = {path: kept for path, kept in last.good.items() if path not in touched}
    good |= {p: (o.blob, intake.first_seen_id(p, o.blob)) for p, o in found.items()}
    loaded = replace(
        last,
        files=revision.files,
        good=good,
        fresh=found.keys(),
        memory=_remembered(last, touched, intake.kept),
        outcomes={k: v for k, v in last.outcomes.items() if k[0] not in touched} | executions.kept,
        in_force=in_force,
        budget=intake.budget,
        documents=documents,
    )
    return loaded, Touched(paths=touched, found=found)


def _is_plain(last: Loaded, path: str) -> bool:
    """Tell whether a file is for Executions, and was none of a set's."""
    place, before = place_of(path), last.in_force.get(path)
    return (
        place is not None
        and place.kind == "Execution"
        and place.standing is Standing.READ
        and (before is None or not before.sets)
    )


def _may_go(last: Loaded, path: str, namespaces: Collection[str]) -> bool:
    """Tell whether what is wrong with a file may change with what is in these namespaces.

    So it may if it is new: what was valid before is judged otherwise than what comes.
    """
    folder, _, rest = path.partition("/")
    if path in last.fresh or folder == "sets":
        return True
    if folder != "executions":
        return False
    parsed = last.memory.parsed.get((path, last.files.get(path, "")))
    is_of_set = parsed is None or any(isinstance(c, ExecutionSet) for c in parsed.contents)
    return is_of_set or rest.split("/")[0] in namespaces


def _refunded(last: Loaded, paths: Collection[str]) -> Budget:
    budget = replace(last.budget)
    for path in paths:
        parsed = last.memory.parsed.get((path, last.files.get(path, "")))
        if parsed is not None:
            budget.files -= 1
            budget.content_bytes -= parsed.size_bytes
    return budget


def _claims(
    in_force: Mapping[str, Outcome], namespaces: Collection[str], new: Collection[str]
) -> Iterator[Claim]:
    """Yield what is asked for in these namespaces; all but the ``new`` files were there before."""
    for path, outcome in in_force.items():
        for execution in outcome.documents:
            named = (execution.namespace, execution.name)
            if execution.namespace in namespaces and named not in outcome.refused:
                yield Claim(path, path not in new, execution)


def _reservations(
    context_of: Callable[[str], Context],
) -> Callable[[str], Mapping[str, Reservation]]:
    return lambda name: context_of(name).reservations


def _remembered(last: Loaded, paths: Collection[str], new: Memory) -> Memory:
    parsed = {key: kept for key, kept in last.memory.parsed.items() if key[0] not in paths}
    return Memory(parsed=parsed, attachments=last.memory.attachments).with_(new)
