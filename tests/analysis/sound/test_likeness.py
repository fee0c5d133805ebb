"""How alike a sound is to a part of another."""

from __future__ import annotations

import numpy as np
import pytest

from voipbin_cli.analysis.sound.likeness import likeness

RNG = np.random.default_rng(1)
WANTED = (RNG.normal(0, 3000, 4000)).astype(np.int16)


def test_a_part_is_found_where_it_is_at_any_loudness() -> None:
    heard = np.concatenate([np.zeros(1234, np.int16), WANTED // 8, np.zeros(500, np.int16)])
    found = likeness(heard, WANTED)
    assert found.at == 1234
    assert found.correlation > 0.999


def test_other_noise_is_not_alike() -> None:
    assert likeness(RNG.normal(0, 3000, 9000).astype(np.int16), WANTED).correlation < 0.1


def test_half_of_it_is_half_alike() -> None:
    # Of two halves of equal energy one is silence: 1 / sqrt(2).
    heard = np.concatenate([WANTED[:2000], np.zeros(2000, np.int16)])
    assert likeness(heard, WANTED).correlation == pytest.approx(0.707, abs=0.03)


def test_what_is_shorter_goes_on_in_silence() -> None:
    assert likeness(WANTED[:3000], WANTED).correlation == pytest.approx(0.75**0.5, abs=0.03)
    assert likeness(np.zeros(0, np.int16), WANTED).correlation == 0.0


def test_silence_is_wanted_by_nobody() -> None:
    with pytest.raises(ValueError, match="silence"):
        likeness(WANTED, np.full(100, 7, np.int16))
