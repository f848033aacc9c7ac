"""A worker that does harm, or looks around: what it does is the head of its job."""

from __future__ import annotations

import errno
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
from pathlib import Path

from reconciler import canonical
from reconciler.reviewer.confinement import Bounds, confine
from reconciler.reviewer.job import Job, Result


def main() -> None:
    memory, processor, file = map(int, sys.argv[1:])
    confine(Bounds(memory_bytes=memory, processor_s=processor, file_bytes=file))
    job: Job = pickle.load(sys.stdin.buffer)
    answer = globals().get(job.head, stand_still)(job)
    sys.stdout.write(canonical.dumps(Result(problem=answer)))


def look_around(job: Job) -> str:
    return json.dumps({"environment": dict(os.environ), "folder": str(Path.cwd())})


def connect(job: Job) -> str:
    try:
        socket.create_connection(("127.0.0.1", int(job.base)), timeout=5).close()
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return "connected"


def stand_still(job: Job) -> str:
    signal.pause()
    return "woke up"


def fail(job: Job) -> str:
    raise RuntimeError(job.head)


def hang(job: Job) -> str:
    child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    job.repository.write_text(str(child.pid))
    child.wait()
    return "woke up"


def swallow(job: Job) -> str:
    return str(len(bytearray(2**31)))


def flood(job: Job) -> str:
    for _ in range(64):
        sys.stdout.write("x" * 2**20)
    return "flooded"


def babble(job: Job) -> str:
    sys.stdout.write("[" * 100_000)
    sys.exit(0)


def shape(job: Job) -> str:
    sys.stdout.write(json.dumps({"errors": "many", "plan": []}))
    sys.exit(0)


if __name__ == "__main__":
    main()
