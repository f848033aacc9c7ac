"""Names of Swarm objects: deterministic, at most 63 characters, unique without their human part.

They can't be changed later without orphaning what runs, so nothing else makes one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from types import MappingProxyType

from policy.model.execution import NodeId, Uid

MAXIMUM_LENGTH = 63
_GROUP, _COMPONENT = 6, 12


def service_name(
    *,
    execution: str,
    component: str,
    uid: Uid,
    incarnation: int,
    attempt: int,
    node: NodeId,
    components: Collection[str] = (),
    there: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Return ``<execution>-<component>-<uid>-g<G>-a<attempt>-<group>``.

    ``incarnation`` is the generation at the last admission: an edit in place or a rolling one
    keeps the name. The group is the node's digest; of ``components``, all of the execution's, whose
    names are cut to the same, each but the first in the alphabet is part of it. What is ``there``,
    name -> component, keeps its name: an earlier version made none of them part of it.
    """
    unique = f"-{uid}-g{incarnation}-a{attempt}-"
    length = MAXIMUM_LENGTH - len(unique) - _GROUP

    def human(name: str) -> str:
        return _cut(f"{_cut(execution, 16)}-{_cut(name, _COMPONENT)}", length)

    mine = human(component)
    simple, own = (f"{mine}{unique}{_short(g, _GROUP)}" for g in (node, f"{component}|{node}"))
    for name in (simple, own):
        if there.get(name) == component:
            return name
    is_taken = any(human(other) == mine for other in components if other < component)
    return own if is_taken or simple in there else simple


def begin_alike(components: Collection[str]) -> bool:
    """Tell whether services of some components may have names of which one is taken."""
    # A letter less than are left of a component: of a long name one more may have to go.
    return len({_cut(component, _COMPONENT - 1) for component in components}) < len(components)


def init_name(
    *, deployment: str, namespace: str, storage: str, path: str, owner: str, node: NodeId
) -> str:
    """Return the name of the one-shot service that prepares a storage for a namespace.

    ``path`` is where the storage is now: elsewhere it has to be prepared again.
    """
    unique = _short(f"{deployment}|{namespace}|{storage}|{path}|{owner}|{node}", 16)
    return f"init-{_cut(namespace, 16)}-{_cut(storage, 12)}-{unique}"


def prefetch_name(*, deployment: str, image: str, node: NodeId) -> str:
    """Return the name of the one-shot service that makes a node pull an image."""
    human = image.partition("@")[0].rpartition("/")[2].partition(":")[0].lower()
    plain = "".join(letter if letter.isalnum() else "-" for letter in human)
    return f"prefetch-{_cut(plain, 20)}-{_short(f'{deployment}|{image}|{node}', 16)}"


def gateway_name(*, deployment: str, namespace: str, part: str, node: NodeId) -> str:
    """Return the name of one part of a namespace's gateway on a node."""
    unique = _short(f"{deployment}|{namespace}|{part}|{node}", 16)
    return f"gateway-{_cut(namespace, 24)}-{_cut(part, 8)}-{unique}"


def gateway_file_name(*, deployment: str, namespace: str, content_hash: str) -> str:
    """Return the name of a file of a namespace's gateway: it changes with the content."""
    owner = _short(f"{deployment}|{namespace}", 16)
    return f"gateway-{_cut(namespace, 20)}-{owner}-{content_hash[:12]}"


def kept_log_name(*, service: str) -> str:
    """Return the name of the config that holds a service's log, and of what writes it down."""
    return f"log-{_short(service, 24)}"


def network_name(*, deployment: str, namespace: str, incarnation: int) -> str:
    """Return a name that is never used twice: the engine remembers a removed network's id."""
    return f"zoe-{_cut(deployment, 16)}-{_cut(namespace, 20)}-{_short(namespace)}-n{incarnation}"


def config_name(*, uid: Uid, target: str, content_hash: str) -> str:
    """Return a name that changes with the content, since configs are immutable."""
    return f"{uid}-{_short(target, 8)}-{content_hash[:12]}"


def secret_name(*, uid: Uid, name: str, digest: str) -> str:
    """Return a name that changes with the value, since secrets are immutable."""
    return f"{uid}-{_short(name, 8)}-{digest[:12]}"


def volume_name(*, deployment: str, namespace: str, storage: str) -> str:
    """Return the Docker volume that holds a namespace's storage on its node."""
    return f"zoe-{deployment}-{namespace}-{storage}"


def stack_name(*, deployment: str, namespace: str, execution: str) -> str:
    """Return what ``docker stack ps`` knows an execution by."""
    return f"zoe-{deployment}-{namespace}-{execution}"


def host(*, component: str, execution: str) -> str:
    """Return the DNS name of a component on its namespace's network."""
    return f"{component}.{execution}"


def _cut(text: str, length: int) -> str:
    return text[:length].strip("-")


def _short(text: str, length: int = _GROUP) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]
