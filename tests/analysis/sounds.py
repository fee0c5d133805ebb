"""Samples led into a fold of the sound, however they are cut."""

from __future__ import annotations

from typing import Any

import numpy as np

from voipbin_cli.analysis.sound.cutting import SoundCutter


def listen(fold: Any, *pieces: Any) -> Any:
    """Add pieces of samples to a fold, to the last whole frame; return the fold."""
    cutter = SoundCutter()
    for piece in pieces:
        for sound in cutter.add(np.asarray(piece, np.int16)):
            fold.add(sound)
    for sound in cutter.finish():
        fold.add(sound)
    return fold
