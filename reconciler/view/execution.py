"""One execution: is it running, why not, when, and all that is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reconciler.converge.status import Endpoint, TaskStatus
from reconciler.view.event import EventLine
from reconciler.view.line import Line
from reconciler.view.waiting import Explanation


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The three questions, a sentence each; the same words on page, API and terminal.

    ``running`` begins with yes or no. ``why`` is "" while it runs as asked. ``when`` says when it
    starts, ends or is tried again; "" where nothing is to come.
    """

    running: str
    why: str = ""
    when: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A component. ``tasks`` are the newest, or what was harvested of those that ended."""

    name: str
    core: int
    elastic: int
    granted: int
    running: int
    restarts: int
    nodes: tuple[str, ...] = ()
    image: str = ""
    tasks: tuple[TaskStatus, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What happened, oldest first; ``by`` is a commit with its author where one brought it."""

    at: datetime
    told: str
    fact: str
    run: str = ""
    commit: str = ""
    by: str = ""
    generation: int = 0
    attempt: int = 0
    reason: str = ""
    exit_code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionLine:
    """A named claim."""

    type: str
    status: str
    reason: str
    message: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GitBox:
    """Where it is written, by whom. ``*_url`` are the forge's pages ("" where none is known)."""

    path: str
    line: int
    commit: str
    author: str = ""
    committed_at: datetime | None = None
    signer: str = ""
    pull: int | None = None
    commit_url: str = ""
    file_url: str = ""
    edit_url: str = ""
    delete_url: str = ""
    pull_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """The last lines of a component on a node; control characters are shown as escapes."""

    component: str
    node: str
    text: str
    at: datetime
    attempt: int = 0
    exit_code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Logs:
    """``told`` says why there are none; "" where there are some."""

    logs: tuple[Log, ...] = ()
    told: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """What happened to a name in its runs, oldest first; ``earlier`` steps are left out."""

    steps: tuple[Step, ...] = ()
    earlier: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """All of it. ``logs_told`` says why none are shown. ``runs`` are the name's other runs."""

    line: Line
    answer: Answer
    generation: int = 0
    exit_code: int | None = None
    next_try_at: datetime | None = None
    next_run_at: datetime | None = None
    refusals: tuple[str, ...] = ()
    waiting: Explanation | None = None
    parts: tuple[Part, ...] = ()
    reach: tuple[Endpoint, ...] = ()
    conditions: tuple[ConditionLine, ...] = ()
    git: GitBox | None = None
    timeline: tuple[Step, ...] = ()
    events: tuple[EventLine, ...] = ()
    logs: tuple[Log, ...] = ()
    logs_told: str = ""
    runs: tuple[Line, ...] = ()
