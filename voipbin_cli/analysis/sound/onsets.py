"""Does something else than a click stand at these places: a beat, a beep's edge, a zero crossing?

Notes begin on the beat, and beeps on a clock: at a period as fixed as that of a chunk, and faded or
as sharp as a seam. But with them a band of the spectrum comes or goes. At a seam none does: there
the spectrum changes as it does anywhere else.
"""

from __future__ import annotations

import numpy as np

from voipbin_cli.analysis.columns import Floats, Ints, Mask, Singles

# No note and no beep is shorter than 50 ms; a shorter period is a chunk's.
_LEAST_PERIOD = 400
# 50 ms before and behind, or a quarter of a period; the place itself and what rings of it left out.
_SIDE, _GUARD = 400, 20
# Compared with four places each period that are on no beat of it.
_ELSEWHERE = (0.23, 0.39, 0.61, 0.77)
# Below 150 Hz a step of the zero line is seen. Noise of so many units hides what is inaudible.
_LOWEST_HZ, _NOISE = 150.0, 8.0
# Some band changes more by half than the others do, by 3.5 dB, and by so many standard errors. Of
# 12 pieces of music and 8 beeps under speech the least were 1.7, 4.4 dB and 3.7. Where samples are
# missing all bands change more, by half as much again, and none 1.2 times as much as the others.
_MORE, _LOUDER, _ERRORS = 1.5, 0.8, 3.3
# Where a low tone crosses zero the sound is softest, too. But up to 8 ms before it is the opposite
# of what it is behind: of tones from 10 to 50 Hz under speech by -0.61 and more, of fades by -0.07.
# And it is as steep as nearby, by 0.78 to 1.25; where the tone is faded as well, 0.1 to 0.4.
_OPPOSITE = -0.4
_STEEP = 0.6
_NEAR, _FAR = 4, 64


def begins_or_ends(samples: Singles, at: Ints, period: int) -> bool:
    """Whether some band comes or goes at these places, more than it does between them."""
    side = min(_SIDE, period // 4)
    if period < _LEAST_PERIOD:
        return False
    here = _changes(samples, at, side)
    elsewhere = np.concatenate(
        [_changes(samples, at + int(share * period), side) for share in _ELSEWHERE]
    )
    if len(here) < 2 or len(elsewhere) < 2:
        return False
    mean, usual = here.mean(axis=0), elsewhere.mean(axis=0)
    error = np.sqrt(here.var(axis=0) / len(here) + elsewhere.var(axis=0) / len(elsewhere))
    of_all = max(1.0, float(mean.mean() / usual.mean()))
    is_most = mean > _MORE * of_all * usual
    return bool(np.any(is_most & (mean - usual > np.maximum(_LOUDER, _ERRORS * error))))


def _changes(samples: Singles, at: Ints, side: int) -> Floats:
    """How each band's power changes over each place, in nepers of power, up or down."""
    reach = side + _GUARD
    inside = at[(at >= reach) & (at < samples.size - reach)]
    window, offsets = np.hanning(side), np.arange(side)
    before, behind = (
        _banded(np.abs(np.fft.rfft(samples[inside[:, None] + start + offsets] * window)))
        for start in (-reach, _GUARD)
    )
    noise = _NOISE**2 * 3 * float(window @ window)
    lowest = int(_LOWEST_HZ * side / 8000) + 1
    changes: Floats = np.abs(np.log((behind + noise) / (before + noise)))[:, lowest:]
    return changes


def _banded(lines: Floats) -> Floats:
    """The power of each line with its neighbours, over which a window spreads a tone."""
    power = lines**2
    banded: Floats = power[:, :-2] + power[:, 1:-1] + power[:, 2:]
    return banded


def crosses_zero(samples: Singles, at: Ints) -> bool:
    """Whether what is before these places is the opposite of what is behind, and as steep there."""
    is_inside: Mask = (at >= _FAR) & (at < samples.size - _FAR)
    around = samples[at[is_inside][:, None] + np.arange(-_FAR, _FAR + 1)].astype(np.float64)
    before, behind = around[:, _FAR - _NEAR :: -1], around[:, _FAR + _NEAR :]
    power = float(np.sum(before**2 + behind**2)) / 2
    if float(np.sum(before * behind)) >= _OPPOSITE * power:
        return False
    steps = np.diff(around, axis=1) ** 2
    there = steps[:, _FAR - _NEAR : _FAR + _NEAR]
    return bool(there.mean() > _STEEP**2 * steps.mean())
