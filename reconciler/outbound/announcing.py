"""What a pass puts into the outbox: the status of its commit, and notices of transitions.

Only what differs from what was put there before is put there, so a pass that changes nothing
writes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from policy.model.execution import Uid
from reconciler.converge.world import Assessment
from reconciler.manifest.diagnostic import Diagnostic
from reconciler.outbound import verdict
from reconciler.outbound.outbox import CommitStatus, Posting, PullComment, State, to_forge
from reconciler.outbound.verdict import Acted
from reconciler.source.acceptance import Acceptance


@dataclass(slots=True)
class Announcer:
    """Remembers what the forge of the platform's source was last told of each commit.

    ``page_url`` is where the status page is, if there is one. Without ``has_forge`` nobody is told.
    """

    source_id: str = ""
    has_forge: bool = False
    page_url: str = ""
    observes: bool = False
    _told: dict[str, CommitStatus] = field(default_factory=dict)

    def statuses(
        self,
        accepted: Acceptance,
        found: Assessment,
        diagnostics: Sequence[Diagnostic],
        failing: Mapping[Uid, Sequence[str]],
        *,
        remark: str = "",
        others: Collection[Uid] = (),
    ) -> tuple[Posting, ...]:
        """Return the news about commits after a pass.

        ``others`` are executions of other sources: what holds them is no word on these commits.

        ``failing`` is what the Swarm says of executions whose actions it refuses, those that are
        backing off included. ``remark`` is what there is to add once the commit was acted on.
        """
        if not self.has_forge:
            return ()
        acted = Acted(
            commit=accepted.commit,
            invalid={item.file for item in diagnostics if item.is_error},
            held={why for uid, why in found.held.items() if uid not in others},
            refused=self._refused(accepted.commit, found, failing),
            observes=self.observes,
            remark=remark,
        )
        wanted = [verdict.apply_status(acted, url=self._page("commits"))]
        if accepted.hold and accepted.tip and accepted.tip != accepted.commit:
            tip = verdict.not_accepted(accepted.tip, accepted.message, url=self._page("commits"))
            wanted.append(tip)
        ended = [verdict.superseded(told, accepted.commit) for told in self._told.values()]
        news = [s for s in (*filter(None, ended), *wanted) if self._told.get(s.sha) != s]
        self._told = {status.sha: status for status in wanted}
        return tuple(Posting(target=to_forge(self.source_id), message=status) for status in news)

    def preview(
        self, *, pull: int, sha: str, state: State, description: str, body: str
    ) -> tuple[Posting, ...]:
        """Return what is told of a pull request: its comment (Markdown), and ``zoe/plan``.

        A commit without a pull request (a merge queue's) is number 0 and gets the status only, and
        so does one without a body.
        """
        if not self.has_forge:
            return ()
        target = to_forge(self.source_id)
        url = self._page(f"pulls/{pull}") if pull else ""
        status = CommitStatus(
            sha=sha,
            context=verdict.PREVIEW_CONTEXT,
            state=state,
            description=description,
            url=url,
        )
        return (Posting(target=target, message=status), *self.comment(pull=pull, body=body))

    def comment(self, *, pull: int, body: str) -> tuple[Posting, ...]:
        """Return the comment of a pull request; without a number or a body there is none."""
        if not (self.has_forge and pull and body):
            return ()
        message = PullComment(pull=pull, body=body, url=self._page(f"pulls/{pull}"))
        return (Posting(target=to_forge(self.source_id), message=message),)

    def _refused(
        self, commit: str, found: Assessment, failing: Mapping[Uid, Sequence[str]]
    ) -> tuple[str, ...]:
        """Return what the Swarm said of what the commit brought, until that went through once.

        What fails later, or came with another commit, is told of the execution that it concerns.
        """
        told = self._told.get(commit)
        if told is not None and told.state is State.SUCCESS:
            return ()
        brought = {
            uid
            for uid, (facts, _) in found.told.items()
            if facts.manifest is not None and facts.manifest.origin.commit == commit
        }
        return tuple(message for uid in failing.keys() & brought for message in failing[uid])

    def _page(self, path: str) -> str:
        return f"{self.page_url.rstrip('/')}/{path}" if self.page_url else ""
