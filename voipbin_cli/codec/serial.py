"""Serial numbers that wrap around (RFC 1982): RTP sequence numbers and timestamps."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# One number, or a column of them: the arithmetic is the same.
Serial = TypeVar("Serial", int, "npt.NDArray[np.int64]")


def difference(newer: Serial, older: Serial, bits: int) -> Serial:
    """Return the shortest signed way from `older` to `newer`, modulo 2**`bits`.

    The result lies in [-2**(bits-1), 2**(bits-1)).
    """
    # RFC 1982 3.2: s1 is less than s2 where "i1 < i2 and i2 - i1 < 2^(SERIAL_BITS - 1)" or
    # "i1 > i2 and i1 - i2 > 2^(SERIAL_BITS - 1)"; at exactly half way round it leaves the order
    # undefined, and we count backwards.
    half = 1 << (bits - 1)
    return ((newer - older + half) & ((1 << bits) - 1)) - half
