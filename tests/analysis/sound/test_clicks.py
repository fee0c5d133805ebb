"""Seams, spikes and steps, and speech, tones and music without any."""

from __future__ import annotations

import numpy as np
import pytest
import soxr

from tests.analysis.sounds import listen
from tests.corpus.sounds import VOICES, prompts, talker
from tests.corpus.unusual import UNUSUAL
from tests.sounds.faults import (
    dc_steps,
    dropped_samples,
    faded_by_chunk,
    header_each,
    resampled_by_chunk,
    spiked,
    spiked_by_chance,
    without_each_nth,
)
from tests.sounds.streams import pcm
from tests.sounds.talkers import cadence, dtmf, in_room, music, noise, organ, rms, tone
from tests.support.needs import needs
from tests.support.spread import LONG
from voipbin_cli.analysis.sound.clicks import ClickFold
from voipbin_cli.analysis.sound.stretches import StretchFold
from voipbin_cli.codec.codecs import Codec, encode, samples

pytestmark = pytest.mark.slow

CODECS = (Codec.S16LE, Codec.MULAW)
SECONDS = 12
PERIODS_MS = (20, 60, 100, 250)


def clicks(sound, codec=Codec.S16LE, cuts=()):
    fold = ClickFold()
    stretches = StretchFold(fold.hear)
    listen(stretches, *np.split(samples(codec, encode(codec, pcm(sound))), cuts))
    stretches.finish()
    return fold.result()


def speech(seed, seconds=SECONDS):
    return in_room("pulses", seed, seconds, -20, -68)


def is_period(told_ms, period_ms):
    """The period, or one of twice or half of it, at which the same clicks stand as well."""
    return told_ms is not None and min(abs(told_ms / period_ms - n) for n in (0.5, 1, 2, 3)) < 0.01


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("period_ms", PERIODS_MS)
def test_chunks_that_are_faded(period_ms, codec):
    for seed in range(2):
        for fade_ms in (1, 5):
            got = clicks(faded_by_chunk(speech(seed), period_ms, fade_ms), codec)
            assert is_period(got.period_ms, period_ms)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("height", [300, 1000, 5000, 20_000])
@pytest.mark.parametrize("period_ms", PERIODS_MS)
def test_a_spike_each_chunk(period_ms, height, codec):
    for seed in range(2 if LONG else 1):
        got = clicks(spiked(speech(seed), period_ms, height), codec)
        assert is_period(got.period_ms, period_ms)


@needs("espeak-ng")
@pytest.mark.parametrize(
    ("rate_hz", "period_ms", "codec"),
    [
        (24_000, 60, Codec.MULAW),
        (16_000, 60, Codec.S16LE),
        (48_000, 100, Codec.S16LE),
        (22_050, 100, Codec.MULAW),
        (24_000, 200, Codec.S16LE),
    ],
)
def test_a_resampler_that_begins_anew_with_each_chunk(rate_hz, period_ms, codec):
    for seed in range(2):
        wide = soxr.resample(talker(VOICES[seed], 15.0, seed).astype(float), 8000, rate_hz)
        got = clicks(resampled_by_chunk(wide, period_ms, rate_hz), codec)
        assert is_period(got.period_ms, period_ms)


@needs("espeak-ng")
@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("period_ms", [60, 100, 200])
def test_samples_that_are_dropped_behind_each_chunk(period_ms, codec):
    for seed in range(2):
        dropped = 24 + 8 * seed
        sound = talker(VOICES[2 + seed], 12.0, seed)
        sound = dropped_samples(sound, period_ms + dropped / 8, dropped)
        assert is_period(clicks(sound, codec).period_ms, period_ms)


@pytest.mark.parametrize("nth", [4, 5])
def test_each_nth_frame_gone_is_a_step_where_the_others_meet(nth):
    for seed in range(3):
        got = clicks(without_each_nth(speech(seed), nth))
        assert is_period(got.period_ms, 20 * (nth - 1))


@pytest.mark.parametrize("period_ms", [20, 60, 100])
def test_the_zero_line_jumps(period_ms):
    for seed in range(2):
        assert is_period(clicks(dc_steps(speech(seed), period_ms, 1500)).period_ms, period_ms)


def test_headers_within_the_sound():
    for seed in range(2):
        assert is_period(clicks(header_each(speech(seed), 500)).period_ms, 500)


def test_spikes_at_no_fixed_distance():
    """Of 24 those that stick out of what is around them, voice and all."""
    for seed in range(4):
        got = clicks(spiked_by_chance(speech(seed), 0.5, 20_000, seed))
        assert 8 <= got.clicks <= 24
        assert got.period_ms is None


def test_a_few_spikes_are_chance():
    sound = speech(1)
    sound[[9000, 33_000, 71_000]] += 20_000
    assert clicks(sound).clicks == 0


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    "made",
    [
        lambda seed: np.zeros(SECONDS * 8000),
        lambda seed: speech(seed),
        lambda seed: in_room("pulses", seed, SECONDS, -37, -60),
        lambda seed: tone(425, SECONDS, -12),
        lambda seed: tone(1000, SECONDS, -3.2),
        lambda seed: cadence((425,), 0.5, 0.5, SECONDS, -12),
        lambda seed: cadence((1400,), 0.2, 0.8, SECONDS, -14),
        lambda seed: dtmf(seed, SECONDS, 50, 50),
        lambda seed: dtmf(seed, SECONDS, 100, 100),
        lambda seed: music(seed, SECONDS, 0.25),
        lambda seed: music(seed, SECONDS, 0.125),
        lambda seed: organ(seed, SECONDS),
        lambda seed: noise("white", seed, SECONDS, -40),
        lambda seed: noise("brown", seed, SECONDS, -50),
    ],
)
def test_what_has_sharp_edges_by_nature_has_no_clicks(made, codec):
    for seed in range(4 if LONG else 2):
        assert clicks(made(seed), codec).clicks == 0


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    "name",
    [
        "drummer",
        "drum machine",
        "band",
        "plucked",
        "chip tune",
        "buzzer",
        "clock",
        "typist",
        "snaps",
        "applause",
        "shots",
    ],
)
def test_what_is_struck_rings_on_and_is_no_click(name, codec):
    assert clicks(UNUSUAL[name](float(SECONDS), 54), codec).clicks == 0


@pytest.mark.parametrize("codec", CODECS)
def test_the_edges_of_a_square_wave_are_no_clicks_wherever_they_fall(codec):
    """2048 Hz, whose edges come back at the same place each 125 samples at the earliest."""
    assert clicks(UNUSUAL["buzzer"](20.0, 371), codec).clicks == 0


def test_hands_that_clap_are_no_spikes():
    for seed in (212, 227, 233):
        assert clicks(UNUSUAL["applause"](float(SECONDS), seed), Codec.MULAW).clicks == 0


def ticking(sound, decay_ms, period_ms=500, height=9000):
    """Something is struck each period, and rings on for so long."""
    at = np.arange(400) / 8000
    ring = height * np.exp(-at / decay_ms * 1000) * np.sin(2 * np.pi * 2600 * at + 1)
    out, step = sound.copy(), period_ms * 8
    for start in range(step // 2, len(out) - len(ring), step):
        out[start : start + len(ring)] += ring
    return out


@needs("espeak-ng")
def test_a_gate_that_opens_on_the_grid_of_frames_is_no_click():
    sound = prompts(10.0, 112) * 10 ** (-27.87 / 20)
    frames = sound.reshape(-1, 160)
    level = np.sqrt((frames**2).mean(axis=1))[:, None]
    gated = np.where(level > rms(-50.08), frames, 0.03 * frames).ravel()
    assert clicks(gated).clicks == 0


def melody(seed, beat_s, ramp_s):
    """A pipe's notes of one beat or two, each swelled and damped."""
    rng = np.random.default_rng(seed)
    ramp, notes = int(ramp_s * 8000), []
    while sum(map(len, notes)) < SECONDS * 8000:
        time = np.arange(int(beat_s * 8000) * rng.choice([1, 1, 2])) / 8000
        hertz = 262 * 2 ** (rng.choice([0, 2, 4, 7, 9, 12]) / 12)
        stops = [n for n in (1, 2, 3, 4, 6, 8) if n * hertz < 3600]
        note = sum(np.sin(2 * np.pi * hertz * n * time) / n for n in stops)
        note[:ramp] *= np.linspace(0, 1, ramp)
        note[-ramp:] *= np.linspace(1, 0, ramp)
        notes.append(2000 * note)
    return np.concatenate(notes)[: SECONDS * 8000] + noise("pink", seed, SECONDS, -70)


@pytest.mark.parametrize("codec", [*CODECS, Codec.ALAW])
@pytest.mark.parametrize(("beat_s", "ramp_s"), [(0.2, 0.01), (0.2, 0.02), (0.25, 0.01)])
def test_notes_that_begin_on_the_beat_are_no_chunks(beat_s, ramp_s, codec):
    assert clicks(melody(5, beat_s, ramp_s), codec).clicks == 0


@pytest.mark.parametrize("codec", CODECS)
def test_what_is_faded_or_steps_under_notes_is_told_of(codec):
    notes = melody(5, 0.3, 0.01)
    assert is_period(clicks(faded_by_chunk(notes, 40, 1), codec).period_ms, 40)
    assert is_period(clicks(spiked(notes, 125, 6000), codec).period_ms, 125)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("on_s", [0.05, 0.1, 0.25])
def test_a_beep_that_is_keyed_hard_under_speech_is_no_click(on_s, codec):
    beeps = cadence((1850,), on_s, 0.5 - on_s, SECONDS, -28)
    assert clicks(in_room("pulses", 3, SECONDS, -22, -66) + beeps, codec).clicks == 0


@pytest.mark.parametrize("codec", [*CODECS, Codec.ALAW])
@pytest.mark.parametrize("hertz", [10, 16.7, 20, 25])
def test_nor_is_where_a_low_tone_crosses_zero(hertz, codec):
    sound = in_room("pulses", 3, SECONDS, -28, -66) + tone(hertz, SECONDS, -10)
    assert clicks(sound, codec).clicks == 0


def test_a_low_tone_that_is_faded_is_told_of():
    low = tone(20, SECONDS, -13)
    assert is_period(clicks(faded_by_chunk(speech(3) + low, 50, 1)).period_ms, 50)


def test_chords_need_more_to_be_told_of():
    for seed in (53, 67):
        chords = UNUSUAL["pad"](20.0, seed).astype(float)
        assert clicks(chords, Codec.MULAW).clicks == 0
    assert is_period(clicks(spiked(chords, 60, 9000), Codec.MULAW).period_ms, 60)
    assert is_period(clicks(faded_by_chunk(chords, 100, 2), Codec.MULAW).period_ms, 100)


@needs("espeak-ng")
def test_a_soft_spike_is_alike_before_and_behind_wherever_its_chunk_begins():
    sound = in_room("en-us", 0, 15, -20, -62)
    for shift in (0, 1, 400):
        assert is_period(clicks(spiked(sound, 100, 1500)[shift:]).period_ms, 100)


def test_a_clock_beside_somebody_who_speaks():
    for seed in range(2):
        assert clicks(ticking(speech(seed), 4)).clicks == 0
        assert is_period(clicks(spiked(speech(seed), 500, 9000)).period_ms, 500)


@pytest.mark.parametrize("count", [2, 4, 8])
def test_samples_that_are_dropped_each_chunk(count):
    for seed in range(2):
        got = clicks(dropped_samples(speech(seed), 20, count))
        assert is_period(got.period_ms, 20 - count / 8)


def test_any_cut_gives_identical_figures():
    sound = spiked(speech(1, 25), 100, 5000)
    assert clicks(sound, cuts=[7, 90_000, 170_123]) == clicks(sound)
