"""Where in a container something may be mounted: not over what the engine itself puts there.

The engine finds out only when a task starts, and Swarm would start the next one for ever.
"""

from __future__ import annotations

from reconciler.manifest.diagnostic import Complaint, quoted

_ENGINES = ("/proc", "/sys", "/dev", "/run/secrets", "/var/run/secrets")
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - in a container
_REMEDY = "write a path such as /home/jovyan/work"


def check_target(path: str) -> str:
    """Return the path of a mount.

    Raises:
        Complaint: It leads elsewhere than it looks, or to what isn't the author's.
    """
    segments = path.rstrip("/").split("/")[1:]
    if not segments:
        message = "the whole file system can't be mounted over"
        raise Complaint("BadTarget", message, _REMEDY)
    if any(segment in ("", ".", "..") for segment in segments):
        message = f"{quoted(path)} isn't a plain path"
        raise Complaint("BadTarget", message, "write it without //, . and ..")
    owner = next((own for own in _ENGINES if _is_within(path, own)), None)
    if owner is not None and not _is_within(path, _SHARED_MEMORY):
        message = f"{quoted(path)} is in {owner}, which the engine fills itself"
        raise Complaint("BadTarget", message, _REMEDY)
    return path


def _is_within(path: str, folder: str) -> bool:
    return f"{path}/".startswith(f"{folder}/")
