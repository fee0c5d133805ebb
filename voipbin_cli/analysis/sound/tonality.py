"""Is a piece of sound a tone, one sine or two?"""

from __future__ import annotations

import numpy as np

from voipbin_cli.analysis.columns import Floats

# Linear prediction from the eight samples before leaves of one or two sines no more than mu-law's
# own noise, 29 dB and more below them; of speech (four voices measured) it leaves 28 dB below in
# one frame of a hundred, and more in all others.
_ORDER = 8
TONE_DB = -28.0
# Of held chords of nine sines it leaves 23 dB below or less in nine frames of ten, of speech in
# one of ten at the most.
CHORD_DB = -23.0


def is_tone(sound: Floats, residual_db: float = TONE_DB) -> bool:
    """One or two sines; with CHORD_DB a few more."""
    if sound.size <= 2 * _ORDER:
        return False
    past = np.lib.stride_tricks.sliding_window_view(sound[:-1], _ORDER)
    now = sound[_ORDER:]
    weights = np.linalg.lstsq(past, now, rcond=None)[0]
    return level(now - past @ weights) < 10 ** (residual_db / 20) * level(now)


def level(samples: Floats) -> float:
    """The RMS."""
    return float(np.sqrt(np.mean(samples * samples)))
