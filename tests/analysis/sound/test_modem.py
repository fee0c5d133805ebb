"""A modem fills the band as noise does, and has a rate of symbols."""

from __future__ import annotations

import numpy as np
import pytest

from tests.analysis.sounds import listen
from tests.corpus.sounds import Pcm, noise, to_pcm
from tests.corpus.unusual import qam, v34
from voipbin_cli.analysis.sound.modem import ModemFold
from voipbin_cli.analysis.sound.stretches import StretchFold
from voipbin_cli.codec.g711 import mulaw_to_s16le, s16le_to_mulaw


def is_modem(samples: Pcm) -> bool:
    modem = ModemFold()
    listen(stretches := StretchFold(modem.hear), samples)
    stretches.finish()
    return modem.result()


def mulaw(samples: Pcm) -> Pcm:
    return np.frombuffer(mulaw_to_s16le(s16le_to_mulaw(samples.tobytes())), np.int16)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_v34_is_known_by_its_symbols(seed: int) -> None:
    samples = v34(8.0, seed)
    assert is_modem(samples)
    assert is_modem(mulaw(samples))


@pytest.mark.parametrize("baud", [600, 1200, 1600, 2400, 2400 * 8 / 7, 2800])
def test_slower_modems_are_known(baud: float) -> None:
    rng = np.random.default_rng(4)
    # A clock that is off by 100 in a million.
    assert is_modem(mulaw(to_pcm(3000 * qam(33_000, 16, baud * 1.0001, 1800.0, rng))))


@pytest.mark.parametrize("colour", [0, 1, 2])
def test_noise_is_no_modem(colour: int) -> None:
    for seed in range(3):
        samples = noise(8.0, -25, np.random.default_rng(seed), colour)
        assert not is_modem(mulaw(to_pcm(samples)))


def test_what_comes_and_goes_is_no_modem() -> None:
    samples = v34(8.0, 1)
    samples[::16000] = 0
    assert is_modem(samples)
    assert not is_modem(np.where(np.arange(samples.size) // 4000 % 2, samples, 0))
    assert not is_modem(samples[:31_000])
