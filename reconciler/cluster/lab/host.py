"""The machine: its programs and its processes. The only place that starts a program.

What goes wrong with a program becomes one of our errors here.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, TypeVar

from reconciler.errors import ActionFailed, ClusterUnavailable, ConfigError

Item = TypeVar("Item")
_PARALLEL = 8
_SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")  # not on every root's PATH


def environment() -> dict[str, str]:
    """Return this process's environment, with system programs on PATH and plain messages."""
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), *_SYSTEM_FOLDERS))
    return {**os.environ, "PATH": path, "LC_ALL": "C.UTF-8"}


def find(program: str) -> str | None:
    """Return where a program is, or None."""
    return shutil.which(program, path=environment()["PATH"])


def run(
    *argv: str,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
    timeout_s: float = 120,
) -> str:
    """Run a program to its end and return what it printed.

    With ``log`` its whole output goes to that file instead, and the answer is empty.

    Raises:
        ConfigError: There is no such program.
        ActionFailed: It failed, or took too long; the message ends with its last words.
    """
    if log is None:
        return _run(argv, stdin, env, subprocess.PIPE, timeout_s)
    with log.open("ab") as sink:
        try:
            return _run(argv, stdin, env, sink, timeout_s)
        except ActionFailed as error:
            raise ActionFailed(f"{error}\n{tail(log)}\n(all of it: {log})") from error


def _run(
    argv: Sequence[str],
    stdin: str | None,
    env: Mapping[str, str] | None,
    sink: int | BinaryIO,
    timeout_s: float,
) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - a list, never a shell line
            argv,
            input=stdin or "",
            stdout=sink,
            stderr=subprocess.PIPE if sink == subprocess.PIPE else subprocess.STDOUT,
            env=environment() if env is None else env,
            text=True,
            timeout=timeout_s,
            check=True,
        )
    except FileNotFoundError as error:
        raise ConfigError(f"{argv[0]} isn't installed") from error
    except subprocess.TimeoutExpired as error:
        raise ActionFailed(f"{argv[0]} took longer than {timeout_s:g} s") from error
    except subprocess.CalledProcessError as error:
        said = (error.stderr or "").strip()
        raise ActionFailed(f"{' '.join(argv[:4])}: status {error.returncode} {said}") from error
    return done.stdout or ""


def tail(log: Path, lines: int = 5) -> str:
    """Return the last lines of a log, or nothing."""
    try:
        return "\n".join(log.read_text("utf-8", "replace").splitlines()[-lines:])
    except OSError:
        return ""


def wait_until(
    condition: Callable[[], bool], *, what: str, timeout_s: float, interval_s: float = 0.03
) -> None:
    """Return as soon as the condition holds.

    Raises:
        ClusterUnavailable: It didn't within ``timeout_s``; the message says ``what`` was awaited.
    """
    pause = threading.Event()
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise ClusterUnavailable(f"after {timeout_s:g} s still waiting for {what}")
        pause.wait(interval_s)


def in_parallel(action: Callable[[Item], None], items: Iterable[Item]) -> None:
    """Run an action on each item, a few at a time; raise the first that fails."""
    with ThreadPoolExecutor(_PARALLEL) as pool:
        for future in [pool.submit(action, item) for item in items]:
            future.result()


def processes() -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield (process id, arguments) of every process that this machine shows."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with suppress(OSError):  # it ended meanwhile
            arguments = (folder / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
            yield int(folder.name), tuple(os.fsdecode(argument) for argument in arguments)


def is_first_process(process: int) -> bool:
    """Tell whether a process is number 1 of a process namespace within ours."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False
    numbers = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()
    return len(numbers) > 2 and numbers[-1] == "1"


def kill(process: int, *, still_ours: Callable[[], bool], timeout_s: float = 20) -> None:
    """Kill a process at once and wait for its end.

    ``still_ours`` is asked again while the process is held by a descriptor, since numbers are
    reused.
    """
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return
    try:
        if not still_ours():
            return
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        if not poll.poll(timeout_s * 1000):
            raise ClusterUnavailable(f"process {process} didn't end within {timeout_s:g} s")
    except ProcessLookupError:
        return
    finally:
        os.close(handle)
