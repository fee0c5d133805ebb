"""One WebSocket message in each of the three encapsulations, taken apart and put together."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from voipbin_cli.codec import audiosocket, rtp, sln

# Of more the platform's server process dies.
MAX_PAYLOAD_BYTES = 0xFFFF


class Encapsulation(StrEnum):
    """The `encapsulation=` of a media stream."""

    RTP = "rtp"
    SLN = "sln"
    AUDIOSOCKET = "audiosocket"


class Direction(StrEnum):
    """Seen from here: `in` came from the platform, `out` was sent to it."""

    IN = "in"
    OUT = "out"


class Unit(NamedTuple):
    """What one message (AudioSocket: one frame of it) carries, its codec still undecided.

    `label` is the RTP payload type or the AudioSocket kind, None for SLN. `rate_hz` is what an
    AudioSocket kind says, 8000 otherwise.
    """

    payload: bytes
    label: int | None
    packet: rtp.RtpPacket | None
    rate_hz: int = 8000

    @property
    def is_audio(self) -> bool:
        """Whether the payload is samples at all: an AudioSocket kind may be anything else."""
        return self.packet is not None or self.label is None or self.label in audiosocket.RATE_HZ


def unpack(encapsulation: Encapsulation, message: bytes) -> tuple[Unit, ...]:
    """Return the units of one message. Raises DecodeError as the three parsers do."""
    # The codec is not in it: payload types and kinds are labels, and on this platform wrong ones.
    if encapsulation is Encapsulation.RTP:
        packet = rtp.parse(message)
        return (Unit(packet.payload, packet.payload_type, packet),)
    if encapsulation is Encapsulation.SLN:
        return (Unit(sln.parse(message), None, None),)
    # Only AudioSocket can hold several frames in a message, and frames that are no audio.
    rates = audiosocket.RATE_HZ
    return tuple(
        Unit(payload, kind, None, rates.get(kind, 8000))
        for kind, payload in audiosocket.parse_message(message)
    )


class Packer:
    """Puts payloads into messages, counting RTP's sequence and timestamp on, wraps included.

    For RTP `payload_type`, `ssrc`, `sequence_number` and `timestamp` (of the first packet) are
    required; RFC 3550 5.1 wants the last three random, which is up to the caller.
    `timestamp_per_sample` is 2 where the timestamp counts the bytes of linear audio.
    `kind` is the AudioSocket kind of every frame.
    """

    def __init__(
        self,
        encapsulation: Encapsulation,
        *,
        payload_type: int | None = None,
        ssrc: int | None = None,
        sequence_number: int | None = None,
        timestamp: int | None = None,
        timestamp_per_sample: int = 1,
        kind: int = audiosocket.Kind.PCM_8K,
    ) -> None:
        self.encapsulation = encapsulation
        self._kind = kind
        self._timestamp_per_sample = timestamp_per_sample
        if encapsulation is Encapsulation.RTP and None in (
            payload_type,
            ssrc,
            sequence_number,
            timestamp,
        ):
            raise ValueError("RTP needs payload_type, ssrc, sequence_number and timestamp")
        # Of no use in the two other encapsulations.
        self._payload_type = payload_type or 0
        self._ssrc = ssrc or 0
        self._sequence_number = sequence_number or 0
        self._timestamp = timestamp or 0

    def pack(self, payload: bytes, samples: int, *, marker: bool = False) -> bytes:
        """Return the message for `payload`, which holds `samples` samples.

        Raises ValueError for an empty payload (the platform ends the stream on it) and for one
        over 65,535 bytes (its server dies of it).
        """
        # Both limits are the platform's, in every encapsulation.
        if not payload:
            raise ValueError("an empty payload ends the stream")
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise ValueError(f"payload of {len(payload)} bytes, at most 65535 are taken")
        if self.encapsulation is Encapsulation.RTP:
            return self._pack_rtp(payload, samples, marker)
        if self.encapsulation is Encapsulation.SLN:
            return sln.build(payload)
        return audiosocket.build(self._kind, payload)

    def _pack_rtp(self, payload: bytes, samples: int, marker: bool) -> bytes:
        packet = rtp.RtpPacket(
            payload_type=self._payload_type,
            sequence_number=self._sequence_number,
            timestamp=self._timestamp,
            ssrc=self._ssrc,
            marker=marker,
            payload=payload,
        )
        # RFC 3550 5.1: "The sequence number increments by one for each RTP data packet sent"; the
        # timestamp by the samples sent. Both wrap, at 16 and at 32 bits.
        step = samples * self._timestamp_per_sample
        self._sequence_number = (self._sequence_number + 1) & 0xFFFF
        self._timestamp = (self._timestamp + step) & 0xFFFFFFFF
        return rtp.build(packet)
