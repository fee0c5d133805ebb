"""How many bits a payload costs in each codec."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.codec.sounds import frames, real_speech, silence, to_pcm, vector_messages
from voipbin_cli.codec.codecs import Codec, encode
from voipbin_cli.codec.encapsulation import Encapsulation, unpack
from voipbin_cli.codec.hypotheses import (
    MIN_BYTES,
    score_codecs,
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


@pytest.mark.parametrize("height", [2000, 5372, 6000, 12_000, 32_124])
def test_a_square_wave_does_not_tell_the_laws_apart(height: int) -> None:
    """The codes of 5372 are A-law's ends."""
    for half in (4, 9, 16):
        wave = np.where(np.arange(160) % (2 * half) < half, height, -height)
        scores = score_payload(encode(Codec.MULAW, to_pcm(wave)))
        assert scores[Codec.MULAW] == scores[Codec.ALAW]


def test_the_noise_of_a_quiet_line_does() -> None:
    quiet = to_pcm(8 * np.random.default_rng(4).integers(0, 2, 160))
    for codec, other in ((Codec.MULAW, Codec.ALAW), (Codec.ALAW, Codec.MULAW)):
        scores = score_payload(encode(codec, quiet))
        assert scores[codec] < scores[other] - 1


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


# What a payload costs, by the formula: mean over orders of log2(sigma sqrt(2 pi e) / step)

GAUSS_BITS = 0.5 * np.log2(2 * np.pi * np.e)
# The logarithm of the power of 16 samples is less in the mean than that of the power:
# (psi(8) - ln 8) / 2 nats.
BLOCK_BITS = -0.0458


def as_s16le(samples: np.ndarray) -> bytes:
    return np.clip(np.rint(samples), -32768, 32767).astype("<i2").tobytes()


def noise(count: int, sigma: float, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, sigma, count)


def levinson(samples: np.ndarray, order: int) -> list[float]:
    """The power that a predictor of each order leaves, by Levinson and Durbin."""
    count = len(samples)
    correlation = [float(samples[k:] @ samples[: count - k]) / count for k in range(order + 1)]
    powers, predictor = [correlation[0]], np.zeros(0)
    for n in range(1, order + 1):
        reach = correlation[n] - predictor @ np.array(correlation[n - 1 : 0 : -1][: n - 1])
        reflection = reach / powers[-1]
        predictor = np.append(predictor - reflection * predictor[::-1], reflection)
        powers.append(powers[-1] * (1 - reflection**2))
    return powers


def test_the_predictors_leave_what_levinson_and_durbin_say() -> None:
    # Two resonances: every order takes something away.
    poles = np.array([0.98 * np.exp(0.5j), 0.95 * np.exp(1.5j)])
    past = np.poly(np.concatenate([poles, poles.conj()])).real[1:]
    sound = np.zeros(16_000)
    drive = noise(len(sound), 60)
    for n in range(4, len(sound)):
        sound[n] = drive[n] - past @ sound[n - 4 : n][::-1]
    powers = [levinson(sound, 4)[order] for order in (0, 1, 2, 4)]
    assert all(after < 0.6 * before for before, after in pairwise(powers))
    usual = np.mean(0.5 * np.log2(powers))
    scores = score_codecs([as_s16le(sound)])
    assert scores[Codec.S16LE] == pytest.approx((usual + GAUSS_BITS + BLOCK_BITS) / 2, abs=0.05)


@pytest.mark.parametrize("codec", Codec)
def test_flat_tops_cost_nothing_in_any_codec(codec: Codec) -> None:
    """Half noise, half a word that repeats: the half that is noise is what it costs."""
    rng = np.random.default_rng(2)
    flat = b"".join(rng.bytes(64) + b"\x34\x12" * 32 for _ in range(20))
    assert 3.9 < score_payload(flat)[codec] < 4.5
    # A word that stands twice is none.
    assert score_payload(b"".join(rng.bytes(2) * 2 for _ in range(640)))[codec] > 7.9


def test_few_flat_tops_are_not_left_out_and_silence_never_is() -> None:
    rng = np.random.default_rng(3)
    for words, is_left_out in ((30, False), (40, True)):  # of 320: 28 and 38 are third in a row
        payload = rng.bytes(640 - 2 * words) + b"\x34\x12" * words
        assert (score_payload(payload)[Codec.S16BE] < 7.5) is is_left_out
    silent = rng.bytes(480) + b"\x7f\x7f" * 80  # in mu-law
    assert score_payload(silent)[Codec.S16LE] > 7.9
    assert score_payload(silent)[Codec.MULAW] < 7


def test_sound_at_the_rails_is_cheap_where_the_rails_are() -> None:
    rng = np.random.default_rng(4)
    signs = rng.choice([-1, 1], 640)
    ends = as_s16le(signs * rng.integers(32_000, 32_768, 640))
    cost = (np.log2(32_384) + GAUSS_BITS) / 2 - 4
    assert score_payload(ends)[Codec.S16LE] == pytest.approx(cost, abs=0.1)
    below = as_s16le(signs * rng.integers(31_000, 32_000, 640))
    assert score_payload(below)[Codec.S16LE] == 8.0
    # Mu-law's ends of the scale, 00 and 80, are 32124 in steps of 1024.
    loud = np.where(signs > 0, 0x80, 0x00).astype(np.uint8).tobytes()
    cost = np.log2(32_124) - 10 + GAUSS_BITS - 4
    assert score_payload(loud)[Codec.MULAW] == pytest.approx(cost, abs=0.1)


@pytest.mark.parametrize(
    ("high", "low", "is_railed"),
    [(0.32, 0.1, True), (0.27, 0.12, False), (0.48, 0.09, False), (0.1, 0.32, True)],
)
def test_the_rails_count_where_they_are_four_tenths_and_a_tenth_at_either_end(
    high: float, low: float, is_railed: bool
) -> None:
    rng = np.random.default_rng(5)
    samples = rng.integers(-30_000, 30_000, 4000)
    samples[: int(4000 * high)] = rng.integers(32_000, 32_768, int(4000 * high))
    samples[-int(4000 * low) - 1 :] = rng.integers(-32_768, -32_000, int(4000 * low) + 1)
    rng.shuffle(samples)
    assert (score_payload(as_s16le(samples))[Codec.S16LE] < 7.5) is is_railed


def test_low_bits_that_are_always_zero_make_the_step_larger() -> None:
    wide = 256 * np.rint(noise(3200, 25))
    cost = (np.log2(256 * 25) + GAUSS_BITS + BLOCK_BITS - 8 + 8 / 3200) / 2
    assert score_payload(as_s16le(wide))[Codec.S16LE] == pytest.approx(cost, abs=0.05)
    # One odd sample, and every bit counts.
    wide[7] += 1
    assert score_payload(as_s16le(wide))[Codec.S16LE] == pytest.approx(cost + 4, abs=0.05)
    # To say so costs eight bits, which is much for a few samples.
    short = 256 * np.rint(noise(20, 25))
    odd = short + (np.arange(20) == 3)
    saved = score_payload(as_s16le(odd))[Codec.S16LE] - score_payload(as_s16le(short))[Codec.S16LE]
    assert saved == pytest.approx(4 - 8 / 20 / 2, abs=0.05)
