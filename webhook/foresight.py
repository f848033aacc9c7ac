"""What only deciding on the snapshot can tell: the queue, the cluster, why one waits.

That is heavy, so a process of its own works it out (``foreseer``), one question at a time, and
hands over the page that was asked for. Answers are remembered as long as their snapshot is the
newest, and the last ones until newer are there.
"""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from multiprocessing.connection import Connection
from pathlib import Path
from time import monotonic
from typing import Any

import webhook
from reconciler.view import cluster_page, queue_page
from reconciler.view.picture import Picture

log = logging.getLogger(__name__)

PATIENCE_S = 0.5
LONGEST_S = 60.0
MOST_REMEMBERED = 500
MOST_ASKED = 100
INTEREST_S = 60.0
RESTART_S = 1.0
_ROOT = Path(webhook.__file__).parent.parent


class Topic(StrEnum):
    """What can be asked about."""

    QUEUE = "queue"
    CLUSTER = "cluster"
    EXPLANATION = "explanation"


@dataclass(frozen=True, slots=True)
class Question:
    """``uid`` is about whom is asked; ``page`` is what of the queue or the cluster."""

    topic: Topic
    uid: str = ""
    page: queue_page.Query | cluster_page.Query | None = None

    @property
    def is_common(self) -> bool:
        """Whether it is about what everybody looks at: kept up to date without being asked for."""
        return not self.uid and self.page in (None, queue_page.EVERYBODY, cluster_page.ALL)


class Nothing:
    """Stands for: a snapshot has no answer to that, or it couldn't be worked out."""


NOTHING = Nothing()


class Failed(Exception):
    """The process died over a question, or took too long."""


class Foreseer:
    """The process; started when it is first asked, and again after it died."""

    def __init__(self, *, module: str = f"{__package__}.foreseer") -> None:
        self._module = module
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._knows = ""

    def answer(self, question: Question, picture: Picture, *, longest_s: float) -> object:
        """Return the answer; NOTHING where the snapshot has none. Raises Failed."""
        try:
            connection = self._connection or self._start()
            if self._knows != picture.snapshot_id:
                connection.send((picture.snapshot, _concerned(picture)))
                self._knows = picture.snapshot_id
            connection.send(question)
            if not connection.poll(longest_s):
                raise TimeoutError
            found = connection.recv()
        except (OSError, EOFError) as error:
            self.close()
            raise Failed(type(error).__name__) from error
        return NOTHING if found is None else found

    def close(self) -> None:
        """End the process. For the thread that asks; others :meth:`kill`."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self._knows = ""

    def kill(self) -> None:
        """Let the answer that is waited for fail."""
        if (process := self._process) is not None:
            process.kill()

    def _start(self) -> Connection:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - ourselves
                [sys.executable, "-P", "-m", self._module, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env={"PYTHONPATH": str(_ROOT), "LC_ALL": "C.UTF-8", "PATH": os.defpath},
            )
        self._connection = Connection(ours.detach())
        return self._connection


class Foresight:
    """Any thread may ask; a thread of its own passes the questions on."""

    def __init__(
        self, *, told: Callable[[], None] = lambda: None, foreseer: Foreseer | None = None
    ) -> None:
        self._foreseer = foreseer or Foreseer()
        self._told = told
        self._picture: Picture | None = None
        self._asked: dict[Question, None] = {}
        self._answers: dict[Question, object] = {}
        self._before: dict[Question, object] = {}
        self._wanted: dict[Question, float] = {}
        self._generation = 0
        self._is_closed = False
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="foresight", daemon=True)

    @property
    def generation(self) -> int:
        """How many answers there were: what is shown may be another when it has grown."""
        return self._generation

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def close(self) -> None:
        """End the thread and the process."""
        with self._news:
            self._is_closed = True
            self._news.notify_all()
        self._foreseer.kill()
        if self._thread.is_alive():
            self._thread.join(1.0)

    def see(self, picture: Picture) -> None:
        """Take a picture's snapshot as the newest; what somebody still looks at is asked again."""
        with self._news:
            last, self._picture = self._picture, picture
            if last is not None and last.snapshot_id == picture.snapshot_id:
                return
            lasting = {q: answer for q, answer in self._before.items() if q.is_common}
            newer = {q: answer for q, answer in self._answers.items() if answer is not NOTHING}
            self._before, self._answers = lasting | newer, {}
            since = monotonic() - INTEREST_S
            self._wanted = {q: at for q, at in self._wanted.items() if at >= since}
            self._asked |= dict.fromkeys(self._wanted)
            self._news.notify_all()

    def ask(self, question: Question, *, patience_s: float = PATIENCE_S) -> object:
        """Return the newest answer, or :data:`NOTHING`; None while it is being worked out.

        Waits for the first one so long; an older one is returned at once.
        """
        with self._news:
            if self._picture is None or not self._picture.snapshot_id:
                return None
            if question not in self._answers and len(self._asked) < MOST_ASKED:
                self._asked.setdefault(question)
                if question.is_common:
                    self._wanted[question] = monotonic()
                self._news.notify_all()
            self._news.wait_for(lambda: self._has(question) or self._is_closed, patience_s)
            answers = self._answers if question in self._answers else self._before
            return answers.get(question)

    def _has(self, question: Question) -> bool:
        return question in self._answers or question in self._before

    def _run(self) -> None:
        try:
            self._pass_on()
        finally:
            self._foreseer.close()

    def _pass_on(self) -> None:
        while (next_ := self._next()) is not None:
            question, picture = next_
            began = monotonic()
            try:
                answer = self._foreseer.answer(question, picture, longest_s=LONGEST_S)
            except Failed as error:
                self._give_up(question, picture, error)
                continue
            log.debug(
                "foreseen",
                extra={"topic": str(question.topic), "duration_s": round(monotonic() - began, 3)},
            )
            self._note(question, picture, answer)

    def _next(self) -> tuple[Question, Picture] | None:
        with self._news:
            self._news.wait_for(lambda: self._is_closed or bool(self._asked))
            if self._is_closed or self._picture is None:
                return None
            # What everybody looks at first, and explanations, which take longest, last.
            return min(self._asked, key=_rank), self._picture

    def _note(self, question: Question, picture: Picture, answer: object) -> None:
        with self._news:
            is_newest = (
                self._picture is not None and self._picture.snapshot_id == picture.snapshot_id
            )
            if is_newest:
                self._asked.pop(question, None)
                while len(self._answers) >= MOST_REMEMBERED:
                    del self._answers[next(iter(self._answers))]
                self._answers[question] = answer
            elif answer is not NOTHING:
                self._before[question] = answer
            self._generation += 1
            self._news.notify_all()
        self._told()

    def _give_up(self, question: Question, picture: Picture, error: Failed) -> None:
        """Leave a snapshot's question alone: asked again it would do the same harm."""
        if self._is_closed:
            return
        extra = {"topic": str(question.topic), "error": str(error)}
        log.warning("a question about a snapshot came to nothing", extra=extra)
        self._note(question, picture, NOTHING)
        with self._news:
            self._news.wait_for(lambda: self._is_closed, RESTART_S)


def _rank(question: Question) -> tuple[bool, bool]:
    return question.topic is Topic.EXPLANATION, not question.is_common


def _concerned(picture: Picture) -> tuple[Mapping[str, Any], ...]:
    """Return the documents of who isn't over: only these can wait, hold, be held, or run."""
    return tuple(
        document
        for document in picture.documents.values()
        if document.get("status", {}).get("phase") not in OVER
    )


OVER = frozenset({"Succeeded", "Failed", "Stopped"})
