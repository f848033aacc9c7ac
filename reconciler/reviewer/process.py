"""Runs a job in a process of its own, and ends that when it takes too long or is too large."""

from __future__ import annotations

import json
import logging
import os
import pickle
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import reconciler
from reconciler import canonical
from reconciler.errors import ReconcilerError, SourceUnavailable
from reconciler.reviewer.job import Job, Result
from reconciler.text import clean

log = logging.getLogger(__name__)

ANSWER_BYTES = 16 * 1024**2
_SHOWN = 2000
_ROOT = Path(reconciler.__file__).parent.parent


class WorkerFailed(ReconcilerError):
    """A review that came to nothing; the message says why and what to do, fit for a forge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """How much time and memory a review may take; ``folder`` is emptied before each."""

    folder: Path
    timeout_s: int
    memory_mib: int
    module: str = f"{__package__}.worker"


class Worker:
    """One job at a time; any thread may stop it."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._settings = settings
        self._running: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._is_stopped = False

    def run(self, job: Job) -> Result:
        """Return the answer to a job.

        Raises:
            WorkerFailed: It was ended, or its answer is none.
            SourceUnavailable: There is no place to work in, for now.
        """
        folder = self._settings.folder
        shutil.rmtree(folder, ignore_errors=True)
        try:
            folder.mkdir(mode=0o700, parents=True)
            (folder / "job").write_bytes(pickle.dumps(job))
            code = self._finish(folder)
            return self._answer(folder, code)
        except OSError as error:
            raise SourceUnavailable(
                f"zoe can't write to its state folder ({error.strerror}); the operator has to make "
                "room there"
            ) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def stop(self) -> None:
        """End the job under way, and take no more."""
        with self._lock:
            self._is_stopped = True
            if self._running is not None:
                _kill(self._running)

    def _finish(self, folder: Path) -> int | None:
        """Run the process; return its exit code, None after the time is over."""
        with (
            (folder / "job").open("rb") as given,
            (folder / "answer").open("wb") as answer,
            (folder / "errors").open("wb") as errors,
            self._lock,
        ):
            if self._is_stopped:
                raise WorkerFailed("not reviewed: zoe is stopping")
            # What it writes are files, so that the kernel bounds their size.
            self._running = process = subprocess.Popen(  # noqa: S603 - ourselves
                [sys.executable, "-P", "-m", self._settings.module, *self._bounds()],
                stdin=given,
                stdout=answer,
                stderr=errors,
                cwd=folder,
                env={
                    "PYTHONPATH": str(_ROOT),
                    "LC_ALL": "C.UTF-8",
                    "HOME": str(folder),
                    "TMPDIR": str(folder),
                },
                start_new_session=True,
            )
        try:
            return process.wait(self._settings.timeout_s)
        except subprocess.TimeoutExpired:
            return None
        finally:
            with self._lock:
                _kill(process)
                self._running = None

    def _bounds(self) -> list[str]:
        memory = self._settings.memory_mib * 1024**2
        return [str(memory), str(self._settings.timeout_s), str(ANSWER_BYTES)]

    def _answer(self, folder: Path, code: int | None) -> Result:
        told = (folder / "errors").read_bytes()[-_SHOWN:].decode(errors="replace")
        if told or code:
            text = clean(told, limit=_SHOWN, is_multiline=True)
            log.warning("a review failed", extra={"code": code, "output": text})
        if code is None or code == -signal.SIGXCPU:
            raise WorkerFailed(
                f"not reviewed: it takes more than {self._settings.timeout_s} s; split the change, "
                "or ask the operator to raise review_timeout_s"
            )
        if code != 0:
            raise WorkerFailed(
                f"not reviewed: the review failed or took more than {self._settings.memory_mib} "
                "MiB; split the change, or ask the operator to look into the log"
            )
        try:
            return canonical.from_data(Result, json.loads((folder / "answer").read_bytes()))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            log.warning("a review's answer can't be read", extra={"error": repr(error)})
            raise WorkerFailed(
                "not reviewed: the review gave no answer; ask the operator to look into the log"
            ) from error


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started, and collect it."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
