"""Which commit is desired: the branch's tip, if it follows from the last one as it should.

A branch that was reset to an older commit, or whose history was rewritten, changes nothing until
an operator confirms the new tip; nor does one with commits of somebody who may not make them
(``trust``). The last accepted commit stays desired and repaired.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from reconciler.errors import CannotVerify, SourceUnavailable
from reconciler.objections import Objection, told
from reconciler.ports import Source

Judge = Callable[[str, str], Sequence[Objection]]
"""Says what speaks against following a tip from an accepted commit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """``commit`` is desired ("" = nothing was ever accepted). ``hold`` says why the tip isn't."""

    commit: str
    tip: str = ""
    hold: str = ""
    message: str = ""


def is_confirmed(commit: str, confirmed: Collection[str]) -> bool:
    """Tell whether an operator confirmed this commit, by its id or at least 7 digits of it."""
    return any(len(given) >= 7 and commit.startswith(given) for given in confirmed)


def accept(
    source: Source, *, accepted: str, confirmed: Collection[str], judge: Judge
) -> Acceptance:
    """Fetch a source and say which commit is desired; a source that fails keeps the last."""
    tip = ""
    try:
        tip = source.fetch()
        if not accepted or tip == accepted or is_confirmed(tip, confirmed):
            return Acceptance(commit=tip, tip=tip)
        if not source.is_descendant(tip, accepted):
            return _not_descendant(source, accepted, tip)
        objections = judge(accepted, tip)
    except CannotVerify as error:
        return Acceptance(commit=accepted, tip=tip, hold="CannotVerify", message=str(error))
    except SourceUnavailable as error:
        return Acceptance(commit=accepted, hold="SourceUnavailable", message=str(error))
    if objections:
        return _refused(source, accepted, tip, objections)
    return Acceptance(commit=tip, tip=tip)


def _not_descendant(source: Source, accepted: str, tip: str) -> Acceptance:
    message = (
        f"{source.id}: {tip[:12]} isn't a descendant of the accepted {accepted[:12]} (was the "
        f"branch reset or rewritten?); nothing changes until: zoe confirm {tip[:12]}"
    )
    return Acceptance(commit=accepted, tip=tip, hold="NonDescendant", message=message)


def _refused(
    source: Source, accepted: str, tip: str, objections: Sequence[Objection]
) -> Acceptance:
    message = (
        f"{source.id}: {told(objections)}; until then, or: zoe confirm {tip[:12]}, the "
        f"accepted {accepted[:12]} stays in force"
    )
    return Acceptance(commit=accepted, tip=tip, hold=objections[0].code, message=message)
