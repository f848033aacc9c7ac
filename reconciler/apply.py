"""Carries a plan out through the Cluster port: in order, services side by side, errors kept apart.

Adoption needs no case of its own: a create whose name is taken is left to the next observation,
which shows the service as ours (and wanted) or as somebody else's (a name conflict).
"""

from __future__ import annotations

import gzip
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from reconciler.converge.desired_state import DesiredConfig
from reconciler.converge.plan import (
    Action,
    CreateConfig,
    CreateNetwork,
    CreateService,
    Plan,
    RemoveConfig,
    RemoveNetwork,
    RemoveService,
    UpdateService,
)
from reconciler.converge.secret_plan import CreateSecret, RemoveSecret
from reconciler.converge.secrets import Recipe
from reconciler.converge.state import LABEL_UID, ConfigSpec, SecretSpec
from reconciler.errors import (
    ActionFailed,
    ClusterUnavailable,
    ConflictError,
    Missing,
    NameTaken,
    SourceUnavailable,
)
from reconciler.failpoints import Point, reach
from reconciler.ports import Cluster

log = logging.getLogger(__name__)

LOG_LINES = 100_000
LOG_BYTES = 4 * 1024**2
CONFIG_BYTES = 480_000
"""A Swarm's config holds 500 kB."""

ReadBlob = Callable[[str], bytes]
Reveal = Callable[[Recipe], bytes]
"""Makes the value of a secret; ActionFailed where that can't be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one action. ``error`` is "" when it was done; a stale one is just retried."""

    action: Action
    error: str = ""
    is_stale: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What actions are taken with. A value of a secret is in nobody's hands but the call's."""

    cluster: Cluster
    read_blob: ReadBlob
    reveal: Reveal
    still_leads: Callable[[], object] = lambda: None
    """Raises LeaseLost or StoreUnavailable where nothing may be done any more."""


def apply(plan: Plan, means: Means, *, concurrency: int) -> tuple[Outcome, ...]:
    """Take every action of the plan; one that fails doesn't stop the others.

    Raises:
        ClusterUnavailable: The Swarm stopped answering; what was not done is planned again.
        LeaseLost, StoreUnavailable: It isn't ours to act any more, or nobody can tell.
    """
    creates = [action for action in plan.actions if isinstance(action, CreateService)]
    last = [a for a in plan.actions if isinstance(a, RemoveConfig | RemoveSecret | RemoveNetwork)]
    logs = [a for a in plan.actions if isinstance(a, CreateConfig) and a.config.log_of]
    later = {id(action) for action in (*creates, *last, *logs)}  # equality would compare each pair
    first = [action for action in plan.actions if id(action) not in later]
    outcomes = _side_by_side(logs, means, concurrency)
    outcomes += [_take(action, means) for action in first]
    outcomes += _side_by_side(creates, means, concurrency)
    outcomes += [_take(action, means) for action in last]
    return tuple(outcomes)


def _side_by_side(actions: Sequence[Action], means: Means, concurrency: int) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for outcome in _taken(actions, means, concurrency):
        outcomes.append(outcome)
        if len(outcomes) < len(actions) and isinstance(outcome.action, CreateService):
            reach(Point.SERVICES_PARTLY_CREATED)
    return outcomes


def _taken(actions: Sequence[Action], means: Means, concurrency: int) -> Iterator[Outcome]:
    """Yield the outcomes in the order of the actions, each as soon as it and those before are."""
    if concurrency == 1 or len(actions) < 2:
        yield from (_take(action, means) for action in actions)
        return
    with ThreadPoolExecutor(max_workers=concurrency, thread_name_prefix="apply") as pool:
        yield from pool.map(lambda action: _take(action, means), actions)


def _take(action: Action, means: Means) -> Outcome:
    try:
        means.still_leads()
        _call(action, means)
    except (ConflictError, NameTaken) as error:
        return Outcome(action=action, error=str(error), is_stale=True)
    except Missing as error:
        # What is to be changed is gone: fine. What a new service names isn't there: tell.
        is_stale = not isinstance(action, CreateService)
        return Outcome(action=action, error=str(error), is_stale=is_stale)
    except (ActionFailed, SourceUnavailable, ValueError) as error:
        return Outcome(action=action, error=str(error))
    return Outcome(action=action)


def _call(action: Action, means: Means) -> None:
    cluster = means.cluster
    match action:
        case CreateNetwork(spec=spec):
            reach(Point.NETWORK_CREATE)
            cluster.create_network(spec)
            reach(Point.NETWORK_CREATED)
        case CreateConfig(config=config):
            data = _content(config, means)
            cluster.create_config(ConfigSpec(name=config.name, labels=config.labels, data=data))
        case CreateSecret(secret=secret):
            data = means.reveal(secret.recipe)
            cluster.create_secret(SecretSpec(name=secret.name, labels=secret.labels, data=data))
        case CreateService(spec=spec):
            reach(Point.SERVICE_CREATE)
            cluster.create_service(spec)
            reach(Point.SERVICE_CREATED)
        case UpdateService(id=id_, version=version, spec=spec):
            cluster.update_service(id_, version, spec)
        case RemoveService(id=id_, uid=uid):
            cluster.remove_service(id_, uid=uid)
            reach(Point.SERVICE_REMOVED)
        case RemoveConfig(id=id_):
            cluster.remove_config(id_)
        case RemoveSecret(id=id_):
            cluster.remove_secret(id_)
        case RemoveNetwork(id=id_):
            cluster.remove_network(id_)


def kept_log(cluster: Cluster, service_id: str) -> bytes:
    """Return the log of a service, compressed: as much of its end as fits a config.

    Raises Missing, ActionFailed: an engine that does all else may hang over one log.
    """
    try:
        text = cluster.logs(service_id, tail=LOG_LINES, limit_bytes=LOG_BYTES).encode()
    except ClusterUnavailable as error:
        raise ActionFailed(str(error)) from error
    while len(data := gzip.compress(text, mtime=0)) > CONFIG_BYTES:
        text = text[len(text) // 4 :]
        text = text[text.find(b"\n") + 1 :]
    return data


def _content(config: DesiredConfig, means: Means) -> bytes:
    if config.log_of:
        return kept_log(means.cluster, config.log_of)
    return config.data or means.read_blob(config.blob)


def uid_of(action: Action) -> str:
    """Return the execution that an action is for; "" where it is for several."""
    match action:
        case CreateService(spec=spec) | UpdateService(spec=spec):
            return spec.labels.get(LABEL_UID, "")
        case CreateConfig(config=config):
            return config.labels.get(LABEL_UID, "")
        case CreateSecret(secret=secret):
            return secret.labels.get(LABEL_UID, "")
        case RemoveService(uid=uid) | RemoveSecret(uid=uid):
            return uid
        case _:
            return ""


def log_all(outcomes: Iterable[Outcome]) -> None:
    """Write a line for each action."""
    for outcome in outcomes:
        log.info(
            "action",
            extra={
                "action": type(outcome.action).__name__,
                "execution": uid_of(outcome.action),
                "outcome": outcome.error or "done",
            },
        )
