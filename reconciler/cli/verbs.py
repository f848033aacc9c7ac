"""The verbs of ``zoe``: where each lives, its line in the help, and the group that click asks.

A verb's module is imported when the verb is used and not before; help comes from the table.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

import click

from reconciler import __version__

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

LOOK, WRITE, CHANGE, OPERATE = "Look", "Write and review", "Change", "For operators"


@dataclass(frozen=True, slots=True)
class Verb:
    """Where a verb's command lives, its line in the help, and the part of the help it is in."""

    target: str
    help: str
    group: str


def _own(group: str, name: str, text: str) -> Verb:
    return Verb(f"reconciler.cli.{name}:command", text, group)


# Those that people use most come first in each part.
VERBS: Mapping[str, Verb] = {
    "status": _own(LOOK, "status", "Show executions: running, why not, and when."),
    "explain": _own(LOOK, "explain", "Say why an execution waits and what would help."),
    "queue": _own(LOOK, "queue", "Show who waits, why, and when each starts."),
    "logs": _own(LOOK, "logs", "Show what an execution printed."),
    "open": _own(LOOK, "open", "Open what an execution serves in the browser."),
    "wait": _own(LOOK, "wait", "Wait until an execution has reached a phase."),
    "events": _own(LOOK, "events", "Show what happened."),
    "history": _own(LOOK, "history", "Show how it went: an execution's life, or everything."),
    "cluster": _own(LOOK, "cluster", "Show the nodes and who holds how much of them."),
    "usage": _own(LOOK, "usage", "Show who used how much."),
    "init": _own(WRITE, "init", "Write a new configuration repository."),
    "new": _own(WRITE, "new", "Write an execution manifest for a ZApp."),
    "import": _own(WRITE, "import_", "Make a manifest of a Compose file or the original's format."),
    "validate": _own(
        WRITE, "validate", "Check manifests: file, line, column and remedy of each problem."
    ),
    "plan": _own(WRITE, "plan", "Show what a revision would change, start and stop."),
    "render": _own(WRITE, "render", "Print an execution as it would run."),
    "diff": _own(WRITE, "diff", "Show what differs between two versions of an execution."),
    "secret": _own(WRITE, "secret", "Encrypt secrets, and show those that were made for you."),
    "completion": _own(WRITE, "completion", "Print what makes a shell complete verbs and names."),
    "rerun": _own(CHANGE, "rerun", "Raise an execution's run in its manifest."),
    "extend": _own(CHANGE, "extend", "Raise an execution's lifetime in its manifest."),
    "suspend": _own(CHANGE, "suspend", "Suspend an execution in its manifest."),
    "resume": _own(CHANGE, "resume", "Resume a suspended execution in its manifest."),
    "stop": _own(CHANGE, "stop", "Delete an execution's manifest."),
    "tidy": _own(CHANGE, "tidy", "Delete the manifests of what ended long ago."),
    "demo": _own(OPERATE, "demo", "Show Zoe at work on this machine."),
    "up": _own(OPERATE, "up", "Reconcile, and serve the page."),
    "run": _own(OPERATE, "run", "Run the reconciler."),
    "web": Verb("webhook.cli:web", "Serve the page and the API; receive webhooks.", OPERATE),
    "once": _own(OPERATE, "once", "Make one pass and end."),
    "confirm": _own(OPERATE, "confirm", "Release what the guard holds for a commit."),
    "hold": Verb(
        "reconciler.cli.hold:hold", "Leave an execution as it is, whatever Git asks for.", OPERATE
    ),
    "release": Verb(
        "reconciler.cli.hold:release", "Let a held execution follow Git again.", OPERATE
    ),
    "orphans": _own(OPERATE, "orphans", "Show, adopt or remove what nobody knows."),
    "gc": _own(OPERATE, "gc", "Remove now what is past its time."),
    "rebuild": _own(OPERATE, "rebuild", "Make a lost database anew from Git, Swarm and branch."),
    "doctor": _own(OPERATE, "doctor", "Find out what keeps Zoe from working here."),
    "simulate": _own(OPERATE, "simulate", "Play a workload under several policies, side by side."),
    "agent": _own(OPERATE, "agent", "Prepare the agents that tell what containers consume."),
    "lab": _own(OPERATE, "lab", "Make a throw-away Swarm on this machine."),
}


class _Table(click.Group):
    """A group whose commands are named in a table and imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name, verb in VERBS.items() if _is_there(verb)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        verb = VERBS.get(cmd_name)
        if verb is None or not _is_there(verb):
            return None
        module, _, attribute = verb.target.partition(":")
        command = getattr(_imported(module), attribute)
        assert isinstance(command, click.Command)  # noqa: S101 - a slip in the table
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            near = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            if not near:
                raise
            raise click.UsageError(f"{error.message} Did you mean {near[0]}?", ctx) from error

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            # Without a number: where there is one, click ends the process, whichever pipe it was.
            raise BrokenPipeError from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        names = self.list_commands(ctx)
        for group in (LOOK, WRITE, CHANGE, OPERATE):
            with formatter.section(group):
                formatter.write_dl(
                    [(name, VERBS[name].help) for name in names if VERBS[name].group == group]
                )

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return verbs from the table: click's own way would import them all."""
        from click.shell_completion import CompletionItem

        found = [
            CompletionItem(name, help=VERBS[name].help)
            for name in self.list_commands(ctx)
            if name.startswith(incomplete)
        ]
        return found + click.Command.shell_complete(self, ctx, incomplete)


def _imported(name: str) -> ModuleType:
    """Import a verb's module, and look for no garbage among what stays as long as the process.

    Python would do so while it imports and again as it ends: a seventh of a short verb's time.
    """
    if name in sys.modules:
        return sys.modules[name]
    gc.disable()
    try:
        return import_module(name)
    finally:
        gc.freeze()
        gc.enable()


def _is_there(verb: Verb) -> bool:
    # A parent that isn't a package is a missing verb too; nothing heavy is imported to find out.
    try:
        return find_spec(verb.target.partition(":")[0]) is not None
    except ModuleNotFoundError:
        return False


@click.group(cls=_Table, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "--version", prog_name="zoe", message="%(prog)s %(version)s")
def zoe() -> None:
    """GitOps for analytic applications on Docker Swarm."""
