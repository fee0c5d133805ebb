"""`voipbin stream tap` on a sound card without hardware: what a listener really hears."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import soxr

from tests.support import pulse
from tests.support.cli import VOIPBIN, environment, finish, start, voipbin, wait_until
from tests.support.terminal import Terminal
from voipbin_cli.render.tapping import tap_line

Samples = npt.NDArray[np.float64]

# ALSA's default device, through which PortAudio reaches PulseAudio, opens at this rate.
RATE_HZ = 44100
WINDOW_S = 0.05
# More than a buffer of 20 to 60 ms ever moves, and one that has lived through a stall.
SHIFT_S = 0.1
LONG_SHIFT_S = 0.6


@pytest.fixture
def card(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a machine with a loudspeaker and a microphone."""
    home = tmp_path / "home"
    home.mkdir()
    with pulse.pulseaudio(home, RATE_HZ) as env:
        (home / ".asoundrc").write_text("pcm.!default { type pulse }\nctl.!default { type pulse }")
        yield env


def heard_from(path: Path) -> Samples:
    return np.frombuffer(path.read_bytes(), "<i2").astype(float)


def call_audio(path: Path) -> Samples:
    """What came from the call, at the card's rate."""
    samples, rate_hz = soundfile.read(path, dtype="float64")
    return soxr.resample(samples * 32768, rate_hz, RATE_HZ)


def telephone_band(samples: Samples) -> Samples:
    """What lies between 300 and 3000 Hz."""
    spectrum = np.fft.rfft(samples)
    hz = np.fft.rfftfreq(len(samples), 1 / RATE_HZ)
    return np.fft.irfft(spectrum * ((hz > 300) & (hz < 3000)), len(samples))


def correlation(heard: Samples, window: Samples) -> Samples:
    """How well `window` fits at each place in `heard`, -1 to 1."""
    length = 1 << (len(heard) + len(window)).bit_length()
    spectrum = np.fft.rfft(heard, length) * np.conj(np.fft.rfft(window, length))
    places = len(heard) - len(window) + 1
    dot = np.fft.irfft(spectrum, length)[:places]
    energy = np.concatenate(([0.0], np.cumsum(heard**2)))
    there = energy[len(window) :] - energy[:places]
    # Where there is next to nothing, nothing fits.
    return dot / np.sqrt(np.maximum(there, len(window)) * np.dot(window, window))


def likeness(heard: Samples, call: Samples, shift_s: float = SHIFT_S) -> list[float]:
    """The correlation of each 50 ms of the call with the best fitting place in what was heard.

    A playout buffer may shift the sound between windows and change its pace a little, but not
    bend it within one. Compared is the telephone band.
    """
    heard, call = telephone_band(heard), telephone_band(call)
    size, around = int(WINDOW_S * RATE_HZ), int(shift_s * RATE_HZ)
    # Where the call began: found by its loudest second, as silence fits in many places.
    energy = np.cumsum(call**2)
    loudest = int(np.argmax(energy[RATE_HZ:] - energy[:-RATE_HZ]))
    base = int(np.argmax(correlation(heard, call[loudest : loudest + RATE_HZ]))) - loudest
    found = []
    for start_at in range(0, len(call) - size, size):
        window = call[start_at : start_at + size]
        if window.std() < 200:
            continue
        near = heard[max(0, base + start_at - around) :][: size + 2 * around]
        found.append(float(correlation(near, window).max()) if len(near) >= size else 0.0)
    return found


def tap(target: str, tmp_path: Path, card: dict[str, str], seconds: int, *more: str) -> dict:
    """Tap `target`; return the summary. What was heard is in heard.raw."""
    with pulse.recorded("spk.monitor", tmp_path / "heard.raw", card, RATE_HZ):
        result = voipbin(
            "stream", "tap", target, "-d", str(seconds), "--json", "-o", "call.wav", *more,
            cwd=tmp_path, env=card,
        )  # fmt: skip
    assert (result.status, result.stderr) == (0, "")
    return result.summary


class Take(NamedTuple):
    """How a call sounded: what its windows are like, and what the summary says."""

    windows: int
    median: float
    share_alike: float
    mean_delay_ms: float
    concealed_ms: float
    audio_seconds: float

    def is_good(self) -> bool:
        """A seam, where the buffer changed its length, lies in a few windows of a hundred."""
        is_alike = self.windows >= 60 and self.median > 0.99 and self.share_alike > 0.9
        # Nothing is missing in a clean call; a busy machine may be late with a frame or two.
        return is_alike and self.mean_delay_ms <= 60 and self.concealed_ms <= 60


def test_a_clean_call_is_heard_as_it_is(tmp_path: Path, card: dict[str, str]) -> None:
    # In real time: whatever else the machine does may spoil a take, but not three of them.
    takes = [clean_take(tmp_path, card)]
    while not takes[-1].is_good() and len(takes) < 3:
        takes.append(clean_take(tmp_path, card))
    assert takes[-1].is_good(), takes
    assert takes[-1].audio_seconds == pytest.approx(6.0, abs=0.05)


def clean_take(tmp_path: Path, card: dict[str, str]) -> Take:
    """Tap a clean call for six seconds."""
    summary = tap("sim", tmp_path, card, 6, "--overwrite")
    found = np.array(
        likeness(heard_from(tmp_path / "heard.raw"), call_audio(tmp_path / "call.wav"))
    )
    return Take(
        len(found),
        float(np.median(found)),
        float(np.mean(found > 0.9)),
        summary["delay_ms"]["mean"],
        summary["concealed_ms"],
        summary["audio_seconds"],
    )


def test_drift_neither_grows_the_delay_nor_breaks_the_sound(
    tmp_path: Path, card: dict[str, str]
) -> None:
    summary = tap("sim:clock-drift,strength=2000", tmp_path, card, 10)
    # 2000 ppm are 20 ms in ten seconds; the delay stays where it began.
    assert summary["delay_ms"]["last"] <= 100
    assert summary["concealed_ms"] <= 100


def test_a_card_that_ran_dry_writes_nothing_between_the_lines(
    tmp_path: Path, card: dict[str, str]
) -> None:
    """ALSA's library would: that an underrun occurred, onto the terminal."""
    process = start("stream", "tap", "sim", "-d", "4", "--json", cwd=tmp_path, env=card)
    assert process.stdout is not None
    while json.loads(process.stdout.readline())["event"] != "device":
        continue
    time.sleep(1.5)
    process.send_signal(signal.SIGSTOP)
    time.sleep(1)
    process.send_signal(signal.SIGCONT)
    result = finish(process)
    assert (result.status, result.stderr) == (0, "")
    assert result.summary["frames_received"] > 100
    assert result.summary["underruns"] >= 1
    assert "the sound card ran dry" in tap_line(result.summary)
    assert "once" in tap_line(result.summary | {"underruns": 1})
    assert "ran dry" not in tap_line(result.summary | {"underruns": 0})


@pytest.mark.parametrize("scenario", ["jitter", "stall"])
def test_what_the_buffer_can_catch_is_caught(
    scenario: str, tmp_path: Path, card: dict[str, str]
) -> None:
    summary = tap(f"sim:{scenario}", tmp_path, card, 8)
    assert summary["delay_ms"]["last"] <= 600
    assert summary["concealed_ms"] <= 2500
    heard, call = heard_from(tmp_path / "heard.raw"), call_audio(tmp_path / "call.wav")
    found = likeness(heard, call, LONG_SHIFT_S)
    assert np.median(found) > 0.9


def test_the_microphone_goes_into_the_call(tmp_path: Path, card: dict[str, str]) -> None:
    """A tone of 1 kHz into the microphone, and the same tone on the phone."""
    tone = 8000 * np.sin(2 * np.pi * 1000 * np.arange(RATE_HZ * 12) / RATE_HZ)
    (tmp_path / "mic.raw").write_bytes(tone.astype("<i2").tobytes())
    heard = tmp_path / "phone.wav"
    command = [*VOIPBIN, "simulate", "--port", "0", "--heard", str(heard), "--json"]
    simulator = subprocess.Popen(
        [*command, "--scenario", "clean,source=silence"], stdout=subprocess.PIPE, cwd=tmp_path
    )
    feed = ["pacat", "--playback", "--device=micfeed", f"--rate={RATE_HZ}", "--channels=1"]
    feed += ["--format=s16le", "--raw", str(tmp_path / "mic.raw")]
    feeder = subprocess.Popen(feed, env={**os.environ, **card})
    try:
        assert simulator.stdout is not None
        ready = json.loads(simulator.stdout.readline())
        api = {"VOIPBIN_TOKEN": ready["token"], "VOIPBIN_API_URL": ready["api_url"]}
        result = voipbin(
            "stream", "tap", ready["call_id"], "--mic", "-d", "5", "--json", "-q",
            cwd=tmp_path, env={**card, **api, "PULSE_SOURCE": "mic"},
        )  # fmt: skip
    finally:
        feeder.terminate()
        feeder.wait(10)
        simulator.terminate()
        simulator.wait(10)
    assert result.status == 0, result.stderr
    assert result.summary["metrics_sent"]["frames"] == result.summary["frames_sent"]
    samples, _ = soundfile.read(heard, dtype="float64")
    loud = samples[len(samples) // 3 : 2 * len(samples) // 3]
    spectrum = np.abs(np.fft.rfft(loud * np.hanning(len(loud))))
    peak_hz = np.argmax(spectrum) * 8000 / len(loud)
    assert peak_hz == pytest.approx(1000, abs=5)
    assert 0.1 < np.sqrt(np.mean(loud**2)) < 0.25  # 8000 / sqrt 2 is 0.17 of full scale


def test_a_loudspeaker_taken_away_ends_it_plainly(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".asoundrc").write_text("pcm.!default { type pulse }\nctl.!default { type pulse }")
    with pulse.pulseaudio(home, RATE_HZ) as env:
        alone = start("stream", "tap", "sim", cwd=tmp_path, env=env)
        kept = start("stream", "tap", "sim", "-o", "k.wav", "-d", "6", cwd=tmp_path, env=env)
        wait_until(lambda: (tmp_path / "k.wav").exists())
        time.sleep(1.0)
    ended, recorded = finish(alone), finish(kept)
    assert ended.status == 5
    assert "plays no more" in ended.stderr
    assert recorded.status == 0
    assert "plays no more" in recorded.stderr
    assert len(soundfile.read(tmp_path / "k.wav")[0]) == pytest.approx(48000, abs=2000)


def test_a_device_without_a_clock_is_kept_to_ours(tmp_path: Path) -> None:
    """ALSA's `file` plugin over `null` takes sound as fast as it is given."""
    heard = tmp_path / "heard.raw"
    (tmp_path / ".asoundrc").write_text(
        f'pcm.!default {{ type file; slave.pcm "null"; file "{heard}"; format "raw" }}\n'
        "ctl.!default { type hw; card 0 }\n"
    )
    result = voipbin("stream", "tap", "sim", "-d", "4", "--json", "-o", "call.wav", cwd=tmp_path)
    if result.status == 5:
        pytest.skip(f"no such device here: {result.stderr}")
    samples = np.frombuffer(heard.read_bytes(), "<f4").astype(float) * 32768
    # Four seconds, what the device got ahead before it was held back, and the tail.
    assert len(samples) / RATE_HZ < 7
    found = likeness(samples, call_audio(tmp_path / "call.wav"))
    assert np.median(found) > 0.99


@pytest.mark.parametrize(("key", "status"), [("q", 0), ("\x03", 130)])
def test_q_is_an_end_and_ctrl_c_before_the_time_is_up_an_interruption(
    key: str, status: int, tmp_path: Path
) -> None:
    """With a recording it needs no loudspeaker."""
    env = environment(tmp_path)
    arguments = ["stream", "tap", "sim", "-d", "60", "-o", "call.wav"]
    with Terminal(*VOIPBIN, *arguments, cwd=tmp_path, env=env) as terminal:
        terminal.wait_for("streaming")
        terminal.type(key)
        assert terminal.finish() == status
    assert "recorded to call.wav" in terminal.screen.splitlines()[-1]
    assert len(soundfile.read(tmp_path / "call.wav")[0]) < 30 * 8000


def test_without_portaudio_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import ctypes.util\n"
        "find = ctypes.util.find_library\n"
        "ctypes.util.find_library = lambda name: None if 'portaudio' in name else find(name)\n"
    )
    done = subprocess.run(
        [VOIPBIN[0], "-m", "voipbin_cli", "stream", "tap", "sim"],
        env={**environment(tmp_path), "PYTHONPATH": str(tmp_path)},
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 5
    assert "PortAudio" in done.stderr
    assert "libportaudio2" in done.stderr


def test_no_loudspeaker_is_said_and_a_recording_goes_on(tmp_path: Path) -> None:
    none = {"PULSE_SERVER": "unix:/nowhere"}
    alone = voipbin("stream", "tap", "sim", "-d", "1", cwd=tmp_path, env=none)
    assert alone.status == 5
    kept = voipbin("stream", "tap", "sim", "-d", "1", "-o", "k.wav", cwd=tmp_path, env=none)
    assert kept.status == 0
    assert len(soundfile.read(tmp_path / "k.wav")[0]) == pytest.approx(8000, abs=400)


@pytest.mark.parametrize("options", [["--volume", "loud"], ["--buffer", "5"], ["--device", "zzz"]])
def test_bad_options_are_usage_errors(
    options: list[str], tmp_path: Path, card: dict[str, str]
) -> None:
    result = voipbin("stream", "tap", "sim", "-d", "1", *options, cwd=tmp_path, env=card)
    assert result.status == 2
    assert "hint:" in result.stderr


def test_the_devices_are_listed(tmp_path: Path, card: dict[str, str]) -> None:
    result = voipbin("stream", "tap", "sim", "--list-devices", "--json", cwd=tmp_path, env=card)
    assert result.status == 0
    assert "default" in {event.get("name") for event in result.events}
    assert result.summary["count"] == len(result.events) - 1
