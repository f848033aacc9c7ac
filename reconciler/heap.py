"""What lasts is kept out of the garbage collector's way.

What is known of ten thousand executions are millions of objects, which a full collection visits one
by one while everything else waits: most of a second, after every few passes. Hardly anything of
that is ever garbage that only the collector finds.
"""

from __future__ import annotations

import ctypes
import gc
import time
from collections.abc import Callable

EVERY_S = 10
"""How often what is new is taken for lasting at most: garbage is looked for among it first."""
_YOUNG = 50_000
"""So many more objects there may be before the newest are looked through: a pass makes more than
the 700 of Python's own in a millisecond, and drops nearly all of them without its help."""


class Heap:
    """The objects of this process. One thread keeps and sweeps."""

    def __init__(self, elapsed_s: Callable[[], float] = time.monotonic) -> None:
        self._elapsed_s = elapsed_s
        self._kept_at_s: float | None = None
        gc.set_threshold(_YOUNG, *gc.get_threshold()[1:])

    def keep(self) -> None:
        """Take all that is there for lasting, unless that was done a moment ago.

        What is kept is freed as ever when nobody refers to it; of what refers to itself only a
        :meth:`sweep` finds out.
        """
        now_s = self._elapsed_s()
        if self._kept_at_s is None or now_s - self._kept_at_s >= EVERY_S:
            self._kept_at_s = now_s
            gc.collect()
            gc.freeze()

    def sweep(self) -> None:
        """Look for garbage everywhere; all other threads wait. What is free goes to the system."""
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        _trim()


def _trim() -> None:
    """Have glibc give back what lies free between what libgit2 and the drivers hold.

    By itself it gives back the top of its heap alone. Other C libraries have no such call.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
