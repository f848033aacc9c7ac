"""The process that talks with remotes: ``python -m reconciler.git.fetch_worker``.

One answer to each order; both are a line of JSON. What comes from a network is unpacked here,
within bounds on memory, files and time that hold whatever libgit2 is doing. It ends with its
standard input, or when an order takes too long.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pygit2

from reconciler.config import SourceSettings
from reconciler.errors import ConfigError, SourceUnavailable
from reconciler.failpoints import armed
from reconciler.git import transfer
from reconciler.git.access import Access
from reconciler.git.mirror import Mirror
from reconciler.git.objects import Objects
from reconciler.git.pulls import MOST_BYTES, PullHeads
from reconciler.git.tenant import BoundedFetcher

_WINDOW_BYTES = 16 * 1024**2
_MAPPED_BYTES = 128 * 1024**2
_FILES = ("token_file", "ssh_key_file", "known_hosts_file")


def main(arguments: list[str]) -> int:
    """Take orders; the arguments bound memory and files, in bytes."""
    memory, file = map(int, arguments)
    for kind, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, file),
        (resource.RLIMIT_AS, memory),
    ):
        resource.setrlimit(kind, (most, most))
    # Packs are mapped into the bounded memory: by default up to 32 GiB of them.
    pygit2.settings.mwindow_size = _WINDOW_BYTES
    pygit2.settings.mwindow_mapped_limit = _MAPPED_BYTES
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ours is to end with the loop, not before it
    # Nothing that a library prints may look like an answer.
    answers = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    with (
        armed(at_work_for=os.getppid()),
        suppress(BrokenPipeError),  # who asked was killed: there is nobody to tell
    ):
        for line in sys.stdin:
            os.write(answers, json.dumps(_answered(json.loads(line))).encode() + b"\n")
    return 0


def _answered(order: dict[str, Any]) -> dict[str, str | None]:
    # By default it ends the process, from the kernel: also one that hangs in C.
    signal.alarm(order["ends_after_s"])
    try:
        return {"answer": _DONE[order["what"]](_Order.of(order), **order["given"])}
    except (SourceUnavailable, ConfigError) as error:
        return {"error": str(error)}
    finally:
        signal.alarm(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """What is the same in all of them: the remote, the mirror, and how much it may take."""

    source: SourceSettings
    mirror: Path
    most_bytes: int
    most_s: int

    @classmethod
    def of(cls, order: dict[str, Any]) -> _Order:
        given: dict[str, Any] = {
            key: Path(value) if key in _FILES and value is not None else value
            for key, value in order["source"].items()
        }
        return cls(
            source=SourceSettings(**given),
            mirror=Path(order["mirror"]),
            most_bytes=order["most_bytes"],
            most_s=order["most_s"],
        )

    @property
    def access(self) -> Access:
        return Access(self.source, most_bytes=self.most_bytes, most_s=self.most_s)

    @property
    def fetcher(self) -> BoundedFetcher:
        return BoundedFetcher(
            self.source, self.mirror, most_bytes=self.most_bytes, most_s=self.most_s
        )

    @property
    def repository(self) -> pygit2.Repository:
        return Mirror(self.mirror).opened()


def _head(order: _Order, refs: list[str], commit: str, base: str) -> str:
    heads = PullHeads(
        order.source,
        order.mirror,
        most_bytes=min(MOST_BYTES, order.most_bytes),
        most_s=order.most_s,
    )
    return heads.fetch(refs, commit=commit, base=base)


def _pull(order: _Order, branch: str, into: str) -> str | None:
    repository = order.repository
    return transfer.pull(
        repository, Objects(repository), order.access, branch=branch, into=into
    ).tip


def _push(order: _Order, branch: str, ref: str) -> str | None:
    return transfer.push(order.repository, order.access, ref=ref, branch=branch)


def _replace(order: _Order, branch: str, ref: str, tip: str) -> str | None:
    return transfer.replace(order.repository, order.access, ref=ref, branch=branch, tip=tip)


def _offers(order: _Order, branch: str) -> str | None:
    return branch if branch in transfer.offered(order.repository, order.access) else None


_DONE: Mapping[str, Callable[..., str | None]] = {
    "fetch": lambda order: order.fetcher.fetch(),
    "again": lambda order: order.fetcher.fetch_anew(),
    "head": _head,
    # Whoever asks for these has the lock of the mirror, and looks at what is wrong with it.
    "pull": _pull,
    "push": _push,
    "replace": _replace,
    "offers": _offers,
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
