"""DTMF by ITU-T Q.23 and Q.24: own tones, sox's tones, and all that is not DTMF."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.needs import need
from voipbin_cli.analysis.sound.dtmf import HIGH_HZ, KEYS, LOW_HZ, DtmfFold, tones
from voipbin_cli.codec.g711 import mulaw_to_s16le, s16le_to_mulaw
from voipbin_cli.errors import UsageError

VECTORS = Path(__file__).parents[2] / "vectors"
ALL_KEYS = "".join(KEYS)
SPEECH = "She had your dark suit in greasy wash water all year. Moo, zoo, who knew the blue moon? "


def decoded(samples):
    fold = DtmfFold()
    fold.add(np.asarray(samples, np.int16))
    return fold.result()


def symbols(samples):
    return "".join(digit.symbol for digit in decoded(samples))


def pcm(data):
    return np.frombuffer(data, "<i2")


def pair(low_hz, high_hz, ms, low=3000.0, high=3000.0):
    t = np.arange(round(ms * 8)) / 8000
    return low * np.sin(2 * np.pi * low_hz * t) + high * np.sin(2 * np.pi * high_hz * t)


def among_silence(*parts, pause_ms=200):
    pause = np.zeros(pause_ms * 8)
    joined = [pause]
    for part in parts:
        joined += [part, pause]
    return np.concatenate(joined)


def run(*command, data=b""):
    need(command[0])
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


def test_every_key_of_the_pad():
    assert symbols(pcm(tones(ALL_KEYS))) == ALL_KEYS


def test_mulaw_does_no_harm():
    assert symbols(pcm(mulaw_to_s16le(s16le_to_mulaw(tones(ALL_KEYS))))) == ALL_KEYS


@pytest.mark.parametrize("digit", ALL_KEYS)
def test_tones_that_sox_made(digit):
    row, column = divmod(ALL_KEYS.index(digit), 4)
    raw = ["-t", "raw", "-r", "8000", "-e", "signed", "-b", "16", "-c", "1"]
    one = ["synth", "0.05", "sine", str(LOW_HZ[row]), "synth", "0.05", "sine", "mix"]
    command = ["sox", "-n", *raw, "-", *one, str(HIGH_HZ[column]), "gain", "-9"]
    assert symbols(among_silence(pcm(run(*command, "pad", "0.05", "0.05")))) == digit


@pytest.mark.parametrize("shift", range(0, 51, 5))
def test_forty_ms_on_and_off_is_enough_wherever_it_begins(shift):
    samples = pcm(tones("159D#0", on_ms=40, off_ms=40))
    assert symbols(np.concatenate([np.zeros(shift), samples])) == "159D#0"


@pytest.mark.parametrize("shift", range(0, 51, 5))
def test_twenty_ms_is_too_short(shift):
    short = pair(770, 1336, 20)
    assert symbols(np.concatenate([np.zeros(400 + shift), short, np.zeros(800)])) == ""


def test_the_same_key_twice_is_two_digits():
    assert symbols(pcm(tones("5555", on_ms=60, off_ms=40))) == "5555"


@pytest.mark.parametrize("shift", range(0, 51, 5))
def test_an_interruption_of_ten_ms_is_bridged(shift):
    tone = pair(852, 1477, 120)
    tone[400 + shift : 480 + shift] = 0
    assert symbols(among_silence(tone)) == "9"


def test_beginning_and_length_are_told():
    (digit,) = decoded(among_silence(pair(697, 1209, 100)))
    assert digit.start_ms == pytest.approx(200, abs=10)
    assert digit.duration_ms == pytest.approx(100, abs=13)
    # 3000 of 32768 is -20.8 dB, of which full scale is +3.17 dBm0.
    assert digit.low_dbm0 == pytest.approx(-17.6, abs=0.3)
    assert digit.high_dbm0 == pytest.approx(-17.6, abs=0.3)


@pytest.mark.parametrize("twist_db", [-8, -4, 0, 4])
def test_twist_within_q24_is_taken(twist_db):
    assert symbols(pcm(tones(ALL_KEYS, level_dbm0=-12, twist_db=twist_db))) == ALL_KEYS


@pytest.mark.parametrize("twist_db", [-14, 9])
def test_twist_far_beyond_is_not(twist_db):
    assert symbols(pcm(tones(ALL_KEYS, level_dbm0=-16, twist_db=twist_db))) == ""


@pytest.mark.parametrize("level_dbm0", [-3, -10, -20, -29])
def test_levels_from_loud_to_faint_are_taken(level_dbm0):
    assert symbols(pcm(tones(ALL_KEYS, level_dbm0=level_dbm0, twist_db=0))) == ALL_KEYS


def test_fainter_than_any_line_is_not_taken():
    assert symbols(pcm(tones(ALL_KEYS, level_dbm0=-45))) == ""


@pytest.mark.parametrize("off", [-0.015, 0.015])
@pytest.mark.parametrize("key", ALL_KEYS)
def test_one_and_a_half_percent_off_is_taken(key, off):
    row, column = divmod(ALL_KEYS.index(key), 4)
    tone = pair(LOW_HZ[row] * (1 + off), HIGH_HZ[column] * (1 + off), 60)
    assert symbols(among_silence(tone)) == key


@pytest.mark.parametrize("off", [-0.035, 0.035])
@pytest.mark.parametrize("key", ALL_KEYS)
def test_three_and_a_half_percent_off_is_not(key, off):
    row, column = divmod(ALL_KEYS.index(key), 4)
    assert symbols(among_silence(pair(LOW_HZ[row] * (1 + off), HIGH_HZ[column], 100))) == ""
    assert symbols(among_silence(pair(LOW_HZ[row], HIGH_HZ[column] * (1 + off), 100))) == ""


def test_harmonics_near_a_pair_are_no_digit():
    # The third and fourth of 307.5 Hz: 2 % under 941 Hz, 1.7 % over 1209.
    assert symbols(among_silence(pair(922.5, 1230, 400))) == ""


def test_noise_15_db_down_does_no_harm():
    samples = pcm(tones(ALL_KEYS, on_ms=60)).astype(float)
    rms = np.sqrt(np.mean(samples[:480] ** 2))
    noisy = samples + np.random.default_rng(1).normal(0, rms * 10 ** (-15 / 20), samples.size)
    assert symbols(noisy) == ALL_KEYS


@pytest.mark.parametrize(
    "hz", [(425,), (440, 480), (350, 440), (697,), (1209,), (2100,), (697, 852)]
)
def test_call_progress_and_single_tones_are_no_digits(hz):
    t = np.arange(8000) / 8000
    assert symbols(sum(4000 * np.sin(2 * np.pi * f * t) for f in hz)) == ""


def test_noise_is_no_digit():
    assert symbols(np.random.default_rng(0).normal(0, 4000, 8000 * 60)) == ""


def test_music_is_no_digit():
    """Three-part chords and melodies with overtones: ten minutes, seeded."""
    rng = np.random.default_rng(3)
    t = np.arange(2000) / 8000
    bars = []
    for _ in range(2400):
        notes = 220 * 2 ** (rng.choice([0, 2, 4, 5, 7, 9, 11, 12, 14, 16, 19, 24, 28, 31], 3) / 12)
        bars.append(
            sum(
                1500 / k * np.exp(-3 * t) * np.sin(2 * np.pi * hz * k * t)
                for hz in notes
                for k in (1, 2, 3, 4)
                if hz * k < 3800
            )
        )
    assert symbols(np.concatenate(bars)) == ""


def test_the_platforms_own_speech_is_no_digit():
    lines = (VECTORS / "sln-linear.jsonl").read_text().splitlines()
    second = pcm(b"".join(bytes.fromhex(json.loads(line)[1]) for line in lines))
    assert symbols(np.tile(second, 30)) == ""


@pytest.mark.parametrize("voice", ["en-us", "en-us+f3", "en+f4", "en+m7", "en+whisper"])
@pytest.mark.parametrize("pitch", ["20", "60", "99"])
def test_speech_is_no_digit(voice, pitch):
    wav = run("espeak-ng", "-v", voice, "-p", pitch, "--stdout", SPEECH * 4)
    raw = ["-t", "raw", "-r", "8000", "-e", "signed", "-b", "16", "-c", "1", "-"]
    samples = pcm(run("sox", "-V1", "-t", "wav", "-", *raw, data=wav))
    assert samples.size > 8000 * 10
    assert symbols(samples) == ""


def test_a_digit_is_told_while_it_sounds():
    fold = DtmfFold()
    tone = pair(941, 1336, 400).astype(np.int16)
    told = [fold.add(tone[at : at + 160]) for at in range(0, 480, 160)]
    assert [digit.symbol for digits in told for digit in digits] == ["0"]


def test_lengths_and_pauses_of_what_is_made():
    assert len(tones("12,3", on_ms=80, off_ms=60)) == 2 * 8 * (3 * 140 + 500)
    assert tones("") == b""
    assert tones("a") == tones("A")


def test_levels_of_what_is_made():
    samples = pcm(tones("1", on_ms=1000, level_dbm0=-10, twist_db=3)).astype(float)[800:7200]
    t = np.arange(800, 7200) / 8000
    for hz, dbm0 in ((697, -10), (1209, -7)):
        amplitude = 2 * abs(np.mean(samples * np.exp(-2j * np.pi * hz * t)))
        assert 20 * np.log10(amplitude / 32768) + 3.17 == pytest.approx(dbm0, abs=0.05)


@pytest.mark.parametrize("digits", ["E", "12 3", "½"])
def test_what_has_no_tone_is_refused(digits):
    with pytest.raises(UsageError, match="DTMF"):
        tones(digits)


def test_tones_that_would_clip_are_refused():
    with pytest.raises(UsageError, match="clip"):
        tones("1", level_dbm0=0)


@given(
    st.text(st.sampled_from(ALL_KEYS), max_size=5),
    st.integers(0, 120),
    st.lists(st.integers(0, 8000), max_size=8),
)
def test_any_cut_gives_identical_digits(digits, shift, cuts):
    noise = np.random.default_rng(shift).normal(0, 20, 6000)
    samples = np.concatenate([np.zeros(shift), pcm(tones(digits, 60, 60)), noise]).astype(np.int16)
    whole, cut = DtmfFold(), DtmfFold()
    wanted = [digit.symbol for digit in whole.add(samples)]
    got = []
    for piece in np.split(samples, sorted(cuts)):
        got += [digit.symbol for digit in cut.add(piece)]
    assert got == wanted == list(digits)
    assert cut.result() == whole.result()
