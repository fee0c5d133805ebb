from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from voipbin_cli.errors import UsageError
from voipbin_cli.simulator.sources import SOURCES, SoundLoop, load_sound


def _samples(sound: SoundLoop) -> np.ndarray:
    return np.frombuffer(sound.pcm, dtype="<i2").astype(float)


def _write_wav(path: Path, pcm: bytes, *, rate: int = 8000, channels: int = 1) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm)
    return path


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_renders_whole_frames_and_the_same_ones_each_time(name: str) -> None:
    sound = load_sound(name, seed=4)
    assert len(sound.frame(0)) == len(sound.frame(10_000_000)) == 320
    assert sound.pcm == load_sound(name, seed=4).pcm


def test_frames_go_round_and_round() -> None:
    sound = SoundLoop(bytes(range(256)) * 5)  # four frames
    assert sound.frames == 4
    assert sound.frame(4) == sound.frame(0) != sound.frame(1)


def test_a_last_piece_is_filled_up_with_silence() -> None:
    assert SoundLoop(b"\1\2").frame(0) == b"\1\2" + bytes(318)
    assert SoundLoop(b"").frame(7) == bytes(320)


@pytest.mark.parametrize(
    ("text", "hertz"), [("tone", 440), ("tone:1000", 1000), ("tone:3000", 3000)]
)
def test_a_tone_is_where_it_was_asked_for(text: str, hertz: int) -> None:
    spectrum = np.abs(np.fft.rfft(_samples(load_sound(text))[:8000]))
    assert int(spectrum.argmax()) == hertz  # one second: one bin a hertz


def test_dtmf_holds_both_tones_of_each_key() -> None:
    samples = _samples(load_sound("dtmf:5"))[4000:4800]  # after half a second of silence
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(800)))
    peaks = {int(bin_) * 10 for bin_ in np.argsort(spectrum)[-4:]}
    assert {770, 1340} <= peaks  # 770 and 1336 Hz, in bins of 10


def test_music_never_falls_silent() -> None:
    frames = _samples(load_sound("music")).reshape(-1, 160)
    assert (frames**2).mean(axis=1).min() > 100


def test_several_talkers_are_louder_than_clipping_allows_for_none() -> None:
    one, three = (_samples(load_sound("speech", talkers=n)) for n in (1, 3))
    assert (three != one).any()
    assert np.abs(three).max() <= 32767


def test_a_wav_file_comes_back_sample_for_sample(tmp_path: Path) -> None:
    pcm = np.arange(-400, 400, dtype="<i2").tobytes()
    sound = load_sound(str(_write_wav(tmp_path / "x.wav", pcm)))
    assert sound.pcm == pcm


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("speach", "no source"),
        ("tone:high", "number"),
        ("tone:4000", "no tone"),
        ("tone:-1", "no tone"),
        ("dtmf:5x", "'x'"),
    ],
)
def test_a_source_that_cannot_be_is_refused(text: str, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        load_sound(text)


def test_a_file_of_another_form_or_no_wav_is_refused(tmp_path: Path) -> None:
    fast = _write_wav(tmp_path / "fast.wav", bytes(320), rate=16000)
    stereo = _write_wav(tmp_path / "stereo.wav", bytes(320), channels=2)
    text = tmp_path / "text.wav"
    text.write_text("no audio at all")
    for path in (fast, stereo, text):
        with pytest.raises(UsageError):
            load_sound(str(path))
