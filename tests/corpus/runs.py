"""Runs of a stream with no socket and no clock: the simulator's schedule, arrivals, a diagnosis."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import takewhile

from voipbin_cli.analysis.diagnosis import StreamDiagnosis, diagnose
from voipbin_cli.analysis.findings import Circumstances
from voipbin_cli.analysis.messages import TimedMessage, from_messages
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.simulator.catalog import find_scenario
from voipbin_cli.simulator.far_end import messages
from voipbin_cli.simulator.scenario import Admission
from voipbin_cli.simulator.sources import SoundLoop, load_sound

MS = 1_000_000
SECOND = 1000 * MS
START_NS = 1_700_000_000 * SECOND
CHUNK = 7


@dataclass(frozen=True)
class Run:
    """One labelled run. `expected` holds the ids any of which may be the root cause.

    `lag` are (second, ms) at which this machine is late, `link` what the network does to the
    arrivals beyond a quiet machine's own unevenness.
    """

    label: str
    scenario: str
    expected: frozenset[str]
    encapsulation: Encapsulation = Encapsulation.RTP
    options: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 10.0
    seed: int = 1
    lag: tuple[tuple[float, float], ...] = ()


@lru_cache(maxsize=64)
def sound_of(source: str, seed: int) -> SoundLoop:
    """A rendered source; rendering is what takes time."""
    return load_sound(source, seed=seed)


def arrivals(run: Run) -> list[TimedMessage]:
    """The messages of a run with the times at which a quiet machine reads them."""
    options = {"seed": str(run.seed), **run.options}
    scenario = find_scenario(run.scenario, options)
    if scenario.admission is Admission.MUTE:
        return []
    sound = sound_of(scenario.source, scenario.seed % 8)
    rng = random.Random(run.seed)
    # Where in the loop a listener joins is up to chance.
    first = rng.randrange(sound.frames)
    schedule = messages(scenario, run.encapsulation, sound.frame, first=first, rng=rng)
    end_ns = int(run.seconds * SECOND)
    base_ns: int | None = None
    got: list[TimedMessage] = []
    latest = 0
    for slot in _until(schedule, first, end_ns):
        base_ns = slot.due_ns if base_ns is None else base_ns
        due = slot.due_ns - base_ns
        latest = max(latest, due + int(_unevenness_ms(rng) * MS))
        read = _lagged(latest, run.lag)
        got.append(TimedMessage(slot.body, START_NS + read))
    return got


def _until(schedule: Iterator, first: int, end_ns: int) -> Iterator:
    begin = first * 20 * MS
    return takewhile(lambda slot: slot.due_ns - begin < end_ns, schedule)


def _unevenness_ms(rng: random.Random) -> float:
    """A quiet machine: gaps p99 21 to 23 ms, at most 26 to 33 (wire facts, section 3)."""
    return rng.expovariate(1 / 0.4) if rng.random() < 0.995 else rng.uniform(3, 10)


def _lagged(time_ns: int, lag: tuple[tuple[float, float], ...]) -> int:
    for at_s, late_ms in lag:
        start, end = int(at_s * SECOND), int(at_s * SECOND + late_ms * MS)
        if start <= time_ns < end:
            return end
    return time_ns


def fold(run: Run, got: list[TimedMessage], chunk: int | Callable[[], int] = CHUNK) -> StreamFold:
    """Lead the messages through a stream's folds, some at a time, as a live run does."""
    stream = StreamFold(run.encapsulation)
    for at_s, late_ms in run.lag:
        stream.lagged(START_NS + int((at_s * 1000 + late_ms) * MS), int(late_ms * MS))
    at = 0
    while at < len(got):
        size = chunk if isinstance(chunk, int) else chunk()
        stream.add(from_messages(got[at : at + size]))
        at += size
    stream.flush()
    return stream


def diagnosed(run: Run) -> StreamDiagnosis:
    """Run it."""
    scenario = find_scenario(run.scenario, dict(run.options))
    around = Circumstances(mute_direction=scenario.mute_direction)
    return diagnose(fold(run, arrivals(run), 500), around)
