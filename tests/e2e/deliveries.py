"""Pull requests at each forge: where their heads are kept, and how they are told of and signed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.known_forges import FORGES
from tests.fixtures.forge_server import REPOSITORY, ForgeServer
from tests.fixtures.receiver import sent

PULL = 7
STATES = {
    "SUCCESSFUL": "success",
    "FAILED": "failure",
    "failed": "failure",
    "INPROGRESS": "pending",
}


def head_ref(provider: str) -> str:
    """Return the ref under which a forge keeps the head of the pull request."""
    return FORGES[provider].head.format(pull=PULL) or "refs/heads/topic"


@dataclass(frozen=True)
class Delivery:
    """A body and the fields that it is sent with."""

    body: bytes
    headers: Mapping[str, str]


def pull_request(provider: str, head: str, *, number: int) -> Delivery:
    """Return how a forge tells that a pull request was opened or pushed to."""
    name, data = _PULLS[provider](head)
    return _signed(provider, name, data, number)


def push(provider: str, tip: str, *, number: int) -> Delivery:
    """Return how a forge tells that main has a new tip."""
    data: dict[str, Any] = {"ref": "refs/heads/main", "before": "a" * 40, "after": tip}
    if provider == "bitbucket":
        new = {"type": "branch", "name": "main", "target": {"hash": tip}}
        data = {"push": {"changes": [{"old": None, "new": new}]}}
    return _signed(provider, None, data, number)


def _signed(provider: str, name: str | None, data: object, number: int) -> Delivery:
    body = json.dumps(data).encode()
    return Delivery(body, sent(provider, body, event=name, identity=f"d-{number}"))


def _hub(head: str) -> dict[str, Any]:
    repository = {"full_name": REPOSITORY}
    return {
        "action": "opened",
        "number": PULL,
        "pull_request": {
            "number": PULL,
            "merged": False,
            "head": {"ref": "topic", "sha": head, "repo": repository},
            "base": {"ref": "main", "sha": "a" * 40, "repo": repository},
        },
    }


def _gitlab(head: str) -> dict[str, Any]:
    return {
        "object_kind": "merge_request",
        "object_attributes": {
            "iid": PULL,
            "action": "open",
            "source_branch": "topic",
            "target_branch": "main",
            "source_project_id": 1,
            "target_project_id": 1,
            "last_commit": {"id": head},
        },
    }


def _bitbucket(head: str) -> dict[str, Any]:
    repository = {"full_name": REPOSITORY}
    source = {"branch": {"name": "topic"}, "commit": {"hash": head[:12]}, "repository": repository}
    destination = {"branch": {"name": "main"}, "repository": repository}
    return {"pullrequest": {"id": PULL, "source": source, "destination": destination}}


_PULLS = {
    "github": lambda head: ("pull_request", _hub(head)),
    "gitea": lambda head: ("pull_request", _hub(head)),
    "gitlab": lambda head: ("Merge Request Hook", _gitlab(head)),
    "bitbucket": lambda head: ("pullrequest:created", _bitbucket(head)),
}


def told(server: ForgeServer, context: str) -> list[tuple[str, str, str]]:
    """Return what the statuses of a context said: commit, state in our words, description."""
    return [
        (sha, STATES.get(status["state"], status["state"]), status["description"])
        for sha, status in list(server.statuses)
        if context in (status.get("context"), status.get("name"))
    ]
