"""Who belongs to a namespace, who runs the platform, and by which keys they are known."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person with an SSH key. ``key`` is its type and base64, without a comment.

    Somebody with several keys is listed once with each.
    """

    name: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whether every commit must be signed by who owns what it changes; admins own everything.

    With ``takes_plain_merges`` a merge that brings nothing of its own needs no signature.
    """

    is_required: bool = False
    takes_plain_merges: bool = False
    admins: tuple[Member, ...] = ()
