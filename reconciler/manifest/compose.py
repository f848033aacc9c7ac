"""Compose keys that we don't honour, and how to say the same here.

Ignoring such a key would run something other than what the author meant; a bare refusal would
send him to the manual. So each is refused with the lines to write instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from reconciler.manifest.diagnostic import Complaint

CODE = "ComposeKeyNotHonoured"
_AMOUNT = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,6})?) ?([kKmMgGtT])?i?[bB]?")
_SHORT_PORT = re.compile(r"(?:[0-9.]{7,15}:)?(?:([0-9]{1,5}):)?([0-9]{1,5})(?:/(tcp|udp))?")
_SHORT_VOLUME = re.compile(r"(?:([^:]{0,200}):)?(/[^:]{0,200})(?::(ro|rw))?")
_PROFILE = (
    "remove it; capabilities come with security_profile: baseline where the platform grants it"
)
_NETWORK = "remove it: services of a namespace reach one another as <service>.<execution>"
_LIFE = "remove it: the execution's type and retries decide what is started again"
_HOST = "remove it: containers don't share the node's name spaces"
_LOGS = "remove it: the operator sets up logging"

_FIXED: Mapping[str, str] = {
    "build": "remove it and name an image: image: quay.io/lab/app:1.0",
    "container_name": "remove it: the host name is <service>.<execution>",
    "hostname": "remove it: the host name is <service>.<execution>",
    "domainname": "remove it: the host name is <service>.<execution>",
    "network_mode": _NETWORK,
    "networks": _NETWORK,
    "links": "write depends_on: [SERVICE]; its host name is ${{ services.SERVICE.host }}",
    "external_links": _NETWORK,
    "extra_hosts": _NETWORK,
    "dns": _NETWORK,
    "dns_opt": _NETWORK,
    "dns_search": _NETWORK,
    "mac_address": _NETWORK,
    "privileged": _PROFILE,
    "cap_add": _PROFILE,
    "cap_drop": "remove it: all capabilities are dropped anyway",
    "security_opt": _PROFILE,
    "userns_mode": _HOST,
    "cgroup": _HOST,
    "cgroup_parent": _HOST,
    "pid": _HOST,
    "ipc": _HOST,
    "uts": _HOST,
    "sysctls": "remove it: kernel settings belong to the operator",
    "devices": "write resources: {reservations: {generic: {gpu: 1}}}",
    "device_cgroup_rules": "write resources: {reservations: {generic: {gpu: 1}}}",
    "gpus": "write resources: {reservations: {generic: {gpu: 1}}}",
    "runtime": "remove it; ask for devices as resources: {reservations: {generic: {gpu: 1}}}",
    "restart": _LIFE,
    "extends": "write the service out, or make it a ZApp with parameters",
    "profiles": "remove it, or make two executions",
    "volumes_from": "write the volumes out under volumes:",
    "logging": _LOGS,
    "log_driver": _LOGS,
    "expose": "remove it: within the namespace all ports are reachable; publish with ports:",
    "env_file": "write the variables out under environment:",
    "configs": "write files: [{source: files/NAME, target: /PATH}]",
    "init": "remove it; start a small init in the image if the program needs one",
    "tty": "remove it: nobody is at the terminal",
    "stdin_open": "remove it: nobody is at the terminal",
    "read_only": "remove it; mount volumes with read_only: true",
    "group_add": 'write user: "UID:GID"',
    "stop_signal": "remove it; the image says which signal stops it",
    "pull_policy": "remove it: images are pulled where they are missing",
    "platform": "write placement: {constraints: [node.platform.arch == x86_64]}",
    "annotations": "write labels:",
    "cpuset": "write resources: {limits: {cpus: 1}}",
    "cpu_shares": "write resources: {reservations: {cpus: 1}}",
    "cpu_quota": "write resources: {limits: {cpus: 1}}",
    "cpu_period": "write resources: {limits: {cpus: 1}}",
    "memswap_limit": "write resources: {limits: {memory: 2GiB}}",
    "mem_swappiness": "remove it: swap belongs to the operator",
    "oom_kill_disable": "remove it; raise resources: {limits: {memory: 2GiB}}",
    "oom_score_adj": "remove it; raise resources: {reservations: {memory: 2GiB}}",
    "storage_opt": "remove it; write tmpfs: or volumes: for room",
    "blkio_config": "remove it: input and output aren't limited",
    "develop": "remove it: it is for building images",
    "attach": _LOGS,
    "models": "run the model as a service with its image",
    "provider": "run it as a service with its image",
    "post_start": "start it from command:, or as a service with depends_on:",
    "pre_stop": "handle the stop signal in the program; stop_grace_period: is how long it may take",
    "version": "remove it: apiVersion: zoe/v1 says it",
}
_IN_SPEC: Mapping[str, str] = {
    "networks": _NETWORK,
    "volumes": "mount them in a service: volumes: [{type: workspace, target: /work}]",
    "configs": _FIXED["configs"],
    "include": "write the services out, or make a ZApp with parameters",
    "version": _FIXED["version"],
    "name": "write it under metadata:",
}


def refuse_service_key(key: str, value: object) -> Complaint | None:
    """Return why a key of a service is refused, if Compose knows it and we don't."""
    rewrite = _REWRITES.get(key)
    remedy = _FIXED.get(key, "") if rewrite is None else rewrite(value)
    return _complaint(key, remedy) if remedy else None


def refuse_spec_key(key: str) -> Complaint | None:
    """Return why a key beside ``services`` is refused, if Compose knows it and we don't."""
    return _complaint(key, _IN_SPEC[key]) if key in _IN_SPEC else None


def _complaint(key: str, remedy: str) -> Complaint:
    return Complaint(CODE, f"{key} of Compose isn't honoured", remedy)


def refuse_short_port(value: str | int) -> Complaint:
    """Return how a short-syntax port is written as a mapping."""
    match = _SHORT_PORT.fullmatch(str(value))
    fields = {"name": "web", "target": match[2] if match else "8080"}
    if match and match[1]:
        fields["published"] = match[1]
    if match and match[3] == "udp":
        fields["protocol"] = "udp"
    return Complaint(CODE, "the short form of ports isn't honoured", f"write {_flow(fields)}")


def refuse_short_volume(value: str) -> Complaint:
    """Return how a short-syntax volume is written as a mapping."""
    match = _SHORT_VOLUME.fullmatch(value)
    fields = {"type": "workspace", "target": match[2] if match else "/work"}
    source = match[1] if match else ""
    if source and re.fullmatch(r"[a-z][a-z0-9-]{0,39}", source):
        fields = {"type": "volume", "source": source, "target": fields["target"]}
    if match and match[3] == "ro":
        fields["read_only"] = "true"
    return Complaint(CODE, "the short form of volumes isn't honoured", f"write {_flow(fields)}")


def refuse_bind(value: Mapping[str, Any]) -> Complaint:
    """Return how a folder of the node is replaced."""
    fields = {"type": "workspace", "target": str(value.get("target", "/work"))[:200]}
    return Complaint(CODE, "folders of the node can't be mounted", f"write {_flow(fields)}")


def _flow(fields: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in fields.items()) + "}"


def _amount(value: object) -> str:
    """Return Compose's amount of memory in our units (theirs are binary too: 2G = 2GiB)."""
    match = _AMOUNT.fullmatch(str(value))
    if match is None:
        return "2GiB"
    return f"{match[1]}{match[2].upper()}iB" if match[2] else match[1]


def _plain(value: object, default: str) -> str:
    text = str(getattr(value, "text", value))
    return text if re.fullmatch(r"[A-Za-z0-9_.-]{1,40}", text) else default


def _memory_limit(value: object) -> str:
    return f"write\nresources:\n  limits:\n    memory: {_amount(value)}"


def _memory_reservation(value: object) -> str:
    return f"write\nresources:\n  reservations:\n    memory: {_amount(value)}"


def _cpus(value: object) -> str:
    return f"write\nresources:\n  limits:\n    cpus: {_plain(value, '1')}"


def _pids(value: object) -> str:
    return f"write\nresources:\n  limits:\n    pids: {_plain(value, '4096')}"


def _scale(value: object) -> str:
    return f"write replicas: {_plain(value, '1')}"


def _deploy(value: object) -> str:
    deploy = value if isinstance(value, dict) else {}
    lines: list[str] = []
    if "replicas" in deploy:
        lines.append(f"replicas: {_plain(deploy['replicas'], '1')}")
    lines += _deploy_resources(deploy.get("resources"))
    placement = deploy.get("placement")
    constraints = placement.get("constraints") if isinstance(placement, dict) else None
    if isinstance(constraints, list) and constraints:
        lines += [
            "placement:",
            "  constraints:",
            *(f"    - {str(c)[:80]}" for c in constraints[:4]),
        ]
    if not lines:
        lines = ["resources:", "  limits:", "    memory: 2GiB"]
    return "\n".join(["write, without deploy,", *lines])


def _deploy_resources(value: object) -> list[str]:
    lines: list[str] = []
    resources = value if isinstance(value, dict) else {}
    for part in ("reservations", "limits"):
        amounts = resources.get(part)
        if not isinstance(amounts, dict):
            continue
        lines.append(f"  {part}:")
        if "cpus" in amounts:
            lines.append(f"    cpus: {_plain(amounts['cpus'], '1')}")
        if "memory" in amounts:
            lines.append(f"    memory: {_amount(amounts['memory'])}")
    return ["resources:", *lines] if lines else []


_REWRITES: Mapping[str, Callable[[object], str]] = {
    "deploy": _deploy,
    "mem_limit": _memory_limit,
    "mem_reservation": _memory_reservation,
    "cpus": _cpus,
    "cpu_count": _cpus,
    "pids_limit": _pids,
    "scale": _scale,
}
