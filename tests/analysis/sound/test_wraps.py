"""Overflow is told from clipping and from loud noise."""

from __future__ import annotations

import numpy as np
import pytest

from tests.analysis.sounds import listen
from tests.codec.sounds import MAKERS, Maker, to_pcm
from tests.corpus.sounds import SOUNDS, VOICES, Pcm, talker
from voipbin_cli.analysis.sound.wraps import WrapFold
from voipbin_cli.codec.g711 import mulaw_to_s16le, s16le_to_mulaw


def overflows(pcm: Pcm) -> float:
    ratio: float = listen(WrapFold(), pcm).result()
    return ratio


def by_mulaw(pcm: Pcm) -> Pcm:
    return np.frombuffer(mulaw_to_s16le(s16le_to_mulaw(pcm.tobytes())), "<i2")


@pytest.mark.parametrize("gain", [4, 8, 16])
@pytest.mark.parametrize("voice", VOICES)
def test_speech_that_overflows(voice: str, gain: int) -> None:
    loud = talker(voice, 8, gain).astype(np.int64) * gain
    wrapped = loud.astype(np.int16)
    assert overflows(wrapped) > 0
    assert overflows(by_mulaw(wrapped)) > 0
    clipped = np.clip(loud, -32768, 32767).astype(np.int16)
    assert overflows(clipped) == 0
    assert overflows(by_mulaw(clipped)) == 0


@pytest.mark.parametrize("ceiling", [27000, 30000, 31500])
def test_nor_is_it_overflow_where_a_limiter_is_set_below_full_scale(ceiling: int) -> None:
    for voice in VOICES:
        loud = talker(voice, 8, ceiling).astype(np.int64) * 16
        clipped = np.clip(loud, -ceiling, ceiling).astype(np.int16)
        assert overflows(clipped) == 0
        assert overflows(by_mulaw(clipped)) == 0


@pytest.mark.parametrize("gain", [1, 8, 100])
@pytest.mark.parametrize("name", SOUNDS)
def test_what_calls_hold_does_not_however_loud(name: str, gain: int) -> None:
    loud = SOUNDS[name](8, gain).astype(np.int64) * gain
    assert overflows(np.clip(loud, -32768, 32767).astype(np.int16)) == 0


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
def test_nor_do_tones_and_noise(maker: Maker) -> None:
    for seed in range(3):
        pcm = np.frombuffer(to_pcm(maker(np.random.default_rng(seed), 32000)), "<i2")
        assert overflows(pcm) == 0


@pytest.mark.parametrize("dbfs", [-3, -6, -9, -12])
def test_nor_does_loud_hiss(dbfs: int) -> None:
    noise = np.random.default_rng(dbfs + 99).normal(size=160_000) * 32768 * 10 ** (dbfs / 20)
    assert overflows(np.frombuffer(to_pcm(noise), "<i2")) == 0


def test_silence_and_nothing() -> None:
    assert overflows(np.zeros(16000, np.int16)) == 0
    assert overflows(np.zeros(0, np.int16)) == 0
