"""What the phone hears of ten seconds: `stream play`, `ffmpeg -re` and a loop of sleep(0.02).

    python tests/benchmarks/pacing.py [--seconds 10] [--rounds 3] [--check]

Each plays the same noise into a simulated call and conference, once on this machine as it is and
once with a process that burns on every core. Heard is how much of the audio the far queue let
through, in percent; gaps are the 20 ms in between in which the phone heard nothing. Beside each run
of ours goes a bare loop that sleeps until absolute deadlines, in a process of its own: its error is
what this machine can do at all. `--check` fails where ours is more than twice that.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
from websockets.sync.client import connect  # noqa: E402

from tests.benchmarks.harness import headline  # noqa: E402
from voipbin_cli.simulator.embedded import EmbeddedSimulator  # noqa: E402

FRAME_BYTES = 320
FRAME_S = 0.020
RELEASE_S = 1.0


class Outcome(NamedTuple):
    """One run: how much was heard, how often nothing was, and how far off the grid it was sent."""

    heard_percent: float
    gaps: int
    error_ms: tuple[float, float] | None
    bare_ms: tuple[float, float] | None


# The contenders: each plays `audio` into the stream at `url`.


def play_ours(url: str, audio: Path) -> tuple[float, float]:
    """`voipbin stream play`; p50 and p99 of its own error."""
    command = [sys.executable, "-m", "voipbin_cli", "stream", "play", url, str(audio), "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    summary = json.loads(done.stdout.splitlines()[-1])
    return summary["send_error_ms"]["p50"], summary["send_error_ms"]["p99"]


def play_naive(url: str, audio: Path) -> None:
    """The loop that everybody writes first."""
    pcm = audio_bytes(audio)
    with connect(url, compression=None) as connection:
        for at in range(0, len(pcm), FRAME_BYTES):
            connection.send(pcm[at : at + FRAME_BYTES])
            time.sleep(FRAME_S)
        time.sleep(RELEASE_S)


def play_ffmpeg(url: str, audio: Path) -> None:
    """`ffmpeg -re`, its output sent on as it comes."""
    command = ["ffmpeg", "-v", "error", "-re", "-i", str(audio), "-f", "s16le", "-"]
    with connect(url, compression=None) as connection:
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            while data := os.read(process.stdout.fileno(), 65_280):
                connection.send(data)
        time.sleep(RELEASE_S)


CONTENDERS: dict[str, Callable[[str, Path], tuple[float, float] | None]] = {
    "voipbin stream play": play_ours,
    "ffmpeg -re": play_ffmpeg,
    "sleep(0.02)": play_naive,
}


# What is measured.


def make_noise(path: Path, seconds: float) -> None:
    """Noise without a silent frame."""
    samples = np.random.default_rng(1).integers(1, 12_000, int(seconds * 8000))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(samples.astype("<i2").tobytes())


def audio_bytes(path: Path) -> bytes:
    """The samples of a WAV file."""
    with wave.open(str(path)) as file:
        return file.readframes(file.getnframes())


def judge(heard: Path, audio: Path) -> tuple[float, int]:
    """Percent of the audio that was heard, and ticks of nothing between its start and end."""
    pcm = audio_bytes(heard)
    ticks = [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm), FRAME_BYTES)]
    audible = [n for n, tick in enumerate(ticks) if any(tick)]
    if not audible:
        return 0.0, 0
    wanted = len(audio_bytes(audio)) / FRAME_BYTES
    return 100 * len(audible) / wanted, audible[-1] - audible[0] + 1 - len(audible)


def bare_loop(seconds: float) -> None:
    """Sleep until absolute deadlines and do nothing; print p50 and p99 of the error in ms."""
    errors = []
    start = time.monotonic()
    for n in range(1, int(seconds / FRAME_S)):
        due = start + n * FRAME_S
        time.sleep(max(0.0, due - time.monotonic()))
        errors.append((time.monotonic() - due) * 1e3)
    print(json.dumps([statistics.median(errors), float(np.percentile(errors, 99))]))


@contextmanager
def burners(count: int) -> Iterator[None]:
    """Processes that do nothing but burn."""
    command = [sys.executable, "-c", "while True: pass"]
    processes = [subprocess.Popen(command) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def run(name: str, kind: str, audio: Path, seconds: float, directory: Path) -> Outcome:
    """Play once into a simulator of its own."""
    heard = directory / "heard.wav"
    bare: subprocess.Popen[bytes] | None = None
    with EmbeddedSimulator("clean", {"kind": kind}, heard_path=heard) as simulator:
        base = simulator.api_url.replace("http:", "ws:")
        url = f"{base}/{kind}s/{simulator.target_id}/media_stream?encapsulation=sln"
        if name == "voipbin stream play":
            bare = subprocess.Popen(
                [sys.executable, __file__, "--bare", str(seconds)], stdout=subprocess.PIPE
            )
        error_ms = CONTENDERS[name](f"{url}&token={simulator.token}", audio)
    bare_ms = None
    if bare is not None:
        p50, p99 = json.loads(bare.communicate()[0])
        bare_ms = (p50, p99)
    return Outcome(*judge(heard, audio), error_ms, bare_ms)


def rows(seconds: float, rounds: int, busy: int) -> Iterator[tuple[str, str, list[Outcome]]]:
    """Every contender in a call and in a conference."""
    with tempfile.TemporaryDirectory() as name, burners(busy):
        directory = Path(name)
        audio = directory / "noise.wav"
        make_noise(audio, seconds)
        for contender in CONTENDERS:
            if contender.startswith("ffmpeg") and shutil.which("ffmpeg") is None:
                continue
            for kind in ("call", "conference"):
                runs = [run(contender, kind, audio, seconds, directory) for _ in range(rounds)]
                yield contender, kind, runs


def show(contender: str, kind: str, runs: list[Outcome]) -> float | None:
    """Print a row of medians; the ratio of our error to the bare loop's, where it is ours."""
    heard = statistics.median(one.heard_percent for one in runs)
    gaps = statistics.median(one.gaps for one in runs)
    line = f"  {contender:20} {kind:11} {heard:6.1f} % {gaps:6.0f} gaps"
    ours = [one.error_ms for one in runs if one.error_ms]
    bare = [one.bare_ms for one in runs if one.bare_ms]
    ratio = None
    if ours and bare:
        p50, p99 = (statistics.median(values) for values in zip(*ours, strict=True))
        bare50, bare99 = (statistics.median(values) for values in zip(*bare, strict=True))
        ratio = p99 / bare99
        line += (
            f"  p50 {p50:.2f} p99 {p99:.2f} ms; bare loop {bare50:.2f} {bare99:.2f}: {ratio:.2f} x"
        )
    print(line, flush=True)
    return ratio


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--bare", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.bare is not None:
        bare_loop(options.bare)
        return
    ratios = []
    for title, busy in (("idle", 0), ("every core busy", os.cpu_count() or 1)):
        print(title)
        ratios += [show(*row) for row in rows(options.seconds, options.rounds, busy)]
    ours = [ratio for ratio in ratios if ratio is not None]
    worst = max(ours)
    headline("play off the grid (p99), idle", max(ours[: len(ours) // 2]), "a bare loop's error")
    headline("play off the grid (p99), busy", max(ours[len(ours) // 2 :]), "a bare loop's error")
    if options.check and worst > 2:
        sys.exit(f"off the grid by {worst:.2f} times what a bare loop is")


if __name__ == "__main__":
    main()
