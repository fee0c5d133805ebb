from __future__ import annotations

import numpy as np
import pytest

from voipbin_cli.simulator.talker import speech


def _lag_one(samples: np.ndarray) -> float:
    return float((samples[1:] * samples[:-1]).sum() / (samples * samples).sum())


def _frame_rms(samples: np.ndarray) -> np.ndarray:
    frames = samples[: len(samples) // 160 * 160].reshape(-1, 160)
    return np.sqrt((frames**2).mean(axis=1))


@pytest.mark.parametrize("seed", range(8))
def test_looks_like_a_telephone_talker(seed: int) -> None:
    samples = speech(seed).astype(float)
    rms = _frame_rms(samples)
    talking = rms > 200
    assert 0.6 < _lag_one(samples) < 0.95
    assert 1000 < np.sqrt((samples**2).mean()) < 8000
    assert 0.4 < talking.mean() < 0.85
    assert np.abs(samples).max() < 32767, "nothing is clipped"
    assert abs(samples.mean()) < 100, "no DC"


def test_pauses_of_a_quarter_second_and_more_come_often() -> None:
    quiet = _frame_rms(speech(3).astype(float)) < 50
    edges = np.flatnonzero(np.diff(np.concatenate(([0], quiet.astype(int), [0]))))
    pauses_ms = 20 * (edges[1::2] - edges[::2])
    assert (pauses_ms >= 240).sum() > 15  # a minute of phrases of one to three seconds


def test_the_room_is_heard_in_pauses_unless_they_are_gated() -> None:
    open_frames = _frame_rms(speech(1).astype(float))
    gated_frames = _frame_rms(speech(1, gated=True).astype(float))
    assert (open_frames == 0).sum() == 0
    assert (gated_frames == 0).mean() > 0.1


def test_a_seed_gives_the_same_samples_again_and_another_seed_others() -> None:
    assert np.array_equal(speech(5, 2), speech(5, 2))
    assert not np.array_equal(speech(5, 2), speech(6, 2))
