"""Payloads read in a codec, from their first byte or their second."""

from __future__ import annotations

import pytest

from voipbin_cli.codec.codecs import Codec, decode
from voipbin_cli.codec.reading import READINGS, SHIFTED, Reading


def test_a_shifted_payload_gives_as_many_samples_and_repeats_the_last_whole_one() -> None:
    # Samples 0x0102, 0x0304, 0x0506, 0x0708 in little-endian, all from the second byte on; the
    # second half of the last one is in the next payload.
    assert SHIFTED.decode(bytes.fromhex("01040306050807")) == bytes.fromhex("040306050605")
    assert SHIFTED.decode(bytes.fromhex("0104030605080708")) == bytes.fromhex("0403060508070807")


@pytest.mark.parametrize("payload", [b"", b"a", b"ab", b"abc"])
def test_what_is_too_short_to_hold_a_shifted_sample_is_silence(payload: bytes) -> None:
    assert SHIFTED.decode(payload) == bytes(len(payload) // 2 * 2)


@pytest.mark.parametrize("codec", Codec)
def test_an_unshifted_payload_is_decoded_as_its_codec(codec: Codec) -> None:
    payload = bytes(range(256))
    assert Reading(codec).decode(payload) == decode(codec, payload)
    assert Reading(codec).looks_like is codec
    assert str(Reading(codec)) == codec


def test_a_shifted_reading_looks_like_the_other_byte_order() -> None:
    assert SHIFTED.looks_like is Codec.S16BE
    assert str(SHIFTED) == "s16le shifted by a byte"
    assert len(READINGS) == len(set(READINGS)) == len(Codec) + 1
