"""What is sent, as the phone hears it: when it sounds, and the sound itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.columns import Floats, Ints, Samples
from voipbin_cli.analysis.conversation.received_track import NS_PER_SAMPLE, TimedSound
from voipbin_cli.analysis.farend.far_end import FIRST_TICK_NS
from voipbin_cli.analysis.farend.far_queue import SILENT_TICK, TICK_BYTES, FarQueue, QueueRule
from voipbin_cli.codec.codecs import FRAME_NS, FRAME_SAMPLES

# Ten milliseconds of it sound from here on: softer is the noise of an open microphone.
SOUNDS_DBFS = -48.0
# Where five seconds of it are never still, something lies under them: comfort noise, music behind a
# voice. What sounds is louder than its softest tenth by so much, the more the more that moves; what
# is as loud as speech is none.
FLOOR_HOPS, _LEAST_HOPS = 500, 50
_STILL_DBFS, _NEVER_SHARE = -60.0, 0.98
_OVER_FLOOR_DB, _MOVES = (8.0, 14.0), 3.0
_MOST_DBFS = -30.0
_HOP = 80
HOP_NS = _HOP * NS_PER_SAMPLE
# What pauses for less than this goes on with the same turn.
PAUSE_NS = 400_000_000
# A sentence that ends by itself dies away by more than this from its loudest 10 ms (48 of 48, four
# languages). One in three that are cut off is that loud; of the others it is not told.
_BROKEN_DB = 7.0
_WORD_NS = 200_000_000
# A pause may be long: no more of it than that is heard at once.
_MANY_TICKS = 500
_MANY_BYTES = 10 * _MANY_TICKS * TICK_BYTES
# A tick plays what came before it.
_AT_ONCE_NS = 1


@dataclass(slots=True)
class Utterance:
    """We sound: the message in which that begins was sent at `sent_ns`; the phone hears it from
    `from_ns` until `until_ns`. `broke_off`: it ends at full height.
    """

    sent_ns: int
    from_ns: int
    until_ns: int
    loudest_dbfs: float
    last_dbfs: float

    @property
    def broke_off(self) -> bool:
        """It ended in the middle of a word, for certain; what is shorter than one is a click."""
        is_word = self.until_ns - self.from_ns >= _WORD_NS
        return is_word and self.last_dbfs > self.loudest_dbfs - _BROKEN_DB


class UtteranceFold:
    """Makes utterances of messages, in the order in which they were sent.

    `is_recorded`: they stand where they sounded.
    """

    def __init__(self, *, is_recorded: bool = False) -> None:
        self._is_recorded = is_recorded
        self.utterances: list[Utterance] = []

    def note(
        self, at_ns: int, begins_ns: int | None, levels: Sequence[float], sounds_dbfs: float
    ) -> None:
        """Take a message sent at `at_ns`, heard from `begins_ns` on or (None) thrown away.

        `levels` is of each 10 ms of it; above `sounds_dbfs` it sounds. Where it was thrown away,
        so was all that waited before it.
        """
        if begins_ns is None:
            if self.utterances:
                self.utterances[-1].until_ns = min(self.utterances[-1].until_ns, at_ns)
            return
        loud = [hop for hop, level in enumerate(levels) if level > sounds_dbfs]
        if not loud:
            return
        from_ns = begins_ns + loud[0] * HOP_NS
        until_ns = begins_ns + (loud[-1] + 1) * HOP_NS
        loudest, last = max(levels), levels[loud[-1]]
        if self.utterances and from_ns - self.utterances[-1].until_ns < PAUSE_NS:
            now = self.utterances[-1]
            now.until_ns, now.last_dbfs = until_ns, last
            now.loudest_dbfs = max(now.loudest_dbfs, loudest)
        else:
            sent_ns = from_ns if self._is_recorded else at_ns
            self.utterances.append(Utterance(sent_ns, from_ns, until_ns, loudest, last))


class _Message(NamedTuple):
    """Sent at a time, heard from another one on, or never where the far end threw it away."""

    at_ns: int
    begins_ns: int | None
    levels: list[float]


class SentTrack:
    """Plays what is sent through the far queue, on a clock of the far end's own.

    `utterances` are complete after `finish`; that anything sounds at all is known at once.

    `is_recorded`: it stands where it sounded, and waits for nothing. `at_once`: somebody looks
    while it goes on, and what lies under the sound is known by the five seconds before.
    """

    def __init__(
        self, rule: QueueRule, *, is_recorded: bool = False, at_once: bool = False
    ) -> None:
        self._queue = FarQueue(rule)
        self._is_recorded = is_recorded
        self._at_once = at_once
        self._latest: Floats = np.empty(0)
        self._tick_ns: int | None = None
        self._undecided: list[_Message] = []
        self._hops = 0
        self.has_sounded = False
        self._fold = UtteranceFold(is_recorded=is_recorded)
        self.utterances = self._fold.utterances

    def add(self, time_ns: Ints, samples: Samples) -> Iterator[TimedSound]:
        """Take messages of one length each; yield what the phone has heard until the last one."""
        size = len(samples) // max(1, len(time_ns))
        if not size:
            return
        data = samples.astype("<i2", copy=False).tobytes()
        levels = hop_levels(samples.reshape(-1, size))
        self.has_sounded = self.has_sounded or bool(levels.max() > SOUNDS_DBFS)
        if self._tick_ns is None:
            self._tick_ns = int(time_ns[0]) + (_AT_ONCE_NS if self._is_recorded else FIRST_TICK_NS)
        heard, began_ns = bytearray(), self._tick_ns
        of_each = zip(time_ns.tolist(), levels.tolist(), strict=True)
        for row, (at_ns, its_levels) in enumerate(of_each):
            for ticks in self._ticks_until(at_ns):
                heard += self._play(ticks)
                if len(heard) > _MANY_BYTES:
                    yield _sound(began_ns, heard)
                    heard, began_ns = bytearray(), self._tick_ns
            self._feed(at_ns, data[2 * row * size : 2 * (row + 1) * size], its_levels)
        if heard:
            yield _sound(began_ns, heard)

    def finish(self) -> Iterator[TimedSound]:
        """Yield what still waits: the stream is over."""
        if self._tick_ns is not None:
            waiting_ns = self._queue.level.waiting * NS_PER_SAMPLE
            for ticks in self._ticks_until(self._tick_ns + waiting_ns):
                yield _sound(self._tick_ns, self._play(ticks))
        self._decide()

    def waiting_ms(self, at_ns: int) -> float:
        """How much waits at the far end at a time that is not before the last message."""
        if self._tick_ns is None:
            return 0.0
        ticks = max(0, (at_ns - self._tick_ns) // FRAME_NS + 1)
        return max(0, self._queue.level.waiting - ticks * FRAME_SAMPLES) / 8

    def _feed(self, at_ns: int, pcm: bytes, levels: list[float]) -> None:
        """Queue a message: all that was due to be heard before it has been."""
        assert self._tick_ns is not None
        begins_ns = self._tick_ns + self._queue.level.waiting * NS_PER_SAMPLE
        lost = self._queue.level.lost
        self._queue.feed(pcm)
        is_lost = self._queue.level.lost > lost
        self._undecided.append(_Message(at_ns, None if is_lost else begins_ns, levels))
        self._hops += len(levels)
        if self._at_once or self._hops >= FLOOR_HOPS:
            self._decide()

    def _ticks_until(self, at_ns: int) -> Iterator[int]:
        """How many ticks are due by then, a bounded number at a time."""
        assert self._tick_ns is not None
        ticks = (at_ns - self._tick_ns) // FRAME_NS + 1
        while ticks > 0:
            yield min(ticks, _MANY_TICKS)
            ticks -= _MANY_TICKS

    def _play(self, ticks: int) -> bytes:
        """What the phone hears in the next ticks, s16le."""
        assert self._tick_ns is not None
        self._tick_ns += ticks * FRAME_NS
        return b"".join(self._queue.play() or SILENT_TICK for _ in range(ticks))

    def _decide(self) -> None:
        """Tell of what was sent where it sounds."""
        messages, self._undecided, self._hops = self._undecided, [], 0
        if not messages:
            return
        levels_now = np.array([level for message in messages for level in message.levels])
        if self._at_once:
            levels_now = self._latest = np.concatenate([self._latest, levels_now])[-FLOOR_HOPS:]
        sounds_dbfs = sounding_threshold(levels_now)
        for at_ns, begins_ns, levels in messages:
            self._fold.note(at_ns, begins_ns, levels, sounds_dbfs)


def _sound(at_ns: int, heard: bytes | bytearray) -> TimedSound:
    return TimedSound(at_ns, np.frombuffer(heard, "<i2").astype(np.int16))


def sounding_threshold(levels: Floats) -> float:
    """From how loud on a message sounds, by the levels of some seconds."""
    if len(levels) < _LEAST_HOPS or np.mean(levels > _STILL_DBFS) < _NEVER_SHARE:
        return SOUNDS_DBFS
    floor_dbfs, often_dbfs = np.percentile(levels, [10, 30])
    over_db = np.clip(_MOVES * (often_dbfs - floor_dbfs), *_OVER_FLOOR_DB)
    return float(np.clip(floor_dbfs + over_db, SOUNDS_DBFS, _MOST_DBFS))


def hop_levels(rows: Samples) -> Floats:
    """The level of each 10 ms of each message, a shorter rest included, in dBFS."""
    squares = rows.astype(np.float64) ** 2
    starts = np.arange(0, rows.shape[1], _HOP)
    counts = np.diff(starts, append=rows.shape[1])
    means = np.add.reduceat(squares, starts, axis=1) / counts / 32768**2
    levels: Floats = 10 * np.log10(np.maximum(means, 1e-12))
    return levels
