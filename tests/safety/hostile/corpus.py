"""All hostile files, by class. Each class holds harmless ones too: refusing everything fails."""

from __future__ import annotations

from collections.abc import Mapping

from tests.safety.hostile import (
    amounts,
    bombs,
    expressions,
    lexical,
    operators,
    privileges,
    secrets,
    structure,
)
from tests.safety.hostile.case import Case

CLASSES: Mapping[str, tuple[Case, ...]] = {
    module.__name__.rpartition(".")[2]: tuple(module.cases())
    for module in (
        *(lexical, bombs, structure, privileges),
        *(amounts, expressions, secrets, operators),
    )
}
CASES = tuple(case for cases in CLASSES.values() for case in cases)
