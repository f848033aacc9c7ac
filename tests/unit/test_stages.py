"""A stage is all that happened since the one before it ended."""

from __future__ import annotations

from reconciler.cluster.fake import VirtualClock
from reconciler.stages import Stages


def test_each_stage_has_the_time_since_the_one_before():
    clock = VirtualClock()
    stages = Stages(clock)
    clock.advance(30)
    stages.end("read")
    clock.advance(1200)
    stages.end("assess")
    stages.end("act")

    assert stages.ms == {"read": 30, "assess": 1200, "act": 0}
