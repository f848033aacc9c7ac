"""Which benchmarks there are, with the arguments of their short and long forms.

``POSTGRESQL`` stands for the URL of an empty database.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A script with its arguments."""

    name: str
    form: str = ""

    @property
    def arguments(self) -> list[str]:
        """What it is called with, beside how to tell its results."""
        return self.form.split()

    @property
    def command(self) -> str:
        """How a person calls it."""
        return f"python -m benchmarks.{self.name} {self.form}".rstrip()


SHORT = (
    Benchmark("startup", "--rounds 9"),
    Benchmark("decide", "--rounds 40"),
    Benchmark("forecast", "--rounds 3"),
    Benchmark("noop_pass"),
    Benchmark("one_changed", "--executions 1000"),
    Benchmark("cold_start", "--rounds 1"),
    Benchmark("throughput", "--executions 2000 --database POSTGRESQL"),
    Benchmark("status_rows", "--executions 2000 --database POSTGRESQL"),
    Benchmark("status_commit", "--executions 1000"),
    Benchmark("five_services", "--rounds 5"),
    Benchmark("lab_morning", "--groups 10"),
    Benchmark("noop_swarm", "--services 300 --awake 20"),
    Benchmark("drift", "--rounds 5"),
    Benchmark("receiver", "--seconds 6"),
    Benchmark("flood", "--executions 100 --minutes 2"),
)

LONG = (
    Benchmark("startup", "--rounds 25"),
    Benchmark("decide"),
    Benchmark("forecast"),
    Benchmark("noop_pass", "--executions 10000"),
    Benchmark("one_changed", "--executions 10000"),
    Benchmark("takeover"),
    Benchmark("cold_start"),
    Benchmark("throughput"),
    Benchmark("throughput", "--database POSTGRESQL"),
    Benchmark("status_rows"),
    Benchmark("status_rows", "--database POSTGRESQL"),
    Benchmark("status_commit"),
    Benchmark("large_repository"),
    Benchmark("noop_swarm"),
    Benchmark("drift"),
    Benchmark("five_services", "--rounds 9"),
    Benchmark("notebook"),
    Benchmark("push_to_swarm"),
    Benchmark("lab_morning", "--rounds 5"),
    Benchmark("lab_morning", "--nodes 3 --rounds 5"),
    Benchmark("lab_morning", "--beside --rounds 5"),
    Benchmark("receiver"),
    Benchmark("page"),
    Benchmark("preview"),
    Benchmark("flood", "--database POSTGRESQL"),
    Benchmark("paper_run"),
    Benchmark("hysteresis"),
    Benchmark("large_installation"),
    Benchmark("large_loop"),
)
