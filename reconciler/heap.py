"""What lasts is kept out of the garbage collector's way.

What is known of ten thousand executions are millions of objects, which a full collection visits one
by one while everything else waits: most of a second, after every few passes. Hardly anything of
that is ever garbage that only the collector finds.
"""

from __future__ import annotations

import gc

_YOUNG = 50_000
"""So many more objects there may be before the newest are looked through: a pass makes more than
the 700 of Python's own in a millisecond, and drops nearly all of them without its help."""


def keep() -> None:
    """Take all that is there for lasting; it is freed as ever when nobody refers to it."""
    gc.set_threshold(_YOUNG, *gc.get_threshold()[1:])
    gc.freeze()


def sweep() -> None:
    """Look for garbage everywhere once. Any thread; the others wait."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
