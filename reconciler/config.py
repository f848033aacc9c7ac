"""Settings of this machine: zoe.toml, overridden by ZOE_ variables. Read once, handed down.

What touches the host lives here and not in the repository: URLs, credentials, paths,
capability lists, port ranges.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import permutations
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from reconciler.errors import ConfigError
from reconciler.known_forges import ForgeName
from reconciler.manifest.limits import DEFAULT_LIMITS, Limits
from reconciler.outbound.outgoing import ForgeSettings, NotifySettings, SmtpSettings
from reconciler.settings_table import beside, checked, table_of

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
class WebhookSettings:
    """How a forge tells us that a source changed; what is received there: ``webhook/endpoints``."""

    provider: Literal[ForgeName, "generic"]
    secret_file: Path | None = None
    path: str = ""


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
    webhook: WebhookSettings | None = None
    forge: ForgeSettings | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageSettings:
    """A storage that Platform may name.

    With ``path`` every node mounts that folder of its own (``shared`` = it is the same one
    everywhere, such as NFS); without, a Docker volume on the node of first use. What is
    ``read_only`` isn't prepared by us, and may be mounted whole: not ``per_namespace``.
    ``namespaces`` may mount it (empty = any).
    """

    name: str
    path: str = ""
    shared: bool = False
    read_only: bool = False
    per_namespace: bool = True
    namespaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """Pages and API. ``hosts`` are names that they may be asked under (``webhook/guarded``)."""

    hosts: tuple[str, ...] = ()
    streams: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """Namespaces' gateways: their image, the ports that they may take, the name people use."""

    image: str = "zoe/gateway:1"
    ports: str = "31000-31999"
    host: str = ""

    @property
    def port_range(self) -> tuple[int, int] | None:
        """The first and the last port; None where ``ports`` isn't a range of at least two."""
        if (found := _PORTS.fullmatch(self.ports)) is None:
            return None
        first, last = int(found[1]), int(found[2])
        return (first, last) if 1024 <= first < last <= 65535 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """The agents that tell what containers consume: the port that each node has one at."""

    port: int = 30999


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
    publish_interval_s: int = 15
    lease_ttl_s: int = 30
    cluster: Literal["swarm", "simulated"] = "swarm"
    init_image: str = "busybox"
    encrypt_networks: bool = False
    concurrency: int = 4
    page_url: str = ""
    review_timeout_s: int = 60
    review_memory_mib: int = 1024
    web: WebSettings = WebSettings()
    gateway: GatewaySettings | None = None
    agent: AgentSettings | None = None
    limits: Limits = DEFAULT_LIMITS
    smtp: SmtpSettings | None = None
    notify: Mapping[str, NotifySettings] = field(default_factory=lambda: MappingProxyType({}))
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
        found = [source for source in self.sources if source.role == "platform"]
        if len(found) != 1:
            remedy = (
                'give the others role = "tenant"'
                if found
                else "name the configuration repository in zoe.toml, or set ZOE_REPO_URL"
            )
            told = f'exactly one [[source]] must have role = "platform", not {len(found)}'
            raise ConfigError(f"{told}: {remedy}")
        return found[0]


def load(environ: Mapping[str, str] | None = None, *, directory: Path | None = None) -> Settings:
    """Read zoe.toml (or ZOE_CONFIG) and lay the ZOE_ variables over it.

    A missing zoe.toml is fine; a missing ZOE_CONFIG isn't. Relative paths are relative to the
    file. Unknown keys are refused with a suggestion: a misspelt setting must not be ignored.

    Raises:
        ConfigError: All that is wrong, one line each.
    """
    environ = os.environ if environ is None else environ
    directory = Path.cwd() if directory is None else directory
    named = environ.get("ZOE_CONFIG")
    path = Path(named) if named else directory / DEFAULT_FILE
    data: dict[str, Any] = {}
    if named or path.exists():
        data = _read(path)
    settings = _overridden(_settings(data, path.parent.absolute()), environ)
    _check_branches(settings)
    return settings


def parse(content: bytes) -> Settings:
    """Read a zoe.toml that lies in no folder: paths in it lead nowhere.

    Raises:
        ConfigError: All that is wrong, one line each.
    """
    import tomllib

    try:
        data = tomllib.loads(content.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{DEFAULT_FILE}: {error}") from error
    return _settings(data, Path())


_NAME = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?")
_NO_BRANCH = re.compile(r"[\s\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^/|/$|\.$|(^|/)\.|\.lock(/|$)|^$")
"""What git-check-ref-format(1) refuses."""

_PORTS = re.compile(r"([0-9]{1,5})-([0-9]{1,5})")
_PROFILES = '[security_profiles] with NAME = ["CAPABILITY"]'


def _read(path: Path) -> dict[str, Any]:
    import tomllib  # here: most clones hold no such file

    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} isn't UTF-8: write it anew as text") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}") from error


def _settings(data: dict[str, Any], base: Path) -> Settings:
    data = dict(data)
    problems: list[str] = []
    sources = tuple(_sources(data.pop("source", []), base, problems))
    storage = {
        name: StorageSettings(
            name=name, **checked(StorageSettings, table, base, f"[storage.{name}]", problems)
        )
        for name, table in _tables(data, "storage", dict, "[storage.NAME]", problems)
    }
    problems += [fault for one in storage.values() for fault in _storage_faults(one)]
    problems += _shared_volumes({"workspace": StorageSettings(name="workspace"), **storage})
    notify = {
        name: NotifySettings(
            name=name, **checked(NotifySettings, table, base, f"[notify.{name}]", problems)
        )
        for name, table in _tables(data, "notify", dict, "[notify.NAME]", problems)
    }
    smtp = table_of(SmtpSettings, data.pop("smtp", None), base, "smtp", "[smtp]", problems)
    web = table_of(WebSettings, data.pop("web", None), base, "web", "[web]", problems)
    gateway = table_of(
        GatewaySettings, data.pop("gateway", None), base, "gateway", "[gateway]", problems
    )
    if gateway is not None and gateway.port_range is None:
        problems.append('gateway: ports must be a range within 1024-65535, such as "31000-31999"')
    agent = table_of(AgentSettings, data.pop("agent", None), base, "agent", "[agent]", problems)
    limits = table_of(Limits, data.pop("limits", None), base, "limits", "[limits]", problems)
    profiles = dict(_profiles(data, problems))
    values = checked(Settings, data, base, "", problems)
    problems += _branch_faults(values, "status_branch", "")
    page_url = values.get("page_url") or "https://"
    if not page_url.startswith(("https://", "http://")):
        problems.append("page_url must be an address such as https://zoe.example.org")
    if not _NAME.fullmatch(values.get("deployment", "zoe")):
        problems.append("deployment: small letters, digits and dashes, at most 40, a letter first")
    if problems:
        raise ConfigError("zoe.toml: " + "; ".join(problems))
    settings = Settings(
        **{**values, "sources": sources, "smtp": smtp, "notify": notify},
        web=web or WebSettings(),
        gateway=gateway,
        agent=agent,
        limits=limits or DEFAULT_LIMITS,
    )
    return replace(
        settings,
        state_dir=base / settings.state_dir,
        storage=MappingProxyType(dict(settings.storage) | storage),
        security_profiles=MappingProxyType(dict(settings.security_profiles) | profiles),
    )


def _profiles(data: dict[str, Any], problems: list[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name, capabilities in _tables(data, "security_profiles", list, _PROFILES, problems):
        if all(isinstance(capability, str) for capability in capabilities):
            yield name, tuple(one.upper().removeprefix("CAP_") for one in capabilities)
        else:
            problems.append(f"security_profiles must be written as {_PROFILES}")


def _branch_faults(values: Mapping[str, Any], key: str, where: str) -> Iterator[str]:
    """Yield that Git takes no branch of the name that a setting has."""
    if _NO_BRANCH.search(values.get(key, "main")):
        yield f"{where}{key} can't be a branch's name: {values[key]!r}"


def _storage_faults(storage: StorageSettings) -> Iterator[str]:
    """Yield what would let namespaces write into one another's, or mount nothing that is there."""
    where = f"[storage.{storage.name}]"
    if storage.path and not storage.path.startswith("/"):
        yield f"{where}: path must begin with /: it is a folder of every node, not beside this file"
    if not storage.per_namespace and not (storage.read_only and storage.path):
        yield f"{where}: per_namespace = false needs read_only = true and a path"
    elif storage.read_only and not storage.path:
        yield f"{where}: read_only needs a path: nobody could ever have written to it"


def _shared_volumes(storages: Mapping[str, StorageSettings]) -> Iterator[str]:
    """Yield names of storages of which two namespaces could have one volume."""
    on_nodes = [name for name, storage in storages.items() if not storage.path]
    for name, other in permutations(on_nodes, 2):
        if name.endswith(f"-{other}"):
            begin = name.removesuffix(f"-{other}")
            yield (
                f"[storage.{name}]: give it a path, or a name that doesn't end with -{other}: in a "
                f"namespace x it would be the volume that namespace x-{begin} has of {other}"
            )


def _tables(
    data: dict[str, Any], key: str, kind: type, shape: str, problems: list[str]
) -> Sequence[tuple[str, Any]]:
    """Take a table out of the data; note a problem unless each of its values is a ``kind``."""
    table = data.pop(key, {})
    if isinstance(table, dict) and all(isinstance(value, kind) for value in table.values()):
        return list(table.items())
    problems.append(f"{key} must be written as {shape}")
    return []


def _sources(value: object, base: Path, problems: list[str]) -> Iterator[SourceSettings]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        problems.append("source must be written as [[source]]")
        return
    seen: dict[str, str] = {}
    for number, table in enumerate(value, start=1):
        where = f"[[source]] {number}"
        given = dict(table)
        webhook = table_of(
            WebhookSettings,
            given.pop("webhook", None),
            base,
            f"{where}: webhook",
            "[source.webhook]",
            problems,
        )
        forge = table_of(
            ForgeSettings,
            given.pop("forge", None),
            base,
            f"{where}: forge",
            "[source.forge]",
            problems,
        )
        values = checked(SourceSettings, given, base, where, problems)
        problems += _check_id(values, seen, where)
        problems += _branch_faults(values, "branch", f"{where}: ")
        if values.get("id") and values.get("url"):
            values["url"] = _located(values["url"], base)
            yield SourceSettings(**values, webhook=webhook, forge=forge)
        else:
            problems.append(f"{where}: needs id and url")


def _located(url: str, base: Path) -> str:
    """Return where a repository is: a path is relative to the file, ``HOST:PATH`` is none."""
    is_elsewhere = "://" in url or (":" in url.partition("/")[0] and not url.startswith("."))
    return url if is_elsewhere else str(beside(base, url))


def _check_id(values: Mapping[str, Any], seen: dict[str, str], where: str) -> Iterator[str]:
    """Yield what is wrong with a tenant's id: it is part of names, and nobody else's."""
    id_, role = values.get("id", ""), values.get("role", "platform")
    if id_ in seen and "tenant" in (role, seen[id_]):
        yield f"{where}: there is a source {id_} already: each needs its own id"
    if id_ and role == "tenant" and not _NAME.fullmatch(id_):
        yield f"{where}: id takes small letters, digits and dashes, at most 40, a letter first"
    seen[id_] = role


def _check_branches(settings: Settings) -> None:
    """Make sure that the status isn't written into what people write, and can be beside it."""
    status = settings.status_branch
    reported = {source.url for source in settings.sources if source.role == "platform"}
    for source in settings.sources:
        branch = source.branch.removeprefix("refs/heads/")
        if source.url not in reported:
            continue
        if branch == status:
            why = "the branch that is followed"
        elif branch.startswith(f"{status}/") or status.startswith(f"{branch}/"):
            why = f"which Git can't have beside {branch}, the branch that is followed"
        else:
            continue
        raise ConfigError(
            f"status_branch is {status}, {why}: take one that nobody else writes to, such as "
            "zoe/status"
        )


def _overridden(settings: Settings, environ: Mapping[str, str]) -> Settings:
    if url := environ.get("ZOE_REPO_URL"):
        first = SourceSettings(id="platform", url=url)
        if any(source.role == "platform" for source in settings.sources):
            first = replace(settings.platform_source, url=url)
        others = tuple(s for s in settings.sources if s.role != "platform")
        settings = replace(settings, sources=(first, *others))
    if (branch := environ.get("ZOE_BRANCH")) and settings.sources:
        platform = replace(settings.platform_source, branch=branch)
        others = tuple(s for s in settings.sources if s.role != "platform")
        settings = replace(settings, sources=(platform, *others))
    return replace(
        settings,
        database_url=environ.get("ZOE_DATABASE_URL") or settings.database_url,
        state_dir=Path(environ.get("ZOE_STATE_DIR") or settings.state_dir).absolute(),
        docker_host=environ.get("DOCKER_HOST") or settings.docker_host,
    )
