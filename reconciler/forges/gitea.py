"""Gitea and Forgejo, which have this part of their API in common."""

from __future__ import annotations

from urllib.parse import quote

from reconciler.forges.api import Api
from reconciler.forges.comment import fit
from reconciler.forges.issue_thread import IssueThread
from reconciler.forges.limits import GITEA
from reconciler.forges.thread import upsert
from reconciler.outbound.outbox import CommitStatus, PullComment
from reconciler.outbound.outgoing import ForgeSettings
from reconciler.text import clean


class Gitea:
    """One repository."""

    statuses_most = GITEA.statuses

    def __init__(self, settings: ForgeSettings, *, mark: str) -> None:
        self._api = Api(
            settings,
            home="",
            prefix="/api/v1",
            authorization=lambda token: {"Authorization": f"token {token}"},
        )
        self._repository = f"/repos/{quote(settings.repository)}"
        self._mark = f"<!-- {mark} -->"

    def look(self) -> None:
        """Ask for the repository."""
        self._api.ask("GET", self._repository, read=lambda data: data["id"])

    def set_status(self, status: CommitStatus) -> None:
        """Post a status; the newest of a context counts."""
        payload = {
            "state": str(status.state),
            "context": status.context,
            "description": clean(status.description, limit=GITEA.description),
            "target_url": status.url,
        }
        self._api.call("POST", f"{self._repository}/statuses/{quote(status.sha)}", payload)

    def upsert_comment(self, comment: PullComment, known_id: str) -> str:
        """Edit our comment, or write it; return its id."""
        body = fit(comment.body, mark=self._mark, limit=GITEA.comment, url=comment.url)
        thread = IssueThread(api=self._api, repository=self._repository, number=comment.pull)
        return upsert(thread, body, mark=self._mark, known_id=known_id)
