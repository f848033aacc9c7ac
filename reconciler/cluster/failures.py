"""The one place where exceptions of the Docker SDK become ours.

The engine tells its cases apart by status *and* text, and not as one would think: a stale
version is a 500, "in use" a 400, a network name that differs in case only a 500, and a network
that only its node-local copy is left of is "not found" with a 500.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from reconciler.cluster.text import one_line
from reconciler.errors import (
    ActionFailed,
    ClusterUnavailable,
    ConflictError,
    Missing,
    NameTaken,
    ReconcilerError,
)

NOT_A_MANAGER = (
    "{where} isn't a Swarm manager: run `docker swarm init` there, or point docker_host at one"
)
_NO_LEADER = ("does not have a leader", "deadline exceeded", "deadlineexceeded", "unavailable desc")
_NAME_TAKEN = ("name conflicts with an existing object", "already exists")


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Translate what fails while listing: whatever it is, nothing may be concluded from it.

    Raises:
        Missing: The one object asked for isn't there.
        ClusterUnavailable: Everything else, an answer of the wrong shape included.
    """
    import docker.errors
    import requests.exceptions

    try:
        yield
    except docker.errors.NotFound as error:
        raise Missing(f"{what}: {_text(error)}") from error
    except docker.errors.APIError as error:
        raise _unavailable(what, error) from error
    except (docker.errors.DockerException, requests.exceptions.RequestException, OSError) as error:
        raise ClusterUnavailable(f"{what}: {one_line(str(error))}") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ClusterUnavailable(f"{what}: not the answer of an engine") from error


@contextmanager
def writing(what: str) -> Iterator[None]:
    """Translate what fails while changing something.

    Raises:
        NameTaken, ConflictError, Missing, ActionFailed: The engine refused; nothing happened.
        ClusterUnavailable: No answer. It isn't known whether anything happened.
    """
    import docker.errors
    import requests.exceptions

    try:
        yield
    except docker.errors.APIError as error:
        raise _refusal(what, error) from error
    except (requests.exceptions.RequestException, OSError) as error:
        raise ClusterUnavailable(f"{what}: {one_line(str(error))}") from error
    except docker.errors.DockerException as error:
        # Refused by the SDK itself, such as an image name that can't be one.
        raise ActionFailed(f"{what}: {one_line(str(error))}") from error


def _refusal(what: str, error: object) -> ReconcilerError:
    status, text = getattr(error, "status_code", None) or 0, _text(error)
    message, lower = f"{what}: {text}", text.lower()
    if "update out of sequence" in lower or "is in use" in lower:
        return ConflictError(message)
    if any(words in lower for words in _NAME_TAKEN):
        return NameTaken(message)
    if status == 409:
        return ConflictError(message)
    if status == 404 or lower.endswith("not found"):
        return Missing(message)
    if status == 503 or any(words in lower for words in _NO_LEADER):
        return _unavailable(what, error)
    return ActionFailed(message)


def _unavailable(what: str, error: object) -> ClusterUnavailable:
    text = _text(error)
    if "not a swarm manager" in text.lower():
        return ClusterUnavailable(f"{what}: {NOT_A_MANAGER.format(where='this engine')}")
    return ClusterUnavailable(f"{what}: {text}")


def _text(error: object) -> str:
    explanation = getattr(error, "explanation", None)
    if isinstance(explanation, bytes):
        explanation = explanation.decode("utf-8", errors="replace")
    return one_line(str(explanation or error))
