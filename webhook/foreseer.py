"""The process that decides on snapshots for pages: ``python -m webhook.foreseer FD``.

It is asked over the socket that it is given, one question at a time, and keeps the last snapshot
parsed. It reads nothing else, and yields the processor to whoever wants it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from reconciler.converge import snapshots
from reconciler.converge.snapshots import Taken
from reconciler.view import cluster, queue, waiting
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
    taken: Taken | None = None
    documents: tuple[Mapping[str, Any], ...] = ()
    while True:
        told = connection.recv()
        if isinstance(told, Question):
            connection.send(None if taken is None else _answered(told, taken, documents))
        else:
            text, documents = told
            taken = snapshots.read(json.loads(text))


def _answered(question: Question, taken: Taken, documents: tuple[Mapping[str, Any], ...]) -> object:
    """Return the view; None where the snapshot has none."""
    match question.topic:
        case Topic.QUEUE:
            return queue.of(taken, documents)
        case Topic.CLUSTER:
            return cluster.of(taken, documents)
        case Topic.EXPLANATION:
            with suppress(KeyError):  # it doesn't wait there
                return waiting.of(taken, question.uid)
            return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
