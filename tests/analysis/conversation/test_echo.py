from __future__ import annotations

import numpy as np
import pytest

from tests.analysis.conversation.scenes import coded
from tests.corpus.sounds import SOUNDS, VOICES, Pcm, noise, prompts, talker
from voipbin_cli.analysis.conversation.echo import Echo, EchoFold

SECONDS = 12


def heard(sent: Pcm, received: Pcm, at_once: int = 10_000) -> Echo | None:
    fold = EchoFold()
    for at in range(0, len(sent), at_once):
        fold.add(sent[at : at + at_once], received[at : at + at_once])
    return fold.result()


def track(sent: Pcm, delay_ms: int, level_db: float, *, speaks: bool, seed: int) -> Pcm:
    """A quiet room, somebody who speaks if he does, and what comes back."""
    sound = noise(SECONDS, -62, np.random.default_rng(seed), 1.0)
    if speaks:
        sound += talker(VOICES[(seed + 1) % 4], SECONDS, seed + 500)
    back = sent[: len(sent) - 8 * delay_ms] * 10 ** (level_db / 20)
    sound[8 * delay_ms :] += back
    return coded(sound)


@pytest.mark.parametrize(
    ("delay_ms", "level_db", "speaks"),
    [(30, -10, False), (120, -40, False), (500, -40, False), (60, -25, True), (400, -25, True)],
)
def test_an_echo_is_found_with_its_delay_and_its_level(
    delay_ms: int, level_db: float, speaks: bool
) -> None:
    sent = prompts(SECONDS, delay_ms)
    echo = heard(sent, track(sent, delay_ms, level_db, speaks=speaks, seed=delay_ms))
    assert echo is not None
    assert echo.delay_ms == pytest.approx(delay_ms, abs=1)
    assert echo.level_db == pytest.approx(level_db, abs=2)


@pytest.mark.parametrize("seed", range(4))
def test_the_same_voice_with_other_words_is_none(seed: int) -> None:
    sent, other = prompts(2 * SECONDS, seed), prompts(2 * SECONDS, seed)
    half = SECONDS * 8000
    assert heard(sent[:half], coded(other[half:].astype(float))) is None


@pytest.mark.parametrize("sound", ["ringing", "busy", "digits", "music"])
def test_what_is_periodic_has_no_delay_that_can_be_told(sound: str) -> None:
    sent = SOUNDS[sound](SECONDS, 1)
    assert heard(sent, track(sent, 300, -12, speaks=False, seed=1)) is None


def test_a_sender_whose_pauses_move_it_has_an_echo_all_the_same() -> None:
    sent = prompts(SECONDS, 3)
    received = track(sent, 200, -20, speaks=False, seed=3).astype(float)
    for at, move in ((30_000, 40), (55_000, 90), (75_000, 20)):
        received[at:] = np.roll(received[at:], move)
    echo = heard(sent, received.astype(np.int16))
    assert echo is not None
    assert echo.delay_ms == pytest.approx(205, abs=20)


def test_the_same_however_it_is_cut() -> None:
    sent = prompts(SECONDS, 1)
    received = track(sent, 200, -30, speaks=True, seed=1)
    assert heard(sent, received, 160) == heard(sent, received, 10**9)


def test_what_comes_back_in_two_blocks_of_eight_is_no_echo() -> None:
    """However plain it is there: the same words twice by one voice are no echo."""
    rng = np.random.default_rng(3)
    block = 16_384
    sent, received = rng.normal(0, 3000, (2, 9 * block)).astype(np.int16)
    for at in (2 * block, 5 * block):
        received[at + 800 : at + 800 + block] = sent[at : at + block]
    fold = EchoFold()
    fold.add(sent, received)
    assert fold.result() is None
