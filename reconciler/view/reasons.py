"""What the codes of reasons mean, in sentences: for people nobody writes a code.

Used where a status holds none: the status branch has no messages, since those change by themselves.
All begin as ``It`` would go on, or as a sentence of their own.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.converge.endings import ENDED

WAITS: Mapping[str, str] = {
    "NoCapacity": "no node has room for its core now",
    "NeverFits": "its core wouldn't fit even on the empty cluster",
    "BehindInQueue": "somebody before it waits for room",
    "NoNodes": "the cluster has no node that may take work",
    "QuotaExceeded": "its namespace uses all of its quota",
    "NeverWithinQuota": "its core alone is more than its namespace may use",
    "Reserved": "the room that it needs is kept for somebody",
    "OutsideReservation": "the window of its reservation isn't open now",
    "NoReservation": "the reservation that it names isn't there, or isn't open to its namespace",
    "FillerWaits": "it runs only in what others leave, and that is too small now",
    "NotBefore": "it asks for a later start",
    "DependencyNotReady": "what it waits for isn't there yet",
    "PreviousRunEnding": "tasks of its earlier run still hold its files or ports",
    "MakingRoom": "those who gave their room up for it aren't gone yet",
    "BackOff": "it failed, and is tried again later",
    "ObserveOnly": "it would start, but Zoe only observes",
    "PlatformSuspended": "the operator has suspended all starts",
    "ActionFailed": "the engine refused something, and is asked again",
    "NameConflict": "a service of somebody else has its name",
    "Pending": "it hasn't been looked at yet",
    "Starting": "its core components are starting",
    "Suspended": "its manifest says suspend: true",
    "ManifestInvalid": "its manifest has errors; zoe validate shows every one",
    "HeldByOperator": "an operator wants it left as it is",
    "OutsideChangeWindow": "what runs is changed only within the platform's change windows",
    "MassDelete": "so many deletes at once look like an accident, so none is carried out",
    "OwnerUnreadable": "a file of its namespace can't be read, and might still ask for it",
    "SourceUnavailable": "the repository that it came from can't be read; it stays as it is",
    "SourceGone": "the repository that it came from isn't in Zoe's settings any more",
    "RunWentBack": "its run is lower than it was",
    "RunMustRise": "an edit of what has started needs a higher run",
    "UpdateFailed": "its newest version didn't come up; the last good one goes on",
}
"""Why it isn't where it should be."""

GOES_ON: Mapping[str, str] = {
    "ObserveOnly": "when the operator lets Zoe act",
    "DependencyNotReady": "as soon as that is so",
    "PreviousRunEnding": "as soon as they are gone",
    "MakingRoom": "as soon as they are gone",
    "PlatformSuspended": "when the operator lets executions start again",
    "NameConflict": "when that service is gone or has another name",
    "Pending": "with the next pass",
    "HeldByOperator": "when the operator releases it",
    "OutsideChangeWindow": "within the next change window",
    "MassDelete": "when an operator confirms the commit",
    "OwnerUnreadable": "when that file is corrected",
    "SourceUnavailable": "when that repository can be read",
    "SourceGone": "when the operator puts it back, or lets go of what came from there",
    "RunWentBack": "when its run is raised above the highest so far",
}
"""When that ends, where no clock says it."""

CONDITIONS: Mapping[str, str] = {
    "ManifestInvalid": "its newest version is invalid; the last good one stays in force",
    "ZAppChanged": "what it was made from changed since; the next run follows",
    "ChangedByHand": "a service was changed by hand, and is put back",
    "NoRoom": "not all of its elastic replicas are granted: more as room comes free",
    "CoolingDown": "it gave elastic replicas up lately; no new ones for a while",
    "EndsSoon": "no more elastic replicas before it ends",
}
"""What a condition tells of what runs."""


def meaning(code: str) -> str:
    """Return what a code means, whichever kind it is; "" where nothing has to be said."""
    return WAITS.get(code) or ENDED.get(code) or ""
