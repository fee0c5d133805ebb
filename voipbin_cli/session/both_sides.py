"""What is received and what is sent side by side: two channels of one file, on one clock."""

from __future__ import annotations

from collections import deque

import numpy as np

from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ

NS_PER_SAMPLE = 1_000_000_000 // SAMPLE_RATE_HZ
# A frame that comes later than the end of the one before by less is joined to it: timers are not
# exact, and a hole of a millisecond is a click.
_JOINED = SAMPLE_RATE_HZ // 100
# Until then it may still be joined, and nothing is written in its place.
_WAIT = 3 * _JOINED
# No command sends further ahead than 80 ms. What is, for good, runs on a faster clock: so much of
# it is left out as keeps both channels together.
_MOST_AHEAD = SAMPLE_RATE_HZ // 10
# Ten seconds of frames: longer than most stalls, and a clock that is off by 100 ppm moves by 1 ms.
_LATEST_FRAMES = 500


class BothSides:
    """Puts what was sent beside what is received; s16le at 8 kHz, times in ns of one clock.

    What is received fills the left channel as it comes and is the file's clock: the least delay
    of its last ten seconds says at which time a place in the file was heard. What is sent stands
    in the right channel where the left one was at the time it was sent, or where it plays on from
    the frame before it. Where nothing is sent the right channel is silent.
    """

    def __init__(self) -> None:
        self._left, self._right = bytearray(), bytearray()
        self._sent: deque[tuple[int, bytes]] = deque()
        self._delays = _LeastOfLatest(_LATEST_FRAMES)
        self._written = 0  # samples of either channel
        self._first_said_ns: int | None = None

    def send(self, at_ns: int, pcm: bytes) -> None:
        """Take what was sent at a time, in order."""
        if self._delays.least is None and self._first_said_ns is None and any(pcm):
            self._first_said_ns = at_ns
        self._sent.append((at_ns, pcm))

    def receive(self, pcm: bytes, at_ns: int | None) -> None:
        """Take what goes on in the left channel; `at_ns` is None for silence that is filled in."""
        if at_ns is not None:
            if self._delays.least is None and self._first_said_ns is not None:
                self._left += bytes(2 * ((at_ns - self._first_said_ns) // NS_PER_SAMPLE))
            self._delays.add(at_ns - self._place(self._left) * NS_PER_SAMPLE)
        self._left += pcm

    def take(self, now_ns: int) -> bytes:
        """Return both channels as far as both are known, interleaved."""
        if self._delays.least is None:
            return b""
        known = (now_ns - self._delays.least) // NS_PER_SAMPLE - _WAIT
        end = min(self._place(self._left), known)
        self._put_sent(end + _WAIT)
        return self._interleaved(end - self._written)

    def finish(self, most: int | None = None) -> bytes:
        """Return the rest, to the end of the channel that has sound for longer.

        The file gets no longer than `most` samples of either.
        """
        if self._delays.least is None:
            self._delays.add(self._sent[0][0] if self._sent else 0)
        self._put_sent(None)
        said = len(self._right.rstrip(b"\0")) + 1 >> 1
        rest = max(len(self._left) >> 1, said)
        return self._interleaved(rest if most is None else min(rest, most - self._written))

    def _place(self, channel: bytearray) -> int:
        """The place of the end of a channel, in samples of the file."""
        return self._written + (len(channel) >> 1)

    def _put_sent(self, end: int | None) -> None:
        """Put what was sent before the place `end`, None for all, into the right channel."""
        assert self._delays.least is not None
        while self._sent:
            at_ns, pcm = self._sent[0]
            place = (at_ns - self._delays.least) // NS_PER_SAMPLE
            if end is not None and place >= end:
                return
            self._sent.popleft()
            ahead = self._place(self._right) - place
            if ahead < -_JOINED:
                self._right += bytes(-2 * ahead)
            if ahead <= _MOST_AHEAD:
                self._right += pcm[-2 * place if place < 0 else 0 :]

    def _interleaved(self, samples: int) -> bytes:
        if samples <= 0:
            return b""
        channels = [_taken(channel, 2 * samples) for channel in (self._left, self._right)]
        self._written += samples
        return np.column_stack([np.frombuffer(pcm, "<i2") for pcm in channels]).tobytes()


def _taken(channel: bytearray, size: int) -> bytes:
    """Take the first bytes of a channel, silence where it has none."""
    pcm = bytes(channel[:size]).ljust(size, b"\0")
    del channel[:size]
    return pcm


class _LeastOfLatest:
    """The least of the latest values; None of none."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._seen = 0
        self._rising: deque[tuple[int, int]] = deque()

    @property
    def least(self) -> int | None:
        return self._rising[0][1] if self._rising else None

    def add(self, value: int) -> None:
        while self._rising and self._rising[-1][1] >= value:
            self._rising.pop()
        self._rising.append((self._seen, value))
        self._seen += 1
        if self._rising[0][0] <= self._seen - 1 - self._count:
            self._rising.popleft()
