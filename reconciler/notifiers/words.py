"""PURE: a notice in words."""

from __future__ import annotations

from reconciler.outbound.outbox import Notice

_VERBS = {
    "started": "has started",
    "idle-soon": "is used by nobody and ends soon",
    "finished": "has finished",
    "failed": "has failed",
    "held": "keeps its last good version",
}


def headline(notice: Notice) -> str:
    """Return what happened, in one line: ``aml/train run 3 has failed``."""
    run = f" run {notice.run}" if notice.run > 1 else ""
    verb = _VERBS.get(notice.transition, notice.transition)
    return f"{notice.namespace}/{notice.name}{run} {verb}"


def sentence(notice: Notice) -> str:
    """Return what there is to say beside the headline: the message, and its code if it has one."""
    return f"{notice.message} ({notice.reason})" if notice.reason else notice.message
