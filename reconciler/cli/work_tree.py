"""The user's own ``git`` on the clone that a verb is used in: identity, hooks and signing apply."""

from __future__ import annotations

import subprocess
from pathlib import Path

import click

from reconciler.errors import ConfigError


def require_committed(root: Path, path: str) -> None:
    """Make sure that a commit of ``path`` will hold nothing but what comes next.

    Raises:
        click.ClickException: The file has changes that aren't committed.
        ConfigError: There is no git, or no repository.
    """
    if _git(root, "status", "--porcelain", "--", path).strip():
        raise click.ClickException(
            f"{path} has changes that aren't committed: commit or stash them first, or leave "
            "--commit out"
        )


def commit(root: Path, path: str, message: str) -> str:
    """Commit ``path`` and nothing else; return the short id.

    Raises:
        click.ClickException: Git or a hook refuses; their own words are on standard error.
    """
    command = ["git", "-C", str(root), "commit", "--quiet", "--only", "-m", message, "--", path]
    done = subprocess.run(command, check=False, stdout=subprocess.DEVNULL)  # noqa: S603 - the user's
    if done.returncode:
        raise click.ClickException(f"git didn't commit; {path} is changed, though: commit it")
    return _git(root, "rev-parse", "--short", "HEAD").strip()


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
    except FileNotFoundError as error:
        raise ConfigError("git isn't installed: leave --commit out, or install it") from error
    if done.returncode:
        raise ConfigError(f"{root} can't be committed to: {done.stderr.strip().splitlines()[-1:]}")
    return done.stdout
