"""Gitea and Forgejo, which have this part of their API in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from reconciler.forges.api import Api
from reconciler.forges.comment import fit
from reconciler.forges.limits import GITEA
from reconciler.forges.thread import Found, upsert
from reconciler.outbox import CommitStatus, PullComment
from reconciler.outgoing import ForgeSettings
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
        issues = f"{self._repository}/issues"
        thread = _Thread(api=self._api, issues=issues, number=comment.pull)
        return upsert(thread, body, mark=self._mark, known_id=known_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Thread:
    """The comments of a pull request; all of them are listed at once."""

    api: Api
    issues: str
    number: int

    def write(self, body: str) -> str:
        path = f"{self.issues}/{self.number}/comments"
        return self.api.ask("POST", path, {"body": body}, read=lambda data: str(data["id"]))

    def edit(self, comment_id: str, body: str) -> None:
        self.api.call("PATCH", f"{self.issues}/comments/{quote(comment_id)}", {"body": body})

    def oldest(self) -> list[Found]:
        path = f"{self.issues}/{self.number}/comments"
        return self.api.ask("GET", path, read=lambda data: [_found(item) for item in data])

    def whoami(self) -> str:
        return self.api.ask("GET", "/user", read=lambda data: str(data["id"]))


def _found(item: Any) -> Found:
    return Found(id=str(item["id"]), author=str(item["user"]["id"]), body=item["body"])
