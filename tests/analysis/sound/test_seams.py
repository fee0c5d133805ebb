"""Whether the sound goes on across a pause: over talkers, with and without a piece missing."""

from __future__ import annotations

import numpy as np
import pytest

from tests.corpus.sounds import SOUNDS, TALKERS, Pcm
from tests.corpus.wires import mulaw
from voipbin_cli.analysis.sound.seams import SeamFold
from voipbin_cli.codec.g711 import samples as decoded

FRAME_NS = 20_000_000


def told(sound: Pcm, pauses: list[int], missing_frames: int, chunk: int = 25) -> float:
    """The sum over pauses before these frames, in each of which so many frames are missing."""
    frames = sound[: sound.size // 160 * 160].reshape(-1, 160)
    keep = np.ones(len(frames), np.bool_)
    for at in pauses:
        keep[at : at + missing_frames] = False
    late = np.zeros(len(frames), np.int64)
    for at in pauses:
        late[at + missing_frames :] += 300_000_000
    times = (np.arange(len(frames)) * FRAME_NS + late)[keep]
    kept, fold = frames[keep], SeamFold()
    for at in range(0, len(kept), chunk):
        fold.add(times[at : at + chunk], kept[at : at + chunk].ravel())
    assert len(fold.goes_on) == len(pauses)
    return sum(fold.goes_on.values())


def runs() -> list[tuple[Pcm, list[int]]]:
    """Each talker twice, and nine pauses at any place."""
    rng = np.random.default_rng(5)
    return [
        (
            TALKERS[name](20.0, seed),
            sorted((rng.permutation(9) * 90 + 60 + rng.integers(60)).tolist()),
        )
        for name in TALKERS
        for seed in (1, 2, 3)
    ]


@pytest.mark.parametrize("is_coded", [False, True], ids=["linear", "mu-law"])
def test_a_sender_that_waits_is_told_from_audio_that_is_missing(is_coded: bool) -> None:
    waited, lost = [], []
    for sound, pauses in runs():
        heard = decoded(mulaw(sound), alaw=False) if is_coded else sound
        waited.append(told(heard, pauses, 0))
        lost += [told(heard, pauses, missing) for missing in (1, 5, 20)]
    # From 3 on it is certain: 20 to 1.
    assert np.mean(np.array(waited) >= 3) > 0.6
    assert not any(np.array(waited) <= -3)
    assert not any(np.array(lost) >= 3)
    assert np.mean(np.array(lost) <= -3) > 0.4


@pytest.mark.parametrize("name", ["silence", "room"])
def test_silence_and_rooms_tell_nothing(name: str) -> None:
    sound = SOUNDS[name](10.0, 1) if name in SOUNDS else np.zeros(80_000, np.int16)
    assert told(sound, [50, 150, 250], 0) == 0
    assert told(sound, [50, 150, 250], 5) == 0


@pytest.mark.parametrize("hertz", [(400,), (440, 480), (480, 620), (350, 440), (1000,), (2100,)])
@pytest.mark.parametrize("missing_frames", [0, 5, 33])
def test_tones_tell_nothing(hertz: tuple[int, ...], missing_frames: int) -> None:
    at_s = np.arange(80_000) / 8000
    tone = sum(6000 * np.sin(2 * np.pi * one * at_s) for one in hertz)
    assert abs(told(np.asarray(tone, np.int16), [50, 150, 250], missing_frames)) < 3


@pytest.mark.parametrize("chunk", [1, 2, 7, 1000])
def test_any_cut_gives_the_same(chunk: int) -> None:
    sound, pauses = runs()[0]
    assert told(sound, pauses, 3, chunk) == told(sound, pauses, 3)


def test_short_frames_tell_nothing_and_the_seams_are_counted() -> None:
    fold = SeamFold()
    loud = (8000 * np.sin(np.arange(2000 * 40) / 5)).astype(np.int16)
    fold.add(np.arange(2000) * 100_000_000, loud)
    assert set(fold.goes_on.values()) == {0.0}
    assert len(fold.goes_on) == 500


def test_of_rows_that_share_their_samples_nothing_is_told() -> None:
    fold = SeamFold()
    fold.add(np.array([0, 25 * FRAME_NS]), np.zeros(1, np.int16))
    fold.add(np.array([60 * FRAME_NS]), np.zeros(160, np.int16))
    assert fold.goes_on == {2: 0.0}
