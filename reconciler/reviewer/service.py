"""Reviews what was asked for, beside the loop, one after the other: no review delays a pass.

A request stays in the database until what came of it is in the outbox, in one transaction. So a
crash costs the time of a review, and nothing is forgotten.
"""

from __future__ import annotations

import logging
import pickle
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Protocol

from reconciler.converge.host import Host
from reconciler.errors import LeaseLost, SourceUnavailable, StoreUnavailable
from reconciler.inbox import ReviewRequest
from reconciler.outbound.announcing import Announcer
from reconciler.outbound.outbox import State
from reconciler.outbound.outgoing import ForgeSettings
from reconciler.ports import Clock, Lease, Store
from reconciler.posted import PostedPlan
from reconciler.reviewer.job import Job, Known, Result
from reconciler.reviewer.process import Worker, WorkerFailed
from reconciler.reviewer.subject import refs
from reconciler.source.desired import Kept
from reconciler.stored import Changes

log = logging.getLogger(__name__)

POLL_S = 1.0
TRIES = 5
FIRST_RETRY = timedelta(seconds=5)
IMAGES_S = 20.0
_UPDATED, _CLOSED = "updated", "closed"
_FORK = (
    "not reviewed: it comes from a fork; the operator may allow that with review_forks in "
    "[source.forge]"
)


class Heads(Protocol):
    """Where heads of pull requests are fetched to."""

    directory: Path

    def fetch(self, refs: Sequence[str], *, commit: str, base: str) -> str:
        """Bring a head and the accepted commit here; return the head. SourceUnavailable."""

    def set_aside(self) -> None:
        """Begin with an empty repository at the next fetch: this one is damaged."""

    def close(self) -> None:
        """End the fetch under way, if it might go on; whoever waits for it is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What a reviewer works with. ``known``, ``kept`` and ``lease`` are the loop's, asked for anew.

    ``has_image`` asks a registry, for ``IMAGES_S`` in all; None: nobody can say.
    """

    source_id: str
    forge: ForgeSettings
    store: Store
    heads: Heads
    worker: Worker
    announcer: Announcer
    host: Host
    clock: Clock
    known: Callable[[], Known]
    kept: Callable[[], Kept]
    has_image: Callable[[str], bool | None]
    lease: Callable[[], Lease]
    told: Callable[[], None]
    """Called when there is something new in the outbox."""


class Reviewer:
    """One thread. :meth:`round` is what it does, again and again."""

    def __init__(self, around: Around) -> None:
        self._around = around
        self._closing = threading.Event()
        self._tries: dict[str, int] = {}
        self._not_before: dict[str, datetime] = {}
        self._read: tuple[str, bytes] = ("", b"")
        self._thread = threading.Thread(target=self._run, name="review", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End the review under way and stop; its request stays."""
        self._closing.set()
        self._around.worker.stop()
        self._around.heads.close()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._closing.wait(POLL_S):
            try:
                self.round()
            except StoreUnavailable as error:
                log.debug("no reviews", extra={"error": str(error)})
            except LeaseLost:
                return
            except Exception:
                log.exception("a fault in the reviewer")

    def round(self) -> None:
        """Review what waits, the oldest first. Raises StoreUnavailable, LeaseLost."""
        waiting = [
            request
            for request in self._around.store.review_requests()
            if request.source_id == self._around.source_id
        ]
        for request in waiting:
            if self._closing.is_set():
                return
            if self._not_before.get(request.subject, request.requested_at) <= self._now():
                self._handle(request)

    def _handle(self, request: ReviewRequest) -> None:
        try:
            self._review(request)
        except SourceUnavailable as error:
            self._retry(request, str(error))
        except WorkerFailed as error:
            if not self._closing.is_set():
                self._end(request, request.head, State.ERROR, str(error))
        except (StoreUnavailable, LeaseLost):
            raise
        except Exception:
            # One request mustn't keep the others from being reviewed.
            log.exception("a fault in a review", extra={"subject": request.subject})
            told = "not reviewed: a fault in zoe itself; ask the operator to look into the log"
            self._end(request, request.head, State.ERROR, told)

    def _review(self, request: ReviewRequest) -> None:
        around = self._around
        if request.action != _UPDATED:
            self._commit(Changes(reviewed=(request,), posted=self._withdrawn(request)))
            return
        if request.is_fork and not around.forge.review_forks:
            self._end(request, request.head, State.ERROR, _FORK)
            return
        known = around.known()
        if not known.accepted or known.snapshot is None:
            return  # the first pass isn't over
        names = refs(around.forge.provider, request)
        head = around.heads.fetch(names, commit=request.head, base=known.accepted)
        before = self._posted(request)
        if before is not None and before.head == head and before.merged_as:
            self._commit(Changes(reviewed=(request,)))
            return
        if before is None or before.head != head:
            self._say(request, head, State.PENDING, "being reviewed")
        self._conclude(request, head, known)

    def _withdrawn(self, request: ReviewRequest) -> tuple[PostedPlan, ...]:
        """Return the plan of what was turned down, such that no commit is taken for its merge."""
        plan = self._posted(request)
        if plan is None or request.action != _CLOSED:
            return ()
        return (replace(plan, head="", tree=""),)

    def _conclude(self, request: ReviewRequest, head: str, known: Known) -> None:
        around = self._around
        job = Job(
            repository=around.heads.directory,
            source_id=around.source_id,
            base=known.accepted,
            head=head,
            known=known,
            host=around.host,
            kept=self._kept(known.accepted),
        )
        try:
            result = around.worker.run(job)
            if missing := self._missing(result.images):
                result = around.worker.run(replace(job, missing=missing))
        except WorkerFailed as error:
            if not self._closing.is_set():
                self._end(request, head, State.ERROR, str(error))
            return
        if result.is_damaged:
            around.heads.set_aside()
            raise SourceUnavailable(result.problem)
        log.info(
            "reviewed",
            extra={"subject": request.subject, "head": head, "is_cut_off": result.is_cut_off},
        )
        state, description = _verdict(result)
        plan = self._plan(request, head, known, result)
        self._end(request, head, state, description, plan)

    def _kept(self, accepted: str) -> bytes:
        """Return what the loop has read, so that only what differs is read for a review."""
        if self._read[0] != accepted:
            self._read = (accepted, pickle.dumps(self._around.kept()))
        return self._read[1]

    def _missing(self, images: Sequence[str]) -> tuple[str, ...]:
        """Return the images that their registry says it doesn't have."""
        ends = monotonic() + IMAGES_S
        return tuple(
            image
            for image in images
            if monotonic() < ends and self._around.has_image(image) is False
        )

    def _plan(
        self, request: ReviewRequest, head: str, known: Known, result: Result
    ) -> PostedPlan | None:
        if not result.tree:
            return None
        return PostedPlan(
            source_id=request.source_id,
            subject=request.subject,
            pull=request.pull,
            head=head,
            base=known.accepted,
            tree=result.tree,
            plan=result.plan,
            body=result.body,
            at=self._now(),
        )

    def _posted(self, request: ReviewRequest) -> PostedPlan | None:
        plans = self._around.store.posted_plans(request.source_id)
        return next((plan for plan in plans if plan.subject == request.subject), None)

    def _retry(self, request: ReviewRequest, message: str) -> None:
        """Try again later, and after some times say why there is no review."""
        tries = self._tries.get(request.subject, 0) + 1
        log.warning("not reviewed", extra={"subject": request.subject, "error": message})
        if tries < TRIES:
            self._tries[request.subject] = tries
            self._not_before[request.subject] = self._now() + FIRST_RETRY * 2 ** (tries - 1)
        else:
            self._end(request, request.head, State.ERROR, f"not reviewed: {message}")

    def _end(
        self,
        request: ReviewRequest,
        head: str,
        state: State,
        description: str,
        plan: PostedPlan | None = None,
    ) -> None:
        """Say what came of a request and be done with it; without a commit nobody can be told."""
        self._tries.pop(request.subject, None)
        self._not_before.pop(request.subject, None)
        body = plan.body if plan else self._instead(request, description)
        self._say(request, head, state, description, body=body, plan=plan, is_last=True)

    def _instead(self, request: ReviewRequest, description: str) -> str:
        """Return what takes the place of a plan that was shown of an older head; "" without one."""
        if self._posted(request) is None:
            return ""
        return f"### Nothing to show of the newest head\n\n`{description.replace('`', chr(39))}`\n"

    def _say(
        self,
        request: ReviewRequest,
        head: str,
        state: State,
        description: str,
        *,
        body: str = "",
        plan: PostedPlan | None = None,
        is_last: bool = False,
    ) -> None:
        postings = self._around.announcer.preview(
            pull=request.pull or 0, sha=head, state=state, description=description, body=body
        )
        self._commit(
            Changes(
                postings=postings if head else (),
                reviewed=(request,) if is_last else (),
                posted=(plan,) if plan else (),
            )
        )
        self._around.told()

    def _commit(self, changes: Changes) -> None:
        self._around.store.commit(changes, self._around.lease())

    def _now(self) -> datetime:
        return self._around.clock.now()


def _verdict(result: Result) -> tuple[State, str]:
    if result.problem:
        return State.ERROR, f"not reviewed: {result.problem}"
    if result.conflicts:
        return State.FAILURE, f"conflicts in {', '.join(result.conflicts)}: merge the base first"
    return (State.FAILURE if result.errors else State.SUCCESS), result.verdict
