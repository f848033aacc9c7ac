"""The guards, and how each is taken out: what stands in the source, what would stand there without
it, and the tests of which one must then fail.

That these texts still stand in the source is tested with everything else (``test_guards.py``);
``python -m tests.safety.mutations`` takes them out one by one.
"""

from __future__ import annotations

from tests.safety.guard import Guard
from tests.safety.guards_of_effects import OF_EFFECTS
from tests.safety.guards_of_input import OF_INPUT

GUARDS: tuple[Guard, ...] = (*OF_INPUT, *OF_EFFECTS)
