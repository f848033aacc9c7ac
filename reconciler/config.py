"""Settings of this machine: zoe.toml, overridden by ZOE_ variables. Read once, handed down.

What touches the host lives here and not in the repository: URLs, credentials, paths,
capability lists, port ranges.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

DEFAULT_FILE = "zoe.toml"
BASELINE_CAPABILITIES = (
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "KILL",
    "NET_BIND_SERVICE",
    "SETGID",
    "SETUID",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """A repository that manifests come from. ``*_file`` name files that hold a credential."""

    id: str
    url: str
    branch: str = "main"
    role: Literal["platform", "tenant"] = "platform"
    username: str = "git"
    token_file: Path | None = None
    ssh_key_file: Path | None = None
    known_hosts_file: Path | None = None
    timeout_s: int = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageSettings:
    """A storage that Platform may name.

    With ``path`` every node mounts that folder of its own (``shared`` = it is the same one
    everywhere, such as NFS); without, a Docker volume on the node of first use.
    """

    name: str
    path: str = ""
    shared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a process needs to know before it starts."""

    deployment: str = "zoe"
    sources: tuple[SourceSettings, ...] = ()
    state_dir: Path = Path(".zoe-state")
    database_url: str = ""
    docker_host: str = ""
    mode: Literal["converge", "observe"] = "converge"
    interval_s: int = 30
    jitter_s: int = 3
    status_branch: str = "zoe/status"
    lease_ttl_s: int = 30
    cluster: Literal["swarm", "simulated"] = "swarm"
    init_image: str = "busybox"
    concurrency: int = 4
    storage: Mapping[str, StorageSettings] = field(
        default_factory=lambda: MappingProxyType({"workspace": StorageSettings(name="workspace")})
    )
    security_profiles: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: MappingProxyType(
            {"restricted": (), "baseline": BASELINE_CAPABILITIES}
        )
    )

    @property
    def database(self) -> str:
        """Return the database URL; without a setting, SQLite in the state directory."""
        return self.database_url or f"sqlite:///{self.state_dir / 'zoe.db'}"

    @property
    def platform_source(self) -> SourceSettings:
        """Return the one source that Platform, Namespaces and sets are read from."""
        return next(source for source in self.sources if source.role == "platform")
