"""The process that decides on snapshots for pages: ``python -m webhook.foreseer FD``.

It is asked over the socket that it is given, one question at a time, and keeps the last snapshot
parsed, with the whole queue and cluster once somebody asked for a page of them. It reads nothing
else, and yields the processor to whoever wants it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from multiprocessing.connection import Connection
from typing import Any

from reconciler.converge import snapshots
from reconciler.converge.snapshots import Taken
from reconciler.view import cluster, cluster_page, queue, queue_page, waiting
from reconciler.view.cluster import ClusterView
from reconciler.view.queue import Queue
from webhook.foresight import Question, Topic

NICE = 10


def main(arguments: list[str]) -> int:
    """Answer until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever asks
    os.nice(NICE)
    with Connection(int(arguments[0])) as connection, suppress(EOFError, ConnectionError):
        serve(connection)
    return 0


def serve(connection: Connection) -> None:
    """Take snapshots (text, documents) and questions, and answer the latter."""
    seen: _Seen | None = None
    while True:
        told = connection.recv()
        if isinstance(told, Question):
            connection.send(None if seen is None else _answered(told, seen))
        else:
            text, documents = told
            seen = _Seen(taken=snapshots.read(json.loads(text)), documents=documents)


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """A snapshot, and what was worked out from it."""

    taken: Taken
    documents: tuple[Mapping[str, Any], ...]

    @cached_property
    def queue(self) -> Queue:
        return queue.of(self.taken, self.documents)

    @cached_property
    def cluster(self) -> ClusterView:
        return cluster.of(self.taken, self.documents)


def _answered(question: Question, seen: _Seen) -> object:
    """Return the view; None where the snapshot has none."""
    match question:
        case Question(topic=Topic.EXPLANATION):
            with suppress(KeyError):  # it doesn't wait there
                return waiting.of(seen.taken, question.uid)
            return None
        case Question(topic=Topic.CLUSTER, page=cluster_page.Query() as page):
            return cluster_page.of(seen.cluster, page)
        case Question(topic=Topic.QUEUE, page=queue_page.Query() as page):
            return queue_page.of(seen.queue, page)
        case _:
            return queue_page.only(seen.queue, question.uid)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
