"""Whether the commits of a range are of those who may make them.

Every commit is judged by the rules as they were before it, never by its own: along the line of
first parents from the accepted commit on, a commit that changes the rules is judged by the old
ones, and what comes after it by the new. So it makes no difference how many commits one fetch
brings. Where that line doesn't begin at the accepted commit, its rules are for all of the range.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence

from reconciler.errors import CannotVerify, SourceUnavailable
from reconciler.manifest import ownership
from reconciler.manifest.diagnostic import Diagnostic, Severity
from reconciler.manifest.intake import Good
from reconciler.manifest.ownership import Rules
from reconciler.source import objections
from reconciler.source.desired import Reader
from reconciler.source.objections import Objection
from reconciler.source.provenance import Provenance, Signature, SignatureKind, Step

MOST_COMMITS = 2_000
"""How many are checked at once: each costs a run of ssh-keygen, and the pass waits."""

RulesAt = Callable[[str], Rules]
"""Reads the rules that a commit declares."""


def check_range(
    provenance: Provenance, *, base: str, head: str, rules: Rules, rules_at: RulesAt
) -> tuple[Objection, ...]:
    """Return what speaks against following ``head`` from ``base``, whose rules are given.

    Raises:
        CannotVerify: Signatures can't be checked here.
        SourceUnavailable: A commit can't be read.
    """
    if not rules.is_required:
        return _switched_on(provenance, base, head, rules_at)
    steps = provenance.history(head, since=base, limit=MOST_COMMITS + 1)
    if len(steps) > MOST_COMMITS:
        return (objections.too_long(head, MOST_COMMITS),)
    judge = _Judge(provenance, rules)
    for stage in _stages(steps, base):
        touched = judge.hear(stage)
        if ownership.are_rules(touched):
            if judge.objections or not judge.verified():
                break
            judge.rules = rules_at(stage[-1].id)
            if not judge.rules.is_required:
                return ()
    if not judge.objections:
        judge.verified()
    return tuple(judge.objections)


def _stages(steps: Sequence[Step], base: str) -> Iterator[list[Step]]:
    """Yield the range in the steps that its line of first parents takes, oldest first.

    Each stage is one commit of the line, last, after what it merged.
    """
    by_id = {step.id: step for step in steps}
    line: list[Step] = []
    at = steps[0].id if steps else base
    while (step := by_id.get(at)) is not None:
        line.append(step)
        at = step.parents[0] if step.parents else ""
    if at != base:
        yield list(reversed(steps))
        return
    order = {step.id: number for number, step in enumerate(steps)}
    taken: set[str] = set()
    for step in reversed(line):
        yield sorted(_unseen(step, by_id, taken), key=lambda s: -order[s.id])


def _unseen(tip: Step, by_id: dict[str, Step], taken: set[str]) -> list[Step]:
    found: list[Step] = []
    waiting = [tip]
    while waiting:
        step = waiting.pop()
        if step.id not in taken:
            taken.add(step.id)
            found.append(step)
            waiting += [by_id[parent] for parent in step.parents if parent in by_id]
    return found


class _Judge:
    """Hears commits under the rules in force; signatures are checked last, for they cost most."""

    def __init__(self, provenance: Provenance, rules: Rules) -> None:
        self.rules = rules
        self.objections: list[Objection] = []
        self._provenance = provenance
        self._unverified: list[tuple[Step, Signature, str]] = []

    def hear(self, stage: Sequence[Step]) -> frozenset[str]:
        """Judge what commits claim; return the paths that they change."""
        touched: set[str] = set()
        for step in stage:
            paths = self._provenance.introduced(step.id)
            touched |= paths
            if not paths and len(step.parents) == 2 and self.rules.takes_plain_merges:
                continue
            self._claim(step, sorted(paths))
        return frozenset(touched)

    def verified(self) -> bool:
        """Check the signatures of what was heard, up to the first that isn't good."""
        waiting, self._unverified = self._unverified, []
        for step, signature, path in waiting:
            if not self._provenance.is_signed_by(step.id, signature.key):
                self.objections.append(objections.bad_signature(step, path))
                return False
        return True

    def _claim(self, step: Step, paths: Sequence[str]) -> None:
        signature = self._provenance.signature(step.id)
        first = paths[0] if paths else ""
        signer = self.rules.signers.get(signature.key)
        if signature.kind is not SignatureKind.SSH:
            self.objections.append(objections.unsigned(step, signature.kind, first))
        elif signer is None:
            self.objections.append(objections.unknown(step, signature.key, first))
        else:
            foreign = [path for path in paths if not signer.owns(path)]
            if foreign:
                self.objections.append(objections.not_owner(step, signer, foreign, self.rules))
            self._unverified.append((step, signature, first))


def _switched_on(
    provenance: Provenance, base: str, head: str, rules_at: RulesAt
) -> tuple[Objection, ...]:
    """Return what speaks against requiring signatures from ``head`` on.

    Only that who wrote the platform.yaml which says so isn't an admin by it: who can't sign would
    be locked out. What came before isn't looked at.
    """
    if not ownership.switches(provenance.changed(base, head)):
        return ()
    rules = rules_at(head)
    if not rules.is_required:
        return ()
    steps = provenance.history(head, since=base, limit=MOST_COMMITS + 1)
    if len(steps) > MOST_COMMITS:
        return (objections.too_long(head, MOST_COMMITS),)
    writers = (step for step in steps if ownership.switches(provenance.introduced(step.id)))
    judge = _Judge(provenance, rules)
    judge.hear(list(itertools.islice(writers, 1)))
    if not judge.objections:
        judge.verified()
    return tuple(judge.objections)


def rules_by(reader: Reader, good: Good) -> RulesAt:
    """Return what reads rules with a reader, each commit upon what was valid in the last."""
    known = good

    def rules_at(commit: str) -> Rules:
        nonlocal known
        wanted = reader.read(commit, good=known)
        known = reader.good
        return ownership.rules_of(wanted.platform, wanted.namespaces)

    return rules_at


def signer_of(provenance: Provenance, commit: str, rules: Rules) -> str:
    """Return by name who signed a commit; "" where that isn't known for sure."""
    try:
        signature = provenance.signature(commit)
        signer = rules.signers.get(signature.key)
        if signature.kind is not SignatureKind.SSH or signer is None:
            return ""
        return signer.name if provenance.is_signed_by(commit, signature.key) else ""
    except SourceUnavailable:
        return ""


def review(reader: Reader, *, base: str, head: str, good: Good) -> tuple[Diagnostic, ...]:
    """Return what a preview says of the commits of ``base..head``."""
    rules_at = rules_by(reader, good)
    try:
        found = check_range(
            reader.source.provenance(),
            base=base,
            head=head,
            rules=rules_at(base),
            rules_at=rules_at,
        )
    except CannotVerify as error:
        remedy = "install it, or rely on the check after the merge"
        return (objections.problem("", "CannotVerify", str(error), remedy, Severity.WARNING),)
    return objections.diagnostics(found)


class Referee:
    """Judges the tips of a loop's source, each range once."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._last: tuple[str, str, tuple[Objection, ...]] | None = None

    def objections(self, base: str, tip: str, good: Good) -> tuple[Objection, ...]:
        """Return what speaks against following ``tip`` from the accepted ``base``."""
        if self._last is None or self._last[:2] != (base, tip):
            rules_at = rules_by(self._reader, good)
            found = check_range(
                self._reader.source.provenance(),
                base=base,
                head=tip,
                rules=rules_at(base),
                rules_at=rules_at,
            )
            self._last = (base, tip, found)
        return self._last[2]


class TenantReferee:
    """Judges the tips of a tenant's source by the platform's rules: its own commits change none."""

    def __init__(self, provenance: Callable[[], Provenance]) -> None:
        self._provenance = provenance
        self._last: tuple[str, str, Rules, tuple[Objection, ...]] | None = None

    def objections(self, base: str, tip: str, rules: Rules) -> tuple[Objection, ...]:
        """Return what speaks against following ``tip``; without a ``base`` of all its history."""
        if not rules.is_required:
            return ()
        if self._last is None or self._last[:3] != (base, tip, rules):
            found = check_range(
                self._provenance(), base=base, head=tip, rules=rules, rules_at=lambda _: rules
            )
            self._last = (base, tip, rules, found)
        return self._last[3]
