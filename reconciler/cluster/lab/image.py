"""An image from its recipe, built once and kept in a cache folder."""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.cluster.lab import archive, requirements, rootfs
from reconciler.cluster.lab.archive import Image
from reconciler.cluster.lab.recipe import Base, Recipe

_VERSION = 2  # of what a build does: raised when the same recipe gives another image


def build(recipe: Recipe, cache: Path, *, say: Callable[[str], None]) -> Image:
    """Return the recipe's image, from the cache if it was built before.

    Raises:
        ConfigError: The machine can't build it.
        ActionFailed: A package manager failed; the message ends with its last words.
    """
    target = cache / f"{recipe.name}-{recipe.digest}-{_VERSION}.tar"
    if not target.exists():
        requirements.check_machine()
        cache.mkdir(parents=True, exist_ok=True)
        # Those of one base share its tree; others needn't wait for it.
        with _exclusive(cache / f"{recipe.base}.lock"):
            if not target.exists():  # another process built it while we waited
                say(f"building the image {recipe.name}")
                _build(recipe, cache.absolute(), target, say)
    return archive.read(target)


def _build(recipe: Recipe, cache: Path, target: Path, say: Callable[[str], None]) -> None:
    with tempfile.TemporaryDirectory(prefix="image-", dir=cache) as folder:
        work = Path(folder)
        layers = [work / "base.tar"]
        if recipe.base is Base.BUSYBOX:
            requirements.ensure(("busybox",), say=say)
            rootfs.busybox_layer(layers[0])
            if recipe.apt:
                layers.append(work / "top.tar")
                rootfs.unpacked_layer(recipe, layers[1], cache / "build.log")
        else:
            requirements.ensure(("mmdebstrap",), say=say)
            tree = rootfs.base_tree(recipe.base, cache)
            rootfs.pack(tree, layers[0])
            layers.append(work / "top.tar")
            rootfs.package_layer(recipe, tree, layers[1], cache / "build.log")
        archive.write(work / "image.tar", recipe, layers)
        (work / "image.tar").rename(target)


@contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
