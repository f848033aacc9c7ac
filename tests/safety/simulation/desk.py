"""What people do to one repository: the script of a world, drawn by its seed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from random import Random

from tests.safety.simulation import manifests

NAMES = ("ant", "bee", "cat", "dog", "elk", "fox")
_COUNT = re.compile(r"from: 1, to: (\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a commit asks for: full names, those that a file may ask for that can't be read.

    ``unreadable`` are the namespaces that such a file is of; a set's are those of ``of_sets`` of
    which Zoe knows: until it was read once, it may be over anybody.
    """

    names: frozenset[str]
    hidden: frozenset[str]
    unreadable: frozenset[str]
    of_sets: frozenset[str]
    is_empty: bool


@dataclass
class Desk:
    """The tree that people have in mind, and which of its files they mistyped."""

    chance: Random
    namespaces: tuple[str, ...]
    base: dict[str, str]
    recurs: bool = False
    has_courses: bool = False
    files: dict[str, str] = field(default_factory=dict)
    runs: dict[str, int] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    ever: dict[str, frozenset[str]] = field(default_factory=dict)
    """The names that each file ever asked for."""

    @property
    def tree(self) -> dict[str, str]:
        """Return the files as they are pushed."""
        own = {p: text + manifests.BROKEN * (p in self.broken) for p, text in self.files.items()}
        return {**self.base, **own}

    @property
    def documents(self) -> list[str]:
        """Return the paths of executions and sets."""
        return sorted(self.files)

    @property
    def asked(self) -> Asked:
        """Return what the tree asks for."""
        names: set[str] = set()
        for path, text in self.files.items():
            found = frozenset(names_of(path, text))
            self.ever[path] = self.ever.get(path, frozenset()) | found
            names |= set() if path in self.broken else found
        hidden = {path: self.ever[path] for path in self.broken}
        of_sets = (found for path, found in hidden.items() if path.startswith("sets/"))
        return Asked(
            names=frozenset(names),
            hidden=frozenset().union(*hidden.values()),
            unreadable=frozenset(p.split("/")[1] for p in hidden if p.startswith("executions/")),
            of_sets=frozenset().union(*of_sets),
            is_empty=not self.files,
        )

    def add(self) -> str:
        """Write a new manifest, or another one of the same name."""
        namespace, name = self.chance.choice(self.namespaces), self.chance.choice(NAMES)
        path, draw = f"executions/{namespace}/{name}.yaml", self.chance.random()
        self.runs.setdefault(path, 1)
        if draw < 0.05 and self.has_courses:
            path = f"sets/{name}.yaml"
            self.files[path], told = manifests.course(f"all-{name}", self.namespaces), "course"
        elif draw < 0.2:
            made = self.chance.choice(manifests.SETS)
            self.files[path], told = made(name, self.chance.randint(1, 4)), made.__name__
        else:
            among = manifests.RECURRING if self.recurs and draw < 0.5 else manifests.KINDS
            made = self.chance.choice(among)
            self.files[path], told = made(name, self.runs[path]), made.__name__
        return f"add {path} ({told})"

    def fill(self) -> str:
        """Write many notebooks at once: a course begins."""
        for name in NAMES[: self.chance.randint(4, 6)]:
            path = f"executions/{self.namespaces[0]}/{name}.yaml"
            self.runs.setdefault(path, 1)
            self.files[path] = manifests.notebook(name, self.runs[path])
        return "fill"

    def edit(self) -> str:
        """Change something of one: its run, whether it is suspended, its environment."""
        path = self.chance.choice(self.documents)
        text, which = self.files[path], self.chance.randrange(4)
        if _COUNT.search(text):
            self.files[path] = _COUNT.sub(f"from: 1, to: {self.chance.randint(1, 4)}", text)
        elif "kind: ExecutionSet" in text:
            pass
        elif which == 0 and f"  run: {self.runs[path]}\n" in text:
            self.runs[path] += 1
            rises = f"  run: {self.runs[path] - 1}\n", f"  run: {self.runs[path]}\n"
            self.files[path] = text.replace(*rises)
        elif which == 1:
            self._suspend(path)
        elif which == 2 and "environment" not in text:
            line = f"      environment: {{N: '{self.chance.randrange(9)}'}}\n"
            self.files[path] = text.replace("    main:\n", "    main:\n" + line, 1)
        else:
            self.files[path] = text.replace("cpus: 500m", "cpus: 600m", 1)
        return f"edit {path} ({which})"

    def delete(self) -> str:
        """Delete one."""
        path = self.chance.choice(self.documents)
        self._drop(path)
        return f"delete {path}"

    def delete_many(self) -> str:
        """Delete most."""
        for path in self.documents:
            if self.chance.random() < 0.8:
                self._drop(path)
        return "delete many"

    def break_one(self) -> str:
        """Mistype one."""
        path = self.chance.choice(self.documents)
        self.broken.add(path)
        return f"break {path}"

    def mend(self) -> str:
        """Mend all."""
        self.broken.clear()
        return "mend"

    def rest(self) -> str:
        """Mend all, and let nothing begin by itself any more."""
        for path, text in self.files.items():
            if "schedule:" in text and "suspend: true" not in text:
                self._suspend(path)
        return self.mend()

    def _suspend(self, path: str) -> None:
        text, line = self.files[path], "  suspend: true\n"
        if line in text:
            self.files[path] = text.replace(line, "")
        else:
            self.files[path] = text.replace("spec:\n", "spec:\n" + line, 1)

    def _drop(self, path: str) -> None:
        del self.files[path]
        self.broken.discard(path)


def names_of(path: str, text: str) -> list[str]:
    """Return NAMESPACE/NAME of all that a file asks for."""
    parts = path.removesuffix(".yaml").split("/")
    if parts[0] == "sets":
        spaces = text.partition("items: [")[2].partition("]")[0].split(", ")
        return [f"{space}/all-{parts[1]}-{space}" for space in spaces]
    if found := _COUNT.search(text):
        return [f"{parts[1]}/{parts[2]}-{key}" for key in range(1, int(found[1]) + 1)]
    return [f"{parts[1]}/{parts[2]}"]
