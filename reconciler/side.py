"""Where what mustn't hold up a pass is done: beside it, one piece of work at a time."""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor


def one_thread(name: str) -> Executor:
    """Return a thread of its own for work of that name; it starts with the first of it."""
    return ThreadPoolExecutor(1, thread_name_prefix=name)
