"""Links of a lab: one bridge on this machine, one virtual cable from it into each node.

Node and machine reach one another by address; nothing is routed or translated beyond.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from reconciler.cluster.lab import host
from reconciler.cluster.lab.layout import LabState, Layout
from reconciler.errors import ActionFailed

_INSIDE = "eth0"
_LOCK_WAIT_S = 60


@contextmanager
def subnet_lock() -> Iterator[None]:
    """Keep other labs of this network namespace from choosing a subnet meanwhile.

    The name of an abstract socket is taken once per network namespace: the very scope in which
    subnets collide, and it vanishes with its process.
    """
    with socket.socket(socket.AF_UNIX) as guard:
        host.wait_until(
            lambda: _bind(guard, "\0zoe-lab-subnet"),
            what="another lab that chooses its subnet",
            timeout_s=_LOCK_WAIT_S,
        )
        yield


def _bind(guard: socket.socket, name: str) -> bool:
    try:
        guard.bind(name)
    except OSError:
        return False
    return True


def taken_subnets() -> tuple[str, ...]:
    """Return the networks that this machine routes or has an address in; defaults left out."""
    routes = json.loads(host.run("ip", "-json", "-4", "route", "show", "table", "all"))
    # Without "dst" is what ip left out of its listing, since it went away meanwhile.
    destinations = {route["dst"] for route in routes if "dst" in route} - {"default", "0.0.0.0/0"}
    return tuple(sorted(destinations))


def make_bridge(layout: Layout, state: LabState) -> None:
    """Make the bridge with its address, or complete it."""
    bridge = layout.bridge
    if not has_link(bridge):
        host.run("ip", "link", "add", bridge, "address", _mac(layout, 1), "type", "bridge")
    address = f"{state.gateway}/{state.prefix_length}"
    _batch(f"address replace {address} dev {bridge}\nlink set {bridge} up\n")
    if not _forwards(layout):
        host.run("iptables", "-w", "-I", "FORWARD", *_rule(layout))


def remove_bridge(layout: Layout) -> None:
    """Remove the bridge, every link of the lab and its rule. Gone already is fine."""
    while _forwards(layout):
        host.run("iptables", "-w", "-D", "FORWARD", *_rule(layout))
    for name in _links():
        if name == layout.bridge or name.startswith(f"{layout.bridge}."):
            _delete(name)


def plug(layout: Layout, state: LabState, number: int, process: int) -> None:
    """Lay the cable between the bridge and the network namespace of a node's first process.

    The node's hardware address is fixed, as a machine's is: after a restart its neighbours'
    caches are right.
    """
    link = layout.link(number)
    unplug(layout, number)
    _batch(
        f"link add {link} type veth peer name {_INSIDE} address {_mac(layout, 10 + number)}"
        f" netns {process}\n"
        f"link set {link} master {layout.bridge} up\n"
    )
    _batch(
        "link set lo up\n"
        f"address add {state.address(number)}/{state.prefix_length} dev {_INSIDE}\n"
        f"link set {_INSIDE} up\n"
        f"route add default via {state.gateway}\n",  # without one the engine refuses some set-ups
        inside=process,
    )


def unplug(layout: Layout, number: int) -> None:
    """Remove a node's cable.

    The kernel does so by itself some time after the node's end; the next start can't wait.
    """
    if has_link(layout.link(number)):
        _delete(layout.link(number))


def set_link(layout: Layout, number: int, *, up: bool) -> None:
    """Cut a node off, or connect it again."""
    host.run("ip", "link", "set", layout.link(number), "up" if up else "down")


def has_link(name: str) -> bool:
    """Tell whether a link of that name exists here."""
    return name in _links()


def is_connected(layout: Layout, number: int) -> bool:
    """Tell whether a node's cable is there and not cut."""
    return "UP" in _links().get(layout.link(number), ())


def _links() -> dict[str, tuple[str, ...]]:
    listed = json.loads(host.run("ip", "-json", "link", "show"))
    return {link["ifname"]: tuple(link["flags"]) for link in listed if "ifname" in link}


def _delete(link: str) -> None:
    with suppress(ActionFailed):  # the kernel was faster
        host.run("ip", "link", "delete", link)


def _batch(commands: str, *, inside: int | None = None) -> None:
    enter = () if inside is None else ("nsenter", f"--net=/proc/{inside}/ns/net")
    host.run(*enter, "ip", "-batch", "-", stdin=commands)


def _mac(layout: Layout, last: int) -> str:
    octets = [layout.tag[index : index + 2] for index in range(0, 8, 2)]
    return ":".join(["02", *octets, f"{last:02x}"])


def _rule(layout: Layout) -> tuple[str, ...]:
    """Return the rule that lets frames pass within the bridge.

    Where br_netfilter is on they pass the machine's FORWARD chain, whose policy any other
    engine sets to DROP; joins would then time out.
    """
    return ("-i", layout.bridge, "-o", layout.bridge, "-j", "ACCEPT")


def _forwards(layout: Layout) -> bool:
    try:
        host.run("iptables", "-w", "-C", "FORWARD", *_rule(layout))
    except ActionFailed:
        return False
    return True
