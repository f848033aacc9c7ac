"""What each forge takes, as far as it says so; where it doesn't, a bound of ours."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Lengths are in characters. ``statuses`` for one commit and context; 0 = no bound known."""

    description: int
    comment: int
    statuses: int = 0


GITHUB = Limits(description=140, comment=65_536, statuses=1_000)
GITLAB = Limits(description=255, comment=1_000_000)
# Nothing is documented for these two: what others take is more than anybody reads.
GITEA = Limits(description=255, comment=65_536)
BITBUCKET = Limits(description=255, comment=32_768)

BITBUCKET_KEY = 40
"""The longest key of a build status."""
