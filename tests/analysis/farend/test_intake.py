"""What a client's message does to the stream: every row of the observed table."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from voipbin_cli.analysis.farend.intake import NOTHING, SPLIT_PATIENCE_NS, Accepted, Intake
from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.encapsulation import Encapsulation

LINEAR_96 = Accepted(Codec.S16LE, 96)
MS = 1_000_000
PCM = np.arange(-80, 80, dtype="<i2").tobytes()


def _rtp(payload: bytes, payload_type: int = 96) -> bytes:
    return struct.pack("!BBHII", 0x80, payload_type, 7, 1120, 0x1234) + payload


def _audiosocket(kind: int, payload: bytes, length: int | None = None) -> bytes:
    return struct.pack("!BH", kind, len(payload) if length is None else length) + payload


def _intake(encapsulation: str, accepted: Accepted = LINEAR_96) -> Intake:
    return Intake(Encapsulation(encapsulation), accepted)


@pytest.mark.parametrize("kind", [0x00, 0x01, 0x02, 0x03, 0x04, 0x19, 0xFF])
def test_an_audiosocket_kind_that_is_no_audio_ends_the_stream(kind: int) -> None:
    effect = _intake("audiosocket").take_message(_audiosocket(kind, b"\0" * 16), 0)
    assert effect.ends
    assert not effect.violation


@pytest.mark.parametrize(
    ("encapsulation", "message"),
    [
        ("audiosocket", _audiosocket(0x10, b"")),
        ("sln", b""),
        ("rtp", _rtp(b"")),
    ],
)
def test_audio_without_a_byte_ends_the_stream(encapsulation: str, message: bytes) -> None:
    assert _intake(encapsulation).take_message(message, 0).ends


@pytest.mark.parametrize(
    ("encapsulation", "message"),
    [
        ("rtp", b""),
        ("rtp", _rtp(b"")[:5]),
        ("rtp", _rtp(PCM, payload_type=0)),
        ("rtp", _rtp(PCM, payload_type=97)),
        ("rtp", _rtp(b"", payload_type=0)),
        ("audiosocket", b""),
    ],
)
def test_what_is_ignored_in_silence(encapsulation: str, message: bytes) -> None:
    assert _intake(encapsulation).take_message(message, 0) == NOTHING


@pytest.mark.parametrize(
    ("encapsulation", "message"),
    [
        ("rtp", _rtp(PCM)),
        ("sln", PCM),
        ("audiosocket", _audiosocket(0x10, PCM)),
    ],
)
def test_linear_audio_is_taken_as_it_is(encapsulation: str, message: bytes) -> None:
    assert _intake(encapsulation).take_message(message, 0).pcm == PCM


def test_the_documented_far_end_takes_mulaw_under_payload_type_0() -> None:
    intake = _intake("rtp", Accepted(Codec.MULAW, 0))
    # ITU-T G.711: ff is positive zero, 80 the largest positive value, 00 the largest negative.
    assert intake.take_message(_rtp(b"\xff\x80\x00", 0), 0).pcm == struct.pack(
        "<3h", 0, 32124, -32124
    )


def test_mulaw_where_linear_is_due_is_half_as_long_and_loud() -> None:
    quiet_mulaw = bytes([0xFE, 0x7E] * 80)  # +8, -8: nearly silence
    pcm = _intake("rtp").take_message(_rtp(quiet_mulaw), 0).pcm
    assert len(pcm) == 160  # 10 ms of 20
    assert np.abs(np.frombuffer(pcm, "<i2").astype(int)).mean() > 10_000


@pytest.mark.parametrize(("kind", "rate_hz"), [(0x11, 12000), (0x12, 16000), (0x18, 192000)])
def test_audio_of_another_rate_is_taken_as_that_rate(kind: int, rate_hz: int) -> None:
    time = np.arange(rate_hz // 50) / rate_hz
    tone = (8000 * np.sin(2 * np.pi * 400 * time)).astype("<i2")
    pcm = _intake("audiosocket").take_message(_audiosocket(kind, tone.tobytes()), 0).pcm
    spectrum = np.abs(np.fft.rfft(np.frombuffer(pcm, "<i2")))
    assert len(pcm) == 320  # still 20 ms
    assert int(spectrum.argmax()) * 50 == 400


def test_two_frames_in_one_message_and_40_ms_units_are_heard_whole() -> None:
    both = _audiosocket(0x10, PCM) + _audiosocket(0x10, PCM[::-1])
    assert _intake("audiosocket").take_message(both, 0).pcm == PCM + PCM[::-1]
    for encapsulation, message in [("sln", PCM * 2), ("rtp", _rtp(PCM * 2))]:
        assert _intake(encapsulation).take_message(message, 0).pcm == PCM * 2


@pytest.mark.parametrize(
    ("encapsulation", "message"),
    [
        ("rtp", _rtp(PCM + b"\x55")),
        ("sln", PCM + b"\x55"),
        ("audiosocket", _audiosocket(0x10, PCM + b"\x55")),
    ],
)
def test_an_odd_last_byte_is_lost(encapsulation: str, message: bytes) -> None:
    intake = _intake(encapsulation)
    assert intake.take_message(message, 0).pcm == PCM
    assert intake.take_message(message, 0).pcm == PCM, "nothing is carried over"


def test_65535_bytes_of_sln_are_taken_and_one_more_is_a_violation() -> None:
    assert len(_intake("sln").take_message(bytes(65_535), 0).pcm) == 65_534
    for encapsulation, message in [("sln", bytes(65_536)), ("rtp", _rtp(bytes(65_536)))]:
        effect = _intake(encapsulation).take_message(message, 0)
        assert effect.violation
        assert "65536" in effect.ends


def test_the_rest_of_a_split_frame_may_come_4_ms_later_but_not_8() -> None:
    whole = _audiosocket(0x10, PCM)
    patient, strict = _intake("audiosocket"), _intake("audiosocket")
    for intake in (patient, strict):
        assert intake.take_message(whole[:100], 0) == NOTHING
        assert intake.is_split
    assert patient.take_message(whole[100:], 4 * MS).pcm == PCM
    assert not patient.is_split
    assert not strict.is_overdue(4 * MS)
    assert strict.is_overdue(8 * MS)
    assert strict.take_message(whole[100:], 8 * MS).ends


def test_a_length_field_larger_than_what_follows_swallows_the_next_frame() -> None:
    intake = _intake("audiosocket")
    assert intake.take_message(_audiosocket(0x10, PCM, length=len(PCM) + 3), 0) == NOTHING
    # The next header completes the payload; its payload is then read as a header.
    effect = intake.take_message(_audiosocket(0x10, PCM), 2 * MS)
    assert effect.pcm == PCM + _audiosocket(0x10, PCM)[:2]  # 323 bytes, the odd one lost
    assert effect.ends or intake.is_split


def test_a_length_field_too_large_ends_the_stream_when_nothing_comes_in_time() -> None:
    intake = _intake("audiosocket")
    intake.take_message(_audiosocket(0x10, PCM, length=len(PCM) + 1), 0)
    assert intake.is_overdue(SPLIT_PATIENCE_NS + 1)


def test_frames_before_a_bad_one_in_the_same_message_are_heard() -> None:
    effect = _intake("audiosocket").take_message(_audiosocket(0x10, PCM) + _audiosocket(0, b""), 0)
    assert effect.pcm == PCM
    assert "00" in effect.ends
