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
    start, end = int(at[0]), int(at[-1] + length[-1])
    for mark in MARKS:
        place = data.find(mark.octets, start, end)
        while place >= 0:
            row = int(np.searchsorted(at, place, "right")) - 1
            first = int(at[row])
            if mark.is_at(data[first : first + int(length[row])], place - first):
                yield Marked(row, mark)
            place = data.find(mark.octets, place + 1, end)
