"""What lasts is kept out of the garbage collector's way.

What is known of ten thousand executions are millions of objects, which a full collection visits one
by one while everything else waits: most of a second, after every few passes. Hardly anything of
that is ever garbage that only the collector finds.
"""

from __future__ import annotations

import gc


def keep() -> None:
    """Take all that is there for lasting; it is freed as ever when nobody refers to it."""
    gc.freeze()


def sweep() -> None:
    """Look for garbage everywhere once. Any thread; the others wait."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
