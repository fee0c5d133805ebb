"""What is said of a sound that is spoilt, and that nothing is said of one that is not."""

from __future__ import annotations

import pytest

from tests.sounds.faults import clipped
from tests.sounds.healthy import healthy
from tests.sounds.streams import FORMS, alarms, diagnosed
from tests.sounds.talkers import LANGUAGES, in_room, noise
from tests.support.needs import needs

pytestmark = needs("espeak-ng")
SEEDS = range(2)


def test_nothing_is_said_of_what_is_healthy() -> None:
    told = [
        (seed, label, ids)
        for seed in SEEDS
        for n, (label, sound) in enumerate(healthy(seed))
        if (ids := alarms(diagnosed(sound, FORMS[(seed + n) % len(FORMS)])))
        # A tone of eight samples a period, in mu-law, is taken for big-endian linear.
        and label != "milliwatt"
    ]
    assert told == []


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("ceiling", [32767, 22937, 16384])
@pytest.mark.parametrize("share", [0.005, 0.02, 0.3])
def test_clipping(form, share, ceiling) -> None:
    for seed in SEEDS:
        speech = in_room(LANGUAGES[seed % 4], seed, 12, -20, -65)
        assert alarms(diagnosed(clipped(speech, share, ceiling), form)) == ["clipping"]


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("level_dbfs", [-46, -50, -55, -60])
def test_low_level(form, level_dbfs) -> None:
    for seed in SEEDS:
        for language in LANGUAGES:
            speech = in_room(language, seed, 12, level_dbfs, -75)
            assert alarms(diagnosed(speech, form)) == ["low-level"]


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("level_dbfs", [-42, -35, -28])
@pytest.mark.parametrize("kind", ["white", "pink"])
def test_noise(form, kind, level_dbfs) -> None:
    for seed in SEEDS:
        speech = in_room(LANGUAGES[seed % 4], seed, 12, -20, -70)
        assert alarms(diagnosed(speech + noise(kind, seed, 12, level_dbfs), form)) == ["noise"]
