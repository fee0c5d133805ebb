"""Where speech starts and ends: the level of three bands over their noise floors, with hangover.

The one judge of it, for a program in the call as for the turns of a conversation.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.columns import Blocks, Ints, Mask, Samples
from voipbin_cli.analysis.sound.tonality import CHORD_DB, TONE_DB, is_tone

FRAME_MS = 10
# Vowels and nasals; the upper formants; what hisses, which a room's noise seldom covers.
_BANDS_HZ = (200, 1000, 2200, 3800)
# Levels are whole hundredths of a decibel: the same sums however the chunks were cut.
_DB = 100
# So far above its floor a band is loud: to begin, and to go on. In noise such a band is within
# 4 dB of its mean in nearly every 20 ms.
_START_DB = 9 * _DB
_STAY_DB = 4 * _DB
# The least level of speech, however quiet the line is.
_START_DBFS = -48 * _DB
_STAY_DBFS = -56 * _DB
_SILENT_DBFS = -90 * _DB
# Five loud frames of the last eight begin speech: clicks are shorter than 50 ms. 40 quiet ones in
# a row (400 ms) end it.
_START_FRAMES = 5
_RECENT_FRAMES = 8
HANGOVER_FRAMES = 40
# Speech began where it first was loud enough to go on, but for a closure of the lips, and so far
# back at the most: the softest beginning of a word is no longer than that.
_BACK_FRAMES = 20
_CLOSURE_FRAMES = 3
# The floor follows a quieter 80 ms at once, and rises by 3 dB a second: too slow to climb onto
# speech, as the next pause between words pulls it down.
_SMOOTH_FRAMES = 8
_RISE_DB = 1
_FLOOR_START_DBFS = -60 * _DB
_FLOOR_LEAST_DBFS = -64 * _DB
# What stays at one level in every band for 300 ms is nothing that somebody says: noise that begins,
# comfort noise, a tone, a modem. There the floor moves to it. Speech moves by 5 dB (a standard
# deviation) in some band, noise by 2.
_STEADY_FRAMES = 30
_STEADY_DB2 = (3 * _DB) ** 2
_JUMP_DB = 2 * _DB
# A tone is known by its last 40 ms; whether speech is music is asked each 100 ms.
_TONE_FRAMES = 4
_MUSIC_FRAMES = 10
_MUSIC_SHARE = 0.5
_HISTORY = (1 << 64) - 1
# A third of the band of a telephone is this loud in noise of some -45 dBFS.
_QUIET_DBFS = -51 * _DB
_QUIET_MS, _NOISY_MS = 40.0, 120.0


class VoiceEvent(NamedTuple):
    """Speech started or ended, at a place in the audio, in milliseconds.

    An end where the start was takes that back: what began so was a steady sound.
    """

    speaking: bool
    at_ms: int


class Spoken(NamedTuple):
    """A piece of sound that moves as speech does. `is_music`: chords, as music on hold has."""

    start_ms: int
    end_ms: int
    is_music: bool = False


class VoiceFold:
    """Tells speech from silence, noise and tones in int16 samples.

    A start is returned some 60 to 100 ms after the first loud frame, with the time at which the
    sound began; an end 400 ms after the last one, with the time at which that ended.
    """

    def __init__(self, rate_hz: int = 8000) -> None:
        self._hop = rate_hz * FRAME_MS // 1000
        self._hops: Blocks[np.int16] = Blocks(self._hop, np.int16)
        self._tail = np.zeros((_TONE_FRAMES, self._hop), np.int16)
        self._bands = [round(hertz * 2 * self._hop / rate_hz) for hertz in _BANDS_HZ]
        self._window = np.hanning(2 * self._hop)
        self._window *= np.sqrt(1 / self._hop / (self._window**2).sum()) / 32768
        self._levels = np.full((_STEADY_FRAMES, len(_BANDS_HZ) - 1), _FLOOR_START_DBFS)
        self._floor = np.full(len(_BANDS_HZ) - 1, _FLOOR_START_DBFS)
        self._floors_sum = np.zeros(len(_BANDS_HZ) - 1, np.int64)
        self._frame = 0
        self._since: int | None = None
        self._last = 0
        self._loud = self._stays = 0
        self._chords = self._asked = 0
        self.spans: list[Spoken] = []

    def add(self, samples: Samples) -> list[VoiceEvent]:
        """Take a chunk of int16 samples; return what started and ended in it."""
        events: list[VoiceEvent] = []
        hops = self._hops.add(samples)
        for at in range(0, len(hops), 100):
            events += self._hear(hops[at : at + 100])
        return events

    def finish(self) -> list[VoiceEvent]:
        """The sound is over; return the end of what is being said."""
        return [] if self._since is None else [self._end()]

    @property
    def speaking(self) -> bool:
        """Someone speaks now."""
        return self._since is not None

    @property
    def uncertainty_ms(self) -> float:
        """Within this 95 of 100 starts and ends are dated.

        By composed talkers of four languages at -20 dBFS: 40 ms in silence and in noise of up to
        -50 dBFS, 120 ms in noise of -40 dBFS, which hides soft beginnings and ends of words.
        """
        noise = self._floors_sum.max() / max(1, self._frame)
        return _QUIET_MS if noise < _QUIET_DBFS else _NOISY_MS

    def result(self) -> float:
        """Milliseconds of speech so far, one going on included."""
        spoken = sum(span.end_ms - span.start_ms for span in self.spans)
        return float(spoken + (0 if self._since is None else self._end_ms - self._start_ms))

    def _hear(self, hops: Samples) -> list[VoiceEvent]:
        if not len(hops):
            return []
        heard = np.concatenate([self._tail, hops])
        self._tail = heard[-_TONE_FRAMES:]
        levels = self._levels_of(heard[_TONE_FRAMES - 1 :])
        before = np.concatenate([self._levels, levels])
        self._levels = before[-_STEADY_FRAMES:]
        steady, mean = _steadiness(before)
        floor = self._floors(before, steady, mean)
        over = levels - floor
        loud: Mask = np.any((over > _START_DB) & (levels > _START_DBFS), axis=1)
        stays: Mask = np.any((over > _STAY_DB) & (levels > _STAY_DBFS), axis=1)
        events = []
        for n, (is_loud, stay, is_steady) in enumerate(
            zip(loud.tolist(), stays.tolist(), steady.tolist(), strict=True)
        ):
            event = self._follow(is_loud, stay, is_steady, heard[n + 1 : n + 1 + _TONE_FRAMES])
            if event:
                events.append(event)
            self._frame += 1
        return events

    def _levels_of(self, hops: Samples) -> Ints:
        """The level of each band in each 20 ms that end with a hop, the first one left out."""
        windows = np.concatenate([hops[:-1], hops[1:]], axis=1) * self._window
        power = np.abs(np.fft.rfft(windows, axis=1)) ** 2
        bands = [power[:, a:b].sum(axis=1) for a, b in pairwise(self._bands)]
        decibels = 10 * np.log10(np.maximum(np.stack(bands, axis=1), 1e-9))
        levels: Ints = np.rint(decibels * _DB).astype(np.int64)
        return levels

    def _floors(self, before: Ints, steady: Mask, mean: Ints) -> Ints:
        """The floor under each frame: it falls at once, rises slowly, jumps to what is steady."""
        sums = np.cumsum(before[-len(steady) - _SMOOTH_FRAMES :], axis=0)
        smooth = (sums[_SMOOTH_FRAMES:] - sums[:-_SMOOTH_FRAMES]) // _SMOOTH_FRAMES
        smooth = np.maximum(smooth, _FLOOR_LEAST_DBFS)
        rise = _RISE_DB * np.arange(1, len(smooth) + 1)[:, None]
        floor: Ints = np.empty_like(smooth)
        at, now = 0, self._floor
        while at < len(smooth):
            steps = rise[: len(smooth) - at]
            low = np.minimum.accumulate(smooth[at:] - steps, axis=0)
            floor[at:] = np.minimum(low, now) + steps
            above = (mean[at:] > floor[at:] + _JUMP_DB).any(axis=1) & steady[at:]
            if not above.any():
                break
            at += int(above.argmax())
            now = floor[at] = np.maximum(mean[at], floor[at])
            at += 1
        self._floor = floor[-1]
        self._floors_sum += floor.sum(axis=0)
        return floor

    def _follow(self, loud: bool, stays: bool, steady: bool, tail: Samples) -> VoiceEvent | None:
        self._stays = (self._stays << 1 | stays) & _HISTORY
        if steady:
            self._stays = self._stays >> _STEADY_FRAMES << _STEADY_FRAMES
        if self._since is None:
            return self._start(loud and not steady, steady, tail)
        # One frame of three may be chance.
        if stays and self._stays & 0b110:
            self._last = self._frame
        if steady:
            self._last = min(self._last, self._frame - _trailing_zeros(self._stays))
            if self._last < self._since:
                return self._take_back()
        if self._frame % _MUSIC_FRAMES == 0 and stays:
            self._asked += 1
            self._chords += _is_tone(tail[-2:], CHORD_DB)
        return self._end() if self._frame - self._last >= HANGOVER_FRAMES else None

    def _start(self, loud: bool, steady: bool, tail: Samples) -> VoiceEvent | None:
        self._loud = 0 if steady else (self._loud << 1 | loud) & ((1 << _RECENT_FRAMES) - 1)
        if not loud or self._loud.bit_count() < _START_FRAMES:
            return None
        if _is_tone(tail, TONE_DB) or _is_tone(tail[:2], TONE_DB):
            return None  # or the end of one
        self._since = self._frame - _reach(self._stays)
        self._last, self._loud = self._frame, 0
        self._chords = self._asked = 0
        return VoiceEvent(True, self._start_ms)

    def _take_back(self) -> VoiceEvent:
        event = VoiceEvent(False, self._start_ms)
        self._since = None
        return event

    def _end(self) -> VoiceEvent:
        is_music = self._chords > _MUSIC_SHARE * self._asked
        self.spans.append(Spoken(self._start_ms, self._end_ms, is_music))
        self._since = None
        return VoiceEvent(False, self.spans[-1].end_ms)

    @property
    def _start_ms(self) -> int:
        """A frame is of 20 ms, of which the middle counts most."""
        assert self._since is not None
        return max(0, self._since * FRAME_MS - FRAME_MS // 2)

    @property
    def _end_ms(self) -> int:
        return self._last * FRAME_MS + FRAME_MS // 2


def _is_tone(hops: Samples, residual_db: float) -> bool:
    return is_tone(hops.ravel().astype(np.float64), residual_db)


def _steadiness(levels: Ints) -> tuple[Mask, Ints]:
    """Whether the 300 ms up to each frame are steady in every band, and their mean levels."""
    count = _STEADY_FRAMES
    sums = np.cumsum(levels, axis=0)
    squares = np.cumsum(levels * levels, axis=0)
    total, square = sums[count:] - sums[:-count], squares[count:] - squares[:-count]
    # Of whole numbers, and so exact: the variance times the square of how many there are.
    varied = count * square - total * total
    is_steady: Mask = np.all(varied < count * count * _STEADY_DB2, axis=1)
    return is_steady, total // count


def _reach(stays: int) -> int:
    """How many frames back the sound began, short closures passed over."""
    reach = gap = 0
    for back in range(1, _BACK_FRAMES):
        gap = 0 if stays >> back & 1 else gap + 1
        if gap > _CLOSURE_FRAMES:
            break
        if not gap:
            reach = back
    return reach


def _trailing_zeros(bits: int) -> int:
    """How far back the latest frame that stays is; far back where there is none."""
    return (bits & -bits).bit_length() - 1 if bits else 1 << 30
