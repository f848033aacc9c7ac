"""What a forge tells, in our words. All of it is a hint: what counts is what we fetch ourselves."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from webhook.payload import at, text

MOST_PULL = 2**31 - 1
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_NONE = re.compile(r"0*")
_BRANCH = re.compile(r"[^\x00-\x20\x7f~^:?*\[\\\ud800-\udfff]{1,250}")


class Kind(StrEnum):
    """What an event is about."""

    PUSH = "push"
    PULL_REQUEST = "pull_request"
    MERGE_GROUP = "merge_group"
    PING = "ping"
    IGNORED = "ignored"


class Action(StrEnum):
    """What happened to a pull request, as far as that asks for something."""

    UPDATED = "updated"
    CLOSED = "closed"
    MERGED = "merged"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefChange:
    """A full ref name and its commits; an empty commit = there was none, or there is none."""

    ref: str
    before: str = ""
    after: str = ""
    is_deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """``base`` is the branch that a pull request is to be merged into, where the forge says so.

    ``branch`` is the one that it comes from. ``is_fork``: from another repository, as far as known.
    A push without ``refs`` is one whose refs we couldn't read.
    """

    kind: Kind
    delivery_id: str = ""
    refs: tuple[RefChange, ...] = ()
    pull: int | None = None
    head: str = ""
    base: str = ""
    action: Action | None = None
    name: str = ""
    branch: str = ""
    is_fork: bool = False


def commit_id(value: object) -> str:
    """Return a commit id; empty for anything else, and for the zeros that stand for none."""
    if not isinstance(value, str) or not _COMMIT.fullmatch(value) or _NONE.fullmatch(value):
        return ""
    return value


def pull_number(value: object) -> int | None:
    """Return the number of a pull request, or None where it can't be one."""
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 < value <= MOST_PULL else None


def is_fork(head: object, base: object) -> bool:
    """Tell whether two names of repositories differ. One that isn't told counts as another."""
    return not isinstance(head, str | int) or not head or head != base


def branch_name(value: str) -> str:
    """Return the name of a branch without the folder of all branches; empty if nobody has such."""
    name = value.removeprefix("refs/heads/")
    return name if _BRANCH.fullmatch(name) else ""


def change(data: object) -> tuple[RefChange, ...]:
    """Return the change in the form that most forges share; nothing where ``ref`` is no text."""
    ref, after = text(data, "ref"), text(data, "after")
    if not ref:
        return ()
    return (
        RefChange(
            ref=ref,
            before=commit_id(at(data, "before")),
            after=commit_id(after),
            is_deleted=bool(after) and bool(_NONE.fullmatch(after)),
        ),
    )


def action(name: str, *, updates: Collection[str], is_merged: object) -> Action | None:
    """Return what happened to a pull request, where closing is also how merging is told."""
    if name == "closed":
        return Action.MERGED if is_merged is True else Action.CLOSED
    return Action.UPDATED if name in updates else None
