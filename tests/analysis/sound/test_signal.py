from __future__ import annotations

import math
import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.analysis.sounds import listen
from tests.support.needs import need, needs
from voipbin_cli.analysis.sound.signal import SignalFold
from voipbin_cli.codec.codecs import Codec, encode, samples


def measured(samples):
    return listen(SignalFold(), samples).result()


def sine(amplitude, hz=437.0, samples=16000, offset=0.0):
    return np.rint(amplitude * np.sin(2 * np.pi * hz / 8000 * np.arange(samples)) + offset)


def test_level_of_a_sine():
    got = measured(sine(16384))
    # Half of full scale is -6.02 dB, a sine's RMS 3.01 dB under its peak.
    assert got.peak_dbfs == pytest.approx(-6.02, abs=0.01)
    assert got.rms_dbfs == pytest.approx(-9.03, abs=0.01)
    assert got.silence_ratio == 0


def test_silence():
    got = measured(np.zeros(8000))
    assert (got.rms_dbfs, got.peak_dbfs) == (-100, -100)
    assert (got.silence_ratio, got.zero_ratio) == (1, 1)
    assert got.snr_db is None


def test_faint_noise_is_silence_and_not_zero():
    # RMS 20 of 32768 is -64 dBFS.
    got = measured(np.random.default_rng(0).normal(0, 20, 8000))
    assert (got.silence_ratio, got.zero_ratio) == (1, 0)


def test_dc_offset():
    assert measured(sine(5000, offset=1638.4)).dc_offset == pytest.approx(0.05, abs=1e-4)


def test_noise_and_speech_are_told_apart():
    rng = np.random.default_rng(2)
    noise = rng.normal(0, 32.768, 80_000)  # -60 dBFS
    on = np.repeat(np.tile([1, 1, 1, 0, 1], 2), 8000)  # a fifth of the time
    got = measured(sine(4634, samples=80_000) * on + noise)  # a sine of -20 dBFS RMS
    assert got.noise_dbfs == pytest.approx(-60, abs=1.5)
    assert got.speech_dbfs == pytest.approx(-20, abs=0.5)
    assert got.snr_db == pytest.approx(40, abs=2)
    assert got.speech_ratio == pytest.approx(0.8, abs=0.01)


def test_each_second_is_summed_up():
    sound = np.concatenate([np.zeros(8000), np.full(8000, 3277), np.zeros(100)])
    fold = listen(SignalFold(), sound)
    rms, peak = fold.per_second()
    assert rms.tolist() == pytest.approx([-100, 20 * math.log10(0.1)], abs=1e-3)
    assert peak.tolist() == rms.tolist()


def test_the_lowest_sample_is_full_scale():
    assert measured([-32768] * 160).peak_dbfs == 0


def test_nothing_yet():
    fold = SignalFold()
    got = fold.result()
    assert got.samples == 0
    assert got.rms_dbfs == -100


@given(
    st.integers(0, 2**32),
    st.lists(st.tuples(st.sampled_from([0, 40, 3000, 60000]), st.integers(1, 3000)), max_size=8),
    st.lists(st.integers(0, 20_000), max_size=8),
)
def test_any_cut_gives_identical_figures(seed, parts, cuts):
    rng = np.random.default_rng(seed)
    pieces = [rng.normal(0, level, count) for level, count in parts]
    samples = np.clip(np.concatenate([np.zeros(0), *pieces]), -32768, 32767).astype(np.int16)
    whole = listen(SignalFold(), samples)
    cut = listen(SignalFold(), *np.split(samples, sorted(cuts)))
    assert cut.result() == whole.result()
    np.testing.assert_array_equal(cut.per_second(), whole.per_second())


def stats(payload, *form):
    """What `sox … -n stats` prints, by its names."""
    command = [need("sox"), "-t", "raw", "-r", "8000", "-c", "1", *form, "-", "-n", "stats"]
    printed = subprocess.run(command, input=payload, capture_output=True, check=True).stderr
    rows = (line.rsplit(maxsplit=1) for line in printed.decode().splitlines())
    return {row[0]: row[1] for row in rows if len(row) == 2}


# Codes are decoded by both, each by itself.
FORMS = (
    (Codec.S16LE, ("-e", "signed", "-b", "16")),
    (Codec.S16BE, ("-e", "signed", "-b", "16", "-B")),
    (Codec.MULAW, ("-e", "mu-law", "-b", "8")),
    (Codec.ALAW, ("-e", "a-law", "-b", "8")),
)


@needs("sox")
@pytest.mark.parametrize(("codec", "form"), FORMS)
@pytest.mark.parametrize(
    "sound",
    [
        sine(16384),
        sine(40.0, offset=-3.0),
        np.clip(sine(60_000, offset=9000.0), -32768, 32767),
        np.random.default_rng(3).normal(-700, 2500, 24_000),
    ],
    ids=["tone", "faint", "clipped", "noise"],
)
def test_sox_prints_the_same_level_peak_and_offset(sound, codec, form):
    payload = encode(codec, np.rint(sound).astype("<i2").tobytes())
    got, printed = measured(samples(codec, payload)), stats(payload, *form)
    assert f"{got.rms_dbfs:.2f}" == printed["RMS lev dB"]
    assert f"{got.peak_dbfs:.2f}" == printed["Pk lev dB"]
    assert got.dc_offset == pytest.approx(float(printed["DC offset"]), abs=0.6e-6)
