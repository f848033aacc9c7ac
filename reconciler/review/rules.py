"""Which rules a head is judged by: the base's, so that nobody grants himself what he asks for.

Rules are the files that bound what others may ask for: the Platform and the Namespaces. Where a
head changes them, it is read twice: under the base's rules, which judge it, and under its own,
which tell whether the new rules are valid and what they would make of the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.manifest.diagnostic import Diagnostic, Severity
from reconciler.manifest.places import place_of

_KINDS = ("Platform", "Namespace")
_FOLDER = "namespaces"

MERGE_FIRST = "merge the change of the rules first, or ask the operator to"
"""What to do about something that only new rules allow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleChanges:
    """The rule files that a head changes, by path. ``is_first``: the base has no rules at all.

    Where there were none before, a head is judged by its own.
    """

    paths: tuple[str, ...] = ()
    is_first: bool = False

    @property
    def told(self) -> str:
        """What the preview is judged by, in words; empty where no rule changes."""
        if not self.paths:
            return ""
        if self.is_first:
            return "there are no rules before this change: it is judged by its own"
        few = ", ".join(self.paths[:3])
        more = f" and {len(self.paths) - 3} more" if len(self.paths) > 3 else ""
        verb = "changes" if len(self.paths) == 1 else "change"
        return f"{few}{more} {verb}: all else is judged by the base's rules"


NO_CHANGES = RuleChanges()


def is_rule(path: str) -> bool:
    """Tell whether a path is where rules are written, or the folder of such paths."""
    place = place_of(path)
    return path == _FOLDER or (place is not None and place.kind in _KINDS)


def rules_of(files: Mapping[str, str]) -> dict[str, str]:
    """Return path -> blob of the rule files of a revision."""
    return {path: blob for path, blob in files.items() if is_rule(path)}


def under(rules: Mapping[str, str], files: Mapping[str, str]) -> dict[str, str]:
    """Return the files of a revision with other rules in place of its own."""
    return {**{path: blob for path, blob in files.items() if not is_rule(path)}, **rules}


def rule_changes(base: Mapping[str, str], head: Mapping[str, str]) -> RuleChanges:
    """Return what differs between the rule files of two revisions (path -> blob)."""
    paths = (path for path in {*base, *head} if base.get(path) != head.get(path))
    return RuleChanges(paths=tuple(sorted(paths)), is_first=not base)


def judgement(judged: Iterable[Diagnostic], own: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return what is wrong with a head that changes rules.

    Args:
        judged: What is wrong under the base's rules.
        own: What is wrong under its own.
    """
    by_base, by_own = tuple(judged), tuple(own)
    return tuple(sorted({*_by_base(by_base, by_own), *_by_own(by_base, by_own)}))


def _by_base(judged: Sequence[Diagnostic], own: Sequence[Diagnostic]) -> Iterator[Diagnostic]:
    """Yield what the base's rules refuse; their own faults are nobody's who left them alone."""
    also_own = {_place(diagnostic) for diagnostic in own}
    for diagnostic in judged:
        if is_rule(diagnostic.file):
            continue
        is_new_right = diagnostic.is_error or diagnostic.code in _GRANTS
        if is_new_right and _place(diagnostic) not in also_own:
            message = f"{diagnostic.message}: only the new rules would allow it"
            error = Severity.ERROR
            yield replace(diagnostic, message=message, remedy=MERGE_FIRST, severity=error)
        else:
            yield diagnostic


_GRANTS = frozenset({"SecretNotGranted"})
"""Warnings of what the operator may have allowed elsewhere: but nobody grants it to himself."""


def _by_own(judged: Sequence[Diagnostic], own: Sequence[Diagnostic]) -> Iterator[Diagnostic]:
    """Yield what is wrong with the new rules, and what only they refuse."""
    also_judged = {_place(diagnostic) for diagnostic in judged}
    for diagnostic in own:
        if is_rule(diagnostic.file):
            yield diagnostic
        elif _place(diagnostic) not in also_judged:
            yield replace(diagnostic, message=f"under the new rules: {diagnostic.message}")


def _place(diagnostic: Diagnostic) -> tuple[str, int, int, str]:
    """Return what tells faults apart: the words of one may name a bound of the rules."""
    return diagnostic.file, diagnostic.line, diagnostic.column, diagnostic.code
