"""Serial numbers that wrap around: the only place where that arithmetic is done."""

from __future__ import annotations


def difference(newer: int, older: int, bits: int) -> int:
    """Return the shortest signed way from `older` to `newer`, modulo 2**`bits`.

    The result lies in [-2**(bits-1), 2**(bits-1)); exactly half way round counts as backwards
    (RFC 1982 3.2 leaves that case open).
    """
    half = 1 << (bits - 1)
    return ((newer - older + half) & ((1 << bits) - 1)) - half


class Extender:
    """Count a wrapping serial number on without bounds (RFC 3550 A.1: cycles + sequence).

    Each value is placed as near as can be to the highest one so far, so a late value does not
    look like a whole new cycle. The first value stands for itself; values before it may come
    out negative.
    """

    __slots__ = ("_bits", "_highest")

    def __init__(self, bits: int) -> None:
        self._bits = bits
        self._highest: int | None = None

    def extend(self, value: int) -> int:
        """Return `value` (0 to 2**bits - 1) as an unbounded integer."""
        highest = self._highest
        if highest is None:
            self._highest = value
            return value
        extended = highest + difference(value, highest, self._bits)
        if extended > highest:
            self._highest = extended
        return extended
