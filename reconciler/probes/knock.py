"""Whether anybody listens on a port of a node: one connection, and not a byte sent."""

from __future__ import annotations

import socket

from reconciler.net.web_client import is_fit

CONNECT_S = 2.0
CLOSED_WITHIN_S = 0.5
"""Docker's proxy accepts for everybody, and closes at once where nobody listens behind it."""


def is_answered(address: str, port: int) -> bool | None:
    """Return whether somebody listens there; None if that can't be told."""
    try:
        if not is_fit(address):
            return None
        with socket.create_connection((address, port), timeout=CONNECT_S) as there:
            there.settimeout(CLOSED_WITHIN_S)
            try:
                return bool(there.recv(1))
            except TimeoutError:
                return True  # a server of http waits for the first word
    except (ConnectionRefusedError, ConnectionResetError):
        return False
    except (OSError, ValueError):
        return None
