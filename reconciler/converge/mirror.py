"""The ledger's copy on the status branch: what it takes to go on when the database is gone.

Each run has a file with all of its facts and whose they are; the head says up to which fact the
branch has them all. Both carry an HMAC by the installation's key. Whoever can write to the branch
can still take files away or put older ones back, so the head has a digest for the files of each
folder. A file that isn't what it should be says nothing: what it is about may have run.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import yaml

from policy.model.execution import Allocation, Uid
from reconciler import canonical
from reconciler.converge import publication
from reconciler.converge.ledger import Entry
from reconciler.converge.world import HoldRequest

HEAD_PATH = "cluster/ledger.yaml"
FOLDER = "ledger"

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFile:
    """All facts of one run, and whose it is.

    ``type`` is the application's, "" where that isn't known. ``frozen`` is the digest of the spec
    in force, where no fact has it: an edit froze another one. ``groups`` are what was granted to an
    attempt that hasn't started, since not all of them need be in the Swarm yet.
    """

    uid: Uid
    namespace: str
    name: str
    run: int
    source_id: str
    type: str
    facts: tuple[Entry, ...]
    frozen: Mapping[str, str] = field(default_factory=dict)
    groups: tuple[Allocation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What the branch knows as a whole.

    ``last`` is the newest fact that was published; ``accepted`` the desired commit of each source
    by then, ``confirmed`` and ``holds`` what operators had asked for. ``folders`` are digests of
    the files that lie in each.
    """

    deployment: str
    last: Entry | None = None
    accepted: Mapping[str, str] = field(default_factory=dict)
    confirmed: tuple[str, ...] = ()
    holds: tuple[HoldRequest, ...] = ()
    folders: Mapping[str, str] = field(default_factory=dict)

    @property
    def seq(self) -> int:
        """The number of the newest fact; 0 before the first."""
        return self.last.seq if self.last is not None else 0


def run_file(run: RunFile, *, key: bytes) -> bytes:
    """Return the file of a run."""
    return _sealed("zoe.ledger/v1", run, key)


def head_file(head: Head, *, key: bytes) -> bytes:
    """Return the file of the head."""
    return _sealed("zoe.ledger-head/v1", head, key)


def read_run_file(data: bytes, *, path: str, key: bytes) -> RunFile | None:
    """Return what a file says; None where it isn't ours, or lies where another's belongs."""
    run = _opened("zoe.ledger/v1", RunFile, data, key)
    if run is None or publication.ledger_path(run.uid) != path or not run.facts:
        return None
    return run if all(fact.uid == run.uid for fact in run.facts) else None


def read_head_file(data: bytes, *, key: bytes) -> Head | None:
    """Return what the head says; None where it isn't ours."""
    return _opened("zoe.ledger-head/v1", Head, data, key)


def folders(newest: Iterable[tuple[Uid, int]]) -> dict[str, str]:
    """Return folder -> digest of its files, from each run and the number of its newest fact."""
    found: dict[str, list[str]] = defaultdict(list)
    for uid, seq in sorted(newest):
        found[uid[:2]].append(f"{uid} {seq}\n")
    return {
        folder: hashlib.sha256("".join(lines).encode()).hexdigest()[:16]
        for folder, lines in sorted(found.items())
    }


def uid_of(path: str) -> Uid:
    """Return the uid that a path is named for."""
    return Uid(path.rpartition("/")[2].removesuffix(".yaml"))


def _sealed(version: str, content: RunFile | Head, key: bytes) -> bytes:
    body = {"apiVersion": version, **canonical.to_data(content)}
    return publication.dump({**body, "hmac": _hmac(canonical.text(body), key)})


def _opened(version: str, kind: type[T], data: bytes, key: bytes) -> T | None:
    try:
        # We write no alias, and a few lines of them expand without bound.
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(data, loader)):
            return None
        body = yaml.load(data, Loader=loader)  # noqa: S506, TID251 - a SafeLoader
        if not isinstance(body, dict) or body.get("apiVersion") != version:
            return None
        claimed = str(body.pop("hmac", "")).encode()
        if not hmac.compare_digest(claimed, _hmac(canonical.dumps(body), key).encode()):
            return None
        return canonical.from_data(kind, body)
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return None  # whoever can write to the branch can write anything there


def _hmac(text: str, key: bytes) -> str:
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
