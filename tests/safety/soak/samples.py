"""What processes, a database, a branch and engines hold at a time: read from outside."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import docker
import psycopg
import pygit2

from tests.e2e.installation import STATUS_BRANCH, Installation
from tests.e2e.process import RunningZoe

Sample = dict[str, float]


def of_process(running: RunningZoe) -> Sample:
    """Return a process's memory (bytes), open files, threads, children and log (bytes)."""
    folder = Path("/proc") / str(running.pid)
    told = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
    children = (folder / "task" / str(running.pid) / "children").read_text().split()
    return {
        "rss": _kib(told, "VmRSS"),
        "own": _kib(told, "RssAnon"),
        "files": len(list((folder / "fd").iterdir())),
        "threads": int(told["Threads"]),
        "children": len(children),
        "log": running.log.stat().st_size,
    }


def of_store(installation: Installation) -> Sample:
    """Return the database's size in bytes, and how many runs and facts it knows."""
    stored = installation.store.load()
    return {
        "bytes": _database_bytes(installation),
        "runs": len(stored.executions),
        "facts": len(stored.entries),
    }


def of_branch(installation: Installation) -> Sample:
    """Return the status branch's commits and files, and what repositories take on disk (bytes)."""
    remote = installation.repository
    return {
        "commits": _length(remote.git, STATUS_BRANCH),
        "files": len(installation.published()) if remote.tip(STATUS_BRANCH) else 0,
        "remote": _bytes_under(remote.path),
        "mirrors": _bytes_under(installation.folder / "state" / "mirrors"),
    }


def of_engine(installation: Installation) -> Sample:
    """Return what the Swarm has of this deployment, and all containers on all nodes."""
    lab = getattr(installation.swarm, "lab", None)
    hosts = [installation.swarm.docker_host]
    if lab is not None:
        hosts = [lab.docker_host_of(n) for n in range(1, installation.swarm.nodes + 1)]
    networks = [n for n in installation.networks() if n["Scope"] == "swarm"]
    return {
        "services": len(installation.services()),
        "networks": len(networks),
        "configs": len(installation.configs()),
        "secrets": len(installation.secrets()),
        "containers": sum(map(_containers, hosts)),
    }


def _containers(host: str) -> int:
    with closing(docker.APIClient(host, version="1.41", timeout=60)) as client:
        listed: list[Any] = client.containers(all=True)
    return len(listed)


def _kib(told: Mapping[str, str], name: str) -> int:
    return int(told[name].split()[0]) * 1024


def _database_bytes(installation: Installation) -> int:
    url = installation.database_url
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        return sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*"))
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    return int(row[0]) if row else 0


def _length(git: pygit2.Repository, branch: str) -> int:
    tip = git.references.get(f"refs/heads/{branch}")
    return sum(1 for _ in git.walk(tip.target)) if tip is not None else 0


def _bytes_under(folder: Path) -> int:
    total = 0
    for inside, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # it went meanwhile
                total += (Path(inside) / name).lstat().st_blocks * 512
    return total
