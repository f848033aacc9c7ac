"""Configuration repositories in memory: what a loader is given, commit after commit."""

from __future__ import annotations

import hashlib
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from reconciler.manifest.catalogue import Catalogue, Loader
from reconciler.manifest.handling import AS_SHIPPED, Handling
from reconciler.manifest.limits import DEFAULT_LIMITS, Limits

EXAMPLE = Path(__file__).parent.parent / "examples" / "repository"

HEAD = "apiVersion: zoe/v1\nkind: {kind}\nmetadata: {{name: {name}}}\n"


def document(kind: str, name: str, spec: str = "") -> str:
    """Return a document; ``spec`` is the YAML under ``spec:``."""
    text = HEAD.format(kind=kind, name=name)
    return text + ("spec:\n" + textwrap.indent(textwrap.dedent(spec).strip(), "  ") + "\n")


@dataclass(frozen=True)
class Commit:
    id: str
    author: str
    committed_at: datetime


@dataclass
class Repository:
    """Files by path, with a loader that has seen all commits so far.

    ``compares``: each load is held against one by a loader that has seen none.
    """

    limits: Limits = DEFAULT_LIMITS
    handling: Handling = AS_SHIPPED
    files: dict[str, bytes] = field(default_factory=dict)
    refused: list[tuple[str, str]] = field(default_factory=list)
    good: dict[str, tuple[str, str]] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    reads: list[str] = field(default_factory=list)
    compares: bool = True
    loader: Loader = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    @classmethod
    def example(cls) -> Repository:
        """Return the example repository."""
        files = {
            path.relative_to(EXAMPLE).as_posix(): path.read_bytes()
            for path in EXAMPLE.rglob("*")
            if path.is_file()
        }
        return cls(files=files)

    @classmethod
    def small(cls) -> Repository:
        """Return one with a platform and the namespace ``lab``."""
        repository = cls()
        repository.put("platform.yaml", document("Platform", "platform", "policy: fifo"))
        repository.put("namespaces/lab.yaml", document("Namespace", "lab", "secrets: [token]"))
        return repository

    def put(self, path: str, text: str | bytes) -> None:
        self.files[path] = text.encode() if isinstance(text, str) else text

    def execution(self, name: str, spec: str, *, namespace: str = "lab") -> str:
        """Put an execution and return its path."""
        path = f"executions/{namespace}/{name}.yaml"
        self.put(path, document("Execution", name, spec))
        return path

    def restart(self) -> None:
        """Forget everything but what ``good`` tells, as a new process does."""
        self.loader = self._new_loader()

    def _new_loader(self) -> Loader:
        return Loader(
            deployment="test",
            source_id="main",
            security_profiles=("restricted", "baseline"),
            storages={"workspace": (), "datasets": (), "archive": ("bio",)},
            limits=self.limits,
            handling=self.handling,
        )

    def load(self) -> Catalogue:
        """Commit and load; what is taken over from the load before may change nothing."""
        number = len(self.commits) + 1
        commit = Commit(
            f"{number:040x}", "ada", datetime(2026, 1, 1, tzinfo=UTC) + timedelta(number)
        )
        self.commits[commit.id] = commit
        tree = {path: hashlib.sha1(data).hexdigest() for path, data in self.files.items()}
        self.blobs |= {tree[path]: data for path, data in self.files.items()}
        self.reads.clear()
        catalogue = self._loaded(self.loader, tree, commit, self._read)
        if self.compares:
            afresh = self._loaded(self._new_loader(), tree, commit, self.blobs.__getitem__)
            assert catalogue == afresh, "what was taken over from the load before changed it"
        self.good = dict(catalogue.good)
        return catalogue

    def _loaded(
        self,
        loader: Loader,
        tree: Mapping[str, str],
        commit: Commit,
        read: Callable[[str], bytes],
    ) -> Catalogue:
        return loader.load(
            tree,
            read,
            commit=commit,
            commit_of=self.commits.__getitem__,
            good=self.good,
            refused=self.refused,
        )

    def _read(self, blob: str) -> bytes:
        self.reads.append(blob)
        return self.blobs[blob]


BATCH = """
type: batch
services:
  main: {image: busybox, command: [echo, hi]}
"""
