"""Faults of the payload: bytes that are not what this encapsulation should carry."""

from __future__ import annotations

import struct
from functools import partial

from voipbin_cli.codec.codecs import Codec, decode, encode
from voipbin_cli.simulator.schedule import SECOND_NS, Fault, FaultContext, FaultStage, Schedule

_TEXT = b'{"event":"media","media":{"track":"inbound","payload":"//79/f39/v7+/v39/f7+"}}\n'
# A canonical 44-byte header of a streamed file: 8 kHz, mono, 16 bit, sizes unknown.
_WAV_HEADER = struct.pack(
    "<4sI4s4sIHHIIHH4sI",
    *(b"RIFF", 0xFFFFFFFF, b"WAVE", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16, b"data", 0xFFFFFFFF),
)


def _recode(codec: Codec, schedule: Schedule, strength: float, context: FaultContext) -> Schedule:
    """From `strength` seconds into the stream on the payload is in `codec`."""
    start_ns: int | None = None
    for slot in schedule:
        if start_ns is None:
            start_ns = slot.due_ns + int(strength * SECOND_NS)
        if slot.due_ns >= start_ns:
            slot = slot._replace(body=encode(codec, decode(context.codec, slot.body)))
        yield slot


def _insert(prefix: bytes, schedule: Schedule, strength: float, _context: FaultContext) -> Schedule:
    """From `strength` seconds on `prefix` stands before the rest; frames keep their sizes."""
    start_ns: int | None = None
    carry: bytes | None = None
    for slot in schedule:
        if start_ns is None:
            start_ns = slot.due_ns + int(strength * SECOND_NS)
        if carry is None and slot.due_ns >= start_ns:
            carry = prefix
        if carry is not None:
            shifted = carry + slot.body
            slot, carry = slot._replace(body=shifted[: len(slot.body)]), shifted[len(slot.body) :]
        yield slot


def _text(schedule: Schedule, _strength: float, _context: FaultContext) -> Schedule:
    """Text in the place of sound: the JSON that another platform's media streams send."""
    for slot in schedule:
        size = len(slot.body)
        yield slot._replace(body=(_TEXT * (size // len(_TEXT) + 1))[:size])


_SINCE = "s into the stream"

BYTE_ORDER = Fault(FaultStage.PAYLOAD, partial(_recode, Codec.S16BE), 0, _SINCE)
ALAW = Fault(FaultStage.PAYLOAD, partial(_recode, Codec.ALAW), 0, _SINCE)
CODEC_CHANGE = Fault(FaultStage.PAYLOAD, partial(_recode, Codec.ALAW), 4, _SINCE)
MISALIGNED = Fault(FaultStage.PAYLOAD, partial(_insert, b"\0"), 2, _SINCE)
WAV_HEADER = Fault(FaultStage.PAYLOAD, partial(_insert, _WAV_HEADER), 0, _SINCE)
TEXT = Fault(FaultStage.PAYLOAD, _text, 0, "")
