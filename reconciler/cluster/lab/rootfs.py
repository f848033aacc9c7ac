"""Layers of an image as tar files, made from packages: no registry, no engine."""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from reconciler.cluster.lab import borrowed, host
from reconciler.cluster.lab.recipe import Base, Recipe
from reconciler.errors import ActionFailed, ConfigError

_SUITE = "bookworm"
_BASE_PACKAGES = {
    Base.DEBIAN: ("ca-certificates",),
    Base.PYTHON: ("ca-certificates", "python3", "python3-venv"),
}
_MINUTES_10 = 600
# What the build of a layer leaves behind, and what mmdebstrap copies from this machine.
_LITTER = (
    "etc/apt/sources.list",
    "etc/hostname",
    "etc/machine-id",
    "etc/resolv.conf",
    "etc/ssl/certs/java",
    "root",
    "tmp",
    "usr/share/doc",
    "usr/share/info",
    "usr/share/lintian",
    "usr/share/locale",
    "usr/share/man",
    "var/cache/apt",
    "var/cache/debconf",
    "var/cache/ldconfig",
    "var/lib/apt/lists",
    "var/lib/dpkg/status-old",
)
_EMPTY_FOLDERS = {"root": 0o700, "tmp": 0o1777, "var/cache/apt": 0o755}


def busybox_layer(layer: Path) -> None:
    """Write the layer of a static busybox with all its names: the same bytes each time."""
    program = host.find("busybox")
    if program is None:
        raise ConfigError("busybox isn't installed")
    names = host.run(program, "--list").split()
    with tarfile.open(layer, "w") as tar:
        for folder, mode in (("bin", 0o755), ("etc", 0o755), ("tmp", 0o1777), ("www", 0o755)):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            tar.addfile(entry)
        entry = tarfile.TarInfo("bin/busybox")
        entry.size, entry.mode = Path(program).stat().st_size, 0o755
        with Path(program).open("rb") as content:
            tar.addfile(entry, content)
        for name in sorted(set(names) - {"busybox"}):
            entry = tarfile.TarInfo(f"bin/{name}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(entry)


def base_tree(base: Base, cache: Path) -> Path:
    """Return the folder of a bare Debian, made once per cache (half a minute)."""
    tree = cache / f"base-{base}-{_SUITE}"
    if tree.exists():
        return tree
    with tempfile.TemporaryDirectory(prefix="base-", dir=cache) as work:
        root = Path(work) / "root"
        packages = ",".join(_BASE_PACKAGES[base])
        # It sets packages up together and takes half of debootstrap's time.
        bootstrap = ("mmdebstrap", "--mode=root", "--variant=minbase", f"--include={packages}")
        # Its mounts of /proc and the like end with this namespace.
        host.run(
            *("unshare", "--mount", "--pid", "--fork", "--kill-child"),
            *(*bootstrap, _SUITE, str(root), *_mirror()),
            log=cache / "build.log",
            timeout_s=_MINUTES_10,
        )
        tidy(root)
        root.rename(tree)
    return tree


def _mirror() -> tuple[str, ...]:
    """Return where this machine's apt gets the suite from, if it gets that suite at all."""
    fields = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
    try:
        listed = host.run("apt-get", "indextargets", "--format", fields, "Created-By: Packages")
    except (ActionFailed, ConfigError):
        return ()
    wanted = [line.split()[0] for line in listed.splitlines() if line.endswith(f" {_SUITE} main")]
    return tuple(wanted[:1])


def pack(tree: Path, layer: Path) -> None:
    """Write a tree as a layer, capabilities of files included."""
    attributes = ("--xattrs", "--xattrs-include=security.capability")
    order = ("--sort=name", "--numeric-owner", "--one-file-system")
    host.run("tar", *attributes, *order, "-C", str(tree), "-cf", str(layer), ".")


def unpacked_layer(recipe: Recipe, layer: Path, log: Path) -> None:
    """Unpack a recipe's packages as they are, and no other: for programs that need no setting up.

    It takes seconds where a whole Debian would take half a minute. What they depend on has to be
    named.
    """
    with tempfile.TemporaryDirectory(prefix="layer-", dir=layer.parent) as folder:
        work = Path(folder)
        _download(recipe.apt, work, log)
        for package in sorted(work.glob("*.deb")):
            host.run("dpkg-deb", "--extract", str(package), str(work / "tree"), log=log)
        tidy(work / "tree")
        _lay_files(recipe, work / "tree")
        pack(work / "tree", layer)


def _download(packages: Sequence[str], folder: Path, log: Path) -> None:
    download = ("env", f"--chdir={folder}", "apt-get", "-qq", "download", *packages)
    try:
        host.run(*download, log=log)
    except ActionFailed:  # no package lists yet, or old ones
        host.run("apt-get", "-qq", "update", log=log)
        host.run(*download, log=log)


def package_layer(recipe: Recipe, base: Path, layer: Path, log: Path) -> None:
    """Install a recipe's packages, account and files over a base; write what that changed."""
    with tempfile.TemporaryDirectory(prefix="layer-", dir=layer.parent) as folder:
        work = Path(folder)
        for name in ("settings", "upper", "scratch", "root"):
            (work / name).mkdir()
        (work / "base").symlink_to(base.absolute())
        lent = borrowed.lay(work / "settings")
        user = recipe.user
        account = (user.name, str(user.uid), str(user.gid), user.home) if user else ("",) * 4
        script = Path(__file__).with_name("build_layer.sh")
        host.run(
            *("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", str(script)),
            *(str(work), *account, *(str(mount) for mount in lent)),
            env=_build_environment(recipe),
            log=log,
            timeout_s=_MINUTES_10,
        )
        _return_borrowed(work / "settings", work / "upper")
        tidy(work / "upper")
        _lay_files(recipe, work / "upper")
        _translate_whiteouts(work / "upper")
        _share_equal_files(work / "upper")
        pack(work / "upper", layer)


def _build_environment(recipe: Recipe) -> dict[str, str]:
    return {
        **borrowed.variables(),
        "APT": " ".join(recipe.apt),
        "PIP": " ".join(recipe.pip),
        "PATH": host.environment()["PATH"],
        "HOME": "/root",
        "LC_ALL": "C.UTF-8",
        "DEBIAN_FRONTEND": "noninteractive",
        "PIP_ROOT_USER_ACTION": "ignore",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


def _return_borrowed(settings: Path, upper: Path) -> None:
    """Drop what of the lent files was changed, and so copied, by the build."""
    for lent in _files(settings):
        (upper / lent.relative_to(settings)).unlink(missing_ok=True)


def tidy(tree: Path) -> None:
    """Remove what a build left behind; of the logs only the files, daemons want their folders."""
    for litter in (tree / name for name in _LITTER):
        if litter.is_dir() and not litter.is_symlink():
            shutil.rmtree(litter)
            if mode := _EMPTY_FOLDERS.get(str(litter.relative_to(tree))):
                litter.mkdir()
                litter.chmod(mode)
        else:
            litter.unlink(missing_ok=True)
    for log in (tree / "var/log").rglob("*"):
        if log.is_symlink() or not log.is_dir():
            log.unlink()


def _lay_files(recipe: Recipe, tree: Path) -> None:
    for file in recipe.files:
        target = tree / file.target.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file.source, target)
        target.chmod(file.mode)
    for name, leads_to in recipe.links.items():
        link = tree / name.lstrip("/")
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(leads_to)


def _share_equal_files(tree: Path) -> None:
    """Keep equal files once, where the tool for it is there: JupyterLab brings many twice."""
    if host.find("hardlink"):
        host.run("hardlink", "--quiet", "--ignore-time", str(tree))


def _translate_whiteouts(tree: Path) -> None:
    """Write deletions as images have them: the kernel's overlay marks them by a device 0:0."""
    for file in list(_files(tree)):
        status = file.lstat()
        if stat.S_ISCHR(status.st_mode) and status.st_rdev == 0:
            file.unlink()
            (file.parent / f".wh.{file.name}").touch()
    for folder in tree.glob("**/"):
        if "trusted.overlay.opaque" in os.listxattr(folder):
            (folder / ".wh..wh..opq").touch()


def _files(tree: Path) -> Iterator[Path]:
    return (entry for entry in tree.rglob("*") if entry.is_symlink() or not entry.is_dir())
