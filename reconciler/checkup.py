"""What keeps Zoe from working here: every part is looked at, and each finding has a remedy.

A part that fails doesn't spare the others: whoever sets Zoe up wants to know everything at once.
"""

from __future__ import annotations

import contextlib
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler import shared_key, sources, wire
from reconciler.config import DEFAULT_FILE, Settings, SourceSettings
from reconciler.errors import (
    ClusterUnavailable,
    ConfigError,
    ReconcilerError,
    SourceUnavailable,
    TransientError,
)
from reconciler.keyring import Keyring
from reconciler.outbound.outgoing import credential
from reconciler.ports import Clock, StoreCondition
from reconciler.recovery import continuity
from reconciler.reporting.alerts import DATABASE_BEHIND

if TYPE_CHECKING:
    from reconciler.manifest.diagnostic import Diagnostic
    from reconciler.manifest.platform import Platform

CLOCKS_APART_MOST = timedelta(seconds=2)
DISK_LOW_BYTES = 1024**3
DISK_FULL_BYTES = 100 * 1024**2


class Level(StrEnum):
    """How bad it is. A warning lets Zoe work."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at. ``remedy`` is empty where nothing is wrong."""

    part: str
    code: str
    message: str
    level: Level = Level.OK
    remedy: str = ""
    is_unreachable: bool = False


def _ok(part: str, code: str, message: str) -> Finding:
    return Finding(part=part, code=code, message=message)


def _warning(part: str, code: str, message: str, remedy: str) -> Finding:
    return Finding(part=part, code=code, message=message, level=Level.WARNING, remedy=remedy)


def _problem(part: str, code: str, message: str, remedy: str) -> Finding:
    return Finding(part=part, code=code, message=message, level=Level.PROBLEM, remedy=remedy)


def examine(settings: Settings, clock: Clock, *, settings_file: Path) -> Iterator[Finding]:
    """Yield a finding for everything there is to look at. Raises nothing of ours."""
    checks: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
        ("settings", lambda: _settings(settings, settings_file)),
        ("state", lambda: _state(settings)),
        ("source", lambda: _source(settings)),
        *((f"source {one.id}", partial(_tenant, settings, one)) for one in _tenants(settings)),
        ("status branch", lambda: _status_branch(settings)),
        ("database", lambda: _database(settings, clock)),
        ("cluster", lambda: _cluster(settings, clock)),
        ("database", lambda: _continuity(settings, clock)),
        ("forge", lambda: _forges(settings)),
        ("notifications", lambda: _notifications(settings)),
    )
    told: set[str] = set()
    for part, check in checks:
        try:
            yield from check()
        except (ReconcilerError, OSError) as error:
            # What several parts need is mended once.
            if str(error) not in told:
                yield failed(part, error)
            told.add(str(error))


def failed(part: str, error: Exception) -> Finding:
    """Return the finding for a part that couldn't be looked at; its error says what to do."""
    match error:
        case ConfigError():
            return _problem(part, "Misconfigured", str(error), "change that in the settings")
        case TransientError():
            again = "mend that, then run zoe doctor again"
            return replace(_problem(part, "Unreachable", str(error), again), is_unreachable=True)
        case OSError():
            remedy = "run as the user that zoe run runs as"
            return _problem(part, "NotPermitted", str(error), remedy)
        case _:
            again = "mend that, then run zoe doctor again"
            return _problem(part, "NotUsable", str(error), again)


def _settings(settings: Settings, file: Path) -> Iterator[Finding]:
    if file.exists():
        yield _ok("settings", "SettingsRead", f"{file} is fine")
    else:
        message = f"there is no {file}: only ZOE_ variables and defaults count"
        remedy = f"write {DEFAULT_FILE} as zoe init shows it, or set ZOE_CONFIG"
        yield _warning("settings", "NoSettingsFile", message, remedy)
    if settings.mode == "observe":
        message = "mode is observe: nothing will be started or stopped"
        remedy = 'set mode = "converge" when you trust what zoe plan shows'
        yield _warning("settings", "ObserveOnly", message, remedy)


def _state(settings: Settings) -> Iterator[Finding]:
    folder = settings.state_dir
    if folder.exists() and _is_open_to_others(folder):
        message = f"other users of this machine can look into {folder}"
        yield _warning("state", "StateReadable", message, f"chmod 700 {folder}")
    # A folder that isn't there yet is made where the nearest one above it is.
    above = next(path for path in (folder, *folder.parents) if path.exists())
    yield disk(folder, shutil.disk_usage(above).free)


def _is_open_to_others(path: Path) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def disk(folder: Path, free_bytes: int) -> Finding:
    """Return the finding for the room that is left for the state."""
    message = f"{free_bytes // 1024**2} MiB are free for {folder}"
    remedy = "make room there, or set state_dir to a larger disk"
    if free_bytes < DISK_FULL_BYTES:
        return _problem("state", "DiskFull", message, remedy)
    if free_bytes < DISK_LOW_BYTES:
        return _warning("state", "DiskLow", message, remedy)
    return _ok("state", "DiskFree", message)


def ledger_key(path: Path, *, is_needed: bool, mark: str = "") -> Finding:
    """Return the finding for the key that signs the mirrored ledger, known to us by its mark."""
    backup = shared_key.REMEDY
    if not path.exists() and is_needed:
        message = f"there is no {path} any more, but facts were signed with it"
        return _problem("state", "LedgerKeyMissing", message, backup)
    if not path.exists():
        return _ok("state", "LedgerKeyNotYet", f"{path} is made when it is first needed")
    if path.stat().st_size < wire.LEDGER_KEY_BYTES:
        return _problem("state", "LedgerKeyDamaged", f"{path} is too short", backup)
    if mark and Keyring(path.read_bytes()).mark != mark:
        message = f"{path} isn't the key that this installation works with"
        return _problem("state", "LedgerKeyOther", message, shared_key.REMEDY)
    if _is_open_to_others(path):
        message = f"other users of this machine may read {path}"
        return _problem("state", "LedgerKeyReadable", message, f"chmod 600 {path}")
    return _ok("state", "LedgerKeyThere", f"{path} is there, and ours alone")


def _source(settings: Settings) -> Iterator[Finding]:
    source = sources.platform(settings)
    wire.make_state_dir(settings)  # a mirror would make it for everybody to read
    tip = source.fetch()
    branch = settings.platform_source.branch
    yield _ok("source", "SourceFetched", f"{source.id}: {branch} is at {tip[:12]}")
    reader = wire.reader(settings, source)
    wanted = reader.read(tip, good={})
    yield _platform(reader.diagnostics)
    if wanted.platform.trust.is_required:
        yield signatures(can_verify=wire.can_verify())
    if wanted.platform.secret_recipients:
        yield secret_key(settings, wanted.platform)
    files = sorted({item.file for item in reader.diagnostics if item.is_error})
    told = f"{len(wanted.manifests)} executions are valid"
    if files:
        message = f"{told}, {len(files)} files have errors, the first is {files[0]}"
        remedy = "run zoe validate in a clone: it shows every error and its remedy"
        yield _warning("source", "ManifestsInvalid", message, remedy)
    else:
        yield _ok("source", "ManifestsValid", told)


def _tenants(settings: Settings) -> list[SourceSettings]:
    return [source for source in settings.sources if source.role == "tenant"]


def _tenant(settings: Settings, declared: SourceSettings) -> Iterator[Finding]:
    """Look whether a tenant's repository answers; what is in it is its owners' to look at."""
    tip = sources.tenant_tip(settings, declared)
    part = f"source {declared.id}"
    yield _ok(part, "SourceFetched", f"{declared.id}: {declared.branch} is at {tip[:12]}")


def _platform(diagnostics: tuple[Diagnostic, ...]) -> Finding:
    mine = [item for item in diagnostics if item.file == "platform.yaml"]
    if not mine:
        return _ok("source", "PlatformValid", "platform.yaml is valid")
    first = min(mine, key=lambda item: (not item.is_error, item))
    message = f"{first.file}:{first.line}: {first.message}" if first.line else first.message
    if first.is_error:
        return _problem("source", "PlatformInvalid", message, first.remedy)
    return _warning("source", first.code, message, first.remedy)


def secret_key(settings: Settings, platform: Platform) -> Finding:
    """Return the finding for the keys that people encrypt secrets to."""
    from reconciler.secrets import identities

    path, part = settings.state_dir / identities.FILE, "source"
    held = {key.recipient for key in identities.read(path)} if path.exists() else set()
    remedy = "write what zoe secret key prints under spec.secrets of platform.yaml"
    if not set(platform.secret_recipients) <= held:
        message = "platform.yaml has people encrypt secrets to a key that isn't in " + str(path)
        return _problem(part, "SecretKeyMissing", message, remedy)
    if platform.secret_deployment != settings.deployment:
        message = f"people encrypt secrets for {platform.secret_deployment}, not for us"
        return _problem(part, "SecretsForAnother", message, remedy)
    if _is_open_to_others(path):
        message = f"other users of this machine may read {path}"
        return _problem(part, "SecretKeyReadable", message, f"chmod 600 {path}")
    return _ok(part, "SecretsOpen", "what people encrypt can be decrypted here")


def signatures(*, can_verify: bool) -> Finding:
    """Return the finding for checking signatures, where platform.yaml requires them."""
    if can_verify:
        return _ok("source", "SignaturesChecked", "commits must be signed, and can be checked")
    message = "platform.yaml requires signed commits, and ssh-keygen isn't installed"
    remedy = "install openssh-client: until then no new commit is followed"
    return _problem("source", "SshKeygenMissing", message, remedy)


def _status_branch(settings: Settings) -> Iterator[Finding]:
    branch = settings.status_branch
    there = "is there" if wire.status_sink(settings).exists() else "is made by the first push"
    message = f"{branch} {there}; the server lets us push"
    yield _ok("status branch", "StatusBranchWritable", message)


def _database(settings: Settings, clock: Clock) -> Iterator[Finding]:
    if not wire.has_database(settings):
        message = "there is no database yet: the first zoe once or zoe run makes it"
        yield _ok("database", "DatabaseMissing", message)
        return
    with wire.store(settings) as store:
        before = clock.now()
        found = store.condition()
        after = clock.now()
    yield schema(found, settings.deployment)
    yield clocks(found.now - (before + (after - before) / 2))
    is_needed = found.has_facts or bool(found.key_mark)
    key = settings.state_dir / wire.LEDGER_KEY
    yield ledger_key(key, is_needed=is_needed, mark=found.key_mark)


def schema(found: StoreCondition, deployment: str) -> Finding:
    """Return the finding for whose tables are there, and of which version."""
    if found.schema == "newer":
        message = "a newer version of zoe made the database"
        return _problem("database", "DatabaseNewer", message, "install that version again")
    if found.deployment not in ("", deployment):
        message = f"the database belongs to the deployment {found.deployment}, not {deployment}"
        remedy = "set another database_url, or the deployment's name as it was"
        return _problem("database", "DatabaseForeign", message, remedy)
    told = {
        "none": "it is empty: the first zoe once or zoe run sets it up",
        "older": "it is of an older version: the next zoe once or zoe run upgrades it",
    }
    return _ok("database", "DatabaseReady", told.get(found.schema, "it answers and is up to date"))


def _continuity(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Look whether the database knows all that was done; parts that are away tell themselves."""
    with contextlib.suppress(SourceUnavailable, ClusterUnavailable):
        yield continued(continuity.look(settings, clock))


def continued(breach: str) -> Finding:
    """Return the finding for what there is that the database doesn't know."""
    if breach:
        remedy = "docs/recovery.md says which; zoe run changes nothing until it is done"
        return _problem("database", DATABASE_BEHIND, breach, remedy)
    message = "it has all that the status branch and the Swarm tell of"
    return _ok("database", "DatabaseComplete", message)


def clocks(apart: timedelta) -> Finding:
    """Return the finding for how far the database's clock is from ours."""
    apart_ms = abs(apart) // timedelta(milliseconds=1)
    message = f"this machine's clock and the database's are {apart_ms} ms apart"
    if abs(apart) <= CLOCKS_APART_MOST:
        return _ok("database", "ClocksAgree", message)
    remedy = "let both machines follow the same time server"
    return _warning("database", "ClocksDiffer", message, remedy)


def _forges(settings: Settings) -> Iterator[Finding]:
    for target, forge in wire.forges(settings).items():
        forge.look()
        source = target.partition(":")[2]
        yield _ok("forge", "ForgeAnswers", f"the forge of {source} knows the repository")


def _notifications(settings: Settings) -> Iterator[Finding]:
    """Look at what the settings name; no message is sent to try it out."""
    files = {
        f"{key} of [notify.{name}]": path
        for name, target in settings.notify.items()
        for key, path in (("secret_file", target.secret_file), ("url_file", target.url_file))
        if path is not None
    }
    if settings.smtp is not None and settings.smtp.password_file is not None:
        files["password_file of [smtp]"] = settings.smtp.password_file
    for setting, path in files.items():
        credential(path, setting)
        yield _ok("notifications", "CredentialThere", f"{setting} can be read")


# What must be mended before anything can run; the rest of the engine's findings are warnings.
_NEEDED = frozenset({"EngineUnreachable", "EngineVersion", "SwarmManager"})


def _cluster(settings: Settings, clock: Clock) -> Iterator[Finding]:
    if settings.cluster == "simulated":
        message = "the cluster is simulated: nothing really runs"
        yield _warning("cluster", "Simulated", message, 'set cluster = "swarm" where there is one')
        return
    with wire.swarm(settings, clock) as swarm:
        findings = swarm.probe()
    for item in findings:
        bad = Level.PROBLEM if item.code in _NEEDED else Level.WARNING
        yield Finding(
            part="cluster",
            code=item.code,
            message=item.message,
            level=Level.OK if item.is_ok else bad,
            remedy=item.remedy,
            is_unreachable=item.code == "EngineUnreachable",
        )
