"""All of one execution, put together from its status and from what else is known of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from reconciler.converge.ledger import Entry
from reconciler.converge.newest import rank
from reconciler.converge.status import Endpoint, TaskStatus
from reconciler.reporting.records import CommitRow, Harvest, Tail
from reconciler.review.chronicle import chronicle, run_told
from reconciler.view import answer, encoding, line
from reconciler.view.event import EventLine
from reconciler.view.execution import (
    ConditionLine,
    Detail,
    GitBox,
    Log,
    Logs,
    Part,
    Step,
    Timeline,
)
from reconciler.view.line import Line
from reconciler.view.links import NOWHERE, Links
from reconciler.view.picture import Document, Picture
from reconciler.view.queue import Holding, Waiting
from reconciler.view.waiting import Explanation
from reconciler.view.words import escaped

MOST_RUNS = 20
MOST_STEPS = 1000


class Authored(Protocol):
    """A commit, as far as a timeline names it."""

    @property
    def author(self) -> str:
        """Whose it is."""

    @property
    def message(self) -> str:
        """Its whole message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a run beside its status; each part may be missing.

    ``entries`` are the facts of all runs of the name; ``commits`` those that they name, by id.
    """

    waiting: Waiting | None = None
    holding: Holding | None = None
    explanation: Explanation | None = None
    entries: Sequence[Entry] = ()
    commits: Mapping[str, CommitRow] = field(default_factory=dict)
    events: Sequence[EventLine] = ()
    harvests: Sequence[Harvest] = ()
    tails: Sequence[Tail] = ()


NOTHING = Known()


def find(picture: Picture, namespace: str, name: str, run: int | None = None) -> Document | None:
    """Return a run's status document; by default that of the run that stands for the name."""
    runs = picture.by_name.get((namespace, name), ())
    mine = [document for document in runs if run in (None, document["metadata"]["run"])]
    return max(mine, key=rank, default=None)


def of(
    picture: Picture, document: Document, known: Known = NOTHING, *, links: Links = NOWHERE
) -> Detail:
    """Return all of a run whose status document is given (:func:`find`)."""
    own, status = line.of(document), document["status"]
    logs = logs_of(picture, own, known.harvests, known.tails)
    told = answer.Told(
        line=own,
        status=status,
        waiting=known.waiting,
        explanation=known.explanation,
        holding=known.holding,
        error=_error(known.harvests),
    )
    return Detail(
        line=own,
        answer=answer.of(told),
        generation=document["metadata"].get("generation", 0),
        exit_code=status.get("exitCode"),
        next_try_at=line.time(status, "nextTryAt"),
        next_run_at=line.time(status, "nextRunAt"),
        refusals=tuple(status.get("refusals", ())),
        waiting=known.explanation,
        parts=tuple(_parts(status, known.harvests)),
        reach=tuple(encoding.from_json(Endpoint, e) for e in status.get("endpoints", ())),
        conditions=tuple(map(_condition, status.get("conditions", ()))),
        git=_git(document.get("source"), known.commits, links),
        timeline=timeline(known.entries, known.commits),
        events=tuple(known.events),
        logs=logs.logs,
        logs_told=logs.told,
        runs=_runs(picture, own),
    )


def holding(document: Document) -> Holding:
    """Return what one that runs holds, by a whole status document: it says when that ends."""
    own = line.of(document)
    return Holding(
        uid=own.uid,
        namespace=own.namespace,
        name=own.name,
        replicas=own.replicas,
        nodes=(),
        ends_at=own.ends_at,
        labels=own.labels,
    )


def history_of(
    entries: Iterable[Entry], commits: Mapping[str, Authored], *, run: int | None = None
) -> Timeline:
    """Return the newest of what happened to a name, in all of its runs or in one."""
    mine = [entry for entry in entries if run in (None, entry.run)]
    steps = timeline(mine, commits)
    return Timeline(steps=steps[-MOST_STEPS:], earlier=max(0, len(steps) - MOST_STEPS))


def timeline(entries: Iterable[Entry], commits: Mapping[str, Authored]) -> tuple[Step, ...]:
    """Return what the facts of a name tell, oldest first."""
    return tuple(
        Step(
            at=happening.entry.at,
            told=happening.told,
            fact=str(happening.entry.fact),
            run=run_told(happening.entry.run),
            commit=happening.entry.commit,
            by=_by(commits.get(happening.entry.commit)),
            generation=happening.entry.generation,
            attempt=happening.entry.attempt,
            reason=happening.entry.reason,
            exit_code=happening.entry.code,
        )
        for happening in chronicle(entries)
    )


def commits_named(document: Document, entries: Iterable[Entry]) -> frozenset[str]:
    """Return the ids of the commits that a run's :class:`Known` may hold.

    A manifest that never had a valid version names none.
    """
    named = {entry.commit for entry in entries} | {document.get("source", {}).get("commit", "")}
    return frozenset(named - {""})


def logs_of(
    picture: Picture, of_line: Line, harvests: Iterable[Harvest], tails: Iterable[Tail]
) -> Logs:
    """Return what a run printed, as far as its namespace lets the page show it.

    What acts on a terminal or page is shown as an escape.
    """
    if not shows_logs(picture, of_line.namespace):
        told = (
            f"the logs of namespace {of_line.namespace} aren't shown here: "
            "page: {logs: true} in its Namespace would allow it"
        )
        return Logs(told=told)
    found = [*map(_harvested, harvests), *map(_read, tails)]
    if any(log.text for log in found):
        return Logs(logs=tuple(log for log in found if log.text))
    if of_line.state in line.HOLDING:
        return Logs(told="its logs are being read, or it has printed nothing yet")
    return Logs(told="nothing that it printed is kept")


def shows_logs(picture: Picture, namespace: str) -> bool:
    """Tell whether a namespace lets anybody who sees the page read what its tasks print."""
    page = picture.board.namespaces.get(namespace, {}).get("page", {})
    return page.get("logs", False) is True


def _runs(picture: Picture, own: Line) -> tuple[Line, ...]:
    """Return the name's other runs, the newest first."""
    others = [d for d in picture.by_name.get((own.namespace, own.name), ()) if _uid(d) != own.uid]
    return tuple(map(line.of, sorted(others, key=rank, reverse=True)[:MOST_RUNS]))


def _uid(document: Document) -> str:
    return str(document["metadata"]["uid"])


def _parts(status: Mapping[str, Any], harvests: Sequence[Harvest]) -> Iterator[Part]:
    for part in status.get("components", ()):
        live = [encoding.from_json(TaskStatus, task) for task in part.get("tasks", ())]
        ended = [_ended(harvest) for harvest in harvests if harvest.component == part["name"]]
        yield Part(
            name=part["name"],
            core=part["core"],
            elastic=part["elastic"],
            granted=part["granted"],
            running=part["running"],
            restarts=part["restarts"],
            nodes=tuple(part["nodes"]),
            image=part.get("image", ""),
            tasks=tuple(live or ended),
        )


def _ended(harvest: Harvest) -> TaskStatus:
    return TaskStatus(
        node=harvest.node, state="ended", exit_code=harvest.exit_code, error=harvest.error
    )


def _condition(condition: Mapping[str, Any]) -> ConditionLine:
    return ConditionLine(
        type=condition["type"],
        status=condition["status"],
        reason=condition["reason"],
        message=condition.get("message", ""),
        since=line.time(condition, "lastTransitionTime"),
    )


def _git(
    source: Mapping[str, Any] | None, commits: Mapping[str, CommitRow], links: Links
) -> GitBox | None:
    if not source:
        return None
    row, pull = commits.get(source["commit"]), None
    if row is not None:
        pull = row.pull
    return GitBox(
        path=source["path"],
        line=source["line"],
        commit=source["commit"],
        author=source.get("author", ""),
        committed_at=line.time(source, "committedAt"),
        signer=row.signer if row else "",
        pull=pull,
        commit_url=links.commit_url(source["commit"]),
        file_url=links.file_url(source["path"], source["line"]),
        edit_url=links.edit_url(source["path"]),
        delete_url=links.delete_url(source["path"]),
        pull_url=links.pull_url(pull) if pull else "",
    )


def _by(commit: Authored | None) -> str:
    return f"{commit.author}: {commit.message.partition(chr(10))[0]}" if commit else ""


def _harvested(harvest: Harvest) -> Log:
    return Log(
        component=harvest.component,
        node=harvest.node,
        text=escaped(harvest.log_tail),
        at=harvest.at,
        attempt=harvest.attempt,
        exit_code=harvest.exit_code,
    )


def _read(tail: Tail) -> Log:
    return Log(component=tail.component, node=tail.node, text=escaped(tail.text), at=tail.at)


def _error(harvests: Sequence[Harvest]) -> str:
    """Return what the engine said of the newest task that ended with an error."""
    told = next((harvest.error for harvest in reversed(harvests) if harvest.error), "")
    return escaped(told.strip().partition("\n")[0])
