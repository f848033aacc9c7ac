"""A lab of three engines with the ZApps' images, and one place where all READMEs are followed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.cluster.lab import image, recipe
from reconciler.cluster.lab.lab import Lab
from reconciler.errors import ReconcilerError
from tests.fixtures.parts import missing
from tests.fixtures.swarm import NODES, Swarm, private_folder
from tests.zapps.place import ZAPPS, Place

HEARTBEAT = timedelta(seconds=5)  # starting Spark keeps a small machine from answering sooner


@pytest.fixture(scope="session")
def zapp_lab(image_cache: Path) -> Iterator[Swarm]:
    with private_folder() as folder:
        lab = Lab(folder)
        try:
            lab.down()
            lab.up(nodes=NODES, heartbeat=HEARTBEAT)
            for name in ("busybox", "gateway"):
                built = image.build(recipe.read(recipe.locate(name)), image_cache, say=print)
                lab.load_image(built.archive)
        except ReconcilerError as error:
            lab.down()
            missing("Docker Swarm", str(error))
        yield Swarm(lab)
        lab.down()


@pytest.fixture(scope="session")
def place(zapp_lab: Swarm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("place"), zapp_lab)
    try:
        made.follow(ZAPPS)
        yield made
    finally:
        made.close()


@pytest.fixture
def with_image(
    place: Place, zapp_lab: Swarm, image_cache: Path
) -> Iterator[Callable[[str], Place]]:
    """Return what provides a ZApp's image, as ``zoe lab image NAME`` does, and stop all after."""

    def provide(name: str) -> Place:
        built = image.build(recipe.read(recipe.locate(name)), image_cache, say=print)
        if zapp_lab.lab.lacks_image(built.tags[0], built.id):
            zapp_lab.lab.load_image(built.archive)
        return place

    yield provide
    place.stop_all()
