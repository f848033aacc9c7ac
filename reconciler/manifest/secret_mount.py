"""A secret as a service mounts it: a part of the frozen spec, under the same contract."""

from __future__ import annotations

from dataclasses import dataclass, field

SSH_KEY = "ssh-ed25519"
"""What ``generate`` makes a pair of keys; anything else is a single value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretMount:
    """A file under /run/secrets, from one of three places.

    ``swarm_name`` is a Swarm secret of the operator's; ``age`` a ciphertext on one line (base64);
    ``generate`` what to make. The last two are known by ``name``, that under ``spec.secrets``.
    """

    target: str
    swarm_name: str = ""
    uid: str = "0"
    gid: str = "0"
    mode: int = 0o444
    name: str = ""
    age: str = field(default="", repr=False)
    generate: str = ""
