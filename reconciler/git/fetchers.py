"""Talking with remotes in processes that are ended when they take too long or too much.

A process is kept for the next order, since starting one takes longer than a look at a branch that
hasn't moved. None is started before it is needed. See ``fetch_worker``.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from time import monotonic

import reconciler
from reconciler.config import SourceSettings
from reconciler.errors import SourceUnavailable
from reconciler.git.address import Address
from reconciler.git.source import TIP, GitSource
from reconciler.manifest.limits import Limits

_MIB = 1024**2
_ROOT = Path(reconciler.__file__).parent.parent
_GRACE_S = 5
"""How much longer than a fetch may take its process is waited for."""
_MOST_IDLE = 4
_ANSWER_BYTES = 65_536
_FOR_OTHERS = frozenset({"webhook", "forge"})
"""Settings of a source that nobody needs to fetch it."""


class Fetchers:
    """Processes that fetch and push, as many as are asked at a time. Any thread may ask."""

    def __init__(self, limits: Limits) -> None:
        """Take the bounds; nothing is started."""
        self._limits = limits
        self._idle: list[_Process] = []
        self._busy: set[_Process] = set()
        self._lock = threading.Lock()
        self._is_closed = False

    def fetch(self, settings: SourceSettings, mirror: Path, *, anew: bool = False) -> str:
        """Bring a mirror up to date, ``anew`` by cloning it again; return the branch's tip.

        Raises:
            SourceUnavailable: It can't be reached, or it took more than it may.
        """
        return str(self.ask(settings, mirror, "again" if anew else "fetch"))

    def ask(
        self, settings: SourceSettings, mirror: Path, what: str, **given: str | Sequence[str]
    ) -> str | None:
        """Have something done with a mirror, as ``fetch_worker`` lists it; return its answer.

        Raises:
            SourceUnavailable: It can't be done, or it took more than it may.
        """
        process = self._taken()
        try:
            answer = process.answer(self._order(settings, mirror, what, given))
        except BaseException:
            process.end()
            raise
        finally:
            with self._lock:
                self._busy.discard(process)
        self._put_back(process)
        if answer is None:
            raise SourceUnavailable(self._ended(settings))
        if "error" in answer:
            raise SourceUnavailable(str(answer["error"]))
        return answer["answer"]

    def stop(self) -> None:
        """End all of them, also those that do something: whoever waits for one is told so."""
        self.close()
        with self._lock:
            for process in self._busy:
                process.kill()

    def close(self) -> None:
        """End those that do nothing now, and the others when their fetch is over."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for process in idle:
            process.end()

    def _taken(self) -> _Process:
        with self._lock:
            if self._is_closed:
                raise SourceUnavailable("zoe is about to end: nothing is fetched any more")
            process = self._idle.pop() if self._idle else _Process(self._limits)
            self._busy.add(process)
            return process

    def _put_back(self, process: _Process) -> None:
        with self._lock:
            if process.is_alive and not self._is_closed and len(self._idle) < _MOST_IDLE:
                self._idle.append(process)
                return
        process.end()

    def _order(
        self, settings: SourceSettings, mirror: Path, what: str, given: Mapping[str, object]
    ) -> dict[str, object]:
        source = {
            field.name: str(value) if isinstance(value, Path) else value
            for field in fields(settings)
            if field.name not in _FOR_OTHERS
            and (value := getattr(settings, field.name)) is not None
        }
        limits = self._limits
        return {
            "what": what,
            "source": source,
            "mirror": str(mirror),
            "given": given,
            "most_bytes": limits.fetch_mib * _MIB,
            "most_s": limits.fetch_s,
            "ends_after_s": limits.fetch_s + _GRACE_S,
        }

    def _ended(self, settings: SourceSettings) -> str:
        limits = self._limits
        return (
            f"{settings.id}: talking with the remote was ended: it took more than "
            f"{limits.fetch_s} s "
            f"(limits.fetch_s) or {limits.fetch_memory_mib} MiB (limits.fetch_memory_mib)"
        )


class _Process:
    """One of them, with at most one order at a time."""

    def __init__(self, limits: Limits) -> None:
        memory, file = limits.fetch_memory_mib * _MIB, 2 * limits.fetch_mib * _MIB
        module = "reconciler.git.fetch_worker"
        command = [sys.executable, "-P", "-m", module, str(memory), str(file)]
        self._process = subprocess.Popen(  # noqa: S603 - ourselves
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
            start_new_session=True,
        )
        assert self._process.stdin is not None  # noqa: S101 - asked for, which no type tells
        assert self._process.stdout is not None  # noqa: S101
        self._stdin, self._stdout = self._process.stdin, self._process.stdout

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def answer(self, order: dict[str, object]) -> dict[str, str | None] | None:
        """Return what it says to an order; None where it ended, or was ended, over it."""
        most_s = int(str(order["ends_after_s"])) + 1
        text = b""
        try:
            self._stdin.write(json.dumps(order).encode() + b"\n")
            self._stdin.flush()
            text = self._line(monotonic() + most_s)
        except OSError:
            pass
        if not text.endswith(b"\n"):
            self.end()
            return None
        found: dict[str, str | None] = json.loads(text)
        return found

    def end(self) -> None:
        """Kill it with all that it started, and collect it."""
        if self._process.returncode is None:
            self.kill()
            self._process.wait()
        with suppress(OSError):
            self._stdin.close()
        self._stdout.close()

    def kill(self) -> None:
        """Kill it with all that it started; whoever waits for its answer collects it."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _line(self, until: float) -> bytes:
        """Read up to the end of a line, or what there is when the time or the process is over."""
        text = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._stdout, selectors.EVENT_READ)
            while not text.endswith(b"\n") and len(text) < _ANSWER_BYTES:
                if not selector.select(max(0.0, until - monotonic())):
                    break
                part = os.read(self._stdout.fileno(), _ANSWER_BYTES)
                if not part:
                    break
                text += part
        return text


class FetchedApart(GitSource):
    """A source that is read here and fetched in another process."""

    def __init__(self, settings: SourceSettings, mirror: Path, fetchers: Fetchers) -> None:
        """Take the settings; nothing is opened before it is needed. Raises ConfigError."""
        super().__init__(settings, mirror)
        self._apart = RemoteApart(settings, mirror, fetchers)

    def _fetch(self) -> str:
        tip = self._apart.fetch()
        self._let_go_of_moved()
        if self._objects().reference(TIP) != tip:
            # A damaged mirror was replaced there: what is open here is the old one.
            self._reader = None
            self._mirror.let_go()
        return tip


class RemoteApart:
    """What is fetched in another process, and read elsewhere (``lookout.Remote``)."""

    def __init__(self, settings: SourceSettings, mirror: Path, fetchers: Fetchers) -> None:
        """Take the settings; nothing is started."""
        self._settings, self._mirror, self._fetchers = settings, mirror, fetchers

    def fetch(self) -> str:
        """Return the branch's tip."""
        return self._fetchers.fetch(self._settings, self._mirror)

    def fetch_anew(self) -> str:
        """Return it after cloning all of it again."""
        return self._fetchers.fetch(self._settings, self._mirror, anew=True)


def is_local(settings: SourceSettings) -> bool:
    """Tell whether a source is a directory of this machine, which needs no network."""
    return Address.of(settings.url).kind == "file"
