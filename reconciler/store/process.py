"""Which process this is, and whether another one on this machine still lives.

Read from /proc. Where that can't be had, nobody is ever declared dead: the lease's time decides.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_ENDED = frozenset("ZX")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessIdentity:
    """A process for as long as the machine runs. ``started`` tells a pid used again.

    ``boot_id`` names the boot and the pid namespace: containers of one machine share the boot,
    but a pid of one means nothing in another.
    """

    boot_id: str
    pid: int
    started: int


def current_process() -> ProcessIdentity:
    """Return the identity of this process."""
    pid = os.getpid()
    _, started = _stat(pid) or ("", 0)
    return ProcessIdentity(boot_id=_boot_id(), pid=pid, started=started)


def is_gone(process: ProcessIdentity) -> bool:
    """Tell whether ``process`` surely ended. False if it ran where we can't see."""
    if not process.boot_id or process.boot_id != _boot_id():
        return False
    seen = _stat(process.pid)
    if seen is not None:
        state, started = seen
        return state in _ENDED or started != process.started
    return not _answers(process.pid)


def _boot_id() -> str:
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return ""


def _stat(pid: int) -> tuple[str, int] | None:
    """Return the state and the start time (in ticks since boot) of a process, if it is seen."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    # The name in parentheses may hold anything, so count from its end.
    fields = text.rpartition(")")[2].split()
    return fields[0], int(fields[19])


def _answers(pid: int) -> bool:
    """Tell whether the pid is taken: /proc may hide the processes of other users."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
