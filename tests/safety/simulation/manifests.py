"""The texts that people write in a simulated world: small, one of every kind that there is."""

from __future__ import annotations

from collections.abc import Callable

BROKEN = "kind: [Execution\n"
_TAIL = "      resources: {reservations: {cpus: 500m, memory: 64MiB}}\n"
_HEAD = "apiVersion: zoe/v1\nkind: %s\nmetadata: {name: %s}\nspec:\n"

Maker = Callable[[str, int], str]


def platform() -> str:
    """Return the rules."""
    return _HEAD % ("Platform", "platform") + "  policy: fifo\n"


def namespace(name: str, *sources: str) -> str:
    """Return a namespace that takes executions from these tenants' sources."""
    spec = f"spec: {{sources: [{', '.join(sources)}]}}\n" if sources else "spec: {}\n"
    return f"apiVersion: zoe/v1\nkind: Namespace\nmetadata: {{name: {name}}}\n{spec}"


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


def forbids(name: str, _run: int) -> str:
    """Return one that begins each minute, unless its last run is still there."""
    return _recurring(name, "forbid", "ends")


def replaces(name: str, _run: int) -> str:
    """Return one that begins each minute in the place of its last run."""
    return _recurring(name, "replace", "lasts")


def members(name: str, count: int) -> str:
    """Return a set of jobs."""
    return _set(name, f"{{from: 1, to: {count}}}", "ends", "batch")


def notebooks(name: str, count: int) -> str:
    """Return a set of notebooks."""
    return _set(name, f"{{from: 1, to: {count}}}", "stays", "interactive")


def course(name: str, namespaces: tuple[str, ...]) -> str:
    """Return a set with a notebook in each of these namespaces."""
    text = _set(name, f"[{', '.join(namespaces)}]", "stays", "interactive")
    return text.replace("template:\n", "template:\n    namespace: ${{ item.key }}\n", 1)


KINDS: tuple[Maker, ...] = (notebook, notebook, gang, job, failing, long_job)
RECURRING: tuple[Maker, ...] = (forbids, replaces)
SETS: tuple[Maker, ...] = (members, notebooks)


def _execution(name: str, spec: str, services: str = "", *, image: str = "stays") -> str:
    main = f"  services:\n    main:\n      image: {image}\n{_TAIL}"
    return _HEAD % ("Execution", name) + spec + main + services


def _recurring(name: str, overlap: str, image: str) -> str:
    when = f'{{cron: "* * * * *", timezone: UTC, overlap: {overlap}, keep: 1}}'
    return _execution(name, f"  type: batch\n  schedule: {when}\n", image=image)


def _set(name: str, items: str, image: str, type_: str) -> str:
    body = f"      type: {type_}\n      services:\n        main:\n          image: {image}\n    "
    spec = f"  items: {items}\n  template:\n    spec:\n{body}{_TAIL}"
    return _HEAD % ("ExecutionSet", name) + spec
