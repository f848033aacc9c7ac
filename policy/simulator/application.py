"""What is simulated: an execution as policy would see it, with the truth that it can't see."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from policy.model.execution import ApplicationType, Execution


class Kind(StrEnum):
    """The classes that results are told apart by."""

    ELASTIC = "batch-elastic"
    RIGID = "batch-rigid"
    INTERACTIVE = "interactive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """An execution and the truth about it.

    It arrives at ``execution.queued_ms``, or is there already if it has allocations.
    ``runtime_ms`` is how long it runs with everything granted; None: it never ends by itself.
    ``stem`` is what its earlier runs in the same namespace share with it, for learning from them;
    ``hint_ms`` is how long its author says that it runs.
    """

    execution: Execution
    runtime_ms: int | None
    stem: str = ""
    hint_ms: int | None = None

    @property
    def work(self) -> int | None:
        """What there is to do, in the unit of ``Execution.work``."""
        return None if self.runtime_ms is None else self.runtime_ms * self.execution.full_speed

    @property
    def kind(self) -> Kind:
        """The class that it counts in."""
        if self.execution.type is ApplicationType.INTERACTIVE:
            return Kind.INTERACTIVE
        is_elastic = any(component.elastic for component in self.execution.components)
        return Kind.ELASTIC if is_elastic else Kind.RIGID
