"""What is read of a site that nothing is known of: for what isn't about the answers."""

from __future__ import annotations

from random import Random
from typing import Any

from reconciler.clock import SystemClock
from reconciler.view.links import NOWHERE
from webhook.asking import Asking
from webhook.desk import Desk
from webhook.foresight import Foresight
from webhook.metrics import Metrics
from webhook.reading import Reading
from webhook.replies import Replies
from webhook.stream import Streams


def reading_of_nothing() -> Reading:
    """Return what every question is answered by with Away."""
    clock = SystemClock()
    archive: Any = None
    desk = Desk(
        newest=lambda: None,
        archive=archive,
        foresight=Foresight(),
        forge=NOWHERE,
        now=clock.now,
    )
    metrics = Metrics(lambda: None, clock.now, streams=lambda: 0, last_pass=lambda: None)
    replies = Replies(Asking(), state=lambda: "", life=lambda: "")
    return Reading(
        site=desk,
        replies=replies,
        streams=Streams(random=Random(1)),
        metrics=metrics,
        now=clock.now,
    )
