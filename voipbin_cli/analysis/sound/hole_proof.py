"""Which blocks of one value are lost sound, and which how the sound pauses: told from all of them.

One alone cannot tell: synthetic speech shuts off abruptly here and there, and so does a gate. So
a loss has to be proven for the stream; then its less clear holes count, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.sound.hole_edges import STRAY_ZEROS, UNBROKEN_DBFS, are_packets_long

# An edge counts from here on: above a room's noise, and not so far under the sound's own level.
# STRONG and FULL prove a loss, SOME where pauses are known to hold noise; COUNTED is enough where
# a loss is proven. Thresholds: measured on synthetic speech in four languages and on recorded
# prompts in three, each at three levels, in three codecs, with and without noise and gates.
_PROOF_DBFS = -54.0
_STRONG_DB, _FULL_DB, _SOME_DB = 8.0, 12.0, 20.0
COUNTED_DBFS = -60.0
_COUNTED_DB = 25.0
# Of the places where sound is broken off, so many have to be strong. Of cuts anywhere in speech
# nearly half are; of those of a gate, which shuts where sound is 16 dB softer, one in twenty.
_STRONG_SHARE = 0.2
# Two holes with both edges prove a loss, or one of the usual length: pauses are of all lengths, and
# packets of one. A length is the usual one where three holes have it, and three in five.
_SURE_HOLES = 2
_ALIKE_HOLES = 3
_ALIKE_SHARE = 0.6
# 250 ms: a longer one may be how music pauses. It counts where shorter ones prove a loss.
_LONGEST_PROOF = 2000
# Where no more than one is a pause of digital silence, or one in fifty, silence is filled with
# noise, and any hole is one: a single one with both edges proves it, or two of which one edge is
# there. In two of five at least that is strong; a gate cuts more in the noise than in the sound.
_PAUSES = 1
_PAUSE_SHARE = 0.02
# That is known once so much has sounded: somebody who speaks pauses each two or three seconds.
_PAUSING_SECONDS = 5.0
_EDGE_HOLES = 2
_EDGE_SHARE = 0.4
# A gate shuts for any time. But its gain takes a millisecond or two to fall and to rise
# (`steepness`: 30 to 50, of cuts 95 to 115; of two cuts in ten under 66).
_PACKETS_SHARE = 0.5
_STEEP = 66
# Packets lost in a row, up to which a hole is known by its length.
_MOST_IN_A_ROW = 4


class Candidate(NamedTuple):
    """A run of equal samples, its length in samples and the levels of the sound next to it.

    Levels are in whole dBFS, UNBROKEN_DBFS where sound is not broken off, but dies away or grows.
    `steepness` is that of its edges in percent, 100 on the average where sound was cut.
    """

    length: int
    before_dbfs: int
    after_dbfs: int
    steepness: int = 100

    @property
    def fainter_dbfs(self) -> int:
        """The level of the fainter edge."""
        return min(self.before_dbfs, self.after_dbfs)

    @property
    def louder_dbfs(self) -> int:
        """The level of the louder edge."""
        return max(self.before_dbfs, self.after_dbfs)


class HoleProof:
    """`is_proven`: sound was lost. `usual` is the length that most holes have, 0 for none.

    `are_packets`: they are as long as packets; where they are not, a gate may have cut them.
    `pauses` is how many runs of equal samples are silence without doubt: longer than a hole, or
    broken at neither end. `level_dbfs` is that of all frames with sound, `seconds` are how much of
    that there is.
    """

    def __init__(
        self, candidates: Collection[Candidate], pauses: int, level_dbfs: float, seconds: float
    ) -> None:
        self._full = max(_PROOF_DBFS, level_dbfs - _FULL_DB)
        self._counted = max(COUNTED_DBFS, level_dbfs - _COUNTED_DB)
        self._sure = _lengths(
            candidates, lambda row: row.fainter_dbfs >= self._full and _may_prove(row)
        )
        broken = _lengths(candidates, lambda row: row.before_dbfs >= self._full and _may_prove(row))
        counted = _lengths(candidates, lambda row: row.louder_dbfs >= self._counted)
        most_pauses = max(_PAUSES, _PAUSE_SHARE * counted.total())
        self._is_never_still = pauses <= most_pauses and seconds >= _PAUSING_SECONDS
        commonest, alike = _commonest(broken)
        is_alike = alike >= max(_ALIKE_HOLES, _ALIKE_SHARE * broken.total())
        self.usual = commonest if is_alike else 0
        is_usual = self.usual > 0 and _alike(self._sure, self.usual) > 0
        clear = [row for row in candidates if row.louder_dbfs >= self._full and _may_prove(row)]
        clear = [row for row in clear if row.fainter_dbfs >= self._full] or clear
        self.are_packets = is_usual or _are_packets(clear)
        self.is_proven = (
            _is_strong(candidates, level_dbfs)
            and (self.are_packets or _are_steep(clear))
            and (
                is_usual
                or self._sure.total() >= _SURE_HOLES
                or (self._is_never_still and self._is_enough_in_noise(candidates, level_dbfs))
            )
        )

    def _is_enough_in_noise(self, candidates: Collection[Candidate], level_dbfs: float) -> bool:
        some = max(_PROOF_DBFS, level_dbfs - _SOME_DB)
        edges = _lengths(
            candidates, lambda row: row.louder_dbfs >= self._full and _may_prove(row)
        ).total()
        if edges < _EDGE_SHARE * len(candidates):
            return False
        has_both = any(row.fainter_dbfs >= some for row in candidates if _may_prove(row))
        return has_both or edges >= _EDGE_HOLES

    def lost(self, row: Candidate) -> int:
        """How many samples of sound were lost there, 0 for what is no hole."""
        if not self.is_proven or row.louder_dbfs < self._counted:
            return 0
        if row.fainter_dbfs >= self._full or self._is_never_still or self._is_known(row.length):
            return row.length
        # It lies half in the sound that it breaks off, half in the silence behind that.
        is_merged = row.length > self.usual and row.before_dbfs >= self._counted
        return self.usual // 2 if is_merged else 0

    def _is_known(self, length: int) -> bool:
        """Whether it is as long as some packets in a row, or as a hole that is sure."""
        if not self.usual:
            return any(abs(length - sure) <= STRAY_ZEROS for sure in self._sure)
        packets = -(-(length - STRAY_ZEROS) // self.usual)
        return packets <= _MOST_IN_A_ROW and length >= packets * self.usual


def _may_prove(row: Candidate) -> bool:
    return row.length <= _LONGEST_PROOF


def _are_packets(rows: Collection[Candidate]) -> bool:
    alike = are_packets_long(np.array([row.length for row in rows], np.int64))
    return int(np.count_nonzero(alike)) > _PACKETS_SHARE * len(rows)


def _are_steep(rows: Collection[Candidate]) -> bool:
    return sum(row.steepness for row in rows) >= _STEEP * len(rows)


def _is_strong(candidates: Collection[Candidate], level_dbfs: float) -> bool:
    """Sound is broken off where it is strong, not where a gate shuts."""
    strong = max(_PROOF_DBFS, level_dbfs - _STRONG_DB)
    broken = _lengths(candidates, lambda row: row.before_dbfs > UNBROKEN_DBFS)
    loud = _lengths(candidates, lambda row: row.before_dbfs >= strong)
    return loud.total() >= _STRONG_SHARE * broken.total()


def _lengths(candidates: Iterable[Candidate], is_one: Callable[[Candidate], bool]) -> Counter[int]:
    """How many there are of each length.

    Those that are alike in all count once: a prompt that is played again pauses the same way.
    """
    return Counter(row.length for row in candidates if is_one(row))


def _alike(lengths: Counter[int], least: int) -> int:
    """How many have this length, or some stray zeros more."""
    return sum(lengths[least + stray] for stray in range(STRAY_ZEROS + 1))


def _commonest(lengths: Counter[int]) -> tuple[int, int]:
    """The length that most have, some stray zeros aside, and how many that are."""
    alike = ((length, _alike(lengths, length)) for length in lengths)
    return min(alike, key=lambda row: (-row[1], row[0]), default=(0, 0))
