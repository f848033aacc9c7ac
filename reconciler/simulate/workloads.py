"""Where a simulated workload comes from: a trace in a file, the generator, or our own past."""

from __future__ import annotations

import gzip
import io
import random
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from policy.simulator import generator, swf
from policy.simulator.application import Application
from policy.simulator.load import at_load, offered_permille
from policy.simulator.machines import Machines
from policy.simulator.swf import Dropped, Owner, Trace, Workload
from reconciler.errors import ConfigError

GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceSource:
    """A trace, and how its jobs become applications. ``load_permille`` None: as it was."""

    trace: Trace
    core_permille: int
    owner: Owner
    load_permille: int | None
    most: int | None

    def workload(self, machines: Machines, _seed: int) -> Workload:
        """Return the same applications for every seed: a trace leaves nothing to chance."""
        found = swf.workload(
            self.trace,
            machines,
            core_permille=self.core_permille,
            owner=self.owner,
            most=self.most,
        )
        if not found.applications:
            raise ConfigError(f"no job of the trace is left ({_listed(found.dropped)})")
        return Workload(
            applications=tuple(_loaded(found.applications, machines, self.load_permille)),
            dropped=found.dropped,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticSource:
    """The paper's generator."""

    count: int
    load_permille: int
    mix: generator.Mix

    def workload(self, machines: Machines, seed: int) -> Workload:
        """Return the applications of a seed."""
        made = generator.generate(self.count, random.Random(seed), self.mix)
        fitting = [a for a in made if machines.could_hold(a.execution)]
        if not fitting:
            raise ConfigError("none of the applications fits on so few nodes: give more --nodes")
        dropped = Counter({str(Dropped.TOO_LARGE): len(made) - len(fitting)})
        return Workload(
            applications=tuple(at_load(fitting, machines.capacity, self.load_permille)),
            dropped=+dropped,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedSource:
    """What this installation ran itself."""

    recorded: Workload
    load_permille: int | None
    most: int | None

    def workload(self, machines: Machines, _seed: int) -> Workload:
        """Return the newest that fit on the machines."""
        fitting = [a for a in self.recorded.applications if machines.could_hold(a.execution)]
        if not fitting:
            raise ConfigError(f"no run is left to play ({_listed(self.recorded.dropped)})")
        by_arrival = sorted(fitting, key=lambda a: a.execution.queued_ms)
        newest = by_arrival[-self.most :] if self.most else by_arrival
        dropped = Counter(self.recorded.dropped)
        dropped[Dropped.TOO_LARGE] += len(self.recorded.applications) - len(fitting)
        return Workload(
            applications=tuple(_loaded(newest, machines, self.load_permille)), dropped=+dropped
        )


Source = TraceSource | SyntheticSource | RecordedSource


def read_trace(path: Path) -> Trace:
    """Return the trace in a file, which may be compressed with gzip.

    Raises:
        ConfigError: It can't be read, or holds no job.
    """
    try:
        with _opened(path) as lines:
            trace = swf.read(lines)
    except (OSError, EOFError, zlib.error) as error:
        raise ConfigError(f"{path} can't be read: {_told(error)}") from error
    if not trace.jobs:
        told = "".join(f", {count} times {reason}" for reason, count in trace.dropped.items())
        raise ConfigError(f"{path} holds no job in the Standard Workload Format{told}")
    return trace


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    with path.open("rb") as file:
        is_packed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        file.seek(0)
        content = gzip.GzipFile(fileobj=file) if is_packed else file
        with io.TextIOWrapper(content, encoding="utf-8", errors="replace") as lines:
            yield lines


def _listed(dropped: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in dropped.items()) or "there is none"


def _told(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _loaded(
    applications: Sequence[Application], machines: Machines, permille: int | None
) -> list[Application]:
    if permille is None:
        return list(applications)
    if offered_permille(applications, machines.capacity) is None:
        raise ConfigError("--load has no meaning here: all jobs arrive at once")
    return at_load(applications, machines.capacity, permille)
