"""A pull request's conversation as GitHub's API has it, and Gitea's after it: that of an issue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from reconciler.forges.api import Api
from reconciler.forges.thread import Found


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueThread:
    """The comments of one pull request. ``query`` asks for as many at once as there may be."""

    api: Api
    repository: str
    number: int
    query: str = ""

    def write(self, body: str) -> str:
        """Write a comment and return its id."""
        return self.api.ask("POST", self._mine, {"body": body}, read=lambda data: str(data["id"]))

    def edit(self, comment_id: str, body: str) -> None:
        """Replace a comment's text."""
        path = f"{self.repository}/issues/comments/{quote(comment_id)}"
        self.api.call("PATCH", path, {"body": body})

    def oldest(self) -> list[Found]:
        """Return the oldest comments."""
        path = self._mine + self.query
        return self.api.ask("GET", path, read=lambda data: [_found(item) for item in data])

    def whoami(self) -> str:
        """Return the id of the token's user."""
        return self.api.ask("GET", "/user", read=lambda data: str(data["id"]))

    @property
    def _mine(self) -> str:
        return f"{self.repository}/issues/{self.number}/comments"


def _found(item: Any) -> Found:
    return Found(id=str(item["id"]), author=str(item["user"]["id"]), body=item["body"])
