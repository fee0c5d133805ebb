"""The rate of a stream's own clock: RTP timestamps, or the samples where there are none."""

from __future__ import annotations

from array import array
from typing import NamedTuple

import numpy as np

from voipbin_cli.analysis.arrivals.arrival_log import Arrivals
from voipbin_cli.analysis.columns import Ints, equal, wrapped_steps
from voipbin_cli.codec.codecs import SAMPLE_RATE_HZ

# The clocks of RTP's audio payload types (RFC 3551, table 4), and of video.
CLOCKS_HZ = (8000, 16_000, 24_000, 32_000, 48_000, 90_000, 96_000)
# The rates that sound is sampled at (6000 Hz: Dialogic's ADPCM files).
REAL_RATES_HZ = (6000, 8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000)
# A clock is off by 1 % at the very most: so near has the audio to come to a rate to be of it, and
# what is nearer to 8000 Hz is a clock's drift.
CLOCK_RATIO = 0.01
# So near to a real rate the audio of the first two seconds has to come, or it is at 8000 Hz and
# held up: over a second 20 ms of jitter are 2 %.
_NEAR = 0.03
_USUALLY_NEAR = 0.2  # from one frame to the next, or part of them came at once
_WHOLE = 0.01  # half a sample of 10 ms, and some
# The median over 50 pairs of frames that are 50 frames (1 s) apart: a pause is in some of them.
_FRAMES = 100
_STEADY = 0.5  # silence that is not sent is in few of the steps
_SPAN = 50


class ClockFold:
    """What a second is in the units of the stream's clock, decided by the first hundred frames.

    `hz` is None until then, and 0 where the clock stands still. `is_sampled`: the audio is of
    so many samples a frame for certain, and timestamps that go on by half of it run at 4000 Hz;
    otherwise `hz` is the clock of CLOCKS_HZ that is nearest to how fast it went.
    """

    def __init__(self, hz: int | None = None, *, is_sampled: bool = True) -> None:
        self.hz = hz
        self._is_sampled = is_sampled
        self._arrivals = array("q")
        self._ticks = array("q")
        self._places = array("q")

    def add(self, arrivals_ns: Ints, ticks: Ints, places_ns: Ints) -> None:
        """Take frames: arrivals, what the clock said, counted on without wrapping, and places."""
        if self.hz is not None:
            return
        room = _FRAMES - len(self._arrivals)
        self._arrivals.extend(arrivals_ns[:room].tolist())
        self._ticks.extend(ticks[:room].tolist())
        self._places.extend(places_ns[:room].tolist())
        if len(self._arrivals) >= _FRAMES:
            self.decide()

    def decide(self) -> None:
        """Decide by what there is; without two frames it is 8000."""
        if self.hz is None:
            self.hz = self._counted_hz() if self._is_sampled else self._nearest_hz()

    def _counted_hz(self) -> int:
        """Ticks for each sample, as often as there are samples in a second."""
        arrivals, ticks, places = self._held()
        # From one frame to the next: what was skipped between some of them says nothing. Where
        # that is no whole sample, it is nearly what many frames have on the average.
        counted, average = _pace(ticks, places, span=1), _pace(ticks, places)
        if counted is None or average is None:
            return SAMPLE_RATE_HZ
        counted = average if abs(average - counted) < _WHOLE * counted else counted
        came_hz = SAMPLE_RATE_HZ * (_pace(places, arrivals) or 1.0)
        rate_hz = min(REAL_RATES_HZ, key=lambda hz: abs(came_hz / hz - 1))
        usual_hz = SAMPLE_RATE_HZ * (_pace(places, arrivals, span=1) or 1.0)
        is_near = abs(came_hz / rate_hz - 1) < _NEAR and abs(usual_hz / rate_hz - 1) < _USUALLY_NEAR
        return round(counted * 1e9 / SAMPLE_RATE_HZ * (rate_hz if is_near else SAMPLE_RATE_HZ))

    def _nearest_hz(self) -> int:
        arrivals, ticks, _ = self._held()
        pace = _pace(ticks, arrivals)
        usual = SAMPLE_RATE_HZ if pace is None or pace <= 0 else pace * 1e9
        return min(CLOCKS_HZ, key=lambda hz: abs(np.log(hz / usual)))

    def _held(self) -> tuple[Ints, Ints, Ints]:
        return np.array(self._arrivals), np.array(self._ticks), np.array(self._places)


class Stamped(NamedTuple):
    """What timestamps count in a second of audio, None where no steady rate; in how many steps."""

    hz: int | None
    steps: int


class StampFold:
    """By how much timestamps go on from one packet to the next, for each sample between them.

    The first hundred steps tell it, of packets whose numbers follow each other.
    """

    def __init__(self) -> None:
        self._rates: list[float] = []

    def add(self, rows: Arrivals, own_ns: Ints) -> None:
        """Take rows of RTP that are so long each; what lies between two chunks is left out."""
        if len(self._rates) >= _FRAMES:
            return
        follows = equal(wrapped_steps(rows.sequence_number, 16), 1)
        follows &= ~(rows.begins > 0)[1:] & (own_ns[:-1] > 0)
        stamps = wrapped_steps(rows.timestamp, 32)[follows]
        self._rates.extend((stamps * 1e9 / own_ns[:-1][follows]).tolist())

    @property
    def stamped(self) -> Stamped:
        """The rate so far: that of most of the steps."""
        rates = np.array(self._rates)
        usual = float(np.median(rates)) if rates.size else 0.0
        is_steady = rates.size and (np.abs(rates - usual) <= _WHOLE * abs(usual)).mean() > _STEADY
        return Stamped(round(usual) if is_steady else None, rates.size)

    @property
    def is_of_samples(self) -> bool:
        """Whether they count samples at a rate that sound is sampled at."""
        hz = self.stamped.hz
        return hz is not None and any(abs(hz / rate - 1) <= _WHOLE for rate in REAL_RATES_HZ)


def _pace(went: Ints, took: Ints, span: int = _SPAN) -> float | None:
    """How far the one goes for each step of the other, the median over spans; None without."""
    span = min(span, len(took) - 1)
    if span < 1:
        return None
    steps = took[span:] - took[:-span]
    usable = steps > 0
    return (
        float(np.median((went[span:] - went[:-span])[usable] / steps[usable]))
        if usable.any()
        else None
    )
