"""The Swarm on which the demo plays: the one that is there, a lab, or a simulated one."""

from __future__ import annotations

import os
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import click

from reconciler import config, wire
from reconciler.cli.progress import Progress
from reconciler.clock import SystemClock
from reconciler.converge.state import LABEL_UID
from reconciler.errors import ClusterUnavailable

_LAB_NODES = 3
# What its manifests reserve; each is made to fit the nodes.
_NEARLY_A_NODE = "cpus: 1.6"
_HALF_A_NODE = "cpus: 0.65"
# Of a node, beside the two halves: headroom, the notebook, and one that is small.
_BESIDE_HALVES_MILLIS = 700


class DemoSwarm:
    """Found or started by :meth:`settle`. ``is_lab`` tells that its nodes are known to be empty."""

    def __init__(self, directory: Path) -> None:
        self._images = directory / "images"
        self._lab_dir = directory / "lab"
        self.docker_host = ""
        self.is_lab = False
        self.is_simulated = False

    def settle(self) -> None:
        """Find a Swarm, or start one whose images are built here."""
        host = os.environ.get("DOCKER_HOST", "")
        if _is_manager(host):
            click.echo(f"Using the Swarm at {host or 'the local socket'}.")
            self.docker_host = host
        elif os.geteuid() == 0 and sys.platform == "linux":
            self._start_lab()
        else:
            click.echo("No Docker Swarm here and not root: the cluster is simulated.")
            click.echo("Nothing really runs, and nothing fails: exit-3 is left out.")
            self.is_simulated = True

    def fitted(self, text: str, settings: config.Settings) -> str:
        """Make a manifest as large as this cluster's nodes ask for.

        ``whole-cluster`` has to wait; of ``sweep``, ``charity`` and ``lesson`` two replicas fill a
        node, beside what else the demo runs there.
        """
        if _NEARLY_A_NODE not in text and _HALF_A_NODE not in text:
            return text
        with wire.cluster(settings, SystemClock()) as cluster:
            every = cluster.observe().nodes
        nodes = [node for node in every if not node.is_manager] or every
        millis = min(node.capacity.cpu_millis for node in nodes)
        text = text.replace(_NEARLY_A_NODE, f"cpus: {(millis - 400) // 100 / 10}")
        half = (millis - _BESIDE_HALVES_MILLIS) // 2
        text = text.replace(_HALF_A_NODE, f"cpus: {half}m")
        return re.sub(r"replicas: 2 +#", f"replicas: {len(nodes)}  #", text)

    def down(self, settings_file: Path) -> None:
        """Take the lab down, or the services off a Swarm that was there before."""
        if self._lab_dir.exists():
            from reconciler.cluster.lab.lab import Lab

            Lab(self._lab_dir).down()
        elif settings_file.exists():
            _remove_services(config.load({"ZOE_CONFIG": str(settings_file)}))

    def forget_images(self) -> None:
        """Remove the images that were built: the next demo builds them again."""
        shutil.rmtree(self._images, ignore_errors=True)

    def _start_lab(self) -> None:
        from reconciler.cluster.lab import image, recipe
        from reconciler.cluster.lab.lab import Lab

        # Said in any case: without a terminal there is no progress, and minutes of silence.
        click.echo(f"Starting {_LAB_NODES} Docker engines; the first time images are built, too.")
        click.echo("That takes some minutes.")
        with Progress("starting engines") as progress:
            lab = Lab(self._lab_dir, say=progress.tell)
            lab.up(nodes=_LAB_NODES)
            for name in ("busybox", "jupyter"):
                built = image.build(
                    recipe.read(recipe.locate(name)), self._images, say=progress.tell
                )
                progress.tell(f"loading the image {built.tags[0]}")
                lab.load_image(built.archive)
        click.echo(f"A lab of {_LAB_NODES} real Docker engines runs in {self._lab_dir}.")
        self.docker_host = lab.docker_host
        self.is_lab = True


def _is_manager(host: str) -> bool:
    settings = replace(config.Settings(), docker_host=host)
    try:
        with wire.cluster(settings, SystemClock()) as cluster:
            cluster.observe()
    except ClusterUnavailable:
        return False
    return True


def _remove_services(settings: config.Settings) -> None:
    if settings.cluster == "simulated":
        return
    with wire.cluster(settings, SystemClock()) as cluster:
        for service in cluster.observe().services:
            cluster.remove_service(service.id, uid=service.spec.labels.get(LABEL_UID, ""))
