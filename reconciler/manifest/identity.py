"""What makes an execution the same one: no commit, path, time or URL."""

from __future__ import annotations

import hashlib
from sys import intern

from policy.model.execution import Uid


def uid_of(*, deployment: str, source_id: str, namespace: str, name: str, run: int) -> Uid:
    """Return the identity of one run: 16 hexadecimal digits.

    A force-push, a moved forge or a renamed file keeps it, so nothing that has run runs again;
    only a higher ``run`` is another one.
    """
    text = "|".join((deployment, source_id, namespace, name, str(run)))
    return Uid(intern(hashlib.sha256(text.encode()).hexdigest()[:16]))  # a key of many mappings
