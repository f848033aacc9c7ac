"""A manager that was cut off answers with what was: nothing ends for that."""

from __future__ import annotations

import pytest

from reconciler.cluster.fake import Outcome
from tests.fixtures.site import Site, execution_file

JOB = "executions/aml/job.yaml"


@pytest.mark.parametrize("begins", [False, True])
def test_a_running_batch_goes_on_though_a_reading_comes_from_before_it_was_created(
    site: Site, monkeypatch: pytest.MonkeyPatch, begins: bool
) -> None:
    site.cluster.script("lasts", Outcome.exits(0, after_ms=10**9))
    older = site.cluster.observe()
    site.push({JOB: execution_file("job", type_="batch", image="lasts")})
    site.reconcile(passes=3)
    if begins:
        site.restart()
    observe = site.cluster.observe
    readings = [observe, lambda: older] if begins else [lambda: older]
    monkeypatch.setattr(
        site.cluster, "observe", lambda: readings.pop(0)() if readings else observe()
    )
    created = [write for write in site.writes() if write.startswith("create_service")]
    site.reconcile(passes=3)
    assert not readings
    assert site.phases() == {"aml/job": "Running"}
    assert [w for w in site.writes() if w.startswith("create_service")] == created
