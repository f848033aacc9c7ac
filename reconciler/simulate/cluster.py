"""Which cluster is simulated: the one that is asked for, else the workload's own."""

from __future__ import annotations

from policy.model.resources import Resources
from policy.simulator.machines import Machines
from policy.simulator.swf import Trace
from reconciler.errors import ConfigError
from reconciler.manifest.diagnostic import Complaint
from reconciler.manifest.quantities import memory_bytes

MEMORY_PER_CORE = 4 * 1024**3
PAPERS_NODES, PAPERS_CORES = 100, 32


def machines(
    trace: Trace | None,
    *,
    nodes: int | None,
    cores: int | None,
    memory: str | None,
    is_pooled: bool,
) -> Machines:
    """Return equal nodes; what isn't said is as in the trace's header, or as in the paper.

    Raises:
        ConfigError: The trace doesn't tell how large its cluster was, or memory is misspelt.
    """
    own_nodes, own_cores = (PAPERS_NODES, PAPERS_CORES) if trace is None else _own(trace)
    count, each = nodes or own_nodes, cores or own_cores
    if count is None:
        raise ConfigError("the trace doesn't say how large its cluster was: give --nodes N")
    shape = Resources(
        cpu_millis=each * 1000,
        memory_bytes=each * MEMORY_PER_CORE if memory is None else _bytes(memory),
    )
    return Machines.equal(count, shape, is_pooled=is_pooled)


def _bytes(text: str) -> int:
    try:
        return memory_bytes(text)
    except Complaint as error:
        raise ConfigError(f"--memory-per-node: {error.message}: {error.remedy}") from error


def _own(trace: Trace) -> tuple[int | None, int]:
    """Return the nodes and the cores of each, as far as a trace's header tells."""
    nodes, processors = (_number(trace.header.get(key, "")) for key in ("MaxNodes", "MaxProcs"))
    if nodes and processors:
        return nodes, max(1, processors // nodes)
    return nodes or processors, 1


def _number(text: str) -> int | None:
    digits = text.split()[0] if text.split() else ""
    return int(digits) if digits.isdecimal() and int(digits) else None
