"""Digital silence: how much, where, and did it break sound off."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.analysis.sounds import listen
from voipbin_cli.analysis.sound.stillness import Stillness, StillnessFold


def found(*pieces) -> Stillness:
    return listen(StillnessFold(), *pieces).result()


def sound(frames: int, level: float = 3000) -> np.ndarray:
    return np.random.default_rng(frames).normal(0, level, frames * 160).astype(np.int16)


def silence(frames: int, value: int = 0) -> np.ndarray:
    return np.full(frames * 160, value, np.int16)


def test_of_nothing_there_is_none() -> None:
    assert found() == Stillness()


@pytest.mark.parametrize("value", [0, 8, -8, 500])
def test_all_of_it(value: int) -> None:
    """Zero in mu-law and linear, A-law's least value, an offset."""
    told = found(silence(120, value))
    assert told[:5] == (120, 120, 120, 0, 120)
    assert told.sounding == 0


def test_where_the_longest_is_and_what_is_at_the_end() -> None:
    told = found(sound(70), silence(100), sound(10), silence(60))
    assert told[:5] == (240, 160, 100, 70, 60)


def test_sound_that_breaks_off_within_a_frame() -> None:
    cut = np.concatenate([sound(50), silence(100)])
    cut[49 * 160 + 70 : 50 * 160] = 0
    told = found(cut)
    assert told.at_end == 100
    assert told.broken_dbfs == pytest.approx(20 * np.log10(3000 / 32768), abs=2.5)


def test_sound_that_dies_away_is_not_broken_off() -> None:
    faded = sound(50) * np.linspace(1, 0, 8000)
    assert found(np.rint(faded), silence(100)).broken_dbfs < -65


def test_a_tone_that_stops_is_not_broken_off() -> None:
    tone = 6000 * np.sin(2 * np.pi * 440 / 8000 * np.arange(8000) + 0.5)
    assert found(np.rint(tone), silence(100)).broken_dbfs == -100


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 70)), max_size=6),
    st.lists(st.integers(0, 40_000), max_size=6),
)
def test_any_cut_gives_identical_figures(rows, cuts) -> None:
    parts = [silence(frames) if still else sound(frames) for still, frames in rows]
    audio = np.concatenate([*parts, np.empty(0, np.int16)])
    assert found(*np.split(audio, sorted(cuts))) == found(audio)
