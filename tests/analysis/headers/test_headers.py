"""What messages say of themselves, read as columns: expected values are counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from voipbin_cli.analysis.headers import AudioSocketHeaders, NoHeaders, RtpHeaders, read_headers
from voipbin_cli.analysis.messages import Messages, TimedMessage, from_messages
from voipbin_cli.codec.encapsulation import Encapsulation

# V=2, PT 0, number 7, timestamp 160, SSRC 0x01020304.
RTP = bytes.fromhex("80 00 0007 000000a0 01020304")


def columns(*messages: bytes | str) -> Messages:
    return from_messages([TimedMessage(data) for data in messages])


def test_the_fields_of_a_fixed_header() -> None:
    packets = RtpHeaders(columns(RTP + bytes(160)))
    assert packets.version.tolist() == [2]
    assert packets.sequence_number.tolist() == [7]
    assert packets.timestamp.tolist() == [160]
    assert packets.ssrc.tolist() == [0x01020304]
    assert packets.label.tolist() == [0]
    assert (packets.payload_at[0], packets.payload_bytes[0]) == (12, 160)


def test_the_payload_lies_between_what_the_header_counts_and_the_padding() -> None:
    # P, X and CC = 1: 12, 4 of a source, 4 + 4 of an extension of one word; then 10, 3 of padding
    packet = bytes([0xB1]) + RTP[1:] + bytes(4) + bytes.fromhex("bede 0001") + bytes(4)
    packets = RtpHeaders(columns(packet + b"\x11" * 10 + b"\0\0\3"))
    assert packets.is_frame.tolist() == [True]
    assert packets.csrc_end.tolist() == [16]
    assert packets.header_end.tolist() == [24]
    assert packets.padding_bytes.tolist() == [3]
    assert (packets.payload_at[0], packets.payload_bytes[0]) == (24, 10)


@pytest.mark.parametrize("message", ["text", b"", RTP[:11], b"\x40" + RTP[1:], b"\x8f" + RTP[1:]])
def test_what_is_no_packet(message: bytes | str) -> None:
    assert RtpHeaders(columns(message)).is_frame.tolist() == [False]


def test_comfort_noise_and_events_are_no_audio() -> None:
    noise, event = bytes([0x80, 13]) + RTP[2:], bytes([0x80, 101]) + RTP[2:]
    packets = RtpHeaders(columns(noise + b"\x40", event + bytes(4), RTP + bytes(4)))
    assert packets.is_audio.tolist() == [False, False, True]


def test_the_first_audiosocket_frame_stands_for_its_message() -> None:
    frame, bare, little = b"\x10\x00\x04abcd", b"\x55" * 160, b"\x10\x04\x00abcd"
    frames = AudioSocketHeaders(columns(frame, frame + frame, bare, little))
    assert frames.frame_count.tolist() == [1, 2, 0, 0]
    assert frames.payload_bytes.tolist() == [4, 4, 160, 0]
    assert frames.audio_bytes.tolist() == [4, 8, 160, 0]
    assert frames.payload_at.tolist() == [3, 3, 0, 0]
    assert frames.is_bare.tolist() == [False, False, True, False]
    assert frames.is_swapped.tolist() == [False, False, False, True]


def test_the_rest_of_a_frame_is_known_by_what_was_missing_before() -> None:
    # 320 bytes are promised, 100 come: 220 are missing
    first = AudioSocketHeaders(columns(b"\x10\x01\x40" + bytes(100)))
    assert first.missing_bytes == 220
    rest = columns(b"\x55" * 220)
    assert AudioSocketHeaders(rest, first.missing_bytes).is_rest.tolist() == [True]
    assert AudioSocketHeaders(rest).is_rest.tolist() == [False]
    assert AudioSocketHeaders(columns(), 220).missing_bytes == 220


def test_of_bare_samples_all_bytes_are_payload() -> None:
    bare = NoHeaders(columns(bytes(320), "text", b""))
    assert bare.payload_bytes.tolist() == [320, 0, 0]
    assert bare.is_frame.tolist() == [True, False, False]
    assert bare.is_audio.tolist() == [True, False, False]
    assert bare.rate_hz.tolist() == [8000, 8000, 8000]


@pytest.mark.parametrize("encapsulation", Encapsulation)
def test_every_encapsulation_answers_what_all_are_asked(encapsulation: Encapsulation) -> None:
    headers = read_headers(encapsulation, columns(RTP + bytes(160), "text", b""))
    names = ("is_frame", "label", "payload_at", "payload_bytes", "audio_bytes", "is_audio")
    for name in (*names, "rate_hz"):
        assert np.shape(getattr(headers, name)) == (3,), name
