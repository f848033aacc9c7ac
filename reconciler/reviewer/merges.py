"""Which posted plans an accepted commit brings, what that agrees to, and what came of it.

Belongs to the loop: a plan is found to be merged in the pass that accepts its merge, and that
pass's transaction remembers it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from policy.model.execution import Uid
from reconciler.converge.world import Assessment, Memory
from reconciler.outbound.announcing import Announcer
from reconciler.outbound.outbox import Posting
from reconciler.ports import Source, Store
from reconciler.posted import PostedPlan, files_digest
from reconciler.reviewer import outcome

log = logging.getLogger(__name__)

_LOOKED_AT = 20
"""So many commits of the branch's own line, the newest first, may have been merges."""


@dataclass(slots=True)
class Merges:
    """Remembers which plans came true with the accepted commit."""

    source: Source
    store: Store
    announcer: Announcer
    _commit: str = ""
    _plans: tuple[PostedPlan, ...] = ()
    _is_new: bool = False

    def follow(self, commit: str, *, since: str) -> frozenset[Uid]:
        """Take note of the accepted commit; return whose deletion was agreed to by merging it.

        That is what its plan showed, if the forge had the plan by then.

        Args:
            commit: It.
            since: The commit that was accepted before; the same one after a restart.

        Raises:
            StoreUnavailable, SourceUnavailable
        """
        if commit != self._commit:
            plans = self.store.posted_plans(self.source.id) if self.announcer.has_forge else ()
            self._is_new = commit != since and bool(since)
            if self._is_new:
                plans = self._merged(plans, commit, since)
            else:
                plans = tuple(plan for plan in plans if plan.merged_as == commit)
            self._commit, self._plans = commit, plans
        return frozenset(uid for plan in self._plans if plan.is_agreed for uid in plan.deletes)

    def settle(self, memory: Memory, found: Assessment) -> tuple[PostedPlan, ...]:
        """Compare new merges with what the pass decided; return the plans to be stored, once."""
        if not self._is_new:
            return ()
        lines = [line for plan in self._plans for line in plan.lines]
        self._plans = tuple(
            replace(
                plan,
                merged_as=self._commit,
                differences=outcome.differences(plan, lines, memory, found),
            )
            for plan in self._plans
        )
        self._is_new = False
        return self._plans

    def postings(self, plans: Sequence[PostedPlan]) -> tuple[Posting, ...]:
        """Return the comments that tell what became of these plans."""
        return tuple(
            posting
            for plan in plans
            if plan.pull is not None
            for posting in self.announcer.comment(
                pull=plan.pull,
                body=f"{plan.body}\n{outcome.section(plan.merged_as, plan.differences)}",
            )
        )

    @property
    def remark(self) -> str:
        """What the accepted commit's status says beside that it was acted on."""
        return outcome.remark(self._plans)

    def _merged(
        self, plans: Sequence[PostedPlan], commit: str, since: str
    ) -> tuple[PostedPlan, ...]:
        """Return the plans whose head was merged, or whose tree was put there, since a commit."""
        open_ = [plan for plan in plans if not plan.merged_as]
        if not open_:
            return ()
        heads: set[str] = set()
        trees: set[str] = set()
        at = commit
        for _ in range(_LOOKED_AT):
            if not at or at == since:
                break
            parents = self.source.commit(at).parents
            heads |= {at, *parents[1:]}
            trees.add(files_digest(self.source.tree(at).files))
            at = parents[0] if parents else ""
        return tuple(
            replace(plan, is_agreed=self._was_shown(plan))
            for plan in open_
            if plan.head in heads or plan.tree in trees
        )

    def _was_shown(self, plan: PostedPlan) -> bool:
        """Tell whether the forge has the comment: nobody agrees to what was never shown."""
        comment = self.announcer.comment(pull=plan.pull or 0, body=plan.body)
        return bool(comment) and all(self.store.is_sent(posting) for posting in comment)
