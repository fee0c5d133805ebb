"""The one decision which codec it is: weighing, doubt, shifts, and none that is known."""

from __future__ import annotations

import numpy as np
import pytest

from tests.codec.sounds import frames, real_speech, silence, speech_like, to_pcm
from voipbin_cli.codec.codecs import Codec, encode
from voipbin_cli.codec.decider import (
    DOUBT_BITS,
    DOUBT_BONUS,
    NEW_SIZE_BONUS,
    NOISE_BITS,
    Answer,
    CodecDecider,
    Look,
    mean_look,
)
from voipbin_cli.codec.encapsulation import Unit
from voipbin_cli.codec.reading import READINGS, SHIFTED, Reading

MULAW, ALAW, S16LE, S16BE = (Reading(codec) for codec in Codec)
PCM = to_pcm(real_speech())


def unit(payload: bytes) -> Unit:
    return Unit(payload, None, None)


def noisy(level_dbfs: float, seconds: int = 6) -> bytes:
    """Speech under white noise, as s16le."""
    rng = np.random.default_rng(5)
    speech = np.resize(speech_like(rng, 8000), seconds * 8000) * 0.5
    return to_pcm(speech + rng.normal(size=speech.size) * 32768 * 10 ** (level_dbfs / 20))


def wire(reading: Reading, pcm: bytes = PCM) -> list[bytes]:
    """Frames of 20 ms that are to be read like that."""
    data = pcm[1:] + pcm[:1] if reading.shifted else encode(reading.codec, pcm)
    return list(frames(data, 160 * reading.codec.sample_bytes))


def weighed(payloads: list[bytes], decider: CodecDecider | None = None) -> CodecDecider:
    """The decider after so many of the payloads as it takes to know."""
    decider = decider or CodecDecider()
    for payload in payloads:
        decider.weigh(unit(payload))
        if not decider.is_open:
            break
    return decider


# Weighing


@pytest.mark.parametrize("reading", READINGS, ids=str)
def test_a_few_frames_of_speech_settle_every_reading(reading: Reading) -> None:
    decider = CodecDecider()
    assert (decider.answer, decider.reading) == (Answer.UNHEARD, None)
    assert weighed(wire(reading)[10:20], decider) is decider
    assert (decider.answer, decider.reading, decider.best) == (Answer.SETTLED, reading, reading)
    assert decider.plausible == [reading]
    assert decider.is_sound(reading)
    assert not decider.wants_all


def test_silence_settles_nothing_and_is_not_sound() -> None:
    decider = weighed([silence(Codec.MULAW, 160)] * 50)
    assert (decider.answer, decider.reading) == (Answer.UNHEARD, None)
    assert decider.is_open
    assert decider.wants_all
    assert decider.best == MULAW
    assert not decider.is_sound(MULAW)


def test_a_tone_that_both_laws_explain_is_unclear() -> None:
    # A period of four samples: any odd mapping of them is a 2 kHz tone again.
    tone = to_pcm(30000 * np.sin(np.pi / 2 * np.arange(1600) + 0.3))
    decider = weighed(wire(MULAW, tone))
    assert (decider.answer, decider.reading) == (Answer.UNCLEAR, None)
    assert decider.plausible == [MULAW, ALAW]


def test_random_bytes_are_none_that_is_known_and_are_given_up_after_5_s() -> None:
    rng = np.random.default_rng(3)
    decider = CodecDecider()
    for n in range(250):  # of 20 ms
        assert decider.wants_all, n
        decider.weigh(unit(rng.bytes(160)))
    assert (decider.answer, decider.reading) == (Answer.NONE_KNOWN, None)
    assert decider.is_open
    assert not decider.wants_all
    assert not any(map(decider.is_sound, READINGS))


@pytest.mark.parametrize("reading", READINGS, ids=str)
def test_white_noise_of_12_dbfs_is_still_in_a_codec(reading: Reading) -> None:
    noise = np.random.default_rng(1).normal(size=16000) * 32768 * 10 ** (-12 / 20)
    decider = CodecDecider()
    for payload in wire(reading, to_pcm(noise)):
        decider.weigh(unit(payload))
        assert decider.answer is not Answer.NONE_KNOWN
    assert decider.best.looks_like is reading.looks_like


# In doubt


def test_what_was_settled_goes_on_at_any_sound_that_speaks_for_it() -> None:
    half = encode(Codec.MULAW, PCM)[3000:3080]  # weighs 8, and 12 are needed
    assert weighed([half]).is_open
    decider = weighed(wire(MULAW))
    decider.reopen()
    assert (decider.is_open, decider.reading) == (True, MULAW)
    assert not weighed([half], decider).is_open
    decider.restart()
    assert weighed([half], decider).is_open


@pytest.mark.parametrize(("bonus", "lead"), [(DOUBT_BONUS, 10), (NEW_SIZE_BONUS, 6)])
def test_the_reading_in_doubt_has_its_bonus(bonus: float, lead: float) -> None:
    decider = weighed(wire(ALAW))
    decider.reopen(bonus)
    assert decider.odds == {
        Codec.MULAW: -lead, Codec.ALAW: 0, Codec.S16LE: -lead, Codec.S16BE: -lead,
    }  # fmt: skip


def test_doubt_that_has_passed_leaves_it_settled() -> None:
    decider = weighed(wire(MULAW))
    decider.reopen()
    decider.keep()
    assert (decider.is_open, decider.reading) == (False, MULAW)
    fresh = CodecDecider()
    fresh.keep()
    assert fresh.is_open


@pytest.mark.parametrize("other", [r for r in READINGS if r != MULAW], ids=str)
def test_sound_of_another_codec_settles_that_one(other: Reading) -> None:
    decider = weighed(wire(MULAW))
    decider.reopen()
    assert weighed(wire(other)[10:], decider).reading == other
    assert not decider.is_open


def test_a_new_connection_is_most_likely_what_silence_of_the_last_one_looked_like() -> None:
    decider = weighed([silence(Codec.ALAW, 160)] * 3)
    assert decider.best == ALAW
    decider.restart()
    assert decider.best == ALAW
    assert decider.odds[Codec.MULAW] == -12
    unused = CodecDecider()
    unused.restart()
    assert set(unused.odds.values()) == {0}


# A shift by a byte


@pytest.mark.parametrize("reading", [S16BE, SHIFTED], ids=str)
@pytest.mark.parametrize(("level_dbfs", "at_most"), [(-90, 3), (-36, 20), (-24, 150), (-20, 250)])
def test_a_shift_comes_out_the_later_the_louder_the_noise(
    reading: Reading, level_dbfs: int, at_most: int
) -> None:
    decider = CodecDecider()
    shown = 0
    for payload in wire(reading, noisy(level_dbfs)):
        decider.weigh(unit(payload))
        shown += 1
        if not decider.is_open:
            break
        assert not decider.is_shift_open or decider.reading == S16BE  # until it is known
        assert not decider.is_shift_open or decider.plausible == [S16BE, SHIFTED]
    assert decider.reading == reading
    assert shown <= at_most


def test_a_shift_that_does_not_come_out_is_taken_for_none_after_30_s() -> None:
    # In noise of -10 dBFS the low bytes are next to nothing: 0.01 bits a frame.
    rng = np.random.default_rng(3)
    payloads = wire(S16BE, to_pcm(rng.normal(size=160 * 1500) * 32768 * 10 ** (-10 / 20)))
    decider = CodecDecider()
    for n, payload in enumerate(payloads):
        assert decider.is_open, n
        decider.weigh(unit(payload))
    assert (decider.is_open, decider.reading) == (False, S16BE)


@pytest.mark.parametrize("reading", [S16BE, SHIFTED], ids=str)
def test_in_doubt_a_shift_stays_what_it_was_until_the_other_is_known(reading: Reading) -> None:
    decider = weighed(wire(reading))
    decider.reopen(NEW_SIZE_BONUS)
    loud = wire(reading, noisy(-12))
    decider.weigh(unit(loud[0]))
    assert decider.reading == reading
    other = S16BE if reading.shifted else SHIFTED
    assert weighed(wire(other), decider).reading == other


@pytest.mark.parametrize("reading", [S16BE, SHIFTED], ids=str)
def test_in_doubt_a_shift_that_was_known_is_not_asked_for_anew(reading: Reading) -> None:
    """In noise that would take seconds, for which a decoder would hold its frames back."""
    payloads = wire(reading, noisy(-24))
    decider = weighed(payloads)
    decider.reopen(NEW_SIZE_BONUS)
    assert not weighed(payloads[:3], decider).is_open
    assert decider.reading == reading


# Looks


def test_a_look_costs_as_little_as_its_reading_and_another_one_more() -> None:
    for reading in READINGS:
        decider = weighed(wire(reading))
        for look in decider.look(wire(reading)[10:30]):
            assert look.own < NOISE_BITS
            assert look.lead > 0
            assert not look.is_doubtful
            assert not look.is_unexplained
        assert decider.look([]) == []


def test_a_look_at_another_codec_of_the_same_width_is_doubtful() -> None:
    for settled, heard in ((MULAW, ALAW), (ALAW, MULAW), (S16LE, S16BE), (S16BE, S16LE),
                           (SHIFTED, S16LE), (S16LE, SHIFTED), (SHIFTED, S16BE)):  # fmt: skip
        looks = weighed(wire(settled)).look(wire(heard)[10:30])
        assert mean_look(looks).is_doubtful, (settled, heard)


def test_another_width_is_asked_where_the_reading_finds_noise() -> None:
    decider = weighed(wire(MULAW))
    linear = list(frames(encode(Codec.S16LE, noisy(-36)), 160))[:20]
    assert all(look.own > NOISE_BITS and look.is_doubtful for look in decider.look(linear))


def test_a_settled_stream_that_turns_into_random_bytes_is_none_that_is_known() -> None:
    decider = weighed(wire(MULAW))
    rng = np.random.default_rng(8)
    assert all(look.is_unexplained for look in decider.look([rng.bytes(160) for _ in range(4)]))
    assert (decider.answer, decider.reading) == (Answer.NONE_KNOWN, MULAW)
    decider.look(wire(MULAW)[10:12])
    assert decider.answer is Answer.SETTLED


def test_doubt_begins_above_a_quarter_of_a_bit() -> None:
    assert not Look(5.0, 5.0 - DOUBT_BITS).is_doubtful
    assert Look(5.0, 4.99 - DOUBT_BITS).is_doubtful
    assert Look(NOISE_BITS + 0.01, 8.0).is_unexplained
    assert not Look(8.0, NOISE_BITS).is_unexplained
    assert mean_look([Look(2.0, 5.0), Look(4.0, 4.0)]) == Look(3.0, 4.5)
