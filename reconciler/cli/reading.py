"""Where people's verbs read from: the local database, else the status branch of this clone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from policy.model.execution import Uid
from reconciler import canonical, config, sources, wire
from reconciler.config import Settings
from reconciler.converge import publication, snapshots
from reconciler.converge.ledger import Entry
from reconciler.converge.newest import newest
from reconciler.errors import ConfigError, Missing, SourceUnavailable
from reconciler.manifest.spec import ExecutionSpec
from reconciler.manifest.suggest import did_you_mean
from reconciler.ports import Schema, Source, Store
from reconciler.stored import Stored
from reconciler.view import line
from reconciler.working_set import WorkingSet

MOST_BYTES = 64 * 1024**2

NO_PLACE = (
    "nothing to read from: run this in a clone of the configuration repository, or where "
    "zoe.toml is (or set ZOE_DATABASE_URL or ZOE_STATE_DIR)"
)

NO_CLONE = "nothing to read from: run this in a clone of the configuration repository"
_NO_DATABASE = (
    "only the database knows this: run this where zoe.toml is (or set ZOE_CONFIG, "
    "ZOE_DATABASE_URL or ZOE_STATE_DIR)"
)


class NoDatabaseYet(ConfigError):
    """Here is where Zoe is set up, but no pass was made."""

    def __init__(self) -> None:
        super().__init__("there is no database yet: the first zoe once, zoe run or zoe up makes it")


def nowhere(settings: Settings, otherwise: str = NO_PLACE) -> ConfigError:
    """Return that there is no place to read from: what would help depends on where one is."""
    return NoDatabaseYet() if settings.sources else ConfigError(otherwise)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """The facts of all runs of a name in their order, what was frozen, and where commits are.

    ``desired`` is the commit that is desired now; "" where that isn't known.
    """

    entries: tuple[Entry, ...]
    frozen: Mapping[tuple[Uid, int], ExecutionSpec]
    source: Source
    desired: str


def documents(directory: Path | None = None) -> list[Mapping[str, Any]]:
    """Return every execution's status document, newest run only, by namespace and name.

    A schedule comes before its newest run.

    Raises:
        StoreUnavailable, SourceUnavailable: The place can't be read.
        ConfigError: There is no place to read from.
    """
    settings = config.load()
    with database(settings) as store:
        if store is not None:
            return newest([row.status for row in store.load().executions])
    return newest(branch_documents(directory))


def branch_documents(
    directory: Path | None = None, *, otherwise: str = NO_PLACE
) -> list[Mapping[str, Any]]:
    """Return the status documents on the status branch of a clone.

    Raises:
        SourceUnavailable: This clone doesn't have the branch.
        ConfigError: This is no clone; ``otherwise`` says what would help.
    """
    settings = config.load()
    return list(_files(settings, _clone(settings, directory, otherwise), "status/"))


def branch_snapshot(directory: Path | None = None, *, otherwise: str = NO_PLACE) -> snapshots.Taken:
    """Return the snapshot on the status branch of a clone.

    Raises:
        SourceUnavailable: This clone doesn't have the branch.
        ConfigError: This is no clone; ``otherwise`` says what would help.
        Missing: There is no snapshot yet.
    """
    settings = config.load()
    return _branch_snapshot(settings, _clone(settings, directory, otherwise))


def branch_file(path: str, directory: Path | None = None) -> bytes | None:
    """Return a file of the status branch of a clone; None: there is none.

    Raises:
        SourceUnavailable: This clone doesn't have the branch.
        ConfigError: This is no clone.
    """
    settings = config.load()
    try:
        clone = wire.clone(directory or Path.cwd())
    except SourceUnavailable as error:
        raise ConfigError(NO_CLONE) from error
    blob = clone.tree(_tip(clone, settings.status_branch)).files.get(path)
    return None if blob is None else clone.read(blob, limit_bytes=MOST_BYTES)


def stored_snapshot(text: str | None) -> snapshots.Taken:
    """Return the snapshot that a database keeps as text.

    Raises:
        Missing: There is none yet, or this zoe can't read it.
    """
    return _taken(None if text is None else json.loads(text))


def branch(settings: Settings, clone: Source) -> tuple[snapshots.Taken, list[Any]]:
    """Return the snapshot on the status branch, and the parsed files of its ledger.

    Raises:
        SourceUnavailable: This clone doesn't have the branch.
        Missing: There is no snapshot yet.
    """
    taken = _branch_snapshot(settings, clone)
    return taken, list(_files(settings, clone, "ledger/"))


def _branch_snapshot(settings: Settings, clone: Source) -> snapshots.Taken:
    return _taken(next(iter(_files(settings, clone, publication.SNAPSHOT_PATH)), None))


def remembered(
    settings: Settings, namespace: str, name: str, *, directory: Path | None = None
) -> Remembered:
    """Return what is remembered of a name, by the database or by this clone.

    Raises:
        StoreUnavailable, SourceUnavailable: The place can't be read.
        ConfigError: There is no place to read from.
    """
    with database(settings) as store:
        stored = None if store is None else store.load()
    if stored is not None:
        return _by_database(settings, stored, namespace, name)
    clone = _clone(settings, directory)
    entries = [
        canonical.from_data(Entry, fact)
        for told in _files(settings, clone, "ledger/", holding=name.encode())
        if (told["namespace"], told["name"]) == (namespace, name)
        for fact in told["facts"]
    ]
    branch, desired = settings.platform_source.branch if settings.sources else "main", ""
    with suppress(SourceUnavailable):  # somebody's clone of another branch
        desired = _tip(clone, branch)
    return Remembered(
        entries=tuple(sorted(entries, key=lambda entry: entry.seq)),
        frozen={},
        source=clone,
        desired=desired,
    )


def _by_database(settings: Settings, stored: Stored, namespace: str, name: str) -> Remembered:
    known = WorkingSet(stored)
    uids = [u for u, i in known.identities.items() if (i.namespace, i.name) == (namespace, name)]
    entries = [entry for uid in uids for entry in known.entries.get(uid, ())]
    source = sources.platform(settings)
    return Remembered(
        entries=tuple(sorted(entries, key=lambda entry: entry.seq)),
        frozen={(f.uid, f.generation): f.spec for f in stored.frozen if f.uid in uids},
        source=source,
        desired=known.accepted.get(source.id, ""),
    )


def _files(
    settings: Settings, clone: Source, prefix: str, *, holding: bytes = b""
) -> Iterator[Any]:
    """Yield the parsed YAML files of the status branch under a prefix, by path.

    Those without the bytes that are looked for aren't parsed: that takes longer than reading.
    """
    import yaml

    # We wrote them, and some are large: the fast parser, where there is one.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    tree = clone.tree(_tip(clone, settings.status_branch))
    for path, blob in sorted(tree.files.items()):
        if path.startswith(prefix) and path.endswith(".yaml"):
            data = clone.read(blob, limit_bytes=MOST_BYTES)
            if holding in data:
                # JSON is YAML, and read many times faster as what it is.
                is_json = data.startswith(b"{")
                yield json.loads(data) if is_json else yaml.load(data, Loader=loader)  # noqa: S506, TID251 - a SafeLoader


def _taken(document: Mapping[str, Any] | None) -> snapshots.Taken:
    if document is None:
        raise Missing("no pass has looked at the cluster yet")
    try:
        return snapshots.read(document)
    except (TypeError, ValueError, KeyError) as error:
        raise Missing(f"the snapshot can't be read; is this zoe older than it? {error}") from error


@contextmanager
def database(settings: Settings) -> Iterator[Store | None]:
    """Lend the database if one is configured and there."""
    if not wire.has_database(settings):
        yield None
        return
    with wire.store(settings) as store:
        if store.condition().schema is Schema.NONE:
            raise NoDatabaseYet
        yield store


@contextmanager
def required_database(settings: Settings) -> Iterator[Store]:
    """Lend the database, for what only it knows.

    Raises:
        ConfigError: None is configured.
    """
    with database(settings) as store:
        if store is None:
            raise nowhere(settings, _NO_DATABASE)
        yield store


def found(namespace: str, name: str) -> Mapping[str, Any]:
    """Return one execution's status document.

    Raises:
        Missing: There is none; the message names a similar one.
    """
    named = {line.of_name(document): document for document in documents()}
    if (document := named.get(f"{namespace}/{name}")) is None:
        raise Missing(unknown("execution", f"{namespace}/{name}", named))
    return document


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Return that there is none of a name, with the one that may be meant."""
    return f"no {kind} {name}: {did_you_mean(name, known, otherwise='there are none yet')}"


def _clone(settings: Settings, directory: Path | None, otherwise: str = NO_PLACE) -> Source:
    try:
        return wire.clone(directory or Path.cwd())
    except SourceUnavailable as error:
        raise nowhere(settings, otherwise) from error


def _tip(clone: Source, branch: str) -> str:
    for ref in (f"refs/remotes/origin/{branch}", f"refs/heads/{branch}"):
        try:
            return clone.resolve(ref)
        except SourceUnavailable:
            continue
    told = f"this clone has no branch {branch}: git fetch origin, then again"
    raise SourceUnavailable(f"{told}; Zoe's first pass makes it")
