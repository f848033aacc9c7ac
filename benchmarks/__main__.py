"""All benchmarks, one after the other: what ``make bench`` runs."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks import five_services, noop_pass, on_swarm, startup
from benchmarks.report import arguments, show


def main() -> None:
    given = arguments(__doc__, rounds=9).parse_args()
    rows = [noop_pass.measure(1000, given.rounds, profile=False), *startup.measure(given.rounds)]
    with (
        tempfile.TemporaryDirectory(prefix="zb") as name,
        on_swarm.swarm("", Path(name)) as docker_host,
    ):
        rows += five_services.measure(docker_host, Path(name), rounds=5, services=5)
    show(rows, output=given.output)


if __name__ == "__main__":
    main()
