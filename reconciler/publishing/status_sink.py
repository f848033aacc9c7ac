"""Where status files are published: the status branch, as the loop sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol


def unasked() -> None:
    """Nothing keeps anybody from writing."""


class StatusSink(Protocol):
    """Our files on a branch that others may write to as well."""

    def publish(
        self,
        files: Mapping[str, bytes | None],
        *,
        message: str,
        sequence: int,
        still_leads: Callable[[], None] = unasked,
    ) -> str:
        """Write (or, for None, delete) files under our paths in one commit; return the tip's id.

        An equal tree makes no commit. What was rejected is laid over the new tip, and pushed.
        ``still_leads`` is asked after the tip was seen and before it is moved: what it raises ends
        this, so nobody who led before lays older files over a successor's.

        Raises:
            SourceUnavailable: The remote can't be reached or keeps refusing; the message says why.
        """

    def read(self, paths: Sequence[str] = ()) -> Mapping[str, bytes]:
        """Return our files at the remote tip (all, or those under the given prefixes)."""

    def read_last(self, paths: Sequence[str] = ()) -> Mapping[str, bytes]:
        """Return our files as they were when the remote was last seen from here; asks nobody."""
