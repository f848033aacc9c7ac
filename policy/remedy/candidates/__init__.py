"""Which single changes may be worth trying for a waiting execution, by who could make them.

Each search of the modules yields changes that were tried and let it start, the smallest that do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from policy.model.decision import Reason
from policy.model.execution import Component, Execution
from policy.quota import Quotas
from policy.remedy.trial import Trial
from policy.verdicts import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A waiting execution with what is known of why.

    ``ahead`` are those who wait and come first; ``asked`` is it with all that it has to start
    with as its core; ``quotas`` are charged with what everybody holds after the decision.
    ``priorities`` are the classes that there are, by name, but fillers.
    """

    trial: Trial
    execution: Execution
    asked: Execution
    reason: Reason
    table: tuple[Verdict, ...]
    ahead: tuple[Execution, ...]
    quotas: Quotas
    priorities: Mapping[str, int]

    def says_no(self, filter_: str) -> list[Component]:
        """Return the components to which some node said no by a filter."""
        names = {verdict.component for verdict in self.table if verdict.filter == filter_}
        return [component for component in self.asked.components if component.name in names]
