"""Samples that overflowed: too loud for 16 bits, they begin anew at the other end of the scale.

Clipping stays at the end of the scale, an overflow jumps from one end to the other, from one sample
to the next. So does sound that is clipped hard, at full scale or somewhat below, but from ceiling
to ceiling, where most of its loud samples stand; those of an overflow stand anywhere. Loud noise
jumps, too, and the further the seldomer; an overflow of sound that moves little from sample to
sample jumps through nearly all of the scale.

Speech 3 to 16 times too loud, in linear audio and mu-law: of its jumps 0.11 to 0.35 are far, and
there are 0.3 to 3 samples at an end for each. Speech, music, digits and menus that were clipped
have 11 and more at an end; white noise of -12 to -3 dBFS 0.07 far jumps at the most.
"""

from __future__ import annotations

import numpy as np

from voipbin_cli.analysis.columns import Samples
from voipbin_cli.analysis.sound.cutting import SoundFrames

_JUMP, _FAR_JUMP = 40_000, 54_000
# A high tone at full scale moves as far in the samples around its jumps.
_STEP = 20_000
# From this share of a second's highest and lowest samples on, one may be held there by a limiter,
# which need not be set to full scale, or by G.711.
_END = 0.98
# A second without samples so near to both ends has no overflow.
_NEAR_END = 24_000
_LEAST_JUMPS = 20
_FAR_SHARE = 0.1
_ENDS_PER_JUMP = 3.0


class WrapFold:
    """Counts the jumps of samples that overflowed, there and back."""

    def __init__(self) -> None:
        self._samples = 0
        self._jumps = self._far = self._ends = 0

    def add(self, sound: SoundFrames) -> None:
        """Take some frames; jumps on the edge of a second are left out."""
        for rows in (sound.samples_by_second, sound.rest):
            if rows.size:
                self._samples += rows.size
                loud = (rows.max(axis=1) > _NEAR_END) & (rows.min(axis=1) < -_NEAR_END)
                for second in rows[loud]:
                    self._count(second)

    def result(self) -> float:
        """Overflows by samples, 0 where the jumps are those of clipping or noise."""
        is_far = self._far >= _FAR_SHARE * self._jumps
        is_free = self._ends <= _ENDS_PER_JUMP * self._jumps
        if self._jumps < _LEAST_JUMPS or not is_far or not is_free:
            return 0.0
        return self._jumps / self._samples

    def _count(self, samples: Samples) -> None:
        values = samples.astype(np.int32)
        steps = np.abs(np.diff(values))
        is_end = (values >= _END * values.max()) | (values <= _END * values.min())
        self._ends += int(np.count_nonzero(is_end))
        at = np.flatnonzero(steps[1:-1] > _JUMP) + 1
        calm = (steps[at - 1] < _STEP) & (steps[at + 1] < _STEP)
        jumps = steps[at[calm & ~is_end[at] & ~is_end[at + 1]]]
        self._jumps += len(jumps)
        self._far += int(np.count_nonzero(jumps > _FAR_JUMP))
