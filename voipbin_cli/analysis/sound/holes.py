"""Audio lost before the platform: frames of exact zero cut into sound.

The platform's bridge sends a frame each 20 ms whatever comes; where the phone's packet was lost,
the frame is all zero. So is mu-law silence, a muted phone and the pause between tones. What tells
them apart: a loss begins and ends with a frame, is short, and stands where sound was going on
before and after. Silence starts and ends anywhere, and sound dies away into it.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.columns import Floats, Samples
from voipbin_cli.analysis.sound.cutting import SoundFrames

# 400 ms: zeros for longer are a mute, a hold or a pause.
LONGEST_FRAMES = 20
# Level of the 5 ms before and behind a hole: -50 dBFS on both sides, -40 dBFS, which is above a
# room's noise, on one.
_EDGE_SAMPLES = 40
_EDGE_LEAST = 32768 * 10 ** (-50 / 20)
_EDGE_LOUD = 32768 * 10 ** (-40 / 20)
# So many samples of sound may be zero by chance, next to a hole.
_STRAY_ZEROS = 3
# Linear prediction from the eight samples before leaves of one or two sines no more than mu-law's
# own noise, 29 dB and more below them; of speech (four voices measured) it leaves 28 dB below in
# one frame of a hundred, and more in all others.
_ORDER = 8
_TONE_RESIDUAL = 10 ** (-28 / 20)
_RAMP_SAMPLES = 20
_NOTED = 10_000


class Hole(NamedTuple):
    """A hole's place in the audio and its length, both in 20 ms frames."""

    frame: int
    length: int


class Holes(NamedTuple):
    """`lost_ms` of audio in `holes` holes; `noted` are the latest 10,000 of them."""

    holes: int
    lost_ms: float
    noted: tuple[Hole, ...]


class HoleFold:
    """Finds the holes in the frames of a stream."""

    def __init__(self) -> None:
        self._before: Floats | None = None
        self._run = 0
        self._frame = 0
        self._count = 0
        self._lost_frames = 0
        self._noted: deque[Hole] = deque(maxlen=_NOTED)

    def add(self, sound: SoundFrames) -> None:
        """Take some frames."""
        frames = sound.frames
        sounding = np.flatnonzero(sound.energy)
        if not sounding.size:
            self._run += len(frames)
            self._frame += len(frames)
            return
        quiet = np.diff(sounding, prepend=-1 - self._run) - 1
        for index in np.flatnonzero((quiet > 0) & (quiet <= LONGEST_FRAMES)).tolist():
            place = int(sounding[index])
            before = self._before if index == 0 else _floats(frames[sounding[index - 1]])
            run = int(quiet[index])
            if before is not None and _is_loss(before, run, _floats(frames[place])):
                self._count += 1
                self._lost_frames += run
                self._noted.append(Hole(self._frame + place - run, run))
        last = int(sounding[-1])
        self._before = _floats(frames[last])
        self._run = len(frames) - 1 - last
        self._frame += len(frames)

    def result(self) -> Holes:
        """The figures so far; a hole counts once sound has come back."""
        return Holes(self._count, self._lost_frames * 20.0, tuple(self._noted))


def _floats(frame: Samples) -> Floats:
    return frame.astype(np.float64)


def _is_loss(before: Floats, frames: int, after: Floats) -> bool:
    """Return whether `frames` frames of zero between these two are lost audio."""
    if not before[-_STRAY_ZEROS - 1 :].any() or not after[: _STRAY_ZEROS + 1].any():
        return False
    levels = [_level(before[-_EDGE_SAMPLES:]), _level(after[:_EDGE_SAMPLES])]
    if min(levels) < _EDGE_LEAST or max(levels) < _EDGE_LOUD:
        return False
    # Between tones there are pauses of exact zero, but none of 20 ms (Q.24: 40 ms at least).
    return frames == 1 or not (_is_tone(before) and _is_tone(after))


def _level(samples: Floats) -> float:
    return float(np.sqrt(np.mean(samples * samples)))


def _is_tone(frame: Floats) -> bool:
    """One or two sines, away from where they may have been ramped."""
    sound = frame[_RAMP_SAMPLES:-_RAMP_SAMPLES]
    past = np.lib.stride_tricks.sliding_window_view(sound[:-1], _ORDER)
    now = sound[_ORDER:]
    weights = np.linalg.lstsq(past, now, rcond=None)[0]
    return _level(now - past @ weights) < _TONE_RESIDUAL * _level(now)
