"""``zoe simulate``: what a policy would do to a workload, beside other policies."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from policy.settings import PolicySettings
from policy.simulator.generator import Mix
from policy.simulator.knowledge import Estimates
from policy.simulator.machines import Machines
from policy.simulator.swf import Owner, Trace, Workload
from reconciler.cli.progress import Progress
from reconciler.errors import ConfigError
from reconciler.simulate import cluster, policies, report, workloads
from reconciler.simulate.compare import Comparison, Scenario, compare
from reconciler.simulate.workloads import RecordedSource, Source, SyntheticSource, TraceSource

DEFAULT_LOAD_PERMILLE = 900
DEFAULT_APPLICATIONS = 1000
_POSITIVE = click.IntRange(min=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The options of the command."""

    trace: Path | None
    synthetic: bool
    history: bool
    names: str
    nodes: int | None
    cores_per_node: int | None
    memory_per_node: str | None
    pooled: bool
    load: float | None
    core_fraction: float
    owner: str
    estimates: str
    learn: bool
    applications: int | None
    mix: str
    seed: int
    seeds: int
    platform: Path | None
    jobs: int | None
    output: str

    @property
    def names_machines(self) -> bool:
        """Whether anything is said of the cluster."""
        return bool(self.nodes or self.cores_per_node or self.memory_per_node)


@click.command("simulate")
@click.option(
    "--trace",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A trace in the Standard Workload Format; gzip is fine.",
)
@click.option("--synthetic", is_flag=True, help="The Zoe paper's workload; the default.")
@click.option("--history", is_flag=True, help="What this installation ran, from its database.")
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
def command(**options: Any) -> None:
    """Play a workload under several policies, with the scheduler that runs it live."""
    asked = Asked(**options)
    settings = policies.named(asked.names, _base(asked.platform))
    source, machines = _workload(asked)
    # Only the generator leaves anything to chance.
    seeds = asked.seeds if isinstance(source, SyntheticSource) else 1
    scenario = Scenario(
        source=source,
        machines=machines,
        estimates=Estimates(asked.estimates),
        learns=asked.learn,
        seeds=tuple(range(asked.seed, asked.seed + seeds)),
    )
    jobs = asked.jobs or min(len(settings) * seeds, os.cpu_count() or 1)
    with Progress("simulating") as progress:
        comparison = compare(scenario, settings, jobs=jobs, tell=progress.tell)
    click.echo(_printed(scenario, comparison, asked.output))


def _printed(scenario: Scenario, comparison: Comparison, output: str) -> str:
    match output:
        case "json":
            return json.dumps(report.to_data(scenario, comparison), indent=2)
        case "svg":
            return report.to_svg(comparison)
        case _:
            return report.to_text(scenario, comparison)


def _workload(asked: Asked) -> tuple[Source, Machines]:
    """Return what is played, and the cluster it is played on."""
    if sum(map(bool, (asked.trace, asked.synthetic, asked.history))) > 1:
        raise click.UsageError("--trace, --synthetic and --history exclude one another")
    load = None if asked.load is None else max(1, round(asked.load * 1000))
    if asked.trace:
        trace = workloads.read_trace(asked.trace)
        source = TraceSource(
            trace=trace,
            core_permille=round(asked.core_fraction * 1000),
            owner=Owner(asked.owner),
            load_permille=load,
            most=asked.applications,
        )
        return source, _machines(asked, trace)
    if asked.history:
        recorded, own = _recorded(is_pooled=asked.pooled)
        past = RecordedSource(recorded=recorded, load_permille=load, most=asked.applications)
        return past, own if own and not asked.names_machines else _machines(asked, None)
    synthetic = SyntheticSource(
        count=asked.applications or DEFAULT_APPLICATIONS,
        load_permille=load or DEFAULT_LOAD_PERMILLE,
        mix=_mix(asked.mix),
    )
    return synthetic, _machines(asked, None)


def _machines(asked: Asked, trace: Trace | None) -> Machines:
    return cluster.machines(
        trace,
        nodes=asked.nodes,
        cores=asked.cores_per_node,
        memory=asked.memory_per_node,
        is_pooled=asked.pooled,
    )


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


def _mix(text: str) -> Mix:
    try:
        elastic, rigid, interactive = (int(part) for part in text.split("/"))
    except ValueError:
        raise ConfigError(f"--mix {text!r} isn't three percentages: write 64/16/20") from None
    if elastic + rigid + interactive != 100 or min(elastic, rigid, interactive) < 0:
        raise ConfigError(f"--mix {text} doesn't come to 100 percent: write 64/16/20")
    return Mix(elastic=elastic * 10, rigid=rigid * 10)


def _recorded(*, is_pooled: bool) -> tuple[Workload, Machines | None]:
    """Return what the database remembers, and the cluster as it was last seen."""
    # Imported here: other workloads need no database.
    from reconciler import config
    from reconciler.cli import reading
    from reconciler.simulate import recorded
    from reconciler.working_set import WorkingSet

    with reading.required_database(config.load()) as store:
        remembered = WorkingSet(store.load())
    found = recorded.workload(remembered.memory(published_seq=remembered.last_seq))
    if remembered.snapshot is None:
        return found, None
    nodes = reading.stored_snapshot(remembered.snapshot).snapshot.nodes
    return found, recorded.machines(nodes, is_pooled=is_pooled)
