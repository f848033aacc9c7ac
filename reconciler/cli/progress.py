"""A line that shows on a terminal that something is going on, and vanishes. Silent elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, Self


class Progress:
    """Used with ``with``; :meth:`tell` replaces the text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._status: Any = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            from rich.console import Console

            self._status = Console(stderr=True).status(self._text)
            self._status.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._status is not None:
            self._status.__exit__(kind, error, trace)

    def tell(self, text: str) -> None:
        """Show what is going on now."""
        if self._status is not None:
            self._status.update(text)
