"""Which commit is desired: the branch's tip, unless it isn't a descendant of the last one.

A branch that was reset to an older commit, or whose history was rewritten, changes nothing until
an operator confirms the new tip; the last accepted commit stays desired and repaired.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from reconciler.errors import SourceUnavailable
from reconciler.ports import Source


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


def accept(source: Source, *, accepted: str, confirmed: Collection[str]) -> Acceptance:
    """Fetch a source and say which commit is desired; a source that fails keeps the last."""
    try:
        tip = source.fetch()
        if not accepted or tip == accepted or is_confirmed(tip, confirmed):
            return Acceptance(commit=tip, tip=tip)
        if source.is_descendant(tip, accepted):
            return Acceptance(commit=tip, tip=tip)
    except SourceUnavailable as error:
        return Acceptance(commit=accepted, hold="SourceUnavailable", message=str(error))
    message = (
        f"{source.id}: {tip[:12]} isn't a descendant of the accepted {accepted[:12]} (was the "
        f"branch reset or rewritten?); nothing changes until: zoe confirm {tip[:12]}"
    )
    return Acceptance(commit=accepted, tip=tip, hold="NonDescendant", message=message)
