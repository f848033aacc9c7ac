"""Bugs that are put into the production objects: a simulation that misses them proves nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from reconciler import lead
from reconciler import loop as loop_module
from reconciler.converge import guard
from reconciler.fence import Fence
from reconciler.loop import Loop
from reconciler.publishing.publisher import Publisher
from reconciler.publishing.status_sink import unasked
from reconciler.recovery import continuity
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
def deletes_without_asking() -> Iterator[None]:
    """Let go whatever left Git, however much that is."""

    def allows(departures: Sequence[guard.Departure], **_: Any) -> guard.Verdict:
        return guard.Verdict(allowed=frozenset(d.uid for d in departures), held={})

    with patch.object(guard, "judge", allows):
        yield


@contextmanager
def holds_each_delete() -> Iterator[None]:
    """Take each delete for an accident."""
    judge = guard.judge

    def holds(departures: Sequence[guard.Departure], **given: Any) -> guard.Verdict:
        if given["is_confirmed"]:
            return judge(departures, **given)
        why = ("MassDelete", "too many")
        return guard.Verdict(
            allowed=frozenset(), held=dict.fromkeys((d.uid for d in departures), why)
        )

    with patch.object(guard, "judge", holds):
        yield


@contextmanager
def takes_the_unreadable_for_empty() -> Iterator[None]:
    """Let go what left a namespace in which a file can't be read."""
    judge = guard.judge

    def forgets(departures: Sequence[guard.Departure], **given: Any) -> guard.Verdict:
        return judge(departures, **{**given, "unparsed_namespaces": (), "unparsed_sets": ()})

    with patch.object(guard, "judge", forgets):
        yield


@contextmanager
def pushes_whoever_leads() -> Iterator[None]:
    """Push after having been stopped, without a look at the lease or at who knows more."""
    push = Publisher._push

    def pushes(self: Publisher, files: Any, going: Any) -> Any:
        self.still_leads = unasked
        push(self, files, replace(going, sequence=10**9))
        return going

    with patch.object(Publisher, "_push", pushes):
        yield


@contextmanager
def takes_a_successors_work_for_lost() -> Iterator[None]:
    """Accuse the database after having been stopped while beginning, whoever leads by then."""

    def begin(loop: Loop, *, key: bytes, ttl_s: int) -> None:
        continuity.verify(loop, loop.publisher.sink, key=key)

    with patch.object(lead, "begin", begin):
        yield


BUGS: Mapping[str, Callable[[], AbstractContextManager[None]]] = {
    bug.__name__: bug
    for bug in (
        acts_before_it_commits,
        writes_with_any_epoch,
        acts_without_a_look_at_the_lease,
        forgets_results,
        deletes_without_asking,
        holds_each_delete,
        takes_the_unreadable_for_empty,
        pushes_whoever_leads,
        takes_a_successors_work_for_lost,
    )
}
