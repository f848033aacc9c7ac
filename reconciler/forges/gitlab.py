"""GitLab: gitlab.com, or one's own server, whose API begins at /api/v4."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from reconciler.errors import DeliveryRefused
from reconciler.forges.api import Api
from reconciler.forges.comment import fit
from reconciler.forges.thread import Found, upsert
from reconciler.known_forges import FORGES
from reconciler.outbound.outbox import CommitStatus, PullComment, State
from reconciler.outbound.outgoing import ForgeSettings
from reconciler.text import clean

_STATES = {
    State.PENDING: "pending",
    State.SUCCESS: "success",
    State.FAILURE: "failed",
    State.ERROR: "canceled",
}
# Its answer to a status that is there already; what is there is what we want.
_IS_THERE = re.compile(r"cannot transition status", re.IGNORECASE)


class GitLab:
    """One project."""

    def __init__(self, settings: ForgeSettings, *, mark: str) -> None:
        self._known = FORGES[settings.provider]
        self.statuses_most = self._known.statuses_most
        self._api = Api(
            settings,
            authorization=lambda token: {"PRIVATE-TOKEN": token},
        )
        self._project = f"/projects/{quote(settings.repository, safe='')}"
        self._mark = f"<!-- {mark} -->"

    def look(self) -> None:
        """Ask for the repository."""
        self._api.ask("GET", self._project, read=lambda data: data["id"])

    def set_status(self, status: CommitStatus) -> None:
        """Post a status; one that is there already is refused by GitLab and fine with us."""
        payload = {
            "state": _STATES[status.state],
            "name": status.context,
            "description": clean(status.description, limit=self._known.description_most),
        }
        if status.url:
            payload["target_url"] = status.url
        try:
            self._api.call("POST", f"{self._project}/statuses/{quote(status.sha)}", payload)
        except DeliveryRefused as error:
            if not _IS_THERE.search(str(error)):
                raise

    def upsert_comment(self, comment: PullComment, known_id: str) -> str:
        """Edit our note, or write it; return its id."""
        body = fit(comment.body, mark=self._mark, limit=self._known.comment_most, url=comment.url)
        notes = f"{self._project}/merge_requests/{comment.pull}/notes"
        thread = _Thread(api=self._api, notes=notes)
        return upsert(thread, body, mark=self._mark, known_id=known_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Thread:
    """The notes of a merge request."""

    api: Api
    notes: str

    def write(self, body: str) -> str:
        return self.api.ask("POST", self.notes, {"body": body}, read=lambda data: str(data["id"]))

    def edit(self, comment_id: str, body: str) -> None:
        self.api.call("PUT", f"{self.notes}/{quote(comment_id)}", {"body": body})

    def oldest(self) -> list[Found]:
        order = "sort=asc&order_by=created_at&per_page=100"
        path = f"{self.notes}?{order}"
        return self.api.ask("GET", path, read=lambda data: [_found(item) for item in data])

    def whoami(self) -> str:
        return self.api.ask("GET", "/user", read=lambda data: str(data["id"]))


def _found(item: Any) -> Found:
    return Found(id=str(item["id"]), author=str(item["author"]["id"]), body=item["body"])
