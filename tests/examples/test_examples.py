"""The example programs in a call of the simulator, and the conversation that each makes of it."""

from __future__ import annotations

import sys
import wave
from pathlib import Path
from typing import Any

import numpy as np

from tests.sounds.faults import with_hum
from tests.support.cli import Result, voipbin
from voipbin_cli.simulator.talker import speech

HERE = Path(__file__).parent
RATE_HZ = 8000


def quiet(seconds: float) -> np.ndarray:
    """A room in which nobody speaks."""
    return np.random.default_rng(1).normal(0, 6, round(seconds * RATE_HZ))


def phrase(seed: int, seconds: float) -> np.ndarray:
    """Somebody speaks, from its first sample on."""
    said = speech(seed, seconds)
    return said[320:]


def caller(path: Path, *pieces: np.ndarray) -> str:
    """The scenario of a caller who says these pieces, one after the other."""
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, RATE_HZ, 0, "NONE", ""))
        out.writeframes(np.rint(np.concatenate(pieces)).astype("<i2").tobytes())
    return f"sim:clean,source={path}"


def in_call(target: str, seconds: int, tmp_path: Path, program: str, *arguments: str) -> Result:
    command = [sys.executable, str(HERE / program), *arguments]
    options = f"-d {seconds} --capture call.pcapng --events 3 --barge-in --json".split()
    return voipbin("stream", "pipe", target, *options, "--", *command, cwd=tmp_path)


def diagnosed(tmp_path: Path) -> dict[str, Any]:
    result = voipbin("stream", "diagnose", "call.pcapng", "--json", cwd=tmp_path)
    return dict(result.summary)


def test_an_assistant_answers_and_lets_itself_be_interrupted(tmp_path: Path) -> None:
    """It speaks when the caller has stopped, and the caller breaks into its second answer."""
    pieces = [quiet(0.6), phrase(3, 1.4), quiet(2.6), phrase(4, 1.0), quiet(0.8), phrase(3, 1.4)]
    target = caller(tmp_path / "caller.wav", *pieces, quiet(3))
    live = in_call(target, 10, tmp_path, "assistant.py")
    assert live.status == 0
    summary = diagnosed(tmp_path)
    for name in ("verdict", "findings", "metrics_sent", "far_end", "conversation"):
        assert live.summary[name] == summary[name], name
    talk = summary["conversation"]
    # The end of speech is told after 300 ms of quiet; the rest is the program's and the frame's.
    assert 200 < talk["response_ms"]["p50"] < 600
    assert talk["barge_in_ms"]["max"] < 300
    assert talk["turns"] >= 3
    assert talk["echo"] is None
    assert {row["severity"] for row in summary["findings"]} <= {"info"}


def test_a_monitor_says_nothing_and_tells_levels(tmp_path: Path) -> None:
    target = caller(tmp_path / "caller.wav", phrase(3, 2.0), np.zeros(4 * RATE_HZ))
    result = in_call(target, 5, tmp_path, "monitor.py")
    told = [line for line in result.stderr.splitlines() if "dBFS" in line]
    assert told[0].endswith("sound")
    assert told[-1].endswith("silent")
    assert diagnosed(tmp_path)["conversation"] is None


def test_a_menu_answers_each_digit(tmp_path: Path) -> None:
    """The caller presses 3 after half a second: three short tones come behind the prompt."""
    for seconds in (3, 6, 12):
        loud = menu_heard(seconds, tmp_path)
        # Prompt and answer take 1.1 s; on a busy machine the program begins late.
        if loud.any() and loud.argmax() / 100 + 1.3 < seconds:
            break
    # What was written late has holes, so that not tones are counted but how long they last: of the
    # prompt's 50 and each other one's 10 some are too soft, where they fade.
    assert round((loud.sum() - 49) / 9.5) == 3


def menu_heard(seconds: int, tmp_path: Path) -> np.ndarray:
    """In which 10 ms the caller hears something."""
    (tmp_path / "call.pcapng").unlink(missing_ok=True)
    heard = tmp_path / "heard.wav"
    heard.unlink(missing_ok=True)
    assert in_call("sim:clean,source=dtmf:3", seconds, tmp_path, "ivr.py").status == 0
    voipbin("stream", "diagnose", "call.pcapng", "--heard", str(heard), cwd=tmp_path)
    with wave.open(str(heard)) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)
    tens = sound[: len(sound) // 80 * 80].reshape(-1, 80)
    return (np.sqrt((tens**2).mean(axis=1)) > 1000).astype(int)


def test_a_recording_is_processed_as_it_comes(tmp_path: Path) -> None:
    """A hum of 50 Hz is 30 dB lower in the file, and the voice is still there."""
    voice = with_hum(speech(3, 4.0).astype(float), 50, -25)
    target = caller(tmp_path / "caller.wav", voice)
    assert in_call(target, 4, tmp_path, "processed_recording.py", "out.wav").status == 0
    with wave.open(str(tmp_path / "out.wav")) as file:
        kept = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)
    assert len(kept) > 3.5 * RATE_HZ
    fell_db = 20 * np.log10(at_50_hz(voice) / at_50_hz(kept))
    assert 20 < fell_db < 40
    assert np.sqrt(np.mean(kept**2)) > 1000


def at_50_hz(sound: np.ndarray) -> float:
    """The amplitude of that tone, over two seconds."""
    piece = sound[RATE_HZ : 3 * RATE_HZ]
    time = np.arange(len(piece)) / RATE_HZ
    return float(abs(np.mean(piece * np.exp(-2j * np.pi * 50 * time))))


def test_the_programs_need_nothing_but_python() -> None:
    """They are to be copied: only the standard library is imported."""
    for path in HERE.glob("*.py"):
        if path.name.startswith("test_"):
            continue
        for line in path.read_text().splitlines():
            if line.startswith(("import ", "from ")):
                assert line.split()[1] in sys.stdlib_module_names, (path.name, line)
