"""``zoe completion``: what makes a shell complete verbs, options, and executions of a clone."""

from __future__ import annotations

import click

SHELLS = ("bash", "zsh", "fish")
# \b keeps click from filling these lines as a paragraph.
_HELP = """Print the script that completes what is typed after zoe.

\b
bash: eval "$(zoe completion bash)" in ~/.bashrc
zsh:  eval "$(zoe completion zsh)" in ~/.zshrc, after compinit
fish: zoe completion fish > ~/.config/fish/completions/zoe.fish

Verbs and options are completed everywhere, NAMESPACE/NAME in a clone of the configuration
repository.
"""


@click.command("completion", help=_HELP)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(ctx: click.Context, *, shell: str) -> None:
    """Print the script of a shell."""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(found(ctx.find_root().command, {}, "zoe", "_ZOE_COMPLETE").source())
