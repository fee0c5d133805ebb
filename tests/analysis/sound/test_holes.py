"""What is a hole and what is silence: real speech from the platform, and all that looks alike."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.analysis.sounds import listen
from tests.corpus import pauses
from tests.corpus.sounds import VOICES, talker
from tests.corpus.unusual import buzzer, qam
from tests.sounds.healthy import gated
from tests.sounds.talkers import LANGUAGES, dtmf, in_room
from tests.support.needs import needs
from voipbin_cli.analysis.sound.dtmf import tones
from voipbin_cli.analysis.sound.holes import Hole, HoleFold
from voipbin_cli.codec.g711 import mulaw_to_s16le, s16le_to_mulaw
from voipbin_cli.simulator.talker import speech as talk

# Seed, gain in dB, and the room beside -20 dBFS of speech.
SOFT = ((104, -25, -75), (110, -26, -74), (141, -23, -80))
VECTORS = Path(__file__).parents[2] / "vectors"


def vector(name):
    lines = (VECTORS / name).read_text().splitlines()
    return b"".join(bytes.fromhex(json.loads(line)[1]) for line in lines)


def speech(repeats=20):
    """A second of the platform's own linear audio, over and over, less the silence it begins with.

    Its pauses are exact zero; the joints have sound on both sides.
    """
    samples = np.frombuffer(vector("sln-linear.jsonl"), np.int16).reshape(-1, 160)
    sounding = np.flatnonzero(samples.any(axis=1))
    return np.tile(samples[sounding[0] : sounding[-1] + 1].ravel(), repeats)


def mulaw(samples):
    return np.frombuffer(mulaw_to_s16le(s16le_to_mulaw(samples.astype("<i2").tobytes())), np.int16)


def found(samples):
    return listen(HoleFold(), samples).result()


def with_loss(samples, frames):
    cut = samples.copy()
    for frame in frames:
        cut[frame * 160 : frame * 160 + 160] = 0
    return cut


def loud_frames(samples):
    """Frames with sound on both sides."""
    frames = samples[: samples.size // 160 * 160].reshape(-1, 160).astype(float)
    level = np.sqrt((frames**2).mean(axis=1))
    return [n for n in range(2, len(frames) - 2) if level[n - 1 : n + 2].min() > 1000]


@pytest.mark.parametrize("codec", [mulaw, lambda samples: samples], ids=["mulaw", "linear"])
def test_lost_frames_in_speech_are_found(codec):
    audio = codec(speech())
    lost = loud_frames(audio)[::7]
    got = found(with_loss(audio, lost))
    assert len(lost) > 30
    assert got.holes > 0.9 * len(lost)
    # Samples next to a hole may be zero themselves.
    near = {frame * 160 - stray for frame in lost for stray in range(9)}
    assert {hole.start for hole in got.noted} <= near
    assert got.lost_ms == pytest.approx(20 * got.holes, abs=0.05 * got.holes)
    assert got.usual_ms == 20


@needs("espeak-ng")
def test_soft_speech_that_is_rounded_to_zero_has_no_holes():
    for seed, soft_db, room_dbfs in SOFT:
        soft = talker(VOICES[seed % 4], 12.0, seed, room_dbfs=room_dbfs) * 10 ** (soft_db / 20)
        assert found(mulaw(np.rint(soft))).holes == 0
        cut = with_loss(mulaw(np.rint(soft)), range(3, 590, 9))
        assert found(cut).lost_ms > 100


@pytest.mark.parametrize("codec", [mulaw, lambda samples: samples], ids=["mulaw", "linear"])
def test_a_buzzer_pauses_as_tones_do(codec):
    for seed in (52, 53, 55):
        assert found(codec(buzzer(8.0, seed))).holes == 0
    slow = 32_767 * np.where(np.arange(64_000) % 160 < 80, 1, -1)
    assert found(codec(slow)).holes == 0


def test_a_burst_is_one_hole():
    audio = speech()
    loud = loud_frames(audio)
    starts = sorted(set(loud) & {n - 3 for n in loud})[::13]
    got = found(with_loss(audio, [n + k for n in starts for k in range(3)]))
    assert got.holes > 0.9 * len(starts)
    assert {hole.length for hole in got.noted} == {480}
    assert got.lost_ms == pytest.approx(60 * got.holes, abs=1)


def test_one_hole_proves_nothing_where_pauses_are_digital_silence():
    audio = speech()
    assert found(with_loss(audio, loud_frames(audio)[:1])).holes == 0


def test_one_hole_is_enough_where_pauses_hold_noise():
    noise = np.random.default_rng(1).normal(0, 20, speech().size)
    audio = np.rint(speech() + noise).astype(np.int16)
    assert found(audio).holes == 0
    frame = loud_frames(audio)[40]
    (hole,) = found(with_loss(audio, [frame])).noted
    assert abs(hole.start - 160 * frame) <= 8
    assert abs(hole.length - 160) <= 8


@pytest.mark.parametrize("codec", [mulaw, lambda samples: samples], ids=["mulaw", "linear"])
def test_speech_with_its_own_pauses_has_none(codec):
    assert found(codec(speech())).holes == 0


@pytest.mark.parametrize("shift", [0, 1, 37, 80, 159])
def test_the_pauses_of_speech_are_none_wherever_frames_begin(shift):
    assert found(mulaw(speech())[shift:]).holes == 0


def test_a_muted_phone_is_no_loss():
    audio = speech()
    for start in range(10, 900, 100):
        audio = with_loss(audio, range(start, start + 50))
    assert found(audio).holes == 0


def test_a_phone_that_sends_nothing_in_pauses_is_no_loss():
    """Its gate works by frames: faint noise, frames of nothing, and a word at full level."""
    noise = np.random.default_rng(0).normal(0, 40, 1600)
    audio = np.concatenate([noise, np.zeros(160 * 8), speech(1)] * 4)
    assert found(audio.astype(np.int16)).holes == 0


@needs("espeak-ng")
@pytest.mark.parametrize("under_db", [30, 25, 20, 16])
@pytest.mark.parametrize("hangover", [0, 3])
@pytest.mark.parametrize("level_dbfs", [-18, -26, -34])
def test_a_gate_is_no_loss(under_db, hangover, level_dbfs):
    """It shuts where speech is so many dB under its level, and off for a frame at least."""
    for language in LANGUAGES:
        speech = in_room(language, under_db, 15, level_dbfs, level_dbfs - 38)
        audio = gated(speech, level_dbfs - under_db, hangover)
        assert found(mulaw(np.rint(audio).astype(np.int16))).holes == 0


@needs("espeak-ng")
@pytest.mark.parametrize("name", [*pauses.MEANT])
def test_pauses_that_the_sender_meant_are_no_loss(name):
    """Gates open and shut in a millisecond or more; a fax falls silent between its signals."""
    for seed in range(1, 7):
        sound = pauses.MEANT[name](12.0, seed)
        assert found(sound).holes == found(mulaw(sound)).holes == 0


def test_packets_that_a_fax_lost_are_found():
    sound = pauses.fax_session(12.0, 3)
    lost = loud_frames(sound)[20::40]
    got = found(with_loss(sound, lost))
    assert got.holes == pytest.approx(len(lost), abs=2)
    assert got.are_packets


@pytest.mark.parametrize("frames", [3, 7, 9])
def test_bursts_that_a_steady_signal_lost_are_counted(frames):
    page = np.rint(3000 * qam(80_000, 16, 2400, 1700, np.random.default_rng(3)))
    lost = [n + k for n in range(20, 480, 40) for k in range(frames)]
    assert found(with_loss(page, lost)).lost_ms == pytest.approx(20 * len(lost), rel=0.15)


def test_what_is_cut_off_at_once_and_for_any_time_may_be_a_gate():
    rng = np.random.default_rng(3)
    audio = speech()
    lost, gated = audio.copy(), audio.copy()
    for frame in loud_frames(audio)[5::25]:
        at, length = frame * 160, int(rng.integers(130, 1900))
        gated[at : at + length] = 0
        lost[at : at + (length // 160 + 1) * 160] = 0
    assert found(gated).holes > 5
    assert not found(gated).are_packets
    assert found(lost).are_packets


def test_one_hole_proves_nothing_before_the_sound_had_time_to_pause():
    """A prompt begins anew in mid-word, after 40 ms of nothing: in three seconds once."""
    for seed in range(8):
        loop = talk(seed, 60.0, gated=True)
        for ms in (600, 1000, 1800):
            assert found(np.roll(loop, 8 * ms)[:24000]).holes == 0


def test_silence_that_is_faded_into_is_no_loss():
    t = np.arange(160 * 40)
    beep = 8000 * np.sin(2 * np.pi * 300 / 8000 * t) * np.hanning(t.size)
    audio = np.concatenate([beep, np.zeros(160 * 5), beep, np.zeros(160 * 9), beep])
    assert found(np.rint(audio).astype(np.int16)).holes == 0


@pytest.mark.parametrize(("on_ms", "off_ms"), [(40, 40), (100, 100), (60, 40), (200, 300)])
@pytest.mark.parametrize("codec", [mulaw, lambda samples: samples], ids=["mulaw", "linear"])
def test_pauses_between_tones_are_no_loss(on_ms, off_ms, codec):
    """Lengths that are whole frames: the pauses begin and end exactly with a frame."""
    samples = np.frombuffer(tones("0123456789*#" * 3, on_ms=on_ms, off_ms=off_ms), np.int16)
    assert found(codec(samples)).holes == 0


@pytest.mark.parametrize("hz", [(425,), (350, 440), (480, 620), (1000,)])
def test_call_progress_tones_are_no_loss(hz):
    t = np.arange(1600)
    tone = sum(6000 * np.sin(2 * np.pi * f / 8000 * t) for f in hz)
    audio = np.concatenate([tone, np.zeros(1600)] * 6)
    assert found(np.rint(audio).astype(np.int16)).holes == 0


@pytest.mark.parametrize("pause_ms", [50, 80, 100])
@pytest.mark.parametrize("gain", [2, 3, 9])
def test_pauses_between_clipped_tones_are_no_loss(gain, pause_ms):
    digits = dtmf(3, 6, 80, pause_ms)
    clipped = np.clip(gain * digits, -0.9 * digits.max(), 0.9 * digits.max()).astype(np.int16)
    assert found(clipped).holes == found(mulaw(clipped)).holes == 0


def test_a_single_lost_frame_in_a_tone_is_found():
    t = np.arange(160 * 300)
    audio = np.rint(6000 * np.sin(2 * np.pi * 440 / 8000 * t)).astype(np.int16)
    assert found(with_loss(audio, [20])).noted == (Hole(3200, 160),)


def test_zero_at_the_start_and_the_end_is_none():
    audio = np.concatenate([np.zeros(800), speech(1)[1600:], np.zeros(800)]).astype(np.int16)
    assert found(audio).holes == found(speech(1)[1600:]).holes == 0


@given(st.sets(st.integers(0, 149), max_size=40), st.lists(st.integers(0, 24_000), max_size=8))
def test_any_cut_gives_identical_figures(lost, cuts):
    audio = with_loss(speech(3), lost)
    whole = listen(HoleFold(), audio)
    cut = listen(HoleFold(), *np.split(audio, sorted(cuts)))
    assert cut.result() == whole.result()
