"""How long a stream is wanted, and when that is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ
from voipbin_cli.transport.connection import Message

# A duration is over when so much audio is there; the clock alone decides a little later.
GRACE_S = 0.1
# What the decoder and the call's clock may hold back, and let go with the next message.
HELD_S = 1.0


class Duration:
    """Ends a stream after `wanted_s` seconds of audio, or of time since `begin`; None: never.

    `seconds()` is how much audio there is, `stop()` ends the stream when the time is up.
    """

    def __init__(
        self, wanted_s: float | None, seconds: Callable[[], float], stop: Callable[[], None]
    ) -> None:
        self.wanted_s = wanted_s
        self.ran_out = False
        self._seconds = seconds
        self._stop = stop
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_over(self) -> bool:
        """Whether as much audio is there as was wanted."""
        return self.wanted_s is not None and self._seconds() >= self.wanted_s

    def includes(self, messages: Sequence[Message]) -> bool:
        """Whether all of these messages are wanted for sure: a sample is a byte at least.

        Silence that is filled in is no longer than the time that passed: that has to be left, too.
        """
        if self.wanted_s is None:
            return True
        if self._timer is None:
            return False
        left_s = min(
            self.wanted_s - self._seconds(),
            self._timer.when() - asyncio.get_running_loop().time(),
        )
        return left_s > HELD_S + sum(len(m.data) for m in messages) / SAMPLE_RATE_HZ

    def begin(self) -> None:
        """Count the time, anew where it was counted already."""
        self.cancel()
        if self.wanted_s is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self.wanted_s + GRACE_S, self._run_out)

    def cancel(self) -> None:
        """Count no further."""
        if self._timer is not None:
            self._timer.cancel()

    def _run_out(self) -> None:
        self.ran_out = True
        self._stop()
