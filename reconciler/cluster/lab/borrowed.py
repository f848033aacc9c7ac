"""How this machine reaches its package archives, lent to a build and kept out of its result.

Whatever configures apt, pip, name resolution, proxies and certificates here is laid under the
build as an overlay layer of its own; folders that it points at are mounted in place. Nothing of
it is named: a machine with a mirror, a proxy or a folder of wheels lends just that.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

_CONFIGURATION = (
    "etc/resolv.conf",
    "etc/hosts",
    "etc/pip.conf",
    "etc/apt/sources.list",
    "etc/apt/sources.list.d",
    "etc/apt/apt.conf",
    "etc/apt/apt.conf.d",
    "etc/apt/auth.conf",
    "etc/apt/auth.conf.d",
    "etc/apt/preferences",
    "etc/apt/preferences.d",
    "etc/apt/keyrings",
    "etc/apt/trusted.gpg",
    "etc/apt/trusted.gpg.d",
    "usr/share/keyrings",
    "etc/ssl/certs/ca-certificates.crt",
)
_VARIABLES = re.compile(
    r"PIP_\w+|SSL_CERT_FILE|(CURL|REQUESTS)_CA_BUNDLE|(https?|ftp|all|no)_proxy", re.IGNORECASE
)
_PATH = re.compile(r"(?:file:(?://)?|copy:|(?<![\w:/.-]))(/[^\s/'\",;][^\s'\",;]*)")
_OF_THE_SYSTEM = ("/bin", "/boot", "/dev", "/etc", "/lib", "/proc", "/run", "/sys", "/usr", "/var")

# A build's own settings: quick, quiet, starts nothing, unpacks no manuals.
_DPKG = """force-unsafe-io
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/man/*
path-exclude=/usr/share/info/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/lintian/*
"""
_NO_SERVICES = "#!/bin/sh\nexit 101\n"


def variables() -> dict[str, str]:
    """Return the environment that package managers of this machine are configured by."""
    return {name: value for name, value in os.environ.items() if _VARIABLES.fullmatch(name)}


def lay(layer: Path, root: Path = Path("/")) -> tuple[Path, ...]:
    """Fill an empty folder with the borrowed files; return the folders to mount in place.

    For each of them the layer has a mount point.
    """
    environment = variables()
    for name in _CONFIGURATION:
        _copy(root / name, layer / name)
    for number, file in enumerate(_pip_files(environment)):
        # pip in the build finds one of its user's two files, whichever it was here.
        _copy(file, layer / ("root/.pip", "root/.config/pip")[min(number, 1)] / "pip.conf")
    for value in environment.values():
        if value.startswith("/") and Path(value).is_file():
            _copy(Path(value), layer / value.lstrip("/"))
    _write(layer / "etc/dpkg/dpkg.cfg.d/zoe-lab", _DPKG, 0o644)
    _write(layer / "usr/sbin/policy-rc.d", _NO_SERVICES, 0o755)
    folders = tuple(sorted(set(_folders(_texts(layer, environment)))))
    for folder in folders:
        (layer / str(folder).lstrip("/")).mkdir(parents=True, exist_ok=True)
    return folders


def _pip_files(environment: Mapping[str, str]) -> list[Path]:
    home = Path.home()
    candidates = [
        Path(sys.prefix) / "pip.conf",
        home / ".pip" / "pip.conf",
        home / ".config" / "pip" / "pip.conf",
    ]
    if chosen := environment.get("PIP_CONFIG_FILE"):
        candidates.insert(0, Path(chosen))
    return [file for file in candidates if file.is_file()][:2]


def _texts(layer: Path, environment: Mapping[str, str]) -> Iterator[str]:
    yield from environment.values()
    for pattern in ("etc/pip.conf", "root/.pip/*", "root/.config/pip/*", "etc/apt/**/*"):
        for file in layer.glob(pattern):
            if file.is_file():
                yield file.read_text("utf-8", "replace")


def _folders(texts: Iterator[str]) -> Iterator[Path]:
    """Yield the local folders that settings point at, as far as a build has none of that name."""
    for text in texts:
        for match in _PATH.finditer(text):
            folder = _whole(Path(match.group(1)).resolve())
            is_system = any(folder.is_relative_to(top) for top in _OF_THE_SYSTEM)
            # Never the root: it would cover the build, which would then change this machine.
            if folder != Path(folder.anchor) and not is_system and folder.is_dir():
                yield folder


def _whole(folder: Path) -> Path:
    """Return the folder that an index lies in: its pages link to files beside it."""
    has_room = folder.name == "simple" and folder.parent != Path("/")
    return folder.parent if has_room else folder


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    elif source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def _write(file: Path, text: str, mode: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(mode)
