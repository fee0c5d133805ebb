"""Samples on their way into messages, packed by hand, so that the project's codec has a witness."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import NamedTuple

import numpy as np

from tests.corpus.sounds import Pcm
from voipbin_cli.analysis.messages import TimedMessage
from voipbin_cli.codec.encapsulation import Encapsulation

START_NS = 1_700_000_000_000_000_000
FRAME_S = 0.02
RTP, SLN, AUDIOSOCKET = Encapsulation.RTP, Encapsulation.SLN, Encapsulation.AUDIOSOCKET


def mulaw(samples: Pcm) -> bytes:
    """G.711 mu-law by its segments: the highest bit over a bias of 132, clipped at 32635."""
    wide = samples.astype(np.int64)
    magnitude = np.minimum(np.abs(wide), 32635) + 132
    segment = np.floor(np.log2(magnitude)).astype(np.int64) - 7
    code = (segment << 4) | ((magnitude >> (segment + 3)) & 15)
    return np.where(wide < 0, ~(code | 0x80), ~code).astype(np.uint8).tobytes()


def alaw(samples: Pcm) -> bytes:
    """G.711 A-law by its segments: even bits inverted, the sign bit set where positive."""
    wide = samples.astype(np.int64)
    magnitude = np.where(wide < 0, -wide - 1, wide) >> 4
    segment = np.maximum(np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int64) - 3, 0)
    segment = np.where(magnitude < 32, magnitude >> 4, segment)
    step = np.where(segment > 1, magnitude >> np.maximum(segment - 1, 0), magnitude) & 15
    code = (segment << 4 | step) ^ 0x55
    return np.where(wide < 0, code, code | 0x80).astype(np.uint8).tobytes()


def s16le(samples: Pcm) -> bytes:
    """Linear, the low byte first."""
    return samples.astype("<i2").tobytes()


class Form(NamedTuple):
    """An encapsulation with a codec in it, as the platform has them (wire facts)."""

    name: str
    encapsulation: Encapsulation
    encode: Callable[[Pcm], bytes]
    sample_bytes: int
    payload_type: int = 0
    timestamp_step: int = 160
    counts_from_one: bool = False


FORMS = (
    Form("RTP mu-law", RTP, mulaw, 1),
    Form("RTP 96 mu-law", RTP, mulaw, 1, 96, 160, True),
    Form("RTP 96 linear", RTP, s16le, 2, 96, 320, True),
    Form("SLN linear", SLN, s16le, 2),
    Form("SLN mu-law", SLN, mulaw, 1),
    Form("AudioSocket linear", AUDIOSOCKET, s16le, 2),
    Form("AudioSocket mu-law", AUDIOSOCKET, mulaw, 1),
)
RTP_FORMS = tuple(form for form in FORMS if form.encapsulation is RTP)
LINEAR_FORMS = tuple(form for form in FORMS if form.sample_bytes == 2)


@dataclass(frozen=True)
class Packet:
    """One unit before it is packed: when it comes, in seconds, and what it says of itself."""

    time_s: float
    payload: bytes
    sequence: int = 0
    timestamp: int = 0
    ssrc: int = 0
    payload_type: int = 0
    marker: bool = False


def payloads(form: Form, samples: Pcm, frame_samples: int = 160) -> list[bytes]:
    """The stream's samples encoded and cut into frames, the rest dropped."""
    data, size = form.encode(samples), frame_samples * form.sample_bytes
    return [data[at : at + size] for at in range(0, len(data) - size + 1, size)]


def packets(
    form: Form, units: Sequence[bytes], rng: Random, frame_s: float = FRAME_S
) -> list[Packet]:
    """The units on an even grid, numbered as the form does it."""
    by_one = form.counts_from_one
    sequence, ssrc = (1, 0) if by_one else (rng.randrange(65536), rng.randrange(1 << 32))
    step = round(form.timestamp_step * frame_s / FRAME_S)
    timestamp = step if by_one else rng.randrange(1 << 32)
    return [
        Packet(n * frame_s, unit, sequence + n, timestamp + n * step, ssrc, form.payload_type)
        for n, unit in enumerate(units)
    ]


def packed(encapsulation: Encapsulation, packet: Packet) -> bytes:
    """The bytes of a message: RFC 3550 5.1; AudioSocket's kind 10, length, payload; or bare."""
    if encapsulation is RTP:
        head = struct.pack(
            "!BBHII",
            0x80,
            packet.marker << 7 | packet.payload_type,
            packet.sequence & 0xFFFF,
            packet.timestamp & 0xFFFFFFFF,
            packet.ssrc,
        )
        return head + packet.payload
    if encapsulation is AUDIOSOCKET:
        return struct.pack("!BH", 0x10, len(packet.payload)) + packet.payload
    return packet.payload


def read_times(sent: Sequence[Packet], rng: Random) -> list[float]:
    """When a quiet machine reads them: p99 of the gaps 21 to 23 ms, 33 at the most, in order."""
    latest, read = 0.0, []
    for packet in sent:
        late_ms = rng.expovariate(1 / 0.4) if rng.random() < 0.995 else rng.uniform(3, 10)
        latest = max(latest, packet.time_s + late_ms / 1000)
        read.append(latest)
    return read


@dataclass(frozen=True)
class Stream:
    """A labelled stream: its messages, what may be told first, what must be told at all.

    `expected` empty: nothing but infos may be told. `lag`: (second, ms) at which this machine
    reads late.
    """

    label: str
    kind: str
    subject: str
    expected: frozenset[str]
    encapsulation: Encapsulation
    messages: tuple[TimedMessage, ...]
    all_of: tuple[frozenset[str], ...] = ()
    lag: tuple[tuple[float, float], ...] = field(default=())


def received(
    encapsulation: Encapsulation,
    sent: Sequence[Packet],
    rng: Random,
    lag: tuple[tuple[float, float], ...] = (),
) -> tuple[TimedMessage, ...]:
    """The packets as messages with the times at which they are read."""
    got = []
    for packet, time_s in zip(sent, read_times(sent, rng), strict=True):
        for at_s, late_ms in lag:
            if at_s <= time_s < at_s + late_ms / 1000:
                time_s = at_s + late_ms / 1000
        got.append(TimedMessage(packed(encapsulation, packet), START_NS + int(time_s * 1e9)))
    return tuple(got)


def moved(sent: Sequence[Packet], at: Callable[[int, Packet], float]) -> list[Packet]:
    """The packets at other times, but never out of order: TCP does not do that."""
    latest, out = 0.0, []
    for n, packet in enumerate(sent):
        latest = max(latest, at(n, packet))
        out.append(replace(packet, time_s=latest))
    return out
