"""PURE: under which refs a forge keeps the head of what is to be reviewed."""

from __future__ import annotations

from reconciler.inbox import ReviewRequest
from reconciler.known_forges import FORGES, ForgeName


def refs(provider: ForgeName, request: ReviewRequest) -> tuple[str, ...]:
    """Return full names of refs, the best first; none where the forge keeps no such.

    A branch of a fork isn't in the repository: one of the same name is somebody else's.
    """
    if request.pull is not None and (head := FORGES[provider].head):
        return (head.format(pull=request.pull),)
    if request.branch and not request.is_fork:
        return (f"refs/heads/{request.branch}",)
    return ()
