"""The user's own ``git`` on the clone that a verb is used in: identity, hooks and signing apply."""

from __future__ import annotations

import contextlib
import subprocess
from pathlib import Path

import click

from reconciler.errors import ConfigError


def require_committed(root: Path, *paths: str) -> None:
    """Make sure that a commit of ``paths`` will hold nothing but what comes next.

    Raises:
        click.ClickException: One of the files has changes that aren't committed.
        ConfigError: There is no git, or no repository.
    """
    if changed := _git(root, "status", "--porcelain", "--", *paths).splitlines():
        raise click.ClickException(
            f"{changed[0][3:]} has changes that aren't committed: commit or stash them first, or "
            "leave --commit out"
        )


def add(root: Path, *paths: str) -> None:
    """Let git know of new files, so that a commit can name them."""
    _git(root, "add", "--intent-to-add", "--", *paths)


def commit(root: Path, message: str, *paths: str) -> str:
    """Commit ``paths`` and nothing else; return the short id.

    Raises:
        click.ClickException: Git or a hook refuses; their own words are on standard error.
    """
    command = ["git", "-C", str(root), "commit", "--quiet", "--only", "-m", message, "--", *paths]
    # Their own git, on paths that we found.
    done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL)  # noqa: S603
    if done.returncode:
        told = f"{paths[0]} is" if len(paths) == 1 else f"{len(paths)} files are"
        raise click.ClickException(f"git didn't commit; {told} changed, though: commit that")
    return _git(root, "rev-parse", "--short", "HEAD").strip()


def pushed(root: Path) -> str:
    """Return the commit that was pushed last to the branch that Zoe follows; "" if none was."""
    with contextlib.suppress(ConfigError):
        upstream = _git(root, "rev-parse", "--abbrev-ref", "--symbolic-full-name", "@{upstream}")
        remote, _, branch = upstream.strip().partition("/")
        if branch in (_default(root, remote), *_USUAL):
            return _git(root, "rev-parse", "@{upstream}").strip()
    return ""


def is_before(root: Path, commit: str, later: str) -> bool:
    """Tell whether a commit comes before another; of one that isn't here nothing can be said."""
    with contextlib.suppress(ConfigError):
        _git(root, "merge-base", "--is-ancestor", commit, later)
        return commit != later
    return False


_USUAL = ("main", "master")


def _default(root: Path, remote: str) -> str:
    """Return the branch that the remote showed when it was cloned; "" where that isn't known."""
    with contextlib.suppress(ConfigError):
        found = _git(root, "symbolic-ref", "--short", f"refs/remotes/{remote}/HEAD")
        return found.strip().partition("/")[2]
    return ""


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
    except FileNotFoundError as error:
        raise ConfigError("git isn't installed: leave --commit out, or install it") from error
    if done.returncode:
        raise ConfigError(f"{root} can't be committed to: {done.stderr.strip().splitlines()[-1:]}")
    return done.stdout
