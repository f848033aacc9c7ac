"""Is it running, why not, and when? One execution's three sentences, for every state.

Short, concrete, and without codes. They are made from the status, and from the queue where that
is known; where it isn't, they say so rather than guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from policy.model.decision import NEVER
from reconciler.converge.endings import ENDED
from reconciler.converge.runs import is_scheduled
from reconciler.view.execution import Answer
from reconciler.view.line import Line, time
from reconciler.view.queue import Holding, Start, Waiting
from reconciler.view.reasons import CONDITIONS, GOES_ON, WAITS
from reconciler.view.waiting import Explanation, Remedy
from reconciler.view.words import begun, instant

REMEDIES = 2
_NEVER_AGAIN = frozenset({"Completed", "Deleted", "Superseded", "Skipped", "Missed"})
_TOLD_WHILE_LIVE = ("Validated", "Held", "Drifted", "Outdated", "ElasticSatisfied")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one is answered from: its line and status; what the queue says; an engine's error."""

    line: Line
    status: Mapping[str, Any]
    waiting: Waiting | None = None
    explanation: Explanation | None = None
    holding: Holding | None = None
    error: str = ""


def of(told: Told) -> Answer:
    """Return the answer for what is told."""
    running, why, when = _BY_STATE[told.line.state](told)
    return Answer(running=_sentence(running), why=_sentence(why), when=_sentence(when))


_Parts = tuple[str, str, str]


def _running(told: Told) -> _Parts:
    since = told.line.started_at
    besides = list(_besides(told.status))
    if told.line.reason != "Running" and told.line.message not in ("", *besides):
        besides.insert(0, told.line.message)
    when = ""
    if told.holding is not None and told.holding.ends_at is not None:
        when = f"it ends at {instant(told.holding.ends_at)} at the latest"
    elif told.holding is not None:
        when = "it ends by itself" if told.line.type == "batch" else "it runs until it is stopped"
    return f"yes{_at(', since', since)}", "; ".join(besides), when


def _starting(told: Told) -> _Parts:
    reason = told.line.reason
    when = GOES_ON.get(reason, "as soon as its core components are up")
    return "no, not yet: it is starting", _why(told), _next_try(told) or when


def _queued(told: Told) -> _Parts:
    if told.line.reason == "ObserveOnly":
        return "no, it waits", _why(told), GOES_ON["ObserveOnly"]
    if told.line.reason in NEVER:
        return _never(told)
    running = f"no, it waits in the queue{_place(told)}"
    if (explained := told.explanation) is not None:
        name = f"{explained.namespace}/{explained.name} "
        why = f"it {explained.sentence.removeprefix(name)}{_behind(told)}"
        return running, why, _starts(explained.start)
    if told.waiting is not None:
        why = f"it {told.waiting.sentence}{_behind(told)}"
        return running, why, _starts(told.waiting.start)
    return running, _why(told), "when it starts isn't known here: the queue has to be asked"


def _behind(told: Told) -> str:
    """Name who is served just before it: whoever waits for somebody asks for whom."""
    ahead = told.explanation.ahead if told.explanation else ()
    ahead = ahead or (told.waiting.ahead if told.waiting else ())
    return f"; behind {ahead[0]}" if ahead else ""


def _never(told: Told) -> _Parts:
    remedies = told.explanation.remedies[:REMEDIES] if told.explanation else ()
    when = "not before that has changed"
    if remedies:
        when += f"; what would let it start: {' or '.join(map(_remedy, remedies))}"
    return "no, and as things are it can't start", _why(told), when


def _place(told: Told) -> str:
    if told.explanation is not None and told.explanation.position:
        return f": number {told.explanation.position} of {told.explanation.waiting}"
    position = told.waiting.position if told.waiting else told.status.get("position")
    return f": number {position}" if position else ""


def _starts(start: Start) -> str:
    return start.told if start.told.startswith("starts ") else f"when it starts: {start.told}"


def _remedy(remedy: Remedy) -> str:
    return remedy.told + (f", about {instant(remedy.about)}" if remedy.about else "")


def _pending(told: Told) -> _Parts:
    running = "no, it is held" if told.line.held else "no, not yet"
    when = _next_try(told) or GOES_ON.get(told.line.reason, "as soon as that has changed")
    return running, _why(told), when


def _next_try(told: Told) -> str:
    at = time(told.status, "nextTryAt")
    if at is None:
        return ""
    is_later_start = told.line.reason == "NotBefore"
    return f"{'not before' if is_later_start else 'it is tried again at'} {instant(at)}"


def _succeeded(told: Told) -> _Parts:
    return f"no, it succeeded{_at(' at', told.line.ended_at)}", _ended(told), ""


def _failed(told: Told) -> _Parts:
    return f"no, it failed{_at(' at', told.line.ended_at)}", _ended(told), _again(told)


def _stopped(told: Told) -> _Parts:
    return f"no, it was stopped{_at(' at', told.line.ended_at)}", _ended(told), _again(told)


def _ended(told: Told) -> str:
    code, attempt = told.status.get("exitCode"), told.line.attempt
    why = ENDED.get(told.line.reason) or told.line.message or "nothing more is known"
    if told.line.reason == "NonZeroExit" and code is not None:
        why = f"it failed with exit code {code}"
    elif told.error and told.line.state == "Failed":
        why = f"{why}: {told.error}"
    return why + (f", after {attempt} attempts" if attempt > 1 else "")


def _again(told: Told) -> str:
    if told.line.reason in _NEVER_AGAIN or is_scheduled(told.line.run):
        return ""
    return f"not again by itself: zoe rerun {told.line.full_name} starts it again"


def _suspended(told: Told) -> _Parts:
    if told.line.held:
        return "no, it is held", told.line.held, GOES_ON["HeldByOperator"]
    return (
        "no, it is suspended",
        _why(told),
        f"when it is resumed: zoe resume {told.line.full_name}",
    )


def _terminating(told: Told) -> _Parts:
    ended = ENDED.get(told.line.reason, "")
    return "no longer: its services are being stopped", ended or _why(told), ""


def _scheduled(told: Told) -> _Parts:
    at = time(told.status, "nextRunAt")
    when = f"it runs next at {instant(at)}" if at else "its times are over"
    return "no, it is a schedule: it begins a run at each of its times", "", when


def _unknown(_: Told) -> _Parts:
    return (
        "no, and nobody can tell any more what became of it",
        "what was remembered of it is lost, so it isn't run again unasked",
        "when its run is raised in its manifest",
    )


def _invalid(told: Told) -> _Parts:
    when = "as soon as the file is corrected; zoe validate shows every error"
    return "no, its manifest is invalid", _why(told), when


_BY_STATE: Mapping[str, Callable[[Told], _Parts]] = {
    "Pending": _pending,
    "Queued": _queued,
    "Starting": _starting,
    "Running": _running,
    "Succeeded": _succeeded,
    "Failed": _failed,
    "Stopped": _stopped,
    "Suspended": _suspended,
    "Terminating": _terminating,
    "Scheduled": _scheduled,
    "Unknown": _unknown,
    "Invalid": _invalid,
}


def _why(told: Told) -> str:
    """Return the status's own sentence, else what its reason means; then an operator's hold."""
    why = told.line.message or WAITS.get(told.line.reason, "why isn't known here")
    held = told.line.held
    return f"{why}; {held}" if held and held not in why else why


def _besides(status: Mapping[str, Any]) -> Iterator[str]:
    """Yield what isn't as it should be with something that runs."""
    wrong = {"Validated": "False", "ElasticSatisfied": "False"}
    found = {condition["type"]: condition for condition in status.get("conditions", ())}
    for type_ in _TOLD_WHILE_LIVE:
        condition = found.get(type_)
        if condition is not None and condition["status"] == wrong.get(type_, "True"):
            reason = condition["reason"]
            told = condition.get("message") or CONDITIONS.get(reason) or WAITS.get(reason)
            yield told or "something that was asked for isn't carried out"


def _at(word: str, at: datetime | None) -> str:
    return f"{word} {instant(at)}" if at else ""


def _sentence(told: str) -> str:
    told = begun(told.strip())
    return told if not told or told[-1] in ".!?" else f"{told}."
