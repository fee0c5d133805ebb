"""Delay and concealed share of the adaptive playout buffer beside fixed ones.

Run: python tests/benchmarks/playout.py [SECONDS]. Every buffer gets the same seeded arrivals.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tests.support.arrivals import foretold
from voipbin_cli.analysis.playout.buffer import Mode, PlayoutBuffer
from voipbin_cli.analysis.playout.target_delay import POLICIES

MS = 1_000_000
FRAME_NS = 20 * MS
Arrivals = NDArray[np.int64]


def clean(rng: np.random.Generator, frames: int) -> Arrivals:
    """A quiet machine: each frame up to 3 ms late."""
    return np.arange(frames) * FRAME_NS + rng.integers(0, 3 * MS, frames)


def jitter(rng: np.random.Generator, frames: int) -> Arrivals:
    """Gamma-distributed delay, 30 ms on average, in order as TCP delivers."""
    late = (rng.gamma(2.0, 15.0, frames) * MS).astype(np.int64)
    return np.maximum.accumulate(np.arange(frames) * FRAME_NS + late)


def stalls(rng: np.random.Generator, frames: int, each: int = 300) -> Arrivals:
    """TCP stalls of 100 to 400 ms, one each 6 s on average, then all at once."""
    arrivals = clean(rng, frames)
    for start in np.flatnonzero(rng.random(frames) < 1 / each):
        end = arrivals[start] + int(rng.integers(100, 400)) * MS
        arrivals[start:] = np.maximum(arrivals[start:], end)
    return arrivals


def rare_stalls(rng: np.random.Generator, frames: int) -> Arrivals:
    """The same, one a minute."""
    return stalls(rng, frames, 3000)


def drift(rng: np.random.Generator, frames: int) -> Arrivals:
    """A far clock 300 ppm slow."""
    return (np.arange(frames) * (FRAME_NS * 1.0003)).astype(np.int64) + rng.integers(
        0, 3 * MS, frames
    )


def lost_audio(rng: np.random.Generator, frames: int) -> Arrivals:
    """Gaps of 60 to 200 ms with no catch-up, one each 10 s on average."""
    gaps = np.where(rng.random(frames) < 0.002, rng.integers(3, 10, frames), 0)
    return clean(rng, frames) + np.cumsum(gaps) * FRAME_NS


TRACES: tuple[Callable[[np.random.Generator, int], Arrivals], ...] = (
    clean,
    jitter,
    stalls,
    rare_stalls,
    drift,
    lost_audio,
)


def speech_like(rng: np.random.Generator, samples: int) -> NDArray[np.int16]:
    """Voiced syllables at 120 Hz with pauses: enough for pitch and silence to be found."""
    t = np.arange(samples) / 8000
    voice = sum(np.sin(2 * np.pi * 120 * k * t + k) / k for k in range(1, 12))
    on = np.repeat(rng.random(samples // 1600 + 1) < 0.6, 1600)[:samples]
    envelope = np.convolve(on, np.ones(160) / 160, "same")
    noise = rng.normal(0, 10, samples)
    return (voice * envelope * 4000 + noise).astype(np.int16)


def play(buffer: PlayoutBuffer, arrivals: Arrivals, audio: NDArray[np.int16]) -> float:
    """Drive the buffer as a sound card would, 20 ms a pull; return seconds of CPU used."""
    used = time.process_time()
    index, now = 0, int(arrivals[0])
    while index < arrivals.size:
        while index < arrivals.size and arrivals[index] <= now:
            frame = audio[index * 160 : index * 160 + 160]
            buffer.push(int(arrivals[index]), frame)
            index += 1
        buffer.pull(now, 160)
        now += FRAME_NS
    return time.process_time() - used


def main() -> None:
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    frames = seconds * 50
    audio = speech_like(np.random.default_rng(7), frames * 160)
    print(f"{seconds} s of 20 ms frames. offline: late share and delay foretold from the arrivals")
    header = f"{'trace':12} {'buffer':14} {'late %':>7} {'concealed %':>12} {'delay ms':>9}"
    print(f"{header} {'steps':>6} {'ppm':>6} {'offline late %':>15} {'delay ms':>9} {'CPU %':>6}")
    for number, trace in enumerate(TRACES):
        arrivals = trace(np.random.default_rng(number), frames)
        offline = foretold(arrivals)
        for policy in POLICIES:
            mode = Mode.ADAPTIVE if policy.fixed_ms is None else Mode.FIXED
            buffer = PlayoutBuffer(policy.fixed_ms or policy.start_ms, mode)
            cpu = play(buffer, arrivals, audio)
            got, model = buffer.stats, offline[policy.name]
            print(
                f"{trace.__name__:12} {policy.name:14} {100 * got.late_ratio:7.2f} "
                f"{100 * got.concealed_ratio:12.2f} {got.mean_delay_ms:9.1f} "
                f"{got.adjustments:6} {got.drift_ppm:6.0f} {100 * model.late_ratio:15.2f} "
                f"{model.mean_delay_ms:9.1f} {100 * cpu / seconds:6.2f}"
            )


if __name__ == "__main__":
    main()
