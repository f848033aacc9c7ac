"""What a machine must have to carry a lab, and how the missing packages get there.

A refusal is a ConfigError that says what to do. Installing never starts a service.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from reconciler.cluster.lab import host
from reconciler.errors import ActionFailed, ConfigError

Say = Callable[[str], None]

ENGINE = ("dockerd", "ip", "iptables", "nsenter", "mount")
"""Programs that a lab needs; the engine itself calls iptables for its DNS inside containers."""

_PACKAGES = {
    "dockerd": "docker.io",
    "ip": "iproute2",
    "iptables": "iptables",
    "nsenter": "util-linux",
    "mount": "mount",
    "busybox": "busybox-static",
    "mmdebstrap": "mmdebstrap",
}
_POLICY = Path("/usr/sbin/policy-rc.d")
_LOCK_WAIT_S = 600


def check_machine() -> None:
    """Return if this machine can carry a lab.

    Raises:
        ConfigError: It can't; the message says why and what would help.
    """
    if platform.system() != "Linux":
        raise ConfigError(
            "a lab needs Linux (namespaces): run it in a Linux virtual machine, "
            "or set docker_host to a Swarm of yours"
        )
    if os.geteuid() != 0:
        raise ConfigError("a lab needs root (namespaces, mounts, an engine): run it with sudo")
    try:
        host.run("unshare", "--net", "--mount", "--pid", "--fork", "true")
    except ActionFailed as error:
        raise ConfigError(
            "namespaces aren't permitted here (an unprivileged container?): "
            "run it on the machine itself, or in a container with --privileged"
        ) from error


def check_overlay_networks() -> None:
    """Return if the kernel has VXLAN, probed where nobody sees it.

    Raises:
        ConfigError: It hasn't.
    """
    try:
        probe = "ip link add probe type vxlan id 7 dstport 4789"
        host.run("unshare", "--net", *probe.split())
    except ActionFailed as error:
        raise ConfigError(
            "the kernel has no VXLAN, which Swarm's overlay networks need: "
            "load the module (modprobe vxlan) or use another kernel"
        ) from error


def ensure(programs: Sequence[str], *, say: Say) -> None:
    """Install the packages of missing programs, saying so.

    Raises:
        ConfigError: One is missing and can't be installed from here.
    """
    missing = sorted({_PACKAGES[program] for program in programs if not _is_there(program)})
    if not missing:
        return
    names = " ".join(missing)
    if host.find("apt-get") is None:
        raise ConfigError(f"install {names} (there is no apt-get to do it with)")
    say(f"installing {names} (no service is started)")
    try:
        with _services_stay_off():
            _install(missing)
    except ActionFailed as error:
        raise ConfigError(f"couldn't install {names}: {error}") from error


def _is_there(program: str) -> bool:
    where = host.find(program)
    return where is not None and (program != "busybox" or is_static(where))


def is_static(program: str) -> bool:
    """Tell whether a program needs no shared libraries (ldd fails on those that don't)."""
    try:
        host.run("ldd", program)
    except ActionFailed:
        return True
    return False


def _install(packages: Sequence[str]) -> None:
    apt = ("apt-get", "-qq", "-o", f"DPkg::Lock::Timeout={_LOCK_WAIT_S}")
    env = {**host.environment(), "DEBIAN_FRONTEND": "noninteractive"}
    install = (*apt, "install", "-y", "--no-install-recommends", *packages)
    try:
        host.run(*install, env=env, timeout_s=_LOCK_WAIT_S)
    except ActionFailed:  # no package lists yet, or old ones
        host.run(*apt, "update", env=env, timeout_s=_LOCK_WAIT_S)
        host.run(*install, env=env, timeout_s=_LOCK_WAIT_S)


@contextmanager
def _services_stay_off() -> Iterator[None]:
    """Tell Debian's maintainer scripts not to start what they install."""
    if _POLICY.exists():
        yield  # somebody's policy already: theirs counts
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink(missing_ok=True)
