"""What a worker takes away from itself before it looks at anything that others wrote.

Bounds on memory, processor time, files and processes hold everywhere; being without a network
only where the kernel lets us (as root, or with user namespaces).
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from dataclasses import dataclass

_CLONE_NEWUSER = 0x1000_0000
_CLONE_NEWNET = 0x4000_0000
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_OPEN_FILES = 64
_NICER = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much one review may use. ``file_bytes`` bounds its answer, too."""

    memory_bytes: int
    processor_s: int
    file_bytes: int


def confine(bounds: Bounds) -> bool:
    """Bound this process and cut it off; return whether it can reach no network any more."""
    os.nice(_NICER)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    is_cut_off: bool = libc.unshare(_CLONE_NEWNET) == 0
    if not is_cut_off and os.geteuid() != 0:
        is_cut_off = libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0
    for kind, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, bounds.processor_s),
        (resource.RLIMIT_FSIZE, bounds.file_bytes),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_AS, bounds.memory_bytes),
    ):
        resource.setrlimit(kind, (most, most))
    return is_cut_off
