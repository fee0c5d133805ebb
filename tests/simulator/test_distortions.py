from __future__ import annotations

import random
from itertools import islice

import numpy as np
import pytest

from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.simulator import distortions
from voipbin_cli.simulator.schedule import Fault, FaultContext, Slot, paced
from voipbin_cli.simulator.sources import load_sound

FRAMES = 1500


def _slots(fault: Fault, source: str = "speech", seed: int = 1, **changes: float) -> list[Slot]:
    sound = load_sound(source)
    context = FaultContext(random.Random(seed), Codec.S16LE, Encapsulation.RTP)
    strength = changes.get("strength", fault.strength)
    return list(fault.apply(islice(paced(sound.frame, 0), FRAMES), strength, context))


def _samples(fault: Fault, source: str = "speech", **changes: float) -> np.ndarray:
    body = b"".join(slot.body for slot in _slots(fault, source, **changes))
    return np.frombuffer(body, dtype="<i2").astype(float)


def _plain(source: str = "speech") -> np.ndarray:
    return np.frombuffer(load_sound(source).pcm, dtype="<i2").astype(float)[: FRAMES * 160]


def _db(samples: np.ndarray) -> float:
    return float(20 * np.log10(np.sqrt((samples**2).mean()) / 32768))


def test_clipping_holds_samples_at_both_rails() -> None:
    samples = _samples(distortions.CLIPPING)
    assert ((samples == 32767) | (samples == -32768)).mean() > 0.02
    assert samples.max() == 32767
    assert samples.min() == -32768


def test_low_level_is_softer_by_its_strength() -> None:
    assert _db(_samples(distortions.LOW_LEVEL, strength=-20)) == pytest.approx(
        _db(_plain()) - 20, abs=0.1
    )
    assert _db(_samples(distortions.LOW_LEVEL)) < -50


def test_an_offset_moves_the_mean() -> None:
    assert _samples(distortions.DC_OFFSET, "silence", strength=-777).mean() == -777


def test_noise_has_the_level_asked_for_and_no_colour() -> None:
    noise = _samples(distortions.NOISE, "silence", strength=-30)
    assert _db(noise) == pytest.approx(-30, abs=0.2)
    assert abs((noise[1:] * noise[:-1]).mean() / (noise**2).mean()) < 0.02


@pytest.mark.parametrize("percent", [2, 6, 20])
def test_upstream_loss_is_whole_frames_of_exact_zero_on_time(percent: float) -> None:
    slots = _slots(distortions.UPSTREAM_LOSS, strength=percent)
    sound = load_sound("speech")
    zero = [slot.body == bytes(320) for slot in slots]
    assert 0.6 * percent < 100 * sum(zero) / FRAMES < 1.4 * percent
    assert all(
        slot.body == sound.frame(slot.number)
        for slot, lost in zip(slots, zero, strict=True)
        if not lost
    )
    assert [slot.due_ns for slot in slots] == [n * 20_000_000 for n in range(FRAMES)]


@pytest.mark.parametrize("rate_hz", [11_025, 16_000, 48_000, 4000])
def test_a_wrong_rate_is_the_same_sound_in_another_number_of_samples(rate_hz: int) -> None:
    slots = _slots(distortions.WRONG_RATE, "tone:500", strength=rate_hz)
    assert {len(slot.body) // 2 for slot in slots} == {round(rate_hz / 50)}
    samples = np.frombuffer(b"".join(slot.body for slot in slots[10:60]), dtype="<i2")
    hertz = int(np.abs(np.fft.rfft(samples)).argmax()) * (rate_hz / len(samples))
    assert hertz == pytest.approx(500, rel=0.02), "read at its true rate"


def test_nothing_is_changed_at_no_strength() -> None:
    for fault in (distortions.CLIPPING, distortions.DC_OFFSET, distortions.UPSTREAM_LOSS):
        assert np.array_equal(_samples(fault, strength=0), _plain())
