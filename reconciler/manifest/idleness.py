"""When an execution ends because nobody uses it: what documents say of that, and whether it fits.

A ZApp knows how to ask (the probe), an Execution how long is too long; each may say both, and the
Execution comes first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from policy.model.execution import ApplicationType
from reconciler.manifest.build import Builder, bound
from reconciler.manifest.diagnostic import Complaint, Path, Problem, quoted
from reconciler.manifest.idle import Idle, Probe
from reconciler.manifest.probed import TRAFFIC, USAGE, port_of, service_of, uncounted, unseen
from reconciler.manifest.quantities import duration_text
from reconciler.manifest.spec import Service
from reconciler.manifest.suggest import did_you_mean

IDLE: Path = ("spec", "idle")
SHORTEST_MS = 10_000
"""Less couldn't be told from the time between two answers."""

_EXAMPLE = "add probe: {type: jupyter, service: notebook, port: jupyter}"


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleTerms:
    """What one document says; None = nothing."""

    after_ms: int | None = None
    probe: Probe | None = None


def idle_terms(spec: Mapping[str, Any], builder: Builder) -> IdleTerms:
    """Return what a spec says of idle; problems are left in ``builder``."""
    said = spec.get("idle", {})
    after_ms = bound(said, "after", builder, IDLE)
    if after_ms and after_ms < SHORTEST_MS:
        message = f"{duration_text(after_ms)} is too short to tell that nobody uses it"
        complaint = Complaint("OutOfRange", message, f"write {duration_text(SHORTEST_MS)} or more")
        builder.problems.append(complaint.at((*IDLE, "after")))
    probe = Probe(**said["probe"]) if "probe" in said else None
    return IdleTerms(after_ms=after_ms, probe=probe)


def joined(own: IdleTerms, of_zapp: IdleTerms) -> IdleTerms:
    """Return what an Execution's own terms and those of its ZApp come to."""
    after_ms = own.after_ms if own.after_ms is not None else of_zapp.after_ms
    return IdleTerms(after_ms=after_ms, probe=own.probe or of_zapp.probe)


def idle_of(terms: IdleTerms) -> Idle | None:
    """Return when it ends; a probe alone only offers to tell."""
    if terms.after_ms is None or terms.probe is None:
        return None
    return Idle(after_ms=terms.after_ms, probe=terms.probe)


def check(
    terms: IdleTerms,
    type_: ApplicationType,
    services: Sequence[Service],
    secrets: Mapping[str, Any],
    *,
    path: Path = IDLE,
) -> Iterator[Problem]:
    """Yield what doesn't fit the application; ``path`` is where it is said."""
    if terms == IdleTerms():
        return
    if type_ is ApplicationType.BATCH:
        complaint = Complaint("IdleOfBatch", "a batch ends by itself", "remove it, or set lifetime")
        yield complaint.at(path, at_key=True)
    elif terms.probe is None:
        complaint = Complaint("MissingKey", "nothing says how to tell that it is used", _EXAMPLE)
        yield complaint.at(path, at_key=True)
    else:
        for key, complaint in _faults(terms.probe, services, secrets):
            yield complaint.at((*path, "probe", key))


def _faults(
    probe: Probe, services: Sequence[Service], secrets: Mapping[str, Any]
) -> Iterator[tuple[str, Complaint]]:
    if probe.type == TRAFFIC:
        return unseen(probe, services)
    if probe.type == USAGE:
        return uncounted(probe, services)
    return _misfits(probe, services, secrets)


def _misfits(
    probe: Probe, services: Sequence[Service], secrets: Mapping[str, Any]
) -> Iterator[tuple[str, Complaint]]:
    for key in ("service", "port"):
        if not getattr(probe, key):
            message = f"nothing says which {key} is asked"
            yield "type", Complaint("MissingKey", message, f"add {key}: NAME")
            return
    service = service_of(probe, services)
    if isinstance(service, Complaint):
        yield "service", service
        return
    if service.maximum > 1:
        message = f"{service.name} may have {service.maximum} replicas, and one is asked"
        remedy = "name a service with replicas: 1"
        yield "service", Complaint("ProbeOfMany", message, remedy)
    yield from _port_misfits(probe, service)
    yield from _page_misfits(probe)
    if probe.token and probe.token not in secrets:
        remedy = did_you_mean(probe.token, secrets, otherwise="name a generated secret of secrets")
        yield "token", Complaint("UnknownSecret", f"no secret {quoted(probe.token)}", remedy)
    elif probe.token and secrets[probe.token].get("generate") != "random":
        message = f"{probe.token} isn't a generated text, so Zoe can't send it"
        yield "token", Complaint("Contradiction", message, "write generate: random in secrets")


def _port_misfits(probe: Probe, service: Service) -> Iterator[tuple[str, Complaint]]:
    port = port_of(probe, service)
    if isinstance(port, Complaint):
        yield "port", port
    elif port.protocol != "tcp" or port.mode != "host":
        message = f"the port {port.name} isn't one of tcp on its own node"
        yield "port", Complaint("Contradiction", message, "name a tcp port with mode: host")


def _page_misfits(probe: Probe) -> Iterator[tuple[str, Complaint]]:
    if probe.type == "http" and not probe.active:
        message = "nothing says what counts as use"
        yield "type", Complaint("MissingKey", message, "add active: /last_activity")
    if probe.type == "jupyter" and probe.active:
        complaint = Complaint("Contradiction", "active is for type http", "remove it")
        yield "active", complaint
