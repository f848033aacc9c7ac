"""What the kernel counts for a container, found by its id in the node's /proc and /sys/fs/cgroup.

Both may be mounted elsewhere. A container's processes aren't visible under their numbers from
within another one, so they are looked for in the node's /proc by the name of their control group.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

CONTAINER = re.compile(r"[0-9a-f]{64}")
_HEADER_LINES = 2
_RECEIVED, _SENT = 0, 8
"""Columns of net/dev."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """What a container has had since it was started; both only ever rise."""

    cpu_us: int
    network_bytes: int


@dataclass(slots=True)
class Machine:
    """A node, as its kernel shows it. Where groups were found is remembered."""

    proc: Path
    cgroups: Path
    _folders: dict[str, Path] = field(default_factory=dict)

    def counters(self, wanted: Collection[str]) -> Mapping[str, Counters]:
        """Return the counters of those containers that run here; the others aren't in it."""
        found = {}
        folders, processes = self._groups(wanted), self._processes(wanted)
        for container in folders.keys() & processes.keys():
            try:
                found[container] = Counters(
                    cpu_us=_cpu_us(folders[container]),
                    network_bytes=_network_bytes(processes[container]),
                )
            except (OSError, ValueError):  # it ended meanwhile
                continue
        return found

    def _groups(self, wanted: Collection[str]) -> Mapping[str, Path]:
        """Return the folder of each container's control group."""
        kept = {id_: path for id_, path in self._folders.items() if path.is_dir()}
        if missing := set(wanted) - kept.keys():
            kept.update(_walk(_accounting(self.cgroups), missing))
        self._folders = kept
        return {id_: kept[id_] for id_ in wanted if id_ in kept}

    def _processes(self, wanted: Collection[str]) -> Mapping[str, Path]:
        """Return a process of each container: they share its network."""
        found: dict[str, Path] = {}
        for process in self.proc.glob("[0-9]*"):
            try:
                groups = (process / "cgroup").read_text()
            except OSError:  # it ended meanwhile
                continue
            for container in CONTAINER.findall(groups):
                if container in wanted:
                    found.setdefault(container, process)
        return found


def _accounting(root: Path) -> Path:
    """Return the hierarchy that counts CPU time: the only one of version 2, or version 1's."""
    if (root / "cgroup.controllers").exists():
        return root
    names = ("cpuacct", "cpu,cpuacct")
    return next((root / name for name in names if (root / name).is_dir()), root)


def _walk(root: Path, wanted: Collection[str]) -> Iterator[tuple[str, Path]]:
    """Yield the containers' own groups, wherever an engine puts them; not what is within."""
    for folder, names, _ in os.walk(root):
        for name in list(names):
            if found := CONTAINER.search(name):
                names.remove(name)
                if found[0] in wanted:
                    yield found[0], Path(folder, name)


def _cpu_us(folder: Path) -> int:
    if (old := folder / "cpuacct.usage").exists():
        return int(old.read_text()) // 1000
    lines = (folder / "cpu.stat").read_text().splitlines()
    return int(dict(line.split(" ", 1) for line in lines)["usage_usec"])


def _network_bytes(process: Path) -> int:
    """Return what went in and out by all interfaces but the one to itself."""
    total = 0
    for line in (process / "net" / "dev").read_text().splitlines()[_HEADER_LINES:]:
        interface, _, columns = line.partition(":")
        if interface.strip() != "lo":
            counted = columns.split()
            total += int(counted[_RECEIVED]) + int(counted[_SENT])
    return total
