"""Ways to people and to their programs, one module per way."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.notifiers.mail import Mail
from reconciler.notifiers.slack import Slack
from reconciler.notifiers.webhook import Webhook
from reconciler.outbound.delivery import Notifier
from reconciler.outbound.outgoing import NotifySettings, SmtpSettings


def notifiers(
    *, deployment: str, targets: Mapping[str, NotifySettings], smtp: SmtpSettings | None
) -> dict[str, Notifier]:
    """Return what delivers each kind of target; nothing is connected to."""
    return {
        "webhook": Webhook(deployment, targets),
        "slack": Slack(targets),
        "email": Mail(deployment, smtp),
    }
