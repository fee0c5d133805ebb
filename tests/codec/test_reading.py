"""Payloads read in a codec, from their first byte or their second."""

from __future__ import annotations

from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voipbin_cli.codec.codecs import Codec, decode
from voipbin_cli.codec.reading import ALL_READINGS, READINGS, SHIFTED, START, Reading, Seam, twin

S16LE = Reading(Codec.S16LE)


def test_a_shifted_sample_goes_on_in_the_next_payload() -> None:
    # Samples 0x0102, 0x0304, 0x0506 in little-endian, each payload beginning with a second byte;
    # the first byte of the very first one is not known.
    first, second = bytes.fromhex("01040306"), bytes.fromhex("0508")
    assert SHIFTED.decode(first) == bytes.fromhex("00010403")
    assert SHIFTED.decode(second, START.after(first)) == bytes.fromhex("0605")


def test_a_sample_cut_by_an_odd_size_is_put_together_unless_the_next_begins_afresh() -> None:
    first, second = bytes.fromhex("020104"), bytes.fromhex("03060508")
    seam = START.after(first)
    assert seam == Seam(b"\x04", True)
    assert S16LE.decode(first, START) == bytes.fromhex("0201")
    assert S16LE.decode(second, seam) == bytes.fromhex("04030605")
    assert S16LE._replace(afresh=True).decode(second, seam) == second
    assert SHIFTED._replace(afresh=True).decode(second, seam) == second[1:3]
    assert SHIFTED.decode(second, seam) == second  # twice half a sample
    # Of big-endian samples it is the first byte that came before.
    assert Reading(Codec.S16BE).decode(second, seam) == bytes.fromhex("03040506")


@given(sizes=st.lists(st.integers(1, 9), max_size=9), reading=st.sampled_from(ALL_READINGS))
def test_columns_say_what_each_payload_does(sizes: list[int], reading: Reading) -> None:
    payloads = [bytes(size) for size in sizes]
    seams = list(accumulate(payloads, Seam.after, initial=START))[:-1]
    are_odd = np.array([seam.is_odd for seam in seams], bool)
    inside = reading.are_inside(are_odd).tolist()
    assert inside == [reading.begins_inside(seam.is_odd) for seam in seams]
    counted = reading.samples_in(np.array(sizes, np.int64), are_odd).tolist()
    assert counted == [
        len(reading.decode(payload, seam)) // 2
        for payload, seam in zip(payloads, seams, strict=True)
    ]


def test_no_byte_leaves_the_seam_where_it_is() -> None:
    assert Seam(b"a", True).after(b"") == Seam(b"a", True)


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
    assert len(ALL_READINGS) == len(set(ALL_READINGS)) == len(READINGS) + 3


def test_shifted_and_byte_swapped_samples_are_taken_for_each_other() -> None:
    assert (twin(SHIFTED), twin(Reading(Codec.S16BE))) == (Reading(Codec.S16BE), SHIFTED)
    assert twin(SHIFTED._replace(afresh=True)) == Reading(Codec.S16BE, afresh=True)
