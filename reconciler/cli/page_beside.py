"""``zoe web`` as a child of ``zoe up``: started again when it dies, ended when ``zoe up`` ends."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from reconciler.errors import ConfigError

log = logging.getLogger(__name__)

AGAIN_FIRST_S, AGAIN_MOST_S = 1.0, 60.0
WELL_AFTER_S = 60.0
END_S = 5.0


def free_port(host: str, *wanted: int) -> int:
    """Return the first of some ports that nobody listens at; 0 stands for any.

    It isn't kept: a page that is started again shall be where it was told to be.

    Raises:
        ConfigError: None is free, or there is no such host.
    """
    told = ""
    for port in wanted:
        try:
            family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            with socket.create_server(address[:2], family=family) as server:
                return int(server.getsockname()[1])
        except OSError as error:
            told = str(error.strerror)
    raise ConfigError(f"the page can't listen on {host}: {told}")


@contextmanager
def page(arguments: Sequence[str]) -> Iterator[None]:
    """Keep ``zoe web`` with these arguments running; what it logs goes where ours goes."""
    child = _Child([sys.executable, "-m", "reconciler", "web", "--beside", *arguments])
    thread = threading.Thread(target=child.keep, name="page")
    thread.start()
    try:
        yield
    finally:
        child.end()
        thread.join()


class _Child:
    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._ended = threading.Event()

    def end(self) -> None:
        self._ended.set()

    def keep(self) -> None:
        pause_s = AGAIN_FIRST_S
        while not self._ended.is_set():
            # It reads its input to the end, which comes even when we are killed.
            process = subprocess.Popen(self._command, stdin=subprocess.PIPE)  # noqa: S603 - ours
            waited_s = self._wait(process)
            if self._ended.is_set():
                break
            pause_s = AGAIN_FIRST_S if waited_s >= WELL_AFTER_S else pause_s
            log.warning("zoe web ended", extra={"code": process.returncode, "again_in_s": pause_s})
            self._ended.wait(pause_s)
            pause_s = min(2 * pause_s, AGAIN_MOST_S)

    def _wait(self, process: subprocess.Popen[bytes]) -> float:
        """Wait until it ends, or end it; return about how many seconds it ran."""
        ran_s = 0.0
        while process.poll() is None:
            if self._ended.wait(0.2):
                _end(process)
            ran_s += 0.2
        if process.stdin is not None:
            process.stdin.close()
        return ran_s


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
