"""From the settings to the endpoints: secrets are read once, at the start. No secret, no start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from reconciler.config import Settings, SourceSettings, WebhookSettings
from reconciler.errors import ConfigError
from webhook.endpoint import NAME, Endpoint, derived_name
from webhook.providers import PROVIDERS

SHORTEST = 16
MOST_SECRETS = 2
NONE = (
    "no [[source]] in zoe.toml has a [source.webhook], so no forge can call: "
    'add one with provider = "github" (or another) and secret_file = "FILE"'
)


def read(settings: Settings, environ: Mapping[str, str]) -> tuple[Endpoint, ...]:
    """Return an endpoint for each source that has a ``[source.webhook]``: perhaps none.

    Raises:
        ConfigError: One has no usable secret or address; says what to do.
    """
    problems: list[str] = []
    found = tuple(_endpoints(settings, environ, problems))
    names = [name for endpoint in found for name in endpoint.names]
    if len(names) != len(set(names)):
        problems.append("two sources have the same path for their webhooks: change one, or both")
    if problems:
        raise ConfigError("; ".join(problems))
    return found


def variable(source_id: str) -> str:
    """Return the name of the environment variable that may hold a source's secrets."""
    return "ZOE_WEBHOOK_SECRET_" + "".join(c if c.isalnum() else "_" for c in source_id).upper()


def _endpoints(
    settings: Settings, environ: Mapping[str, str], problems: list[str]
) -> Iterator[Endpoint]:
    for source in settings.sources:
        if source.webhook is None:
            continue
        try:
            secrets = _secrets(source.id, source.webhook, environ)
            names = _names(source.id, source.webhook, secrets)
        except ConfigError as error:
            problems.append(f"source {source.id}: {error}")
            continue
        yield _endpoint(settings, source, source.webhook, names, secrets)


def _endpoint(
    settings: Settings,
    source: SourceSettings,
    webhook: WebhookSettings,
    names: tuple[str, ...],
    secrets: tuple[bytes, ...],
) -> Endpoint:
    return Endpoint(
        source_id=source.id,
        provider=PROVIDERS[webhook.provider],
        names=names,
        secrets=secrets,
        branch=source.branch.removeprefix("refs/heads/"),
        status_branch=settings.status_branch,
    )


def _secrets(
    source_id: str, webhook: WebhookSettings, environ: Mapping[str, str]
) -> tuple[bytes, ...]:
    """Return the one or two secrets, the newer one first."""
    given = environ.get(variable(source_id), "")
    if not given and webhook.secret_file is not None:
        given = _read(webhook.secret_file)
    secrets = tuple(dict.fromkeys(word.encode() for word in given.split()))
    if not secrets:
        raise ConfigError(
            "its webhook has no secret, and without one anybody could call it: write one with "
            "`openssl rand -hex 32` into a file, name that in secret_file under "
            f"[source.webhook] (or set {variable(source_id)}), and give the forge the same"
        )
    if len(secrets) > MOST_SECRETS:
        raise ConfigError(
            "its webhook has more than two secrets: keep the new one and the one before it, "
            "a line each"
        )
    if min(map(len, secrets)) < SHORTEST:
        raise ConfigError(
            f"a secret of its webhook is shorter than {SHORTEST} characters and could be "
            "guessed: make one with `openssl rand -hex 32`"
        )
    return secrets


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it isn't text"
        raise ConfigError(f"its secret_file {path} can't be read: {reason}") from error


def _names(source_id: str, webhook: WebhookSettings, secrets: tuple[bytes, ...]) -> tuple[str, ...]:
    if not webhook.path:
        # While secrets are rotated the address changes too, and both go on working.
        return tuple(derived_name(source_id, secret) for secret in secrets)
    if not NAME.fullmatch(webhook.path):
        raise ConfigError(
            "the path of its webhook must be 16 to 100 letters, digits or . _ ~ - that nobody "
            "can guess: leave it out, or make one with `openssl rand -hex 16`"
        )
    return (webhook.path,)
