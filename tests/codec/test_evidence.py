"""What speaks for a codec, and how much: label, size, silence, timestamps, sound."""

from __future__ import annotations

import pytest

from tests.codec.sounds import frames, real_speech, to_pcm
from voipbin_cli.codec.codecs import Codec, encode
from voipbin_cli.codec.encapsulation import Unit
from voipbin_cli.codec.evidence import BitsByCodec, Evidence, is_still, prior_costs, quiet_codecs
from voipbin_cli.codec.hypotheses import MIN_BYTES, score_payload
from voipbin_cli.codec.rtp import RtpPacket

MULAW, ALAW, S16LE, S16BE = Codec.MULAW, Codec.ALAW, Codec.S16LE, Codec.S16BE
PLAIN_BYTES = 240  # a size that is usual for none: 30 ms of G.711, 15 ms of linear audio
SOUND = list(frames(encode(MULAW, to_pcm(real_speech())), 160))


def of(mulaw: float, alaw: float, s16le: float, s16be: float) -> BitsByCodec:
    return {MULAW: mulaw, ALAW: alaw, S16LE: s16le, S16BE: s16be}


def labelled(number: int, size: int = PLAIN_BYTES) -> Unit:
    packet = RtpPacket(
        payload_type=number, sequence_number=1, timestamp=0, ssrc=1, payload=bytes(size)
    )
    return Unit(packet.payload, number, packet)


def bare(payload: bytes) -> Unit:
    return Unit(payload, None, None)


def odds_of(*payloads: bytes, step: int | None = None) -> BitsByCodec:
    evidence = Evidence()
    for payload in payloads:
        evidence.add(bare(payload), step)
    return evidence.odds()


@pytest.mark.parametrize(
    ("number", "costs"),
    [
        (0, of(0, 14, 8, 14)),
        (8, of(14, 0, 8, 14)),
        (10, of(4, 10, 2, 0)),
        (11, of(4, 10, 2, 0)),
        *((number, of(0, 6, 0, 6)) for number in (3, 9, 12, 96, 127)),
    ],
)
def test_a_label_speaks_for_what_rfc_3551_says_it_is(number: int, costs: BitsByCodec) -> None:
    assert prior_costs(labelled(number)) == costs


def test_without_rtp_a_kind_is_no_label() -> None:
    for kind in (None, 0, 8, 10, 0x12):
        assert prior_costs(Unit(bytes(PLAIN_BYTES), kind, None)) == of(0, 6, 0, 6)


@pytest.mark.parametrize(
    ("rate_hz", "size", "costs"),
    [
        (8000, 80, of(0, 6, 10, 16)),
        (8000, 160, of(0, 6, 10, 16)),
        (8000, 320, of(10, 16, 0, 6)),
        (8000, 640, of(10, 16, 0, 6)),
        (16_000, 160, of(0, 6, 10, 16)),
        (16_000, 320, of(0, 6, 10, 16)),
        (16_000, 640, of(10, 16, 0, 6)),
        (16_000, 1280, of(10, 16, 0, 6)),
        *((8000, size, of(0, 6, 0, 6)) for size in (40, 164, 480, 1280)),
        *((8000, size, of(0, 6, 6, 12)) for size in (81, 159, 321)),
    ],
)
def test_a_size_speaks_for_the_width_that_makes_it_10_or_20_or_40_ms(
    rate_hz: int, size: int, costs: BitsByCodec
) -> None:
    assert prior_costs(Unit(bytes(size), None, None, rate_hz)) == costs


def test_still_is_one_word_over_and_over() -> None:
    assert is_still(b"\x12\x34" * 80)
    assert is_still(b"\x12\x34" * 80 + b"\x12")
    assert not is_still(b"\x12\x34" * 80 + b"\x34")


@pytest.mark.parametrize(
    ("word", "codecs"),
    [
        (b"\x00\x00", {S16LE, S16BE}),
        (b"\x40\x00", {S16LE}),  # 64 of 32768
        (b"\x41\x00", set()),
        (b"\x00\x40", {S16BE}),
        (b"\xff\xff", {MULAW, S16LE, S16BE}),
        (b"\xd5\xd5", {ALAW}),
        (b"\x12\x34", set()),
    ],
)
def test_a_word_is_silence_in_the_codecs_that_make_it_64_at_most(
    word: bytes, codecs: set[Codec]
) -> None:
    assert quiet_codecs(word) == codecs


def test_silence_costs_those_that_would_make_it_loud() -> None:
    # 00 is full scale in mu-law, 5504 in A-law; 34 12 is loud in all of them.
    assert odds_of(bytes(PLAIN_BYTES)) == of(-16, -22, 0, -6)
    assert odds_of(b"\x34\x12" * 120) == of(0, -6, 0, -6)
    # 848 in A-law, and -1 as linear, which silence hardly ever is.
    assert odds_of(b"\xff" * PLAIN_BYTES) == of(0, -22, -12, -18)


def test_a_step_of_half_the_bytes_counts_samples_of_two() -> None:
    loud = b"\x34\x12" * 120
    assert odds_of(loud, step=120) == of(-12, -18, 0, -6)
    assert odds_of(loud, step=240) == odds_of(loud, step=0) == of(0, -6, 0, -6)


def test_what_is_shorter_than_can_be_judged_counts_for_nothing() -> None:
    assert odds_of(bytes(MIN_BYTES - 1)) == of(0, 0, 0, 0)
    assert odds_of(bytes(MIN_BYTES)) == of(-16, -22, 0, -6)


def test_sizes_count_by_their_mean_and_each_once() -> None:
    loud = b"\x34\x12"
    # 160: ten bits against linear audio; 240: none against anyone.
    assert odds_of(loud * 80, loud * 80, loud * 120) == of(0, -6, -5, -11)


def test_the_ninth_size_counts_no_more() -> None:
    evidence = Evidence()
    for extra in range(8):
        evidence.add(bare(b"\x34\x12" * (120 + extra)))
    for _ in range(2):  # an odd size is much against linear audio
        evidence.add(bare(b"\x34\x12" * 120 + b"\x34"))
    assert evidence.odds() == of(0, -6, 0, -6)


def test_what_was_known_before_has_its_bonus() -> None:
    evidence = Evidence()
    evidence.add(bare(b"\x34\x12" * 120))
    assert evidence.odds(known=ALAW, bonus=10.0) == of(-4, 0, -4, -10)
    assert evidence.odds(known=None, bonus=10.0) == of(0, -6, 0, -6)


def test_sound_weighs_a_tenth_of_a_bit_for_each_byte_and_fades_by_a_tenth() -> None:
    evidence = Evidence()
    assert evidence.weight == 0
    assert evidence.bits_per_byte(MULAW) is None
    first, second = SOUND[5], SOUND[6]
    evidence.add(bare(first))
    assert evidence.weight == pytest.approx(16)
    evidence.add(bare(second))
    assert evidence.weight == pytest.approx(16 * 0.9 + 16)
    one, two = score_payload(first), score_payload(second)
    for codec in Codec:
        mean = (0.9 * one[codec] + two[codec]) / 1.9
        assert evidence.bits_per_byte(codec) == pytest.approx(mean)


def test_sound_outweighs_no_more_than_64_bits_however_long_it_lasts() -> None:
    evidence = Evidence()
    short, long = Evidence(), SOUND[5:45]
    short.add(bare(SOUND[5]))
    for payload in long:
        evidence.add(bare(payload))
    assert short.weight == pytest.approx(16)
    assert evidence.weight > 100
    for one, trusted in ((short, 16), (evidence, 64)):
        costs = prior_costs(bare(SOUND[5]))
        raw = {c: -costs[c] - trusted * (one.bits_per_byte(c) or 0) for c in Codec}
        best = max(raw.values())
        assert one.odds() == pytest.approx({c: value - best for c, value in raw.items()})
