"""Packet loss concealment in the manner of ITU-T G.711 Appendix I, without its delay."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Audio = NDArray[np.float32]

# Appendix I: the pitch is sought between 66 and 200 Hz, over the last 20 ms.
_LONGEST_PERIOD_S = 0.015
_SHORTEST_PERIOD_S = 0.005
_CORRELATION_S = 0.020
# Full level for 10 ms, then down by a fifth each 10 ms: silence after 60 ms.
_STEP_S = 0.010
_FADE_S = 0.060
_MOST_PERIODS = 3
# Blending into what comes next: a quarter period, 4 ms more for each 10 ms lost, 10 ms at most.
_BLEND_MORE_S = 0.004
_BLEND_LEAST_S = 0.005


class Concealer:
    """Passes samples on, synthesises missing ones, and blends the two where they meet.

    Appendix I holds the output back by 3.75 ms to blend into an erasure. This one does not: the
    step between the last sample and the repeated period is spread over a quarter period.
    Samples are float32 in [-1, 1]. It starts, and starts again after 60 ms, by fading in.
    """

    def __init__(self, rate_hz: int = 8000) -> None:
        self._longest = round(_LONGEST_PERIOD_S * rate_hz)
        self._shortest = round(_SHORTEST_PERIOD_S * rate_hz)
        self._window = round(_CORRELATION_S * rate_hz)
        self._step = round(_STEP_S * rate_hz)
        self._fade = round(_FADE_S * rate_hz)
        self._blend_more = round(_BLEND_MORE_S * rate_hz)
        self._blend_least = round(_BLEND_LEAST_S * rate_hz)
        self._history = np.zeros(_MOST_PERIODS * self._longest + self._longest // 4, np.float32)
        # 60 ms to put in the place of what is missing; None while nothing is missing.
        self._made_up: Audio | None = np.zeros(0, np.float32)
        self._used = 0
        self._blend_done = 0
        self._blend_length = 0

    def good(self, samples: Audio) -> Audio:
        """Return `samples`, which arrived, blended with what was synthesised before them."""
        output = samples if self._made_up is None else self._blend(samples)
        self._remember(output)
        return output

    def conceal(self, count: int) -> Audio:
        """Return `count` samples in the place of missing ones."""
        if self._made_up is None or self._blend_length:
            self._begin()
        output = self._take(count)
        self._remember(output)
        return output

    def interrupt(self) -> None:
        """Blend into the next good samples: they do not continue the last ones."""
        if self._made_up is None or self._blend_length:
            self._begin()

    def pitch(self) -> tuple[int, float]:
        """The period of the last 20 ms in samples, and how periodic they are (0 to 1)."""
        recent = self._history[-self._window :]
        reach = self._history[-self._window - self._longest : -self._shortest]
        earlier = np.lib.stride_tricks.sliding_window_view(reach, self._window)
        energy = np.einsum("ij,ij->i", earlier, earlier) + 1e-9
        likeness = (earlier @ recent) / np.sqrt(energy)
        best = int(likeness.argmax())
        whole = float(np.sqrt(recent @ recent)) + 1e-9
        return self._longest - best, max(0.0, float(likeness[best]) / whole)

    def level(self, count: int) -> float:
        """Root mean square of the last `count` samples put out."""
        recent = self._history[-count:]
        return float(np.sqrt(np.mean(recent * recent)))

    def _remember(self, output: Audio) -> None:
        size = self._history.size
        self._history = np.concatenate([self._history, output])[-size:]

    def _begin(self) -> None:
        self._used = self._blend_done = self._blend_length = 0
        self._made_up = self._synthesise()

    def _take(self, count: int) -> Audio:
        assert self._made_up is not None
        piece = self._made_up[self._used : self._used + count]
        self._used += count
        return np.concatenate([piece, np.zeros(count - piece.size, np.float32)])

    def _blend(self, samples: Audio) -> Audio:
        if not self._blend_length:
            steps = self._used // self._step
            wanted = self._blend_least + self._blend_more * steps
            self._blend_length = min(self._step, wanted)
        count = min(self._blend_length - self._blend_done, samples.size)
        rise = np.arange(1, count + 1, dtype=np.float32) + self._blend_done
        rise /= self._blend_length + 1
        joined = self._take(count) * (1 - rise) + samples[:count] * rise
        self._blend_done += count
        if self._blend_done == self._blend_length:
            self._made_up = None
            self._blend_length = 0
        return np.concatenate([joined, samples[count:]])

    def _synthesise(self) -> Audio:
        """The 60 ms that follow the history: one period repeated, then two, then three."""
        if not self._history[-self._window :].any():
            return np.zeros(0, np.float32)
        period, _ = self.pitch()
        quarter = period // 4
        made_up = np.empty(self._fade, np.float32)
        rise = np.arange(1, quarter + 1, dtype=np.float32) / (quarter + 1)
        before = self._periods(1, period, quarter, 0, self._fade)
        for number in range(self._fade // self._step):
            start = number * self._step
            now = before
            if 0 < number < _MOST_PERIODS:
                now = self._periods(number + 1, period, quarter, start % period, self._fade)
                now[:quarter] = before[:quarter] * (1 - rise) + now[:quarter] * rise
            made_up[start : start + self._step] = now[: self._step]
            before = now[self._step :]
        # The first synthesised sample continues the one a period before the last: the difference
        # between those two would be a step, and is spread over a quarter period.
        made_up[:quarter] += (self._history[-1] - self._history[-period - 1]) * rise[::-1]
        return made_up * self._gain()

    def _periods(self, periods: int, period: int, quarter: int, phase: int, count: int) -> Audio:
        """The last `periods` periods repeated, the end blended into what came before the start."""
        length = periods * period
        cycle = self._history[-length:].copy()
        lead = self._history[-length - quarter : -length]
        rise = np.arange(1, quarter + 1, dtype=np.float32) / (quarter + 1)
        cycle[-quarter:] = cycle[-quarter:] * (1 - rise) + lead * rise
        at: NDArray[np.intp] = (np.arange(count) + phase) % length
        return cycle[at]

    def _gain(self) -> Audio:
        samples = np.arange(self._fade, dtype=np.float32)
        down = 1 - (samples - self._step) / (self._fade - self._step)
        return np.minimum(1.0, down).astype(np.float32)
