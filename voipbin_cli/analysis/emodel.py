"""The E-model, ITU-T G.107, narrowband: from loss and delay to R and a mean opinion score.

G.107 disclaims predicting opinion; it is a planning model. So every value goes with the name
of the model and what was assumed, and there is none where a deciding input is unknown.
"""

from __future__ import annotations

import math
from typing import NamedTuple

# R of G.107 with every input at its default: Ro - Is + A, without impairment by delay or equipment.
R_DEFAULT = 93.2
# ITU-T G.113 appendix I, G.711: no impairment of its own; robustness without and with
# concealment (G.711 appendix I).
IE_G711 = 0.0
BPL_G711 = 4.3
BPL_G711_CONCEALED = 25.1
MOS_MIN, MOS_MAX = 1.0, 4.5

MODEL = "ITU-T G.107 narrowband"
_LISTENING = "listening only: delay is left out"


class Quality(NamedTuple):
    """A score with what it rests on.

    `value` (1 to 4.5) and `r_factor` are None where there is a `reason` not to tell them.
    """

    value: float | None
    r_factor: float | None
    model: str
    assumptions: tuple[str, ...]
    reason: str | None = None

    def untold(self, reason: str) -> Quality:
        """The same without a score."""
        return self._replace(value=None, r_factor=None, reason=reason)


def mos(r_factor: float) -> float:
    """Mean opinion score of a transmission rating R (G.107 annex B), clamped to [1, 4.5]."""
    # Annex B: 1 for R < 0, 4.5 for R > 100, a cubic in between.
    if r_factor <= 0:
        return MOS_MIN
    if r_factor >= 100:
        return MOS_MAX
    value = 1 + 0.035 * r_factor + r_factor * (r_factor - 60) * (100 - r_factor) * 7e-6
    # The cubic dips under 1 for 0 < R < 6.5.
    return min(MOS_MAX, max(MOS_MIN, value))


def delay_impairment(one_way_ms: float) -> float:
    """Idd, the impairment by pure delay (G.107 7.4), for an absolute one-way delay in ms."""
    # 7.4: "Idd = 0" up to Ta = 100 ms; beyond, with X = lg(Ta / 100) / lg 2,
    # Idd = 25 {(1 + X^6)^(1/6) - 3 (1 + [X/3]^6)^(1/6) + 2}.
    if one_way_ms <= 100:
        return 0.0
    x = math.log2(one_way_ms / 100)
    return 25 * (math.pow(1 + x**6, 1 / 6) - 3 * math.pow(1 + (x / 3) ** 6, 1 / 6) + 2)


def equipment_impairment(
    loss_ratio: float, *, burst_ratio: float = 1.0, ie: float = IE_G711, bpl: float
) -> float:
    """Ie,eff, the impairment by codec and loss (G.107 7.5), for a loss ratio in [0, 1]."""
    if loss_ratio <= 0:
        return ie
    if burst_ratio <= 0:
        return 95.0
    # 7.5: Ie,eff = Ie + (95 - Ie) * Ppl / (Ppl / BurstR + Bpl), Ppl in percent.
    loss_percent = 100 * loss_ratio
    return ie + (95 - ie) * loss_percent / (loss_percent / burst_ratio + bpl)


def burst_ratio(mean_burst_frames: float, loss_ratio: float) -> float:
    """BurstR: the mean length of a loss run over what random loss of that ratio would give."""
    # Runs of random loss of ratio p are 1 / (1 - p) frames long in the mean.
    return mean_burst_frames * (1 - loss_ratio) if loss_ratio > 0 else 1.0


def combined_loss(*ratios: float) -> float:
    """Losses one after the other: 1 - (1 - a)(1 - b)…, ratios in [0, 1]."""
    return 1 - math.prod(1 - ratio for ratio in ratios)


def assess(
    loss_ratio: float | None,
    *,
    discard_ratio: float = 0.0,
    mean_burst_frames: float | None = None,
    one_way_ms: float | None = None,
    listening_only: bool = False,
    concealment: bool = True,
) -> Quality:
    """Score a G.711 stream from what was lost on the way and discarded as too late.

    `one_way_ms` is mouth to ear, the playout buffer's share included. Where it is unknown there
    is no score, unless `listening_only` says that it does not matter.
    """
    assumptions = [
        "G.711 or linear 8 kHz audio (Ie 0)",
        f"packet loss concealment: {'G.711 appendix I' if concealment else 'none'}",
        "no echo, no noise beyond G.107's defaults",
    ]
    if loss_ratio is None:
        return _untold("unknown loss", assumptions)
    if one_way_ms is None and not listening_only:
        return _untold("unknown one-way delay", assumptions)
    loss = combined_loss(loss_ratio, discard_ratio)
    ratio = 1.0 if mean_burst_frames is None else burst_ratio(mean_burst_frames, loss)
    assumptions.append(f"loss {100 * loss:.2f} %, BurstR {ratio:.2f}")
    delay = 0.0 if listening_only or one_way_ms is None else one_way_ms
    assumptions.append(_LISTENING if listening_only else f"one-way delay {delay:.0f} ms")
    bpl = BPL_G711_CONCEALED if concealment else BPL_G711
    impairment = equipment_impairment(loss, burst_ratio=ratio, bpl=bpl)
    # 7.1: R = Ro - Is - Id - Ie,eff + A; Id here is Idd, as there is no echo.
    r_factor = R_DEFAULT - delay_impairment(delay) - impairment
    return Quality(mos(r_factor), r_factor, MODEL, tuple(assumptions))


def _untold(reason: str, assumptions: list[str]) -> Quality:
    return Quality(None, None, MODEL, tuple(assumptions), reason)
