"""A small spool of captures, as a recorder of a network leaves it."""

from __future__ import annotations

import struct
import wave
from pathlib import Path

import numpy as np

from tests.capture.frames import ethernet, ipv4, pcap, udp
from tests.corpus.runs import sound_of
from voipbin_cli.codec.codecs import Codec, encode

MS = 1_000_000
DAY_NS = 86_400_000 * MS
NOON_NS = 1_780_000_000_000 * MS


def leg(number: int = 0, *, frames: int = 100, lost: int = 0, at_ns: int = NOON_NS) -> bytes:
    """A capture of one leg in mu-law; `lost` frames in its middle never came."""
    speech = sound_of("speech", number)
    sound = [encode(Codec.MULAW, speech.frame(n)) for n in range(frames)]
    kept = [n for n in range(frames) if not frames // 2 <= n < frames // 2 + lost]
    packets = (
        (
            at_ns + n * 20 * MS,
            struct.pack(">BBHII", 0x80, 0, n, n * 160, number) + sound[n],
        )
        for n in kept
    )
    return pcap([(time_ns, ethernet(ipv4(udp(packet)))) for time_ns, packet in packets])


def recording(path: Path) -> Path:
    """Two seconds of a tone."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes((8000 * np.sin(np.arange(16000) / 3)).astype("<i2").tobytes())
    return path
