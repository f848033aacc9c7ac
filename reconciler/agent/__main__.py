"""The agent's process: ``python -m reconciler.agent``, as its image starts it."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from pathlib import Path

from reconciler.agent.counters import Machine
from reconciler.agent.server import Server

_LEAST_TOKEN = 32


def main() -> int:
    """Serve until SIGTERM; return the exit code."""
    parser = argparse.ArgumentParser(prog="zoe-agent", description=__doc__)
    parser.add_argument("--listen", default="0.0.0.0", help="an address of the node")  # noqa: S104 - a container's
    parser.add_argument("--port", type=int, default=30999)
    parser.add_argument("--proc", type=Path, default=Path("/host/proc"))
    parser.add_argument("--cgroups", type=Path, default=Path("/host/cgroup"))
    parser.add_argument("--token-file", type=Path, default=Path("/run/secrets/zoe-agent"))
    given = parser.parse_args()
    try:
        token = given.token_file.read_text().strip()
    except OSError as error:
        sys.stderr.write(f"{given.token_file} can't be read: {error.strerror}\n")
        return 2
    if len(token) < _LEAST_TOKEN:
        sys.stderr.write(f"{given.token_file} holds no token: zoe agent token prints it\n")
        return 2
    server = Server(
        (given.listen, given.port),
        token=token,
        read=Machine(given.proc, given.cgroups).counters,
        clock_us=lambda: time.monotonic_ns() // 1000,
    )
    # From a thread: shutdown waits until serving has ended.
    stop = threading.Thread(target=server.shutdown)
    signal.signal(signal.SIGTERM, lambda *_: stop.start())
    with server:
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
