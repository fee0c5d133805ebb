"""A sound as the stream that carries it, and what is found in that."""

from __future__ import annotations

import struct

import numpy as np

from tests.sounds.talkers import Sound
from voipbin_cli.analysis.diagnosis import StreamDiagnosis, diagnose
from voipbin_cli.analysis.messages import TimedMessage, from_messages
from voipbin_cli.analysis.severity import Severity
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.codec.codecs import Codec, encode
from voipbin_cli.codec.encapsulation import Encapsulation

Form = tuple[Encapsulation, Codec]
# Encapsulation and codec, as streams really come: mu-law in RTP is the platform's normal.
FORMS = (
    (Encapsulation.RTP, Codec.MULAW),
    (Encapsulation.RTP, Codec.S16LE),
    (Encapsulation.SLN, Codec.S16LE),
    (Encapsulation.AUDIOSOCKET, Codec.S16LE),
    (Encapsulation.SLN, Codec.MULAW),
)
_START_NS = 1_700_000_000_000_000_000


def pcm(sound: Sound) -> bytes:
    """s16le, cut off where it does not fit."""
    return np.clip(np.rint(sound), -32768, 32767).astype("<i2").tobytes()


def _packed(encapsulation: Encapsulation, n: int, payload: bytes) -> bytes:
    if encapsulation is Encapsulation.RTP:
        return struct.pack("!BBHII", 0x80, 96, n & 0xFFFF, 160 * n & 0xFFFFFFFF, 9) + payload
    if encapsulation is Encapsulation.AUDIOSOCKET:
        return struct.pack("!BH", 0x10, len(payload)) + payload
    return payload


def diagnosed(sound: Sound, form: Form, chunk: int = 500) -> StreamDiagnosis:
    """Frames of 20 ms, on time."""
    encapsulation, codec = form
    coded = encode(codec, pcm(sound))
    size = 160 * codec.sample_bytes
    messages = [
        TimedMessage(
            _packed(encapsulation, n, coded[n * size : (n + 1) * size]), _START_NS + n * 20_000_000
        )
        for n in range(len(coded) // size)
    ]
    stream = StreamFold(encapsulation)
    for at in range(0, len(messages), chunk):
        stream.add(from_messages(messages[at : at + chunk]))
    stream.flush()
    return diagnose(stream)


def alarms(found: StreamDiagnosis) -> list[str]:
    """The ids that are no info, first ones first."""
    return [str(f.id) for f in found.findings if f.severity is not Severity.INFO]
