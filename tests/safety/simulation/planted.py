"""Bugs that are put into the production objects: a simulation that misses them proves nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from reconciler import loop as loop_module
from reconciler.fence import Fence
from reconciler.loop import Loop
from reconciler.store import lease


@contextmanager
def acts_before_it_commits() -> Iterator[None]:
    """Take effect first, write it down second."""
    commit, act = Loop._commit, Loop._act

    def commits(self: Loop, wanted: Any, found: Any) -> None:
        act(self, found)
        commit(self, wanted, found)

    with patch.object(Loop, "_commit", commits), patch.object(Loop, "_act", lambda *_: ()):
        yield


@contextmanager
def writes_with_any_epoch() -> Iterator[None]:
    """Leave out the look at the lease in each transaction, and the one before each effect."""
    with patch.object(lease, "check", lambda *_: None), acts_without_a_look_at_the_lease():
        yield


@contextmanager
def acts_without_a_look_at_the_lease() -> Iterator[None]:
    """Go on with a plan after having been stopped, whoever leads by then."""
    with patch.object(Fence, "passed", lambda _, held: held):
        yield


@contextmanager
def forgets_results() -> Iterator[None]:
    """Remove what has ended without having stored what came of it."""
    assess = loop_module.assess
    with patch.object(loop_module, "assess", lambda world: replace(assess(world), harvest=())):
        yield


@contextmanager
def goes_on_after_an_unknown_commit() -> Iterator[None]:
    """Take a commit whose reply was lost for one that wasn't made."""
    commit = Loop._commit

    def commits(self: Loop, wanted: Any, found: Any) -> None:
        try:
            commit(self, wanted, found)
        except loop_module.StoreUnavailable as error:
            raise loop_module.SourceUnavailable("try again") from error

    with (
        patch.object(loop_module, "StoreUnavailable", _store_unavailable(), create=True),
        patch.object(Loop, "_commit", commits),
    ):
        yield


def _store_unavailable() -> type[Exception]:
    from reconciler.errors import StoreUnavailable

    return StoreUnavailable


BUGS: Mapping[str, Callable[[], AbstractContextManager[None]]] = {
    bug.__name__: bug
    for bug in (
        acts_before_it_commits,
        writes_with_any_epoch,
        acts_without_a_look_at_the_lease,
        forgets_results,
        goes_on_after_an_unknown_commit,
    )
}
