"""An image recipe: a small declarative file, read into a value. Reads files, changes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from reconciler import canonical
from reconciler.errors import ConfigError

FILE_NAME = "recipe.yaml"
_BUILT_IN = Path(__file__).with_name("recipes")
_EXAMPLES = (
    Path(__file__).parents[2] / "_examples",  # in an installed package
    Path(__file__).parents[3] / "examples",  # in a checkout
)
_PACKAGE = re.compile(r"[A-Za-z0-9][\w.+,<>=!~\[\]-]*")  # words of a shell line in the end
_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


class Base(StrEnum):
    """What an image begins with."""

    BUSYBOX = "busybox"
    DEBIAN = "debian"
    PYTHON = "python"


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file laid into the image."""

    source: Path
    target: str
    mode: int = 0o644


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """The account that the image runs as; made with its home, in an existing group id."""

    name: str
    uid: int
    gid: int
    home: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What to build.

    ``pip`` requirements go into the virtual environment at /opt/venv. ``links`` are symbolic:
    name -> what it leads to.
    """

    name: str
    tags: tuple[str, ...]
    base: Base
    apt: tuple[str, ...] = ()
    pip: tuple[str, ...] = ()
    files: tuple[File, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    user: User | None = None
    working_dir: str = "/"
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()

    @property
    def digest(self) -> str:
        """Digest of everything that the image depends on: the cache's key."""
        contents = {
            file.target: (sha256(file.source.read_bytes()).hexdigest(), file.mode)
            for file in self.files
        }
        files = [[target, *content] for target, content in sorted(contents.items())]
        facts = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "files"}
        return canonical.digest({**facts, "files": files})[:16]


def locate(name: str) -> Path:
    """Return the recipe file of a built-in image, of an example ZApp, or in a folder.

    Raises:
        ConfigError: There is none; the message says which there are.
    """
    folders = (
        [Path(name)]
        if "/" in name
        else [
            _BUILT_IN / name,
            *(examples / "zapps" / name / "image" for examples in _EXAMPLES),
        ]
    )
    for folder in folders:
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    raise ConfigError(f"no image recipe called {name}; there are: {', '.join(available())}")


def available() -> tuple[str, ...]:
    """Return the names that :func:`locate` knows."""
    built_in = (file.parent.name for file in _BUILT_IN.glob(f"*/{FILE_NAME}"))
    examples = (
        file.parent.parent.name
        for folder in _EXAMPLES
        for file in folder.glob(f"zapps/*/image/{FILE_NAME}")
    )
    return tuple(sorted({*built_in, *examples}))


def read(file: Path) -> Recipe:
    """Read a recipe; one that says ``same_as: NAME`` is that one, and its image is built once.

    Raises:
        ConfigError: It isn't one; the message names the file and the fault.
    """
    try:
        data = yaml.safe_load(file.read_bytes())
        if set(data) == {"same_as"}:
            return read(locate(data["same_as"]))
        return _recipe(data, file.parent)
    except (OSError, yaml.YAMLError, TypeError, ValueError, KeyError, AttributeError) as error:
        raise ConfigError(f"{file}: not an image recipe: {error!r}") from error


def _recipe(data: dict[str, Any], folder: Path) -> Recipe:
    if not _NAME.fullmatch(data["name"]):
        raise ValueError(f"name {data['name']!r} isn't a lower-case word")
    for package in (*data.get("apt", ()), *data.get("pip", ())):
        if not _PACKAGE.fullmatch(package):
            raise ValueError(f"{package!r} isn't the name of a package")
    lists = ("tags", "apt", "pip", "entrypoint", "command", "ports")
    return Recipe(
        **{
            **{name: value for name, value in data.items() if name != "folders"},
            **{name: tuple(data.get(name, ())) for name in lists},
            "base": Base(data["base"]),
            "files": (
                *(_file(entry, folder) for entry in data.get("files", ())),
                *(file for entry in data.get("folders", ()) for file in _folder(entry, folder)),
            ),
            "user": User(**data["user"]) if "user" in data else None,
        }
    )


def _folder(entry: dict[str, str], folder: Path) -> Iterator[File]:
    """Yield all files below a folder but compiled ones; none where it may be missing and is."""
    top = folder / entry["source"]
    if not top.is_dir() and not entry.get("optional"):
        raise ValueError(f"there is no folder {entry['source']}")
    for source in sorted(top.rglob("*")):
        if source.is_file() and "__pycache__" not in source.parts:
            target = Path(entry["target"]) / source.relative_to(top)
            yield File(source=source, target=str(target))


def _file(entry: dict[str, str], folder: Path) -> File:
    source = folder / entry["source"]
    if not source.is_file():
        raise ValueError(f"there is no file {entry['source']}")
    return File(source=source, target=entry["target"], mode=int(entry.get("mode", "0644"), 8))
