"""GitHub, and GitHub Enterprise Server, whose API begins at /api/v3."""

from __future__ import annotations

from urllib.parse import quote

from reconciler.forges.api import Api
from reconciler.forges.comment import fit
from reconciler.forges.issue_thread import IssueThread
from reconciler.forges.thread import upsert
from reconciler.known_forges import FORGES
from reconciler.outbound.outbox import CommitStatus, PullComment
from reconciler.outbound.outgoing import ForgeSettings
from reconciler.text import clean


class GitHub:
    """One repository."""

    def __init__(self, settings: ForgeSettings, *, mark: str) -> None:
        self._known = FORGES[settings.provider]
        self.statuses_most = self._known.statuses_most
        self._api = Api(
            settings,
            authorization=lambda token: {
                "Authorization": f"Bearer {token}",
                "X-GitHub-Api-Version": "2022-11-28",
            },
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
            "description": clean(status.description, limit=self._known.description_most),
        }
        if status.url:
            payload["target_url"] = status.url
        self._api.call("POST", f"{self._repository}/statuses/{quote(status.sha)}", payload)

    def upsert_comment(self, comment: PullComment, known_id: str) -> str:
        """Edit our comment, or write it; return its id."""
        body = fit(comment.body, mark=self._mark, limit=self._known.comment_most, url=comment.url)
        thread = IssueThread(
            api=self._api, repository=self._repository, number=comment.pull, query="?per_page=100"
        )
        return upsert(thread, body, mark=self._mark, known_id=known_id)
