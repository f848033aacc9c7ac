"""What is on the status branch after a process ended at the worst moment."""

from __future__ import annotations

import pytest

from reconciler.failpoints import Point, hooked
from tests.fixtures.site import Site

SWEEP = "executions/aml/sweep.yaml"
SET = """\
apiVersion: zoe/v1
kind: ExecutionSet
metadata: {name: sweep}
spec:
  items: {from: 1, to: 1}
  template:
    spec:
      type: batch
      services: {main: {image: busybox}}
"""


class Gone(BaseException):
    """The process is gone."""


def test_a_file_pushed_just_before_the_end_goes_when_it_is_not_told_any_more(site: Site) -> None:
    """Found by the simulation: nobody remembered that the set's status was ever pushed."""

    def ends(point: Point) -> None:
        if point is Point.STATUS_PUSHED:
            raise Gone

    site.push({SWEEP: SET})
    with hooked(ends), pytest.raises(Gone):
        _publish(site)
    assert any("_sets/sweep" in path for path in site.repository.files("zoe/status"))
    site.push({SWEEP: None})
    site.restart()
    site.reconcile(passes=2)
    assert not any("_sets/sweep" in path for path in site.published())


def _publish(site: Site) -> None:
    site.reconcile()
    site.loop.publish(wait=True)
