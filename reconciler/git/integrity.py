"""Telling damage of our own copy, which is fetched anew, from what an author malformed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pygit2

from reconciler.errors import SourceUnavailable
from reconciler.text import clean


class RepositoryCorrupt(SourceUnavailable):
    """An object that must be there is missing or damaged."""


@contextmanager
def disk_willing(what: str) -> Iterator[None]:
    """Translate what the system refuses while ``what`` is written or read, such as space.

    libgit2 says so by an OSError without a number. Nothing is damaged by it.

    Raises:
        SourceUnavailable: It does.
    """
    try:
        yield
    except OSError as error:
        detail = clean(str(error), limit=200)
        raise SourceUnavailable(f"{what} can't be used: {detail}") from error


@contextmanager
def whole(what: str) -> Iterator[None]:
    """Translate what pygit2 raises for objects that must be there and aren't whole.

    Raises:
        RepositoryCorrupt: ``what`` can't be read.
    """
    try:
        yield
    except (pygit2.GitError, KeyError) as error:
        detail = clean(str(error), limit=200)
        raise RepositoryCorrupt(f"{what} can't be read: {detail}") from error


def parsed(repository: pygit2.Repository, oid: pygit2.Oid, what: str) -> pygit2.Object:
    """Return an object that must be there.

    Raises:
        RepositoryCorrupt: It is missing, or its bytes aren't those that its id promises.
        SourceUnavailable: They are, but make no sense: its author's doing, not the disk's.
    """
    try:
        return repository[oid]
    except (pygit2.GitError, KeyError) as error:
        with whole(what):
            repository.odb.read(oid)
        raise SourceUnavailable(f"{what} is malformed: {clean(str(error), limit=200)}") from error
