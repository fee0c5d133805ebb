"""SLN: bare samples, the whole message is payload."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from voipbin_cli.analysis.columns import Ints, Mask
from voipbin_cli.analysis.messages import Messages
from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ

NO_LABEL = -1
# Bare audio comes in whole multiples of 10 ms of G.711 (80) or linear (160).
BARE_BYTES = 80


class NoHeaders:
    """Columns of messages that are payload and nothing else."""

    def __init__(self, messages: Messages) -> None:
        self.messages = messages

    @cached_property
    def is_frame(self) -> Mask:
        """Binary, and not empty."""
        return ~self.messages.is_text & ~self.messages.is_empty

    @cached_property
    def label(self) -> Ints:
        """There is none."""
        return np.full(len(self.messages), NO_LABEL)

    @cached_property
    def payload_at(self) -> Ints:
        """At the start."""
        return np.zeros(len(self.messages), np.int64)

    @cached_property
    def payload_bytes(self) -> Ints:
        """All bytes; text is no payload."""
        return np.where(self.messages.is_text, 0, self.messages.size)

    @property
    def audio_bytes(self) -> Ints:
        """A message is one frame."""
        return self.payload_bytes

    @cached_property
    def is_audio(self) -> Mask:
        """All that is binary."""
        return self.payload_bytes > 0

    @cached_property
    def rate_hz(self) -> Ints:
        """Nothing says another rate than 8 kHz."""
        return np.full(len(self.messages), SAMPLE_RATE_HZ)
