"""What a pass writes down for people, and what of it the next one compares with."""

from __future__ import annotations

from sqlalchemy import Connection

from reconciler.reporting.records import Recorded, Recording
from reconciler.store import boards, commits, intervals, pulses


def write(connection: Connection, recording: Recording, *, version: int) -> None:
    """Write all parts."""
    commits.write(connection, recording.commits)
    for source_id, changed in recording.documents.items():
        commits.write_documents(connection, source_id, changed)
    intervals.write(connection, recording.intervals)
    boards.write(connection, recording.boards, version=version)


def read(connection: Connection) -> Recorded:
    """Return what is there to compare with."""
    return Recorded(
        commits=commits.newest_accepted(connection),
        held=commits.newest_held(connection),
        documents=commits.read_documents(connection),
        intervals=intervals.read_open(connection),
        boards=boards.read_digests(connection),
        pulse=pulses.read(connection),
    )
