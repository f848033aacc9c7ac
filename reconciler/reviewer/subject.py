"""PURE: under which refs a forge keeps the head of what is to be reviewed."""

from __future__ import annotations

from reconciler.inbox import ReviewRequest

_REFS = {
    "github": "refs/pull/{pull}/head",
    "gitea": "refs/pull/{pull}/head",
    "forgejo": "refs/pull/{pull}/head",
    "gitlab": "refs/merge-requests/{pull}/head",
}


def refs(provider: str, request: ReviewRequest) -> tuple[str, ...]:
    """Return full names of refs, the best first; none where the forge keeps no such.

    A branch of a fork isn't in the repository: one of the same name is somebody else's.
    """
    if request.pull is not None and provider in _REFS:
        return (_REFS[provider].format(pull=request.pull),)
    if request.branch and not request.is_fork:
        return (f"refs/heads/{request.branch}",)
    return ()
