"""The site as it is: the one place where picture, archive and foresight come together.

Every answer is a pure builder's; here it gets what it is made from. Nothing is remembered here
(``replies`` does that), and nothing is decided.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from policy.model.execution import Uid
from reconciler.errors import StoreUnavailable
from reconciler.reporting.records import CommitRow, Tail
from reconciler.view import (
    calendar,
    cluster_page,
    detail,
    event,
    freshness,
    glance,
    listing,
    queue_page,
    reference,
    sets,
    zapps,
)
from reconciler.view.calendar import Calendar
from reconciler.view.cluster import ClusterView
from reconciler.view.detail import Known
from reconciler.view.execution import Detail, Logs, Timeline
from reconciler.view.glance import Freshness, Glance
from reconciler.view.listing import Listing, Query
from reconciler.view.picture import Picture
from reconciler.view.queue import Queue
from reconciler.view.reference import Reference
from reconciler.view.sets import Sets, SetView
from reconciler.view.waiting import Explanation
from reconciler.view.zapps import Catalogue, ZAppView
from webhook.foresight import NOTHING, Question, Topic
from webhook.past import Past
from webhook.site import Away, BeingWorkedOut, NotThere
from webhook.sources import RETRY_S, missing, reading, refusing

V = TypeVar("V")

IMPATIENT_S = 0.2
LOGO_TYPES = frozenset({"image/svg+xml", "image/png"})
MOST_COMPARED = 500
SHOWN_COMMITS = 20
NAMED_COMMITS = 100
"""So many commits of a history come with their author."""
SHOWN_EVENTS = 20
"""Events on the page of one execution; the others are a page away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk(Past):
    """A :class:`webhook.site.Site`. Any thread may ask."""

    def deployment(self) -> str:
        """Return what this installation is called."""
        picture = self.newest()
        return picture.deployment if picture is not None else ""

    def freshness(self) -> Freshness:
        """Return how old everything is."""
        return freshness.of(self.picture(), now=self.now())

    def glance(self) -> Glance:
        """Return the first page."""
        question = Question(Topic.CLUSTER, page=cluster_page.ALL)
        found = self.foresight.ask(question, patience_s=IMPATIENT_S)
        cluster = found if isinstance(found, ClusterView) else None
        return glance.of(self.picture(), now=self.now(), cluster=cluster)

    def listing(self, query: Query) -> Listing:
        """Return a page of executions."""
        with refusing():
            return listing.of(self.picture(), query)

    def calendar(self) -> Calendar:
        """Return what is to come."""
        picture = self.picture()
        return calendar.of(picture.board, picture.documents, now=self.now())

    def sets(self) -> Sets:
        """Return all sets."""
        picture = self.picture()
        return sets.of(picture.documents.values(), picture.board)

    def set(self, namespace: str, name: str) -> SetView:
        """Return one set."""
        picture = self.picture()
        found = sets.one(picture.documents.values(), picture.board, namespace, name)
        if found is None:
            raise missing(f"set {namespace}/{name}", "/sets")
        return found

    def zapps(self) -> Catalogue:
        """Return the catalogue."""
        return zapps.of(self.picture().board, self.documents())

    def zapp(self, name: str) -> ZAppView:
        """Return one application."""
        board = self.picture().board
        found = zapps.one(board, name, self.documents(), new_url=self.forge.new_url)
        if found is None:
            raise missing(name, "/zapps", among=board.zapps)
        return found

    def zapp_logo(self, name: str) -> tuple[bytes, str]:
        """Return its logo, if it is of a kind that is shown."""
        board = self.picture().board
        logo = board.zapps.get(name, {}).get("logo") or {}
        if logo.get("type") not in LOGO_TYPES:
            raise missing(f"logo of {name}", "/zapps")
        return base64.b64decode(logo["data"]), str(logo["type"])

    def reference(self) -> Reference:
        """Return the contract and the rules."""
        return reference.of(self.picture().board)

    # -- foreseen --------------------------------------------------------------------------------

    def queue(self, query: queue_page.Query = queue_page.EVERYBODY) -> Queue:
        """Return a page of who waits."""
        with refusing():
            queue_page.check(query)
        return self._foreseen(Question(Topic.QUEUE, page=query), Queue, "the queue")

    def cluster(self, query: cluster_page.Query = cluster_page.ALL) -> ClusterView:
        """Return a page of the nodes, or of one."""
        with refusing():
            cluster_page.check(query)
        found = self._foreseen(Question(Topic.CLUSTER, page=query), ClusterView, "the cluster")
        if query.node and not found.nodes:
            raise missing("node of that name", "/cluster")
        return found

    def explanation(self, namespace: str, name: str) -> Explanation:
        """Return why one waits."""
        document = self._document(namespace, name, None)
        question = Question(Topic.EXPLANATION, document["metadata"]["uid"])
        if self.foresight.ask(question) is NOTHING:
            phase = document["status"]["phase"]
            raise NotThere(
                f"{namespace}/{name} doesn't wait: it is {phase}",
                suggestion=f"see /executions/{namespace}/{name}",
            )
        return self._foreseen(question, Explanation, "why it waits")

    # -- one execution ---------------------------------------------------------------------------

    def execution(self, namespace: str, name: str, run: int | None = None) -> Detail:
        """Return all of a run; what only the database knows is left out while that is away."""
        picture, document = self.picture(), self._document(namespace, name, run)
        phase, known = document["status"]["phase"], self._known(picture, document)
        if phase in WAITING:
            known = self._foretold(document, known)
        elif phase == "Running":
            known = replace(known, holding=detail.holding(document))
        source_id = document.get("source", {}).get("id", "")
        return detail.of(picture, document, known, links=self.links(source_id))

    def logs(self, namespace: str, name: str, run: int | None = None) -> Logs:
        """Return the logs alone."""
        detail = self.execution(namespace, name, run)
        return Logs(logs=detail.logs, told=detail.logs_told)

    def timeline(self, namespace: str, name: str, run: int | None = None) -> Timeline:
        """Return what happened to a name in all runs that are kept, or in one of them."""
        picture = self.picture()
        document = self._document(namespace, name, run)
        with reading():
            entries = self.archive.entries(_runs(picture, namespace, name))
            newest = {entry.commit: None for entry in reversed(entries) if entry.commit}
            commits = self._commits(list(newest)[:NAMED_COMMITS])
        only = None if run is None else document["metadata"]["run"]
        return detail.history_of(entries, commits, run=only)

    # -- what these are made from ----------------------------------------------------------------

    def _document(self, namespace: str, name: str, run: int | None) -> Mapping[str, Any]:
        """Return the status of a run, by default of the newest of its name."""
        picture = self.picture()
        if (found := detail.find(picture, namespace, name, run)) is not None:
            return found
        if (newest := detail.find(picture, namespace, name)) is not None:
            raise NotThere(
                f"{namespace}/{name} has no run {run} that is kept",
                suggestion=f"its newest is {newest['metadata']['run']}",
            )
        raise missing(f"{namespace}/{name}", "/executions", among=_like(picture, namespace, name))

    def _foreseen(self, question: Question, kind: type[V], what: str) -> V:
        if not self.picture().snapshot_id:
            told = f"{what} isn't known yet: no pass has been made, or an older zoe made the last"
            raise Away(told, retry_after_s=RETRY_S)
        found = self.foresight.ask(question)
        if found is None:
            raise BeingWorkedOut(f"{what} is being worked out: ask again in a moment")
        if not isinstance(found, kind):
            told = f"{what} couldn't be worked out; the operator finds why in the log of zoe web"
            raise Away(told, retry_after_s=RETRY_S)
        return found

    def _foretold(self, document: Mapping[str, Any], known: Known) -> Known:
        """Add what is foreseen of one that waits: its explanation, else its line in the queue.

        The line is there sooner; both are waited for together.
        """
        uid = document["metadata"]["uid"]
        place = Question(Topic.QUEUE, uid)
        self.foresight.ask(place, patience_s=0)
        explanation = self.foresight.ask(Question(Topic.EXPLANATION, uid))
        found = self.foresight.ask(place, patience_s=0)
        lines = (*found.waiting, *found.never) if isinstance(found, Queue) else ()
        return replace(
            known,
            waiting=next(iter(lines), None),
            explanation=explanation if isinstance(explanation, Explanation) else None,
        )

    def _known(self, picture: Picture, document: Mapping[str, Any]) -> Known:
        """Return what the database knows of a run beside its status; nothing while it is away."""
        metadata = document["metadata"]
        namespace, name, uid = metadata["namespace"], metadata["name"], Uid(metadata["uid"])
        archive = self.archive
        try:
            entries = archive.entries(_runs(picture, namespace, name))
            events = archive.events(namespace=namespace, name=name, limit=SHOWN_EVENTS)
            return Known(
                entries=entries,
                commits=self._commits(
                    sorted(detail.commits_named(document, entries))[:SHOWN_COMMITS]
                ),
                events=tuple(map(event.line, events)),
                harvests=archive.harvests(uid),
                tails=self._tails(uid) if detail.shows_logs(picture, namespace) else (),
            )
        except StoreUnavailable:
            return detail.NOTHING

    def _commits(self, revisions: Iterable[str]) -> dict[str, CommitRow]:
        found = (self.archive.commit(revision) for revision in revisions)
        return {row.id: row for row in (pair[1] for pair in found if pair is not None)}

    def _tails(self, uid: Uid) -> tuple[Tail, ...]:
        self.archive.look_at(uid)
        return self.archive.tails(uid)


WAITING = frozenset({"Pending", "Queued"})


def _runs(picture: Picture, namespace: str, name: str) -> tuple[Uid, ...]:
    return tuple(
        Uid(document["metadata"]["uid"]) for document in picture.by_name.get((namespace, name), ())
    )


def _like(picture: Picture, namespace: str, name: str) -> set[str]:
    """Return the NAMESPACE/NAMEs that may be meant: few enough to be compared letter by letter."""
    found: set[str] = set()
    for other in picture.by_name:
        if namespace == other[0] or name == other[1]:
            found.add("/".join(other))
            if len(found) >= MOST_COMPARED:
                break
    return found
