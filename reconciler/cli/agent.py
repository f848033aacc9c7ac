"""``zoe agent``: what operators need to run the agents that tell what containers consume."""

from __future__ import annotations

import click

from reconciler import config, wire
from reconciler.probes.agents import PURPOSE


@click.group("agent")
def command() -> None:
    """Prepare the agents of the nodes, which idle probes of type usage ask.

    deploy/agent.yaml says how they are deployed, docs/idle.md what for.
    """


@command.command()
def token() -> None:
    """Print the token that the agents know this installation by.

    It is for a Swarm secret: zoe agent token | docker secret create zoe-agent -
    """
    click.echo(wire.keyring(config.load()).text(PURPOSE))
