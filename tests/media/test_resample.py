from __future__ import annotations

import numpy as np
import pytest
import soxr
from hypothesis import given
from hypothesis import strategies as st

from voipbin_cli.media.resample import ResampleQuality, Resampler


def tone(rate_hz, seconds=1.0, frequency_hz=440.0):
    n = np.arange(int(rate_hz * seconds))
    return (0.5 * np.sin(2 * np.pi * frequency_hz * n / rate_hz)).astype(np.float32)


def convert(samples, cuts, from_hz, to_hz, quality=ResampleQuality.FILE):
    resampler = Resampler(from_hz, to_hz, quality)
    pieces = np.split(samples, sorted(cuts))
    parts = [resampler.process(piece) for piece in pieces]
    parts.append(resampler.process(np.empty(0, np.float32), last=True))
    return np.concatenate(parts)


def test_equal_rates_pass_untouched():
    samples = tone(8000)
    assert np.array_equal(convert(samples, [10, 4000], 8000, 8000), samples)


@pytest.mark.parametrize("from_hz", [11025, 16000, 44100, 48000, 192000])
def test_length_and_tone_are_kept(from_hz):
    out = convert(tone(from_hz), [], from_hz, 8000)
    assert len(out) == 8000
    # Away from the edges, where the filter sees nothing, it is the same tone.
    assert np.abs(out[400:-400] - tone(8000)[400:-400]).max() < 1e-3


def test_what_8_khz_cannot_hold_is_taken_out():
    out = convert(tone(48000, frequency_hz=6000.0), [], 48000, 8000)
    assert np.abs(out[400:-400]).max() < 1e-3


@given(st.lists(st.integers(0, 4410), max_size=6))
def test_the_cuts_leave_no_trace(cuts):
    samples = tone(44100, 0.1)
    assert np.array_equal(convert(samples, cuts, 44100, 8000), convert(samples, [], 44100, 8000))


def test_it_is_soxr_at_high_quality():
    samples = tone(44100)
    whole = soxr.resample(samples, 44100, 8000, quality="HQ")
    assert np.abs(convert(samples, [5, 9000], 44100, 8000) - whole).max() < 1e-6


@pytest.mark.parametrize("from_hz", [16000, 44100, 48000])
@pytest.mark.parametrize("to_call", [True, False])
def test_live_gives_out_as_evenly_as_it_takes_in(from_hz, to_call):
    from_hz, to_hz = (from_hz, 8000) if to_call else (8000, from_hz)
    resampler = Resampler(from_hz, to_hz, ResampleQuality.LIVE)
    chunk = np.zeros(from_hz // 100, np.float32)
    counts = [len(resampler.process(chunk)) for _ in range(100)]
    held_ms = 10 * np.arange(1, 101) - np.cumsum(counts) * 1000 / to_hz
    # From when it has what its filter needs: never more than 30 ms held, and always as much.
    assert held_ms.max() <= 30.1
    assert np.ptp(held_ms[5:]) < 0.2


@pytest.mark.parametrize("frequency_hz", [300.0, 1000.0, 3400.0, 3600.0])
@pytest.mark.parametrize("rate_hz", [16000, 44100, 48000])
def test_live_is_flat_to_3_6_khz(frequency_hz, rate_hz):
    there = convert(tone(8000, 1.0, frequency_hz), [], 8000, rate_hz, ResampleQuality.LIVE)
    back = convert(there, [77, 5000], rate_hz, 8000, ResampleQuality.LIVE)
    assert len(there) == rate_hz
    assert len(back) == 8000
    for samples, at_hz in ((there, rate_hz), (back, 8000)):
        assert_is_tone(samples[at_hz // 10 : -at_hz // 10], at_hz, frequency_hz, 0.5)


def assert_is_tone(samples, rate_hz, frequency_hz, amplitude):
    """Nothing but that tone, whatever its phase."""
    angle = 2 * np.pi * frequency_hz * np.arange(len(samples)) / rate_hz
    waves = np.stack([np.sin(angle), np.cos(angle)], axis=1)
    parts, *_ = np.linalg.lstsq(waves, samples.astype(float), rcond=None)
    assert np.hypot(*parts) == pytest.approx(amplitude, rel=2e-3)
    assert np.abs(samples - waves @ parts).max() < 1e-3


def test_live_takes_out_what_8_khz_cannot_hold():
    out = convert(tone(48000, frequency_hz=4300.0), [], 48000, 8000, ResampleQuality.LIVE)
    assert np.abs(out[400:-400]).max() < 1e-3
