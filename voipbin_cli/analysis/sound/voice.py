"""Where speech starts and ends: energy over an adaptive noise floor, with hangover."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.columns import Blocks, Samples

FRAME_MS = 10
# How far above the noise floor a frame is speech: to begin, and to go on.
START_DB = 10.0
STAY_DB = 6.0
# The least level of speech, however quiet the line is.
LEAST_DBFS = -48.0
# Five loud frames of the last eight begin speech: clicks are shorter than 50 ms. 40 quiet ones in
# a row (400 ms) end it.
START_FRAMES = 5
WINDOW_FRAMES = 8
HANGOVER_FRAMES = 40
# The noise floor follows a quieter frame at once, and rises by 0.03 dB a frame, 3 dB a second: too
# slow to climb onto speech, as the next pause between words pulls it down.
_FLOOR_RISE_DB = 0.03
_FLOOR_START_DBFS = -60.0
_FLOOR_LEAST_DBFS = -75.0
_FLOOR_MOST_DBFS = -35.0
_WINDOW = (1 << WINDOW_FRAMES) - 1


class VoiceEvent(NamedTuple):
    """Speech started or ended, at a place in the audio, in milliseconds."""

    speaking: bool
    at_ms: int


class VoiceFold:
    """Tells speech from silence in int16 samples.

    A start is returned 50 to 80 ms after the first loud frame, with that frame's time; an end
    400 ms after the last one, with the time at which that ended.
    """

    def __init__(self, rate_hz: int = 8000) -> None:
        self._frames: Blocks[np.int16] = Blocks(rate_hz * FRAME_MS // 1000, np.int16)
        self._floor_dbfs = _FLOOR_START_DBFS
        self._recent = 0
        self._quiet = 0
        self._frame = 0
        self._speaking = False
        self._spoken = 0
        self._since = 0

    def add(self, samples: Samples) -> list[VoiceEvent]:
        """Take a chunk of int16 samples; return what started and ended in it."""
        frames = self._frames.add(samples).astype(np.float64)
        # Whole numbers under 2^53: the same however the chunks were cut.
        energy = np.einsum("ij,ij->i", frames, frames) / (self._frames.size * 32768**2)
        events = []
        for level_dbfs in (10 * np.log10(np.maximum(energy, 1e-10))).tolist():
            event = self._hear(level_dbfs)
            if event:
                events.append(event)
            self._frame += 1
        return events

    @property
    def speaking(self) -> bool:
        """Someone speaks now."""
        return self._speaking

    @property
    def noise_dbfs(self) -> float:
        """The noise floor that speech is measured against."""
        return self._floor_dbfs

    def result(self) -> float:
        """Milliseconds of speech so far, one going on included."""
        open_frames = self._frame - self._quiet - self._since if self._speaking else 0
        return float((self._spoken + open_frames) * FRAME_MS)

    def _hear(self, level_dbfs: float) -> VoiceEvent | None:
        over_db = level_dbfs - self._floor_dbfs
        self._adapt(level_dbfs)
        if self._speaking:
            return self._stay(over_db > STAY_DB and level_dbfs > LEAST_DBFS - 6)
        return self._start(over_db > START_DB and level_dbfs > LEAST_DBFS)

    def _adapt(self, level_dbfs: float) -> None:
        raised = min(level_dbfs, self._floor_dbfs + _FLOOR_RISE_DB)
        self._floor_dbfs = min(_FLOOR_MOST_DBFS, max(_FLOOR_LEAST_DBFS, raised))

    def _start(self, loud: bool) -> VoiceEvent | None:
        self._recent = (self._recent << 1 | loud) & _WINDOW
        if self._recent.bit_count() < START_FRAMES:
            return None
        self._since = self._frame - self._recent.bit_length() + 1
        self._speaking, self._quiet, self._recent = True, 0, 0
        return VoiceEvent(True, self._since * FRAME_MS)

    def _stay(self, loud: bool) -> VoiceEvent | None:
        self._quiet = 0 if loud else self._quiet + 1
        if self._quiet < HANGOVER_FRAMES:
            return None
        end = self._frame + 1 - self._quiet
        self._speaking, self._quiet = False, 0
        self._spoken += end - self._since
        return VoiceEvent(False, end * FRAME_MS)
