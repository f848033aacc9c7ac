"""What people do to the repository and the machines: the script of a world, drawn by its seed."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

NAMESPACES = ("aml", "bio")
NAMES = ("ant", "bee", "cat", "dog", "elk", "fox")
_TAIL = "      resources: {reservations: {cpus: 500m, memory: 64MiB}}\n"
_HEAD = "apiVersion: zoe/v1\nkind: %s\nmetadata: {name: %s}\nspec:\n"
BROKEN = "kind: [Execution\n"


def _execution(name: str, spec: str, services: str = "", *, image: str = "stays") -> str:
    main = f"  services:\n    main:\n      image: {image}\n{_TAIL}"
    return _HEAD % ("Execution", name) + spec + main + services


def notebook(name: str, run: int) -> str:
    """Return one that stays."""
    return _execution(name, f"  type: interactive\n  run: {run}\n")


def gang(name: str, run: int) -> str:
    """Return one of two components, one of them elastic."""
    more = f"    more:\n      image: stays\n      replicas: {{core: 1, max: 3}}\n{_TAIL}"
    return _execution(name, f"  type: streaming\n  run: {run}\n", more)


def job(name: str, run: int) -> str:
    """Return one that ends well."""
    return _execution(name, f"  type: batch\n  run: {run}\n", image="ends")


def failing(name: str, run: int) -> str:
    """Return one that fails, and is tried again once."""
    spec = f"  type: batch\n  run: {run}\n  retries: {{failure: 1, nodeLost: 1}}\n"
    return _execution(name, spec, image="fails")


def long_job(name: str, run: int) -> str:
    """Return a batch that runs longer than most worlds last."""
    return _execution(name, f"  type: batch\n  run: {run}\n", image="lasts")


def members(name: str, count: int) -> str:
    """Return a set of jobs."""
    body = "      type: batch\n      services:\n        main:\n          image: ends\n    " + _TAIL
    items = f"  items: {{from: 1, to: {count}}}\n  template:\n    spec:\n"
    return _HEAD % ("ExecutionSet", name) + items + body


KINDS = (notebook, notebook, gang, job, failing, long_job)


@dataclass
class Desk:
    """The tree that people have in mind, and which of its files they mistyped."""

    chance: Random
    files: dict[str, str] = field(default_factory=dict)
    runs: dict[str, int] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Begin with a platform and two namespaces."""
        self.files["platform.yaml"] = _HEAD % ("Platform", "platform") + "  policy: fifo\n"
        for namespace in NAMESPACES:
            head = f"apiVersion: zoe/v1\nkind: Namespace\nmetadata: {{name: {namespace}}}\n"
            self.files[f"namespaces/{namespace}.yaml"] = head + "spec: {}\n"

    @property
    def tree(self) -> dict[str, str]:
        """Return the files as they are pushed."""
        return {path: self.files[path] + (BROKEN * (path in self.broken)) for path in self.files}

    @property
    def documents(self) -> list[str]:
        """Return the paths of executions and sets."""
        return sorted(path for path in self.files if path.startswith("executions/"))

    def add(self) -> str:
        """Write a new manifest, or another one of the same name."""
        namespace, name = self.chance.choice(NAMESPACES), self.chance.choice(NAMES)
        path = f"executions/{namespace}/{name}.yaml"
        made = self.chance.choice(KINDS)
        self.runs.setdefault(path, 1)
        if self.chance.random() < 0.12:
            self.files[path] = members(name, self.chance.randint(1, 3))
        else:
            self.files[path] = made(name, self.runs[path])
        return f"add {path} ({made.__name__})"

    def edit(self) -> str:
        """Change something of one: its run, whether it is suspended, its environment."""
        path = self.chance.choice(self.documents)
        text = self.files[path]
        which = self.chance.randrange(4)
        if "kind: ExecutionSet" in text:
            namespace_name = path.split("/")[-1].removesuffix(".yaml")
            self.files[path] = members(namespace_name, self.chance.randint(1, 4))
        elif which == 0:
            was = self.runs[path]
            self.runs[path] = was + 1
            self.files[path] = text.replace(f"  run: {was}\n", f"  run: {was + 1}\n")
        elif which == 1 and "  suspend: true\n" in text:
            self.files[path] = text.replace("  suspend: true\n", "")
        elif which == 1:
            self.files[path] = text.replace("spec:\n", "spec:\n  suspend: true\n", 1)
        elif which == 2:
            line = f"      environment: {{N: '{self.chance.randrange(9)}'}}\n"
            self.files[path] = text.replace("    main:\n", "    main:\n" + line, 1)
            if text.count("environment"):
                self.files[path] = text
        else:
            self.files[path] = text.replace("cpus: 500m", "cpus: 600m", 1)
        return f"edit {path} ({which})"

    def delete(self) -> str:
        """Delete one."""
        path = self.chance.choice(self.documents)
        del self.files[path]
        self.broken.discard(path)
        return f"delete {path}"

    def break_one(self) -> str:
        """Mistype one."""
        path = self.chance.choice(self.documents)
        self.broken.add(path)
        return f"break {path}"

    def mend(self) -> str:
        """Mend all."""
        self.broken.clear()
        return "mend"
