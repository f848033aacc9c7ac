"""What each forge's deliveries tell, in the shapes that the forges document."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fixtures.receiver import sent
from tests.unit.webhook.payloads import (
    AFTER,
    BEFORE,
    BITBUCKET_PULL,
    BITBUCKET_PUSH,
    CENTER_PULL,
    CENTER_PUSH,
    GITEA_PULL,
    GITHUB_GROUP,
    GITHUB_PULL,
    GITHUB_PUSH,
    GITLAB_DELETION,
    GITLAB_MERGE,
    GITLAB_PUSH,
    KNOWN,
    ZEROS,
    Json,
    body,
    disturbed,
)
from webhook.event import Action, Event, Kind, RefChange
from webhook.headers import Headers
from webhook.payload import Malformed
from webhook.providers import PROVIDERS

MAIN = RefChange(ref="refs/heads/main", before=BEFORE, after=AFTER)


def fields(provider: str, name: str, **more: str) -> Headers:
    given = sent(provider, b"", event=name) | more
    return Headers.of((key.encode(), value.encode()) for key, value in given.items())


def told(provider: str, name: str, data: object) -> Event:
    return PROVIDERS[provider].event(fields(provider, name), body(data))


def pushed(name: str, *refs: RefChange) -> Event:
    return Event(kind=Kind.PUSH, delivery_id="d-1", refs=refs, name=name)


def pull(name: str, *, head: str = AFTER, action: Action = Action.UPDATED) -> Event:
    return Event(
        kind=Kind.PULL_REQUEST,
        delivery_id="d-1",
        pull=7,
        head=head,
        base="main",
        action=action,
        name=name,
        branch="topic",
    )


GONE = RefChange(ref="refs/heads/main", before=BEFORE, is_deleted=True)
NEW = RefChange(ref="refs/heads/main", after=AFTER)


@pytest.mark.parametrize(
    ("provider", "name", "data", "expected"),
    [
        ("github", "push", GITHUB_PUSH, pushed("push", MAIN)),
        ("github", "push", {**GITHUB_PUSH, "before": ZEROS}, pushed("push", NEW)),
        ("github", "push", {**GITHUB_PUSH, "after": ZEROS}, pushed("push", GONE)),
        ("gitlab", "Push Hook", GITLAB_PUSH, pushed("Push Hook", MAIN)),
        ("gitlab", "System Hook", GITLAB_PUSH, pushed("System Hook", MAIN)),
        ("gitlab", "Push Hook", GITLAB_DELETION, pushed("Push Hook", GONE)),
        ("gitea", "push", GITHUB_PUSH, pushed("push", MAIN)),
        ("forgejo", "push", GITHUB_PUSH, pushed("push", MAIN)),
        (
            "bitbucket",
            "repo:push",
            BITBUCKET_PUSH,
            pushed(
                "repo:push",
                RefChange(ref="refs/heads/gone", before=AFTER, is_deleted=True),
                RefChange(ref="refs/tags/v1", after=AFTER),
                MAIN,
            ),
        ),
        (
            "bitbucket",
            "repo:refs_changed",
            CENTER_PUSH,
            pushed(
                "repo:refs_changed",
                MAIN,
                RefChange(ref="refs/heads/old", before=BEFORE, is_deleted=True),
            ),
        ),
        ("generic", "", {"ref": "refs/heads/main", "after": AFTER}, pushed("", NEW)),
        (
            "generic",
            "",
            {"changes": [{"ref": "refs/heads/main"}]},
            pushed("", RefChange(ref=MAIN.ref)),
        ),
        ("generic", "", {"anything": 1}, pushed("")),
    ],
)
def test_a_push_names_its_refs(provider: str, name: str, data: Json, expected: Event) -> None:
    assert told(provider, name, data) == expected


@pytest.mark.parametrize(
    ("provider", "name", "data", "expected"),
    [
        ("github", "pull_request", GITHUB_PULL, pull("pull_request")),
        ("gitlab", "Merge Request Hook", GITLAB_MERGE, pull("Merge Request Hook")),
        ("gitea", "pull_request_sync", GITEA_PULL, pull("pull_request_sync")),
        ("gitea", "pull_request", GITEA_PULL, pull("pull_request")),
        ("bitbucket", "pullrequest:updated", BITBUCKET_PULL, pull("pullrequest:updated", head="")),
        ("bitbucket", "pr:from_ref_updated", CENTER_PULL, pull("pr:from_ref_updated")),
    ],
)
def test_a_pull_request_names_its_number_and_where_it_goes(
    provider: str, name: str, data: Json, expected: Event
) -> None:
    assert told(provider, name, data) == expected


@pytest.mark.parametrize(
    ("provider", "name", "data", "action"),
    [
        ("github", "pull_request", {**GITHUB_PULL, "action": "closed"}, Action.CLOSED),
        (
            "github",
            "pull_request",
            {**GITHUB_PULL, "action": "closed", "pull_request": {"number": 7, "merged": True}},
            Action.MERGED,
        ),
        ("github", "pull_request", {**GITHUB_PULL, "action": "labeled"}, None),
        ("gitlab", "Merge Request Hook", {"object_attributes": {"action": "merge"}}, Action.MERGED),
        ("gitlab", "Merge Request Hook", {"object_attributes": {"iid": 7}}, None),
        ("gitea", "pull_request", {**GITEA_PULL, "action": "closed"}, Action.CLOSED),
        ("bitbucket", "pullrequest:fulfilled", BITBUCKET_PULL, Action.MERGED),
        ("bitbucket", "pr:declined", CENTER_PULL, Action.CLOSED),
    ],
)
def test_what_happened_to_a_pull_request(
    provider: str, name: str, data: Json, action: Action | None
) -> None:
    event = told(provider, name, data)
    assert (event.action, event.kind is Kind.PULL_REQUEST) == (action, action is not None)


@pytest.mark.parametrize(
    ("provider", "name", "data", "kind"),
    [
        ("github", "ping", {"zen": "Keep it logically awesome.", "hook_id": 1}, Kind.PING),
        ("github", "merge_group", GITHUB_GROUP, Kind.MERGE_GROUP),
        ("github", "merge_group", {**GITHUB_GROUP, "action": "destroyed"}, Kind.IGNORED),
        ("github", "star", {}, Kind.IGNORED),
        ("github", "", {}, Kind.IGNORED),
        ("gitlab", "Note Hook", {"object_kind": "note"}, Kind.IGNORED),
        ("gitlab", "Pipeline Hook", {"object_kind": "pipeline"}, Kind.IGNORED),
        ("gitea", "issues", {}, Kind.IGNORED),
        ("bitbucket", "diagnostics:ping", {"test": True}, Kind.PING),
        ("bitbucket", "repo:fork", {}, Kind.IGNORED),
        ("generic", "", {"test": True}, Kind.PING),
    ],
)
def test_other_events_are_told_apart(provider: str, name: str, data: Json, kind: Kind) -> None:
    assert told(provider, name, data).kind is kind


def test_a_merge_group_names_its_head() -> None:
    event = told("github", "merge_group", GITHUB_GROUP)
    assert (event.head, event.base, event.pull) == (AFTER, "main", None)
    assert (event.branch, event.is_fork) == ("gh-readonly-queue/main/pr-7-aaaaaaaa", False)


def replaced(data: Json, *path: str, value: object) -> Json:
    """Return a document with another value at a path."""
    key, *rest = path
    return {**data, key: replaced(data[key], *rest, value=value) if rest else value}


@pytest.mark.parametrize("value", ["ada/config", None, "", {}], ids=str)
@pytest.mark.parametrize(
    ("provider", "name", "data", "path"),
    [
        ("github", "pull_request", GITHUB_PULL, "pull_request head repo full_name"),
        ("gitlab", "Merge Request Hook", GITLAB_MERGE, "object_attributes source_project_id"),
        ("gitea", "pull_request", GITEA_PULL, "pull_request head repo full_name"),
        ("bitbucket", "pullrequest:updated", BITBUCKET_PULL, "pullrequest source repository"),
        ("bitbucket", "pr:opened", CENTER_PULL, "pullRequest fromRef repository id"),
    ],
)
def test_a_head_in_another_repository_or_nobody_knows_where_is_a_forks(
    provider: str, name: str, data: Json, path: str, value: object
) -> None:
    assert told(provider, name, replaced(data, *path.split(), value=value)).is_fork


@pytest.mark.parametrize("branch", ["a\ud800b", "a b", "a\0b", "x" * 251, "a..b~1", ""])
def test_what_git_or_the_database_has_no_branch_of_is_left_out(branch: str) -> None:
    data = replaced(GITHUB_PULL, "pull_request", "head", "ref", value=branch)
    assert told("github", "pull_request", data).branch == ""
    same = replaced(GITHUB_PULL, "pull_request", "head", "ref", value="größer/日本-1")
    assert told("github", "pull_request", same).branch == "größer/日本-1"


def test_the_newest_of_gitlabs_delivery_ids_counts() -> None:
    headers = fields("gitlab", "Push Hook", **{"X-Gitlab-Event-UUID": "uuid"})
    assert PROVIDERS["gitlab"].event(headers, body(GITLAB_PUSH)).delivery_id == "d-1"


def test_github_may_send_the_json_in_a_form() -> None:
    form = urlencode({"payload": body(GITHUB_PUSH).decode()}).encode()
    kind = "application/x-www-form-urlencoded; charset=utf-8"
    headers = fields("github", "push", **{"Content-Type": kind})
    assert PROVIDERS["github"].event(headers, form) == pushed("push", MAIN)
    for wrong in (b"", b"payload=", b"payload={}&payload={}", b"a=1&" * 20, b"other={}"):
        with pytest.raises(Malformed):
            PROVIDERS["github"].event(headers, wrong)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    "wrong", [b"", b"{", b"[]", b"7", b'"x"', b"\xff", b"[" * 500_000, b"9" * 5000, b"NaN"]
)
def test_a_body_that_is_no_json_object_is_malformed(provider: str, wrong: bytes) -> None:
    with pytest.raises(Malformed):
        PROVIDERS[provider].event(fields(provider, "push"), wrong)


@given(st.data())
def test_no_shape_of_a_body_does_harm(data: st.DataObject) -> None:
    provider, name, known = data.draw(st.sampled_from(KNOWN))
    try:
        event = told(provider, name, data.draw(disturbed(known)))
    except Malformed:
        return
    assert event.pull is None or 0 < event.pull < 2**31
    assert all(isinstance(ref.ref, str) and ref.ref for ref in event.refs)
    assert len(event.head) in (0, 40, 64)
