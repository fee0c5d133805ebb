"""The four codecs by name."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.codec.sounds import silence
from voipbin_cli.codec import codecs
from voipbin_cli.codec.codecs import Codec


def test_linear_samples_are_the_same_in_both_byte_orders() -> None:
    values = (0, 1, -1, 32767, -32768, 0x1234)
    little, big = struct.pack("<6h", *values), struct.pack(">6h", *values)
    assert codecs.decode(Codec.S16LE, little) == little
    assert codecs.decode(Codec.S16BE, big) == little
    assert codecs.encode(Codec.S16BE, little) == big
    assert codecs.samples(Codec.S16BE, big).tolist() == list(values)


@pytest.mark.parametrize("codec", [Codec.S16LE, Codec.S16BE])
def test_half_a_sample_at_the_end_is_dropped(codec: Codec) -> None:
    assert len(codecs.decode(codec, b"abc")) == len(codecs.encode(codec, b"abc")) == 2
    assert len(codecs.samples(codec, b"abc")) == 1


@pytest.mark.parametrize("codec", Codec)
def test_silence_decodes_to_next_to_nothing(codec: Codec) -> None:
    wire = codecs.encode(codec, bytes(2 * codecs.FRAME_SAMPLES))
    assert wire == silence(codec, codecs.FRAME_SAMPLES)
    level = np.abs(np.frombuffer(codecs.decode(codec, wire), "<i2")).max()
    assert level == (8 if codec is Codec.ALAW else 0)  # A-law has no zero


def test_a_frame_is_20_ms() -> None:
    assert codecs.FRAME_SAMPLES * 1_000_000_000 == codecs.FRAME_NS * codecs.SAMPLE_RATE_HZ


@pytest.mark.parametrize("codec", Codec)
@given(data=st.binary(max_size=700))
def test_what_was_decoded_comes_back_from_its_encoding(codec: Codec, data: bytes) -> None:
    decoded = codecs.decode(codec, data)
    assert len(decoded) == 2 * (len(data) // codec.sample_bytes)
    assert codecs.samples(codec, data).astype("<i2").tobytes() == decoded
    assert codecs.decode(codec, codecs.encode(codec, decoded)) == decoded
