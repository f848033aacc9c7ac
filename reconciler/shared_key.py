"""One key for all hosts of an installation: another one is noticed before it does anything.

With another ``ledger.key`` what was published doesn't verify, and all generated secrets change. The
database knows the key by a mark, which tells nothing of it.
"""

from __future__ import annotations

from reconciler import wire
from reconciler.config import Settings
from reconciler.errors import ConfigError
from reconciler.ports import Store

REMEDY = (
    "copy ledger.key and age.key from the host that leads, or from your backup; if the key is lost "
    "for good: zoe rebuild --new-key"
)


def verify(settings: Settings, store: Store) -> None:
    """Make sure that this host has the installation's key; the first one that there is becomes it.

    Raises:
        ConfigError: It has none, or another one.
        StoreUnavailable, TransientError: It can't be told.
    """
    path = settings.state_dir / wire.LEDGER_KEY
    before = store.condition()
    if not path.exists() and (before.key_mark or before.has_facts):
        raise ConfigError(f"there is no {path}, and a new one would be another key: {REMEDY}")
    ours = wire.keyring(settings).mark
    if store.know_key(ours) != ours:
        raise ConfigError(f"{path} isn't the key that this installation works with: {REMEDY}")


def replace(settings: Settings, store: Store) -> None:
    """Let this host's key be the installation's from now on. Raises as :func:`verify`."""
    store.know_key(wire.keyring(settings).mark, is_new=True)
