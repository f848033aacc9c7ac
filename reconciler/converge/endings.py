"""How executions end, in sentences: for people nobody writes a code."""

from __future__ import annotations

from collections.abc import Mapping

ENDED: Mapping[str, str] = {
    "Completed": "all that had to complete did",
    "NonZeroExit": "it failed",
    "CrashLoop": "one of its services kept crashing",
    "ImageUnavailable": "a node couldn't get one of its images",
    "Rejected": "a node refused to run it",
    "StartTimeout": "it wasn't up within the time that a start may take",
    "DeadlineExceeded": "it ran for longer than its lifetime",
    "LifetimeReached": "its lifetime is over",
    "Idle": "nobody used it for as long as its idle.after allows",
    "DependencyFailed": "what it runs after didn't succeed",
    "QueueTimeout": "it waited for longer than its queueTimeout",
    "NodeLost": "its node was lost, and it isn't to be tried again",
    "Removed": "somebody removed its service",
    "Suspended": "it was suspended",
    "Preempted": "somebody more important needed its room",
    "Replaced": "a newer version of it takes its place",
    "Deleted": "its file was deleted or renamed",
    "Superseded": "a higher run took its place",
    "Skipped": "it was left out, since the run before hadn't ended at its time",
    "Missed": "it was left out, since nobody could begin it in time",
}
"""How it ended."""
