"""How many bits a payload costs in each codec."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.codec.sounds import frames, real_speech, to_pcm, vector_messages
from voipbin_cli.codec import Codec, Encapsulation, encode, score_codecs, silence, unpack
from voipbin_cli.codec.hypotheses import (
    MIN_BYTES,
    score_each,
    score_misaligned,
    score_payload,
)


def payloads(codec: Codec) -> list[bytes]:
    wire = encode(codec, to_pcm(real_speech()))
    return list(frames(wire, 160 * codec.sample_bytes))


@pytest.mark.parametrize("codec", Codec)
def test_speech_is_cheapest_in_its_own_codec_by_far(codec: Codec) -> None:
    scores = dict(score_codecs(payloads(codec)))
    own = scores.pop(codec)
    assert own + 1 < min(scores.values()) <= 8


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        (f"{encapsulation}-{dialect}", codec)
        for encapsulation in Encapsulation
        for dialect, codec in (("deployed", Codec.MULAW), ("linear", Codec.S16LE))
    ],
)
def test_each_recorded_frame_is_cheapest_in_what_it_is(name: str, codec: Codec) -> None:
    encapsulation = Encapsulation(name.split("-")[0])
    for message in vector_messages(name)[1:]:
        payload = unpack(encapsulation, message)[0].payload
        scores = score_payload(payload)
        if len(set(payload)) > 2:  # not one that is silent throughout
            assert min(scores, key=scores.__getitem__) is codec


def test_bytes_without_sense_cost_what_they_are() -> None:
    rng = np.random.default_rng(1)
    scores = score_codecs(rng.bytes(320) for _ in range(20))
    assert all(bits > 7.9 for bits in scores.values())


def test_silence_costs_next_to_nothing_in_its_own_codec_and_a_constant_much_in_others() -> None:
    scores = score_codecs([silence(Codec.MULAW, 160)])
    # A residual of step/sqrt(12) is log2(sqrt(2 pi e / 12)) = 0.254 bits a sample.
    assert scores[Codec.MULAW] == pytest.approx(0.254, abs=0.001)
    # 0xff reads 848 in A-law, where the step is 32 (order 0 of 4): 848 / 32 = 26.5 steps;
    # (log2(26.5) + 2.047 + 3 * 0.254) / 4 = 1.9.
    assert scores[Codec.ALAW] == pytest.approx(1.9, abs=0.1)


def test_speech_that_slipped_by_a_byte_is_cheaper_as_slipped_than_as_big_endian() -> None:
    wire = to_pcm(real_speech())
    slipped = list(frames(wire[1:], 320))
    scores = score_codecs(slipped)
    assert min(scores, key=scores.__getitem__) is Codec.S16BE  # high bytes right, low ones not
    assert score_misaligned(slipped) + 0.5 < scores[Codec.S16BE]
    aligned = list(frames(wire, 320))
    assert score_misaligned(aligned) > score_codecs(aligned)[Codec.S16LE] + 1


def test_a_pair_is_scored_as_in_the_whole() -> None:
    payload = payloads(Codec.ALAW)[3]
    scores = score_payload(payload)
    for codec in Codec:
        pair = score_payload(payload, like=codec)
        assert pair == {c: scores[c] for c in Codec if c.sample_bytes == codec.sample_bytes}


def test_payloads_of_many_sizes_are_weighed_by_their_bytes() -> None:
    short, long = payloads(Codec.MULAW)[5][:80], payloads(Codec.MULAW)[5]
    both = score_codecs([short, long])[Codec.MULAW]
    alone = [score_codecs([payload])[Codec.MULAW] for payload in (short, long)]
    assert both == pytest.approx((80 * alone[0] + 160 * alone[1]) / 240)


def test_what_is_too_short_says_nothing() -> None:
    assert score_payload(bytes(MIN_BYTES - 1)) == {}
    assert set(score_codecs([b"", bytes(MIN_BYTES - 1)]).values()) == {8.0}


@given(st.binary(min_size=MIN_BYTES, max_size=700))
def test_any_bytes_cost_between_none_and_all_of_their_bits(data: bytes) -> None:
    assert all(0 <= bits <= 8 for bits in score_payload(data).values())
    assert 0 <= score_misaligned([data]) <= 8


def test_many_at_once_score_as_each_alone_does() -> None:
    speech, linear = vector_messages("sln-deployed"), vector_messages("sln-linear")
    clipped = [bytes(message[:40]) + b"\x80\x7f" * 60 + message[160:320] for message in linear[:3]]
    mixed = [*speech[:20], b"short", *linear[:20], *clipped, speech[3][:100], b""]
    for like in (None, Codec.MULAW, Codec.S16BE):
        alone = [score_payload(payload, like) for payload in mixed]
        together = score_each(mixed, like)
        assert [set(scores) for scores in together] == [set(scores) for scores in alone]
        for one, other in zip(alone, together, strict=True):
            assert other == pytest.approx(one, abs=1e-9)
    assert score_each([]) == []
