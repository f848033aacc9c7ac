"""The process that fetches: ``python -m reconciler.git.fetch_worker``. One answer to each order.

Both are a line of JSON. What comes from a network is unpacked here, within bounds on memory, files
and time that hold whatever libgit2 is doing. It ends with its standard input, or when an order
takes too long.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pygit2

from reconciler.config import SourceSettings
from reconciler.errors import ConfigError, SourceUnavailable
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
    with suppress(BrokenPipeError):  # who asked was killed: there is nobody to tell
        for line in sys.stdin:
            os.write(answers, json.dumps(_answered(json.loads(line))).encode() + b"\n")
    return 0


def _answered(order: dict[str, Any]) -> dict[str, str]:
    # By default it ends the process, from the kernel: also one that hangs in C.
    signal.alarm(order["ends_after_s"])
    try:
        return {"tip": _fetched(order)}
    except (SourceUnavailable, ConfigError) as error:
        return {"error": str(error)}
    finally:
        signal.alarm(0)


def _fetched(order: dict[str, Any]) -> str:
    given: dict[str, Any] = {
        key: Path(value) if key in _FILES and value is not None else value
        for key, value in order["source"].items()
    }
    fetcher = BoundedFetcher(
        SourceSettings(**given),
        Path(order["mirror"]),
        most_bytes=order["most_bytes"],
        most_s=order["most_s"],
    )
    return fetcher.fetch_anew() if order["anew"] else fetcher.fetch()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
