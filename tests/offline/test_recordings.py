"""Recordings: the sound is judged, each channel by itself; nothing is said of times."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr

from tests.sounds import faults, talkers
from voipbin_cli.analysis.sound.dtmf import tones
from voipbin_cli.codec.g711 import s16le_to_alaw, s16le_to_mulaw
from voipbin_cli.errors import NothingToJudge, UsageError
from voipbin_cli.media.wav_writer import wav_header
from voipbin_cli.offline.diagnose import FileDiagnosis, diagnose_file

UNTIMED = ("frame_interval_ms", "interarrival_jitter_ms", "stalls", "local_lag_ms")
LOUD = ("warning", "error")


@lru_cache
def spoken(seed: int = 1) -> talkers.Sound:
    return talkers.talker("en-us", seed, 8.0)


def int16(sound: talkers.Sound) -> Any:
    return np.clip(np.rint(sound), -32768, 32767).astype(np.int16)


def saved(path: Path, *channels: talkers.Sound, rate_hz: int = 8000, **form: Any) -> Path:
    """The channels at a rate, as 16-bit samples unless `form` says otherwise."""
    wide = [soxr.resample(one, 8000, rate_hz, "VHQ") for one in channels]
    soundfile.write(path, np.stack([int16(one) for one in wide], axis=1), rate_hz, **form)
    return path


def loud(found: FileDiagnosis) -> list[tuple[str, str | None]]:
    """What is told above info, and of which direction."""
    findings = found.summary["findings"]
    return [(f["id"], f.get("direction")) for f in findings if f["severity"] in LOUD]


@pytest.mark.parametrize(
    ("name", "rate_hz", "form"),
    [
        ("a.wav", 8000, {}),
        ("a.wav", 16_000, {}),
        ("a.wav", 44_100, {"subtype": "PCM_24"}),
        ("a.wav", 8000, {"subtype": "ULAW"}),
        ("a.wav", 8000, {"subtype": "ALAW"}),
        ("a.wav", 8000, {"subtype": "PCM_U8"}),
        ("a.flac", 48_000, {}),
        ("a.ogg", 16_000, {}),
        ("a.mp3", 16_000, {}),
    ],
)
def test_healthy_speech_is_found_healthy_in_any_form(
    tmp_path: Path, name: str, rate_hz: int, form: dict[str, str]
) -> None:
    found = diagnose_file(str(saved(tmp_path / name, spoken(), rate_hz=rate_hz, **form)))
    assert (loud(found), found.summary["verdict"]) == ([], "ok")
    recording = found.summary["recording"]
    assert (recording["sample_rate_hz"], recording["judged_at_hz"]) == (rate_hz, 8000)
    assert recording["missing"] is None


def test_no_time_is_claimed(tmp_path: Path) -> None:
    found = diagnose_file(str(saved(tmp_path / "a.wav", spoken())))
    metrics = found.summary["metrics"]
    for name in ("sequence", "buffers", "lost_audio_ms", "clock_drift_ppm", "rtt_ms"):
        assert metrics[name] is None, name
    for name in UNTIMED:
        assert set(metrics[name].values()) == {None}, name
    assert metrics["mos"]["value"] is None
    assert "recording" in metrics["mos"]["reason"]
    assert metrics["duration_seconds"] == 8.0
    assert metrics["level_dbfs"]["rms"] == pytest.approx(-22, abs=3)


FAULTS = {
    "clipping": lambda sound: faults.clipped(sound, 0.03),
    "upstream-loss": lambda sound: faults.holed(sound, 20, 0.05, 1)[0],
    "hum": lambda sound: faults.with_hum(sound, 50, -35, harmonics=3),
    "clicks": lambda sound: faults.spiked(sound, 100, 20_000),
    "noise": lambda sound: sound + talkers.noise("white", 1, 8.0, -38),
    "low-level": lambda sound: sound * talkers.db(-35),
    "silence": lambda sound: sound * 0,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_with_the_sound_is_told_of_its_channel(tmp_path: Path, fault: str) -> None:
    bad = FAULTS[fault](spoken(2))
    size = min(len(bad), len(spoken()))
    found = diagnose_file(str(saved(tmp_path / "a.wav", spoken()[:size], bad[:size])))
    assert loud(found)[:1] == [(fault, "out")]
    assert {way for _, way in loud(found)} == {"out"}
    assert found.summary["metrics_sent"] is not None


def test_clipping_is_counted_before_a_recording_is_resampled(tmp_path: Path) -> None:
    wide = soxr.resample(spoken(), 8000, 48_000, "VHQ")
    path = tmp_path / "a.wav"
    soundfile.write(path, int16(faults.clipped(wide, 0.03)), 48_000)
    assert loud(diagnose_file(str(path))) == [("clipping", None)]


def test_digits_are_told(tmp_path: Path) -> None:
    pcm = np.frombuffer(tones("12,34#"), "<i2").astype(np.float64)
    found = diagnose_file(str(saved(tmp_path / "a.wav", pcm, rate_hz=16_000)))
    assert found.summary["recording"]["digits"] == ["1234#"]


MISTAKEN = {
    # Bytes of G.711 in a file that says 16-bit linear, 8-bit linear, or the other law.
    "mulaw": ("PCM_16", s16le_to_mulaw),
    "alaw": ("PCM_16", s16le_to_alaw),
    "mulaw in u8": ("PCM_U8", s16le_to_mulaw),
    "s16le in mulaw": ("ULAW", bytes),
}


@pytest.mark.parametrize("name", MISTAKEN)
def test_bytes_that_are_not_what_the_header_says(tmp_path: Path, name: str) -> None:
    subtype, encode = MISTAKEN[name]
    stored = tmp_path / "bare.wav"
    data = encode(int16(spoken()).tobytes())
    soundfile.write(stored, np.zeros(len(data) // (1 + (subtype == "PCM_16"))), 8000, subtype)
    whole = stored.read_bytes()
    at = whole.index(b"data") + 8
    stored.write_bytes(whole[:at] + data + whole[at + len(data) :])
    found = diagnose_file(str(stored))
    assert loud(found) == [("codec-mismatch", None)]
    assert found.summary["findings"][0]["evidence"]["found"] == name.split()[0]


def test_bare_codes_by_their_suffix(tmp_path: Path) -> None:
    path = tmp_path / "call.ulaw"
    path.write_bytes(s16le_to_mulaw(int16(spoken()).tobytes()))
    found = diagnose_file(str(path))
    assert (loud(found), found.summary["recording"]["coding"]) == ([], "ULAW")


def test_a_recording_that_is_cut_is_judged_and_said_to_be(tmp_path: Path) -> None:
    pcm = int16(spoken()).tobytes()
    path = tmp_path / "a.wav"
    path.write_bytes(wav_header(2 * len(pcm), rate_hz=8000, channels=1) + pcm)
    found = diagnose_file(str(path))
    assert found.summary["verdict"] == "ok"
    assert "8.00 s of 16.00 s" in found.summary["recording"]["missing"]
    assert [*found.remarks] == [found.summary["recording"]["missing"]]


def test_what_holds_no_sound_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav_header(0, rate_hz=8000, channels=1))
    with pytest.raises(NothingToJudge):
        diagnose_file(str(path))
    path.write_bytes(b"RIFF\x10\0\0\0AVI LIST")
    with pytest.raises(UsageError) as caught:
        diagnose_file(str(path))
    assert "ffmpeg -i" in caught.value.hint
