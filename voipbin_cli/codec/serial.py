"""Serial numbers that wrap around: the only place where that arithmetic is done."""

from __future__ import annotations


def difference(newer: int, older: int, bits: int) -> int:
    """Return the shortest signed way from `older` to `newer`, modulo 2**`bits`.

    The result lies in [-2**(bits-1), 2**(bits-1)); exactly half way round counts as backwards
    (RFC 1982 3.2 leaves that case open).
    """
    half = 1 << (bits - 1)
    return ((newer - older + half) & ((1 << bits) - 1)) - half
