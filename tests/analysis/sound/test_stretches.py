"""Which seconds are listened to closely."""

from __future__ import annotations

import numpy as np
import pytest

from tests.analysis.sounds import listen
from voipbin_cli.analysis.sound.stretches import STRETCH_SAMPLES, StretchFold


def heard(samples, cuts=()):
    stretches = []
    fold = StretchFold(stretches.append)
    listen(fold, *np.split(samples, cuts))
    fold.finish()
    return stretches


def test_all_of_the_first_minute_then_twenty_seconds_of_every_eight_minutes():
    hour = np.zeros(3600 * 8000, np.int16)
    starts = [stretch.start / 8000 for stretch in heard(hour)]
    assert starts == [0, 20, 40, *range(480, 3600, 480)]


@pytest.mark.parametrize(
    ("seconds", "lengths"), [(2.9, []), (3, [3]), (12, [12]), (22, [20]), (25.5, [20, 5.5])]
)
def test_a_rest_counts_from_three_seconds_on(seconds, lengths):
    stretches = heard(np.zeros(int(seconds * 8000), np.int16))
    assert [stretch.samples.size / 8000 for stretch in stretches] == lengths


def test_any_cut_gives_the_same_stretches():
    samples = np.arange(2 * STRETCH_SAMPLES + 30_000).astype(np.int16)
    for one, other in zip(heard(samples), heard(samples, [5, 170_000, 170_001]), strict=True):
        assert one.start == other.start
        np.testing.assert_array_equal(one.samples, other.samples)
