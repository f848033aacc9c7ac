"""``/metrics`` for Prometheus. No name of a namespace, execution or user is a label of it."""

from __future__ import annotations

from collections import Counter as Count
from collections.abc import Callable, Iterable
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from reconciler.reporting.records import PassRow
from reconciler.view.picture import Picture

BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
MEDIA_TYPE = CONTENT_TYPE_PLAIN_0_0_4


class Metrics:
    """One registry of our own; nothing is global."""

    def __init__(
        self,
        newest: Callable[[], Picture | None],
        now: Callable[[], datetime],
        *,
        streams: Callable[[], int],
        last_pass: Callable[[], PassRow | None],
    ) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "zoe_web_requests",
            "Requests by route and class of status.",
            ("route", "status"),
            registry=self._registry,
        )
        self._durations = Histogram(
            "zoe_web_request_seconds",
            "How long answers took; streams aside.",
            ("route",),
            buckets=BUCKETS_S,
            registry=self._registry,
        )
        self._registry.register(_State(newest, now, streams, last_pass))

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count an answer. ``route`` is the template of a path, never the path."""
        self._requests.labels(route, f"{status // 100}xx").inc()
        self._durations.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Return all of it as Prometheus reads it."""
        return generate_latest(self._registry)


class _State(Collector):
    """What the newest picture and the last pass tell; read when somebody asks."""

    def __init__(
        self,
        newest: Callable[[], Picture | None],
        now: Callable[[], datetime],
        streams: Callable[[], int],
        last_pass: Callable[[], PassRow | None],
    ) -> None:
        self._newest = newest
        self._now = now
        self._streams = streams
        self._last_pass = last_pass

    def collect(self) -> Iterable[Metric]:
        """Yield the gauges."""
        yield _gauge("zoe_web_streams", "Pages that listen for changes.", self._streams())
        if (last := self._last_pass()) is not None:
            seconds = last.duration_ms / 1000
            yield _gauge("zoe_pass_seconds", "How long the last recorded pass took.", seconds)
            stages = GaugeMetricFamily(
                "zoe_pass_stage_seconds", "How long its stages took.", labels=("stage",)
            )
            for stage, ms in sorted(last.stages_ms.items()):
                stages.add_metric((stage,), ms / 1000)
            yield stages
        if (picture := self._newest()) is None:
            return
        phases = Count(str(d["status"]["phase"]) for d in picture.documents.values())
        executions = GaugeMetricFamily(
            "zoe_executions", "Runs that are kept, by phase.", labels=("phase",)
        )
        for phase, number in sorted(phases.items()):
            executions.add_metric((phase,), number)
        yield executions
        yield _gauge("zoe_queue_length", "Executions that wait for room.", phases["Queued"])
        yield _gauge(
            "zoe_database_age_seconds",
            "Time since the database was last read.",
            self._age_s(picture.read_at),
        )
        yield _gauge(
            "zoe_problems", "Problems in the accepted manifests.", len(picture.board.problems)
        )
        alerts = GaugeMetricFamily(
            "zoe_alerts", "What concerns no single execution and stands now.", labels=("reason",)
        )
        for reason, number in sorted(Count(a["reason"] for a in picture.board.alerts).items()):
            alerts.add_metric((reason,), number)
        yield alerts
        if picture.pulse is not None:
            yield _gauge(
                "zoe_pass_age_seconds",
                "Time since the last pass of the loop.",
                self._age_s(picture.pulse.at),
            )
            yield _gauge(
                "zoe_pass_failing",
                "Whether the newest try of a pass failed, or a commit is held back.",
                bool(picture.pulse.problem),
            )

    def _age_s(self, at: datetime) -> float:
        return max(0.0, (self._now() - at).total_seconds())


def _gauge(name: str, told: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, told, value=value)
