"""Streams of linear audio in messages of odd sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain, cycle, repeat

import numpy as np

# Sizes of messages whose samples are cut in two.
ODD_SIZES: dict[str, Callable[[], Iterable[int]]] = {
    "641, 639": lambda: cycle((641, 639)),
    "321, 319": lambda: cycle((321, 319)),
    "321, 320, 319": lambda: cycle((321, 320, 319)),
    "101": lambda: repeat(101),
    "random": lambda: np.random.default_rng(4).integers(60, 700, 1000).tolist(),
    "one of 321": lambda: chain([320] * 20, [321], repeat(320)),
    "one of 319 first": lambda: chain([319], repeat(320)),
    "one, and one to make it even": lambda: chain([320] * 9, [321], [320] * 9, [319], repeat(320)),
}


def cut(data: bytes, sizes: Iterable[int], *, afresh: bool = False) -> list[bytes]:
    """Cut as a stream of bytes is, or into whole samples with a byte behind what would be odd."""
    found, at = [], 0
    for size in sizes:
        end = at + (size - size % 2 if afresh else size)
        found.append(data[at:end] + bytes(size - end + at))
        at = end
        if at >= len(data):
            break
    return found
