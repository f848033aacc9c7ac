"""How much a workload asks for against what there is, and how to set it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from policy.model.resources import Resources
from policy.simulator.application import Application


def offered_work(applications: Sequence[Application]) -> int:
    """Return the CPU work of all applications, in milli-CPUs times milliseconds."""
    return sum(a.execution.full_demand.cpu_millis * (a.runtime_ms or 0) for a in applications)


def window_ms(applications: Sequence[Application]) -> int:
    """Return the time from the first to the last arrival."""
    arrivals = [application.execution.queued_ms for application in applications]
    return max(arrivals) - min(arrivals) if arrivals else 0


def offered_permille(applications: Sequence[Application], capacity: Resources) -> int | None:
    """Return the offered load: work over what the cluster could do in the arrival window.

    None where that has no meaning: all arrive at once, or the cluster has no CPU.
    """
    room = capacity.cpu_millis * window_ms(applications)
    return offered_work(applications) * 1000 // room if room else None


def at_load(
    applications: Sequence[Application], capacity: Resources, permille: int
) -> list[Application]:
    """Return the applications with all times between arrivals scaled so that the load is this.

    What arrives together still does. Where the load has no meaning they stay as they are.
    """
    work, window = offered_work(applications), window_ms(applications)
    if not (work and window and capacity.cpu_millis):
        return list(applications)
    begin = min(application.execution.queued_ms for application in applications)
    scale = capacity.cpu_millis * permille * window
    return [_arriving(a, begin, work * 1000, scale) for a in applications]


def _arriving(application: Application, begin_ms: int, up: int, down: int) -> Application:
    execution = application.execution
    later = (execution.queued_ms - begin_ms) * up // down
    return replace(application, execution=replace(execution, queued_ms=begin_ms + later))
