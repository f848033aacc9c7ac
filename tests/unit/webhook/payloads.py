"""Bodies in the shapes that the forges document, cut to what tells something; and their fields."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

BEFORE, AFTER, ZEROS = "a" * 40, "b" * 40, "0" * 40
Json = dict[str, Any]

GITHUB_PUSH: Json = {
    "ref": "refs/heads/main",
    "before": BEFORE,
    "after": AFTER,
    "created": False,
    "deleted": False,
    "forced": False,
    "base_ref": None,
    "compare": "https://github.example/lab/config/compare/aaaaaaaaaaaa...bbbbbbbbbbbb",
    "commits": [{"id": AFTER, "added": ["executions/aml/a.yaml"], "modified": [], "removed": []}],
    "repository": {
        "full_name": "lab/config",
        "clone_url": "http://169.254.169.254/lab/config.git",
        "ssh_url": "git@github.example:lab/config.git",
        "default_branch": "main",
    },
    "pusher": {"name": "ada", "email": "ada@example.org"},
}
GITHUB_PULL: Json = {
    "action": "synchronize",
    "number": 7,
    "before": BEFORE,
    "after": AFTER,
    "pull_request": {
        "number": 7,
        "state": "open",
        "merged": False,
        "head": {"ref": "topic", "sha": AFTER, "repo": {"full_name": "lab/config"}},
        "base": {"ref": "main", "sha": BEFORE, "repo": {"full_name": "lab/config"}},
    },
}
GITHUB_GROUP: Json = {
    "action": "checks_requested",
    "merge_group": {
        "head_sha": AFTER,
        "head_ref": "refs/heads/gh-readonly-queue/main/pr-7-aaaaaaaa",
        "base_sha": BEFORE,
        "base_ref": "refs/heads/main",
    },
}
GITLAB_PUSH: Json = {
    "object_kind": "push",
    "event_name": "push",
    "before": BEFORE,
    "after": AFTER,
    "ref": "refs/heads/main",
    "ref_protected": True,
    "checkout_sha": AFTER,
    "user_username": "ada",
    "project": {
        "path_with_namespace": "lab/config",
        "git_http_url": "https://gitlab.example/lab/config.git",
        "default_branch": "main",
    },
    "commits": [],
    "total_commits_count": 21,
}
GITLAB_DELETION: Json = {**GITLAB_PUSH, "after": ZEROS, "checkout_sha": None}
GITLAB_MERGE: Json = {
    "object_kind": "merge_request",
    "event_type": "merge_request",
    "project": {"path_with_namespace": "lab/config"},
    "object_attributes": {
        "iid": 7,
        "id": 99,
        "action": "update",
        "oldrev": BEFORE,
        "state": "opened",
        "source_branch": "topic",
        "target_branch": "main",
        "source_project_id": 1,
        "target_project_id": 1,
        "last_commit": {"id": AFTER, "message": "change"},
    },
}
GITEA_PULL: Json = {
    "action": "synchronized",
    "number": 7,
    "pull_request": {
        "number": 7,
        "merged": False,
        "head": {"ref": "topic", "sha": AFTER, "repo": {"full_name": "lab/config"}},
        "base": {"ref": "main", "sha": BEFORE, "repo": {"full_name": "lab/config"}},
    },
    "repository": {"full_name": "lab/config"},
}


def bitbucket_ref(name: str, kind: str = "branch", commit: str = AFTER) -> Json:
    return {"type": kind, "name": name, "target": {"type": "commit", "hash": commit}}


BITBUCKET_PUSH: Json = {
    "actor": {"display_name": "Ada"},
    "repository": {"full_name": "lab/config", "uuid": "{1}"},
    "push": {
        "changes": [
            {"old": bitbucket_ref("gone"), "new": None, "closed": True},
            {"old": None, "new": bitbucket_ref("v1", "tag"), "created": True},
            {"old": bitbucket_ref("main", commit=BEFORE), "new": bitbucket_ref("main")},
        ]
    },
}
BITBUCKET_PULL: Json = {
    "pullrequest": {
        "id": 7,
        "state": "OPEN",
        "source": {
            "branch": {"name": "topic"},
            "commit": {"hash": "b" * 12},
            "repository": {"full_name": "lab/config"},
        },
        "destination": {
            "branch": {"name": "main"},
            "commit": {"hash": "a" * 12},
            "repository": {"full_name": "lab/config"},
        },
    }
}
CENTER_PUSH: Json = {
    "eventKey": "repo:refs_changed",
    "changes": [
        {
            "ref": {"id": "refs/heads/main", "displayId": "main", "type": "BRANCH"},
            "refId": "refs/heads/main",
            "fromHash": BEFORE,
            "toHash": AFTER,
            "type": "UPDATE",
        },
        {
            "ref": {"id": "refs/heads/old", "displayId": "old", "type": "BRANCH"},
            "fromHash": BEFORE,
            "toHash": ZEROS,
            "type": "DELETE",
        },
    ],
}
CENTER_PULL: Json = {
    "eventKey": "pr:from_ref_updated",
    "pullRequest": {
        "id": 7,
        "fromRef": {"id": "refs/heads/topic", "latestCommit": AFTER, "repository": {"id": 3}},
        "toRef": {"id": "refs/heads/main", "latestCommit": BEFORE, "repository": {"id": 3}},
    },
}


def body(data: object) -> bytes:
    return json.dumps(data).encode()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just("refs/heads/main"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KNOWN = [
    ("github", "push", GITHUB_PUSH),
    ("github", "pull_request", GITHUB_PULL),
    ("github", "merge_group", GITHUB_GROUP),
    ("gitlab", "Push Hook", GITLAB_PUSH),
    ("gitlab", "Merge Request Hook", GITLAB_MERGE),
    ("gitea", "pull_request", GITEA_PULL),
    ("forgejo", "pull_request", GITEA_PULL),
    ("bitbucket", "repo:push", BITBUCKET_PUSH),
    ("bitbucket", "pullrequest:created", BITBUCKET_PULL),
    ("bitbucket", "repo:refs_changed", CENTER_PUSH),
    ("bitbucket", "pr:opened", CENTER_PULL),
    ("generic", "", {"changes": [{"ref": "r", "before": BEFORE, "after": AFTER}]}),
]


@st.composite
def disturbed(draw: st.DrawFn, data: object) -> object:
    """A document of which some part was replaced by something else."""
    if draw(st.integers(0, 4)) == 0:
        return draw(VALUES)
    match data:
        case dict() if data:
            key = draw(st.sampled_from(sorted(data)))
            return {**data, key: draw(disturbed(data[key]))}
        case [first, *rest]:
            return [draw(disturbed(first)), *rest]
        case _:
            return draw(VALUES)
