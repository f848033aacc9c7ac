"""Which commit is desired: the branch's tip, if it follows from the last one as it should.

A branch that was reset to an older commit, or whose history was rewritten, changes nothing until
an operator confirms the new tip; nor does one with commits of somebody who may not make them
(``trust``). The last accepted commit stays desired and repaired.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from reconciler.errors import CannotVerify, SourceUnavailable
from reconciler.failpoints import Point, reach
from reconciler.ports import Source
from reconciler.source.objections import Objection, told

Judge = Callable[[str, str], Sequence[Objection]]
"""Says what speaks against following a tip from an accepted commit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """``commit`` is desired ("" = nothing was ever accepted). ``hold`` says why the tip isn't.

    ``tenant`` is whose source it is; "" = the platform's.
    """

    commit: str
    tip: str = ""
    hold: str = ""
    message: str = ""
    tenant: str = ""

    @property
    def is_unread(self) -> bool:
        """Tell whether the branch couldn't be read, so that its tip isn't known."""
        return bool(self.hold) and not self.tip


def is_confirmed(commit: str, confirmed: Collection[str]) -> bool:
    """Tell whether an operator confirmed this commit, by its id or at least 7 digits of it."""
    return any(len(given) >= 7 and commit.startswith(given) for given in confirmed)


def accept(
    source: Source,
    *,
    accepted: str,
    confirmed: Collection[str],
    judge: Judge,
    judges_first: bool = False,
    fetch: Callable[[], str] | None = None,
) -> Acceptance:
    """Fetch a source and say which commit is desired; a source that fails keeps the last.

    The first commit of the platform says whom to trust, so nobody can judge it; that of a tenant
    is judged with all that came before it (``judges_first``). ``fetch`` returns its tip, where
    somebody else fetches.
    """
    tip = ""
    try:
        tip = (fetch or source.fetch)()
        reach(Point.GIT_FETCHED)
        if tip == accepted or is_confirmed(tip, confirmed):
            return Acceptance(commit=tip, tip=tip)
        if not accepted and not judges_first:
            return Acceptance(commit=tip, tip=tip)
        if accepted and not source.is_descendant(tip, accepted):
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
    in_force = f"the accepted {accepted[:12]} stays" if accepted else "nothing of it is"
    message = (
        f"{source.id}: {told(objections)}; until then, or: zoe confirm {tip[:12]}, {in_force} "
        "in force"
    )
    return Acceptance(commit=accepted, tip=tip, hold=objections[0].code, message=message)
