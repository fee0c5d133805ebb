"""Finds parts of files in payloads: bytes that no sound holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.columns import Ints
from voipbin_cli.codec.file_marks import MARKS, Mark


class Marked(NamedTuple):
    """A row whose payload holds a part of a file, and which."""

    row: int
    mark: Mark


def find_marks(data: bytes, at: Ints, length: Ints) -> Iterator[Marked]:
    """Yield the rows that hold one; the payload of a row is `data[at : at + length]`.

    Rows are in the order of their bytes. What two of them share is left out, so that it does not
    matter how they are cut into chunks.
    """
    if not len(at):
        return
    begins = _first_two(data, at, length)
    for mark in MARKS:
        if mark.form is not None:
            # Only what a payload begins with counts: no need to look into it.
            rows = np.flatnonzero(begins == int.from_bytes(mark.octets[:2], "big")).tolist()
            yield from (Marked(row, mark) for row in rows if _is_at(mark, data, at, length, row, 0))
        else:
            yield from _parts(mark, data, at, length)


def _parts(mark: Mark, data: bytes, at: Ints, length: Ints) -> Iterator[Marked]:
    """The rows that hold it anywhere."""
    start, end = int(at[0]), int(at[-1] + length[-1])
    place = data.find(mark.octets, start, end)
    while place >= 0:
        row = int(np.searchsorted(at, place, "right")) - 1
        if _is_at(mark, data, at, length, row, place - int(at[row])):
            yield Marked(row, mark)
        place = data.find(mark.octets, place + 1, end)


def _is_at(mark: Mark, data: bytes, at: Ints, length: Ints, row: int, place: int) -> bool:
    first = int(at[row])
    return mark.is_at(data[first : first + int(length[row])], place)


def _first_two(data: bytes, at: Ints, length: Ints) -> Ints:
    """The first two octets of each payload as a number; -1 of what is shorter."""
    octets = np.frombuffer(data, np.uint8)
    found = np.full(len(at), -1, np.int64)
    rows = np.flatnonzero(length >= 2)
    starts = at[rows]
    found[rows] = octets[starts].astype(np.int64) << 8 | octets[starts + 1]
    return found
