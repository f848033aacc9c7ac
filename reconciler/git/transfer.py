"""Bringing one branch of a remote into one private ref, and sending it back. Nothing else moves.

Remotes are anonymous: their address, and so what it might hold, is never written into the
repository's configuration, and tags aren't followed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pygit2

from reconciler.errors import SourceUnavailable
from reconciler.git.access import Access, Session
from reconciler.git.objects import Objects

_BRANCHES = "refs/heads/"
_BESIDE = "refs/zoe/beside/"
_TO_PUSH = 1  # libgit2's GIT_DIRECTION_PUSH, which pygit2 has no name for


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """Where the branch is at the remote (None: it isn't there), and which branches there are."""

    tip: str | None
    branches: tuple[str, ...]


def pull(
    repository: pygit2.Repository, objects: Objects, access: Access, *, branch: str, into: str
) -> Pulled:
    """Bring ``branch`` of the remote into the ref ``into``. One round trip when nothing changed.

    Raises:
        SourceUnavailable: The remote can't be reached or refused us.
        RepositoryCorrupt: The failure is the local repository's.
    """
    before = objects.reference(into)
    try:
        heads = _pull(repository, access, wanted=_BRANCHES + branch, into=into, before=before)
    except SourceUnavailable:
        if before is not None:
            # A damaged repository of our own fails fetches too, with errors like a remote's.
            objects.tree(before)
        raise
    tip = heads.get(_BRANCHES + branch)
    if tip is not None and objects.reference(into) != tip:
        raise SourceUnavailable(f"{access.shown_url} offers {branch} but didn't send it")
    names = sorted(name.removeprefix(_BRANCHES) for name in heads if name.startswith(_BRANCHES))
    return Pulled(tip=tip, branches=tuple(names))


def offered(repository: pygit2.Repository, access: Access) -> tuple[str, ...]:
    """Return the remote's branches as it tells them to somebody who wants to push; push nothing.

    Raises:
        SourceUnavailable: It can't be reached, or doesn't let us push.
    """
    with access.session("push to") as session:
        remote = repository.remotes.create_anonymous(access.url)
        remote.connect(callbacks=session, direction=_TO_PUSH, proxy=True)
        names = [head.name or "" for head in remote.list_heads(connect=False)]
    return tuple(
        sorted(name.removeprefix(_BRANCHES) for name in names if name.startswith(_BRANCHES))
    )


def push(repository: pygit2.Repository, access: Access, *, ref: str, branch: str) -> str | None:
    """Offer ``ref`` as the remote's ``branch``, only if that is a step forward.

    Returns:
        None if the remote took it, else the refusal in its own words, fit to be shown.

    Raises:
        SourceUnavailable: The conversation failed: the remote may or may not have taken it.
    """
    with access.session("push to") as session:
        remote = repository.remotes.create_anonymous(access.url)
        remote.push([f"{ref}:{_BRANCHES}{branch}"], callbacks=session, proxy=True)
    return session.words if session.refusals else None


def fetch(
    repository: pygit2.Repository,
    remote: pygit2.Remote,
    session: Session,
    access: Access,
    *,
    heads: Iterable[str],
    refspec: str,
) -> None:
    """Fetch from a remote that is connected and has these heads.

    From a directory of this machine libgit2 copies every branch, whichever is asked for, but for
    what a ref of ours already reaches: a status branch of ten thousand files came with each fetch.
    So there all branches get one.
    """
    specs = [refspec]
    if access.is_local:
        specs.append(f"+{_BRANCHES}*:{_BESIDE}*")
        there = {head.replace(_BRANCHES, _BESIDE, 1) for head in heads}
        for name in list(repository.references):
            if name.startswith(_BESIDE) and name not in there:  # or a/b couldn't follow a
                repository.references.delete(name)
    remote.fetch(specs, callbacks=session, proxy=True)


def replace(
    repository: pygit2.Repository, access: Access, *, ref: str, branch: str, tip: str
) -> str | None:
    """Put ``ref`` in the place of the remote's ``branch``, only if its tip is still ``tip``.

    A server is sent the tip that it said it has in this very conversation, and compares once more.

    Returns:
        None if the remote took it, else the refusal in its own words, fit to be shown.

    Raises:
        SourceUnavailable: The conversation failed: the remote may or may not have taken it.
    """
    with access.session("push to") as session:
        remote = repository.remotes.create_anonymous(access.url)
        remote.connect(callbacks=session, direction=_TO_PUSH, proxy=True)
        heads = {head.name: str(head.oid) for head in remote.list_heads(connect=False)}
        if heads.get(_BRANCHES + branch) != tip:
            return f"{branch} has moved on"
        remote.push([f"+{ref}:{_BRANCHES}{branch}"], callbacks=session, proxy=True)
    return session.words if session.refusals else None


def _pull(
    repository: pygit2.Repository, access: Access, *, wanted: str, into: str, before: str | None
) -> dict[str, str]:
    with access.session("fetch from") as session:
        remote = repository.remotes.create_anonymous(access.url)
        remote.connect(callbacks=session, proxy=True)
        heads = {head.name or "": str(head.oid) for head in remote.list_heads(connect=False)}
        # Asking for a branch that isn't there is no error to libgit2, and fetches nothing.
        if wanted in heads and heads[wanted] != before:
            fetch(repository, remote, session, access, heads=heads, refspec=f"+{wanted}:{into}")
    return heads
