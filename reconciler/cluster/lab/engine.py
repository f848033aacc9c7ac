"""One node: its namespaces, its engine, and their end."""

from __future__ import annotations

import json
import shutil
import subprocess
from contextlib import suppress
from functools import partial
from pathlib import Path

from reconciler.cluster.lab import host, network
from reconciler.cluster.lab.layout import LabState, Layout, NodeOptions
from reconciler.errors import ClusterUnavailable

_INIT = Path(__file__).with_name("node_init.sh")
_CONTROL_GROUPS = Path("/sys/fs/cgroup")
_EMPTY_WAIT_S = 10
_NAMESPACES = ("--net", "--mount", "--uts", "--ipc", "--pid")


def configuration(layout: Layout, state: LabState, number: int) -> dict[str, object]:
    """Return the engine's settings as its configuration file has them.

    No bridge and no rules of its own: overlays, DNS inside containers and host-mode ports work
    without, and the machine is left alone.
    """
    node = layout.node(number)
    options = state.options.get(number, NodeOptions())
    return {
        "hosts": [f"unix://{layout.socket(number)}"],
        "data-root": str(node / "data"),
        "exec-root": "/run/docker",
        "pidfile": "/run/docker.pid",
        "bridge": "none",
        "iptables": False,
        "ip6tables": False,
        "ip-forward": False,
        "cgroup-parent": layout.cgroup(number),
        "exec-opts": ["native.cgroupdriver=cgroupfs"],
        "no-new-privileges": True,
        "labels": list(options.labels),
        "node-generic-resources": list(options.generic_resources),
        "log-level": "warn",
    }


def start(layout: Layout, state: LabState, number: int) -> None:
    """Start a node that isn't running; its engine answers some time later."""
    node = layout.node(number)
    (node / "data").mkdir(parents=True, exist_ok=True)
    shutil.rmtree(node / "tmp", ignore_errors=True)
    (node / "tmp").mkdir()
    layout.socket(number).unlink(missing_ok=True)
    settings = node / "daemon.json"
    settings.write_text(json.dumps(configuration(layout, state, number), indent=2) + "\n")
    # setsid forks: the node belongs to nobody, and a signal to our terminal doesn't reach it.
    launch = ("setsid", "--fork", "unshare", *_NAMESPACES, "--fork", "--kill-child")
    init = ("sh", str(_INIT), layout.tag, str(node), f"node{number}", str(settings))
    with (
        layout.log(number).open("ab") as log,
        subprocess.Popen(  # noqa: S603 - a list, never a shell line
            (*launch, *init),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=host.environment(),
            text=True,
        ) as child,
    ):
        assert child.stdin is not None  # noqa: S101 - for the type checker
        assert child.stdout is not None  # noqa: S101
        process = child.stdout.readline().strip()
        if not process:
            raise ClusterUnavailable(f"node {number} didn't start: {host.tail(layout.log(number))}")
        network.plug(layout, state, number, int(process))
        child.stdin.write("plugged\n")


def stop(layout: Layout, number: int) -> None:
    """End a node as a power failure does. Ended already is fine."""
    node = str(layout.node(number))
    for process in _find(layout, node):
        host.kill(process, still_ours=lambda: bool(_find(layout, node)))
    network.unplug(layout, number)
    layout.socket(number).unlink(missing_ok=True)


def running(layout: Layout) -> dict[str, int]:
    """Return the first process of each running node of the lab, by the node's directory."""
    return {
        arguments[3]: process
        for process, arguments in host.processes()
        if _is_init(layout, arguments) and host.is_first_process(process)
    }


def remove_control_groups(layout: Layout) -> None:
    """Remove the empty control groups that the lab's engines made."""
    group = layout.cgroup().lstrip("/")
    tops = (parent / group for parent in (_CONTROL_GROUPS, *_CONTROL_GROUPS.glob("*/")))
    for top in [top for top in tops if top.is_dir()]:
        host.wait_until(
            partial(_remove_empty_folders, top), what=f"{top} to be empty", timeout_s=_EMPTY_WAIT_S
        )


def _remove_empty_folders(top: Path) -> bool:
    """Remove a tree of control groups, deepest first; tell whether it is gone."""
    for folder in sorted(top.glob("**/"), reverse=True):
        with suppress(OSError):  # the kernel is still at it: asked again
            folder.rmdir()
    return not top.exists()


def _find(layout: Layout, node: str) -> tuple[int, ...]:
    process = running(layout).get(node)
    return () if process is None else (process,)


def _is_init(layout: Layout, arguments: tuple[str, ...]) -> bool:
    """Tell whether these are the arguments of a node's first process, as :func:`start` made them.

    The script's folder doesn't count: another installation may have started the lab.
    """
    match arguments:
        case ("sh", script, layout.tag, _, *_):
            return Path(script).name == _INIT.name
        case _:
            return False
