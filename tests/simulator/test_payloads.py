from __future__ import annotations

import random
from itertools import islice

from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.simulator import payloads
from voipbin_cli.simulator.schedule import Fault, FaultContext, Slot, paced

MULAW = bytes([0xFF, 0x80, 0x00, 0x7F] * 40)  # 0, 32124, -32124, 0
LINEAR = bytes(range(1, 161)) * 2


def _run(fault: Fault, codec: Codec, frame: bytes, frames: int = 300) -> list[Slot]:
    context = FaultContext(random.Random(1), codec, Encapsulation.RTP)
    return list(fault.apply(islice(paced(lambda n: frame, 50), frames), fault.strength, context))


def test_big_endian_samples_are_little_endian_ones_swapped() -> None:
    swapped = bytes(LINEAR[n ^ 1] for n in range(320))
    assert {slot.body for slot in _run(payloads.BYTE_ORDER, Codec.S16LE, LINEAR)} == {swapped}


def test_alaw_stands_where_mulaw_should() -> None:
    bodies = {slot.body for slot in _run(payloads.ALAW, Codec.MULAW, MULAW)}
    # ITU-T G.711: A-law d5 is the smallest positive step, aa the largest, 2a the largest negative.
    assert bodies == {bytes([0xD5, 0xAA, 0x2A, 0xD5] * 40)}


def test_the_codec_changes_in_mid_stream_once() -> None:
    changed = [slot.body != MULAW for slot in _run(payloads.CODEC_CHANGE, Codec.MULAW, MULAW)]
    assert changed == [False] * 200 + [True] * 100  # after four seconds


def test_from_some_frame_on_samples_are_shifted_by_a_byte() -> None:
    slots = _run(payloads.MISALIGNED, Codec.S16LE, LINEAR)
    stream = b"".join(slot.body for slot in slots)
    assert stream == LINEAR * 100 + b"\0" + (LINEAR * 200)[:-1]  # after two seconds
    assert {len(slot.body) for slot in slots} == {320}


def test_a_wav_header_stands_first_and_moves_the_rest() -> None:
    stream = b"".join(slot.body for slot in _run(payloads.WAV_HEADER, Codec.S16LE, LINEAR, 5))
    assert stream[:4] + stream[8:16] + stream[36:40] == b"RIFFWAVEfmt data"
    assert stream[44:] == (LINEAR * 5)[:-44]


def test_text_has_the_size_of_the_frame() -> None:
    bodies = {slot.body for slot in _run(payloads.TEXT, Codec.MULAW, MULAW)}
    assert {len(body) for body in bodies} == {160}
    assert all(body.isascii() and body.startswith(b'{"event"') for body in bodies)
