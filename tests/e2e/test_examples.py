"""The example repository, as people copy it."""

from __future__ import annotations

import pytest

from tests.e2e.installation import Installation
from tests.e2e.process import ROOT

pytestmark = [pytest.mark.swarm, pytest.mark.postgres, pytest.mark.slow]

EXAMPLE = ROOT / "examples" / "repository"
# Their images are too large to be made for this.
LARGE = {
    "executions/aml/notebook.yaml",
    "executions/aml/spark-lab-3.yaml",
    "reservations/aml-lab.yaml",
}


SUSPENDED = "  suspend: true         # false starts it\n"


def test_the_example_repository_does_what_it_says(installation: Installation) -> None:
    files = {
        file.relative_to(EXAMPLE).as_posix(): file.read_text().replace(SUSPENDED, "")
        for file in EXAMPLE.rglob("*")
        if file.is_file()
    }
    installation.push({path: text for path, text in files.items() if path not in LARGE})
    installation.start()
    installation.await_phases(
        {
            "aml/prepare": "Succeeded",
            "aml/train": "Succeeded",
            "lab/hello": "Succeeded",
            "lab/nightly": "Scheduled",
            "lab/web": "Running",
        }
    )
