"""How many cases of a grid run: CI has no time for each of every kind with each of every other.

`VOIPBIN_LONG=1` runs all of them, and whatever else takes minutes (tests/faults/README.md).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import product
from typing import Any

# The variants that take minutes.
LONG = bool(os.environ.get("VOIPBIN_LONG"))


def spread(*axes: Iterable[Any]) -> list[tuple[Any, ...]]:
    """Cases in which each value of each axis stands at least once; all combinations if LONG.

    The values of the longest axis stand once each, those of the others in turn.
    """
    values = [list(axis) for axis in axes]
    if LONG:
        return list(product(*values))
    count = max(map(len, values))
    return [tuple(axis[n % len(axis)] for axis in values) for n in range(count)]
