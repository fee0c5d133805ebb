"""RTP that says more than its audio: pauses that are meant, digits, restarts, another codec.

Each maker takes packets on an even grid and gives what a sender would have sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import accumulate
from random import Random

import numpy as np

from tests.corpus.wires import FORMS, Packet, alaw, mulaw, packets, payloads
from voipbin_cli.simulator.talker import speech

SECONDS = 12.0
FRAME_S = 0.02
PCMU = FORMS[0]


@lru_cache(maxsize=8)
def sound(seed: int) -> np.ndarray:
    """Somebody who speaks."""
    return np.frombuffer(speech(seed, SECONDS).tobytes(), "<i2")


def spoken(seed: int) -> list[Packet]:
    """Twelve seconds of PCMU, each packet on time."""
    return packets(PCMU, payloads(PCMU, sound(seed)), Random(seed))


def numbered(sent: Iterable[Packet], first: int) -> list[Packet]:
    """The packets with one number after the other."""
    return [replace(packet, sequence=first + n) for n, packet in enumerate(sent)]


def spurts(
    sent: Sequence[Packet],
    *,
    silence_s: float,
    every_s: float = 2.0,
    marker: bool = False,
    noise: bool = False,
    stamped: bool = True,
) -> list[Packet]:
    """Nothing is sent for so long each so often.

    `marker` on the first packet after it, comfort noise as the last one before it, timestamps
    that go on meanwhile or not.
    """
    out: list[Packet] = []
    passed = 0
    for packet in sent:
        at_s = packet.time_s % every_s
        if at_s >= every_s - silence_s - 1e-9:
            is_first = at_s < every_s - silence_s + FRAME_S - 1e-9
            if is_first and noise:
                out.append(replace(packet, payload=b"\x46", payload_type=13, marker=False))
                if not stamped:
                    out[-1] = replace(out[-1], timestamp=packet.timestamp - passed)
            if not stamped:
                passed += 160
            continue
        after = bool(out) and packet.time_s - out[-1].time_s > 2 * FRAME_S
        begins = marker and (not out or at_s < FRAME_S / 2)
        out.append(
            replace(
                packet, marker=begins or (marker and after), timestamp=packet.timestamp - passed
            )
        )
    return numbered(out, sent[0].sequence)


def with_keys(sent: Sequence[Packet], keys: str, *, in_place: bool) -> list[Packet]:
    """RFC 4733: 120 ms of each key, its end three times; beside the audio, or in its place."""
    out = list(sent)
    for key, digit in enumerate(keys):
        first = 50 + 80 * key
        begun = sent[first]
        events = []
        for n in range(8):
            length = min(n + 1, 6) * 160
            payload = bytes(("0123456789*#ABCD".index(digit), (n >= 5) << 7 | 10))
            payload += length.to_bytes(2, "big")
            at = sent[first + n].time_s + 0.001
            event = replace(begun, time_s=at, payload=payload, payload_type=101, marker=n == 0)
            events.append(event)
        taken = sent[first : first + 8] if in_place else []
        out = [packet for packet in out if packet not in taken] + events
    return numbered(sorted(out, key=lambda packet: packet.time_s), sent[0].sequence)


def paused(sent: Sequence[Packet], at_s: float, gap_s: float) -> list[Packet]:
    """All from then on comes so much later."""
    return [replace(p, time_s=p.time_s + gap_s * (p.time_s >= at_s)) for p in sent]


def restarted(sent: Sequence[Packet], at_s: float, **moves: int) -> list[Packet]:
    """From then on the fields are moved by so much; `ssrc` is set."""
    out = []
    for packet in sent:
        if packet.time_s >= at_s:
            sequence = packet.sequence + moves.get("sequence", 0)
            timestamp = packet.timestamp + moves.get("timestamp", 0)
            ssrc = moves.get("ssrc", packet.ssrc)
            packet = replace(packet, sequence=sequence, timestamp=timestamp, ssrc=ssrc)
        out.append(packet)
    return out


def interleaved(sent: Sequence[Packet], other: Sequence[Packet], in_a_row: int) -> list[Packet]:
    """Two sources, each frame of both; some packets of one, then as many of the other."""
    late = FRAME_S * in_a_row / 2 if in_a_row == 1 else 0.001
    late_ones = [replace(p, ssrc=p.ssrc ^ 0x5A5A, time_s=p.time_s + late) for p in other]
    both = []
    for start in range(0, len(sent), in_a_row):
        for part in (sent, late_ones):
            some = list(part[start : start + in_a_row])
            ends = [p.time_s for p in some][-1:] * len(some)
            both += [replace(p, time_s=at) for p, at in zip(some, ends, strict=True)]
    times = accumulate((p.time_s for p in both), max)
    return [replace(p, time_s=at) for p, at in zip(both, times, strict=True)]


def relabelled(seed: int, at_s: float, *, marker: bool = True) -> list[Packet]:
    """PCMU, then PCMA, each as its label says."""
    first = int(at_s / FRAME_S)
    pcm = sound(seed)
    out = []
    for n, packet in enumerate(spoken(seed)):
        samples = pcm[n * 160 : (n + 1) * 160]
        law, label = (mulaw, 0) if n < first else (alaw, 8)
        out.append(
            replace(packet, payload=law(samples), payload_type=label, marker=marker and n == first)
        )
    return out
