"""What the far end makes of a client's messages: audio, nothing, or the end of the stream.

All of it was observed on the platform.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from voipbin_cli.codec import audiosocket, rtp
from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ, Codec, decode
from voipbin_cli.codec.encapsulation import MAX_PAYLOAD_BYTES, Encapsulation
from voipbin_cli.errors import DecodeError

# Between the halves of a split AudioSocket frame 2 to 4 ms were survived; 8 ms ended the stream.
SPLIT_PATIENCE_NS = 6_000_000


class Accepted(NamedTuple):
    """What the far end takes from a client on RTP; SLN and AudioSocket are linear always."""

    codec: Codec
    payload_type: int


class IntakeEffect(NamedTuple):
    """What one message does. `pcm`: s16le at 8 kHz for the phone. `ends`: why the stream ends.

    `violation`: the platform's server process would have died of it.
    """

    pcm: bytes = b""
    ends: str = ""
    violation: bool = False


NOTHING = IntakeEffect()
_EMPTY = IntakeEffect(ends="audio without a byte")


def _too_long(size: int) -> IntakeEffect:
    return IntakeEffect(
        ends=f"payload of {size} bytes, over {MAX_PAYLOAD_BYTES}: the platform dies of it",
        violation=True,
    )


def _to_8k(payload: bytes, rate_hz: int) -> bytes:
    """Linear audio of another rate as 8 kHz, well enough for a telephone."""
    if rate_hz == SAMPLE_RATE_HZ:
        return decode_linear(payload)
    samples = np.frombuffer(decode_linear(payload), dtype="<i2").astype(np.float64)
    if not len(samples):
        return b""
    count = len(samples) * SAMPLE_RATE_HZ // rate_hz
    place = np.arange(count) * rate_hz / SAMPLE_RATE_HZ
    return np.rint(np.interp(place, np.arange(len(samples)), samples)).astype("<i2").tobytes()


def decode_linear(payload: bytes) -> bytes:
    """Linear samples as they stand; half a sample at the end is lost."""
    return payload[:-1] if len(payload) & 1 else payload


class Intake:
    """The receiving side of one media channel."""

    def __init__(self, encapsulation: Encapsulation, accepted: Accepted) -> None:
        self._accepted = accepted
        self._stream = audiosocket.StreamDecoder()
        self._split_since_ns: int | None = None
        self._take = {
            Encapsulation.RTP: self._take_rtp,
            Encapsulation.SLN: self._take_sln,
            Encapsulation.AUDIOSOCKET: self._take_audiosocket,
        }[encapsulation]

    def take_message(self, message: bytes, now_ns: int) -> IntakeEffect:
        """Return the effect of one binary message that arrived at `now_ns`."""
        return self._take(message, now_ns)

    def _take_rtp(self, message: bytes, _now_ns: int) -> IntakeEffect:
        """RTP that cannot be read, or is of another payload type, is dropped in silence."""
        try:
            packet = rtp.parse(message)
        except DecodeError:
            return NOTHING
        if len(packet.payload) > MAX_PAYLOAD_BYTES:
            return _too_long(len(packet.payload))
        # RFC 3550 5.1: "A receiver MUST ignore packets with payload types that it does not
        # understand."
        if packet.payload_type != self._accepted.payload_type:
            return NOTHING
        return (
            IntakeEffect(decode(self._accepted.codec, packet.payload)) if packet.payload else _EMPTY
        )

    def _take_sln(self, message: bytes, _now_ns: int) -> IntakeEffect:
        if len(message) > MAX_PAYLOAD_BYTES:
            return _too_long(len(message))
        return IntakeEffect(decode_linear(message)) if message else _EMPTY

    def _take_audiosocket(self, message: bytes, now_ns: int) -> IntakeEffect:
        """The platform passes bytes on to a TCP stream: frames need not end with messages."""
        if not message:
            return NOTHING
        if self.is_overdue(now_ns):
            return IntakeEffect(ends="an AudioSocket frame stayed incomplete")
        pcm: list[bytes] = []
        for frame in self._stream.feed(message):
            rate_hz = audiosocket.RATE_HZ.get(frame.kind)
            # A hangup (00) ends the stream by its meaning, and so does every other kind that is no
            # audio: UUID, DTMF, an error, an unknown one.
            if rate_hz is None:
                return IntakeEffect(b"".join(pcm), f"AudioSocket kind {frame.kind:02x}")
            if not frame.payload:
                return IntakeEffect(b"".join(pcm), _EMPTY.ends)
            pcm.append(_to_8k(frame.payload, rate_hz))
        if not self._stream.pending_bytes:
            self._split_since_ns = None
        elif pcm or self._split_since_ns is None:
            self._split_since_ns = now_ns
        return IntakeEffect(b"".join(pcm))

    @property
    def is_split(self) -> bool:
        """Whether the rest of an AudioSocket frame is still to come."""
        return self._split_since_ns is not None

    def is_overdue(self, now_ns: int) -> bool:
        """Whether the rest of an AudioSocket frame has been waited for too long."""
        since = self._split_since_ns
        return since is not None and now_ns - since > SPLIT_PATIENCE_NS
