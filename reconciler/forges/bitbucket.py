"""Bitbucket Cloud."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from reconciler.forges.api import Api
from reconciler.forges.comment import fit
from reconciler.forges.thread import Found, upsert
from reconciler.known_forges import FORGES
from reconciler.outbound.outbox import CommitStatus, PullComment, State
from reconciler.outbound.outgoing import ForgeSettings
from reconciler.text import clean

_KEY_MOST = 40
_STATES = {
    State.PENDING: "INPROGRESS",
    State.SUCCESS: "SUCCESSFUL",
    State.FAILURE: "FAILED",
    State.ERROR: "STOPPED",
}


class Bitbucket:
    """One repository."""

    def __init__(self, settings: ForgeSettings, *, mark: str) -> None:
        self._known = FORGES[settings.provider]
        self.statuses_most = self._known.statuses_most
        self._api = Api(
            settings,
            authorization=lambda token: {"Authorization": f"Bearer {token}"},
        )
        self._name = quote(settings.repository)
        self._repository = f"/repositories/{self._name}"
        # It shows HTML as text; a link that nothing refers to is shown nowhere.
        self._mark = f"[//]: # ({mark})\n"

    def look(self) -> None:
        """Ask for the repository."""
        self._api.ask("GET", self._repository, read=lambda data: data["uuid"])

    def set_status(self, status: CommitStatus) -> None:
        """Post a build status; the same key replaces it."""
        digest = hashlib.sha256(status.context.encode()).hexdigest()
        payload = {
            "key": digest[:_KEY_MOST],
            "name": status.context,
            "state": _STATES[status.state],
            "description": clean(status.description, limit=self._known.description_most),
            # Mandatory: without a page of our own, the commit itself.
            "url": status.url or f"https://{self._known.host}/{self._name}/commits/{status.sha}",
        }
        path = f"{self._repository}/commit/{quote(status.sha)}/statuses/build"
        self._api.call("POST", path, payload)

    def upsert_comment(self, comment: PullComment, known_id: str) -> str:
        """Edit our comment, or write it; return its id."""
        body = fit(comment.body, mark=self._mark, limit=self._known.comment_most, url=comment.url)
        comments = f"{self._repository}/pullrequests/{comment.pull}/comments"
        thread = _Thread(api=self._api, comments=comments)
        return upsert(thread, body, mark=self._mark.strip(), known_id=known_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Thread:
    """The comments of a pull request; deleted ones are listed as well."""

    api: Api
    comments: str

    def write(self, body: str) -> str:
        payload = {"content": {"raw": body}}
        return self.api.ask("POST", self.comments, payload, read=lambda data: str(data["id"]))

    def edit(self, comment_id: str, body: str) -> None:
        path = f"{self.comments}/{quote(comment_id)}"
        self.api.call("PUT", path, {"content": {"raw": body}})

    def oldest(self) -> list[Found]:
        path = f"{self.comments}?pagelen=100&sort=created_on"
        return self.api.ask("GET", path, read=_listed)

    def whoami(self) -> str:
        return self.api.ask("GET", "/user", read=lambda data: str(data["uuid"]))


def _listed(data: Any) -> list[Found]:
    return [
        Found(id=str(item["id"]), author=str(item["user"]["uuid"]), body=item["content"]["raw"])
        for item in data["values"]
        if not item.get("deleted") and item.get("user")
    ]
