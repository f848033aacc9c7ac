"""``zoe simulate``: what a policy would do to a workload, beside other policies."""

from __future__ import annotations

import json
import os
from math import ceil
from pathlib import Path

import click

from policy.model.resources import Resources
from policy.settings import PolicySettings
from policy.simulator.generator import Mix
from policy.simulator.knowledge import Estimates
from policy.simulator.machines import Machines
from policy.simulator.swf import Owner, Trace
from reconciler.cli.progress import Progress
from reconciler.errors import ConfigError
from reconciler.simulate import policies, report, workloads
from reconciler.simulate.compare import Scenario, compare
from reconciler.simulate.workloads import Source, SyntheticSource, TraceSource

MEMORY_PER_CORE = 4 * 1024**3
DEFAULT_LOAD = 0.9
DEFAULT_NODES, DEFAULT_CORES = 100, 32
DEFAULT_APPLICATIONS = 1000
_POSITIVE = click.IntRange(min=1)


@click.command("simulate")
@click.option(
    "--trace",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A trace in the Standard Workload Format; gzip is fine.",
)
@click.option("--synthetic", is_flag=True, help="The Zoe paper's workload; the default.")
@click.option("--policy", "names", default="fair,easy,fifo", show_default=True, metavar="LIST")
@click.option("--nodes", type=_POSITIVE, help="Default: the trace's, else 100.")
@click.option("--cores-per-node", type=_POSITIVE, help="Default: the trace's, else 32.")
@click.option("--memory-per-node", metavar="SIZE", help="Default: 4 GiB a core.")
@click.option("--pooled", is_flag=True, help="One node with everything: faster, no placement.")
@click.option(
    "--load",
    type=click.FloatRange(min=0, min_open=True, max=100),
    help="CPU work offered over the arrival window. Default: the trace's own, else 0.9.",
)
@click.option(
    "--core-fraction",
    type=click.FloatRange(0, 1),
    default=1.0,
    show_default=True,
    help="How much of a trace's job is core; the rest is elastic.",
)
@click.option(
    "--namespaces",
    "owner",
    type=click.Choice([str(owner) for owner in Owner]),
    default=str(Owner.USER),
    show_default=True,
    help="What of a trace is a namespace.",
)
@click.option(
    "--estimates",
    type=click.Choice([str(kind) for kind in Estimates]),
    default=str(Estimates.USER),
    show_default=True,
    help="What policy knows: the truth, authors' hints, or nothing. The latter two learn.",
)
@click.option("--learn/--no-learn", default=True, help="Estimate from earlier runs that ended.")
@click.option("--applications", type=_POSITIVE, help="How many at most; default 1000 synthetic.")
@click.option("--mix", default="64/16/20", show_default=True, metavar="E/R/I", help="Percent.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--seeds", type=_POSITIVE, default=1, show_default=True, help="How many seeds.")
@click.option(
    "--platform",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A platform.yaml with the policy's parameters.",
)
@click.option("--jobs", type=_POSITIVE, help="Processes; default: the machine's cores.")
@click.option("-o", "--output", type=click.Choice(["text", "json", "svg"]), default="text")
def command(
    *,
    trace: Path | None,
    synthetic: bool,
    names: str,
    nodes: int | None,
    cores_per_node: int | None,
    memory_per_node: str | None,
    pooled: bool,
    load: float | None,
    core_fraction: float,
    owner: str,
    estimates: str,
    learn: bool,
    applications: int | None,
    mix: str,
    seed: int,
    seeds: int,
    platform: Path | None,
    jobs: int | None,
    output: str,
) -> None:
    """Play a workload under several policies, with the scheduler that runs it live."""
    if trace and synthetic:
        raise click.UsageError("--trace and --synthetic exclude one another")
    settings = policies.named(names, _base(platform))
    read = workloads.read_trace(trace) if trace else None
    scenario = Scenario(
        source=(
            _trace(read, core_fraction, owner, load, applications)
            if read
            else _synthetic(applications, load, mix)
        ),
        machines=_machines(read, nodes, cores_per_node, memory_per_node, is_pooled=pooled),
        estimates=Estimates(estimates),
        learns=learn,
        seeds=tuple(range(seed, seed + (1 if read else seeds))),
    )
    with Progress("simulating") as progress:
        runs = len(settings) * len(scenario.seeds)
        comparison = compare(
            scenario, settings, jobs=jobs or min(runs, os.cpu_count() or 1), tell=progress.tell
        )
    match output:
        case "json":
            click.echo(json.dumps(report.to_data(scenario, comparison), indent=2))
        case "svg":
            click.echo(report.to_svg(comparison), nl=False)
        case _:
            click.echo(report.to_text(scenario, comparison))


def _base(platform: Path | None) -> PolicySettings:
    """Return the policy's parameters from a platform.yaml, or the defaults."""
    if platform is None:
        return PolicySettings()
    # Imported here: most runs need no manifest.
    from reconciler.cli import repository
    from reconciler.errors import ManifestError

    root = platform.resolve().parent
    catalogue = repository.load(root, {"platform.yaml": platform.name})
    errors = tuple(d for d in catalogue.diagnostics if d.is_error)
    if errors:
        raise ManifestError(errors)
    return catalogue.platform.policy


def _trace(
    trace: Trace, core_fraction: float, owner: str, load: float | None, most: int | None
) -> Source:
    return TraceSource(
        trace=trace,
        core_permille=round(core_fraction * 1000),
        owner=Owner(owner),
        load_permille=None if load is None else _permille(load),
        most=most,
    )


def _synthetic(applications: int | None, load: float | None, mix: str) -> Source:
    return SyntheticSource(
        count=applications or DEFAULT_APPLICATIONS,
        load_permille=_permille(DEFAULT_LOAD if load is None else load),
        mix=_mix(mix),
    )


def _permille(load: float) -> int:
    return max(1, ceil(load * 1000 - 0.5))


def _mix(text: str) -> Mix:
    try:
        elastic, rigid, interactive = (int(part) for part in text.split("/"))
    except ValueError:
        raise ConfigError(f"--mix {text!r} isn't three percentages: write 64/16/20") from None
    if elastic + rigid + interactive != 100 or min(elastic, rigid, interactive) < 0:
        raise ConfigError(f"--mix {text} doesn't come to 100 percent: write 64/16/20")
    return Mix(elastic=elastic * 10, rigid=rigid * 10)


def _machines(
    trace: Trace | None,
    nodes: int | None,
    cores: int | None,
    memory: str | None,
    *,
    is_pooled: bool,
) -> Machines:
    """Return the cluster asked for; what isn't said is as in the trace's header."""
    known_nodes, known_cores = (DEFAULT_NODES, DEFAULT_CORES) if trace is None else _own(trace)
    count, each = nodes or known_nodes, cores or known_cores
    if count is None or each is None:
        raise ConfigError("the trace doesn't say how large its cluster was: give --nodes N")
    memory_bytes = each * MEMORY_PER_CORE if memory is None else _memory_bytes(memory)
    return Machines(
        count=count,
        each=Resources(cpu_millis=each * 1000, memory_bytes=memory_bytes),
        is_pooled=is_pooled,
    )


def _memory_bytes(text: str) -> int:
    from reconciler.manifest.diagnostic import Complaint
    from reconciler.manifest.quantities import memory_bytes

    try:
        return memory_bytes(text)
    except Complaint as error:
        raise ConfigError(f"--memory-per-node: {error.message}: {error.remedy}") from error


def _own(trace: Trace) -> tuple[int | None, int | None]:
    """Return the nodes and the cores of each, as far as a trace's header tells."""
    nodes, processors = (_number(trace.header.get(key, "")) for key in ("MaxNodes", "MaxProcs"))
    if nodes and processors:
        return nodes, max(1, processors // nodes)
    return nodes or processors, 1


def _number(text: str) -> int | None:
    digits = text.split()[0] if text.split() else ""
    return int(digits) if digits.isdecimal() and int(digits) else None
