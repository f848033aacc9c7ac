"""What a Jupyter server says of its use: its own last activity, its kernels, its terminals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from reconciler.net.web_client import Answer
from reconciler.probes.asking import Ask, NotUnderstood, ago, data_of

# A question must not count as use itself.
_QUIETLY = "?no_track_activity=1"

_AT_WORK = "busy"
# A kernel that nobody ever connected to says for ever that it is starting.
_AT_REST = frozenset({"idle", "dead", "starting", "restarting", "autorestarting", "terminating"})


def last_use(ask: Ask, base: str) -> timedelta:
    """Return how long ago the server was used: 0 while a kernel works.

    Raises:
        NotUnderstood: It isn't known.
    """
    times = list(_times(ask, base.rstrip("/") + "/api/"))
    return min(times)


def _times(ask: Ask, api: str) -> Iterator[timedelta]:
    path = f"{api}status"
    answer = ask(path + _QUIETLY)
    status = data_of(answer, path)
    if not isinstance(status, Mapping):
        raise NotUnderstood(f"{path} isn't what a Jupyter server says")
    yield ago(status.get("last_activity"), answer, path)
    for kernel, at in _listed(ask, f"{api}kernels"):
        state = kernel.get("execution_state")
        if not isinstance(state, str) or state not in {_AT_WORK, *_AT_REST}:
            raise NotUnderstood(f"{api}kernels tells of a state that isn't known")
        yield timedelta(0) if state == _AT_WORK else at
    for _, at in _listed(ask, f"{api}terminals", is_optional=True):
        yield at


def _listed(
    ask: Ask, path: str, *, is_optional: bool = False
) -> Iterator[tuple[Mapping[str, Any], timedelta]]:
    """Yield what a list holds, with how long ago each was used; a part may be switched off."""
    answer: Answer = ask(path + _QUIETLY)
    if is_optional and answer.status == HTTPStatus.NOT_FOUND:
        return
    items = data_of(answer, path)
    if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
        raise NotUnderstood(f"{path} isn't what a Jupyter server says")
    for item in items:
        yield item, ago(item.get("last_activity"), answer, path)
