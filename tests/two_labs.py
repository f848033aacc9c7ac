"""Which process runs which file, where pytest-xdist runs several: no more than two with a lab.

The first process to come to a file that needs the shared Swarm starts it, in a session of its own.
With one lab these files would be the longest of all; more would cost more than they save, since
they wait most of the time.
"""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

LABS = 2
# Folders whose files share what is dear to start: one process runs them all.
TOGETHER = ("tests/e2e/page/", "tests/integration/deploy/")
NEEDS_LAB = ("tests/contract/", "tests/e2e/", "tests/integration/lab/test_nodes.py")


class TwoLabs(LoadFileScheduling):
    """Whole files in the order of their collection, those that need a lab where there is one."""

    _with_lab: frozenset[WorkerController] = frozenset()

    def _split_scope(self, nodeid: str) -> str:
        together = (folder for folder in TOGETHER if nodeid.startswith(folder))
        return next(together, "") or str(super()._split_scope(nodeid))

    def _assign_work_unit(self, node: WorkerController) -> None:
        may_have_lab = node in self._with_lab or len(self._with_lab) < LABS
        suitable = (file for file in self.workqueue if may_have_lab or not _needs_lab(file))
        file = next(suitable, next(iter(self.workqueue)))
        if _needs_lab(file):
            self._with_lab |= {node}
        self.workqueue.move_to_end(file, last=False)
        super()._assign_work_unit(node)


def _needs_lab(file: str) -> bool:
    return file.startswith(NEEDS_LAB)
