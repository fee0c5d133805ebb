"""The conversation of composed scenes against the truth about them."""

from __future__ import annotations

import numpy as np
import pytest

from tests.analysis.conversation.scenes import FRAME, coded, scene, talked
from tests.corpus.sounds import VOICES, hold_music, noise, sentence, talker, to_pcm
from tests.sounds.talkers import music
from voipbin_cli.analysis.conversation.conversation import (
    APART,
    MIX,
    MUSIC,
    OWN_VOICE,
    Conversation,
)


def said(voice: str, number: int, at_s: float, seconds: float) -> np.ndarray:
    sound = np.zeros(int(seconds * 8000))
    words = sentence(voice, number, 165, 45)
    start = int(at_s * 8000)
    sound[start : start + len(words)] = words
    return sound


@pytest.mark.parametrize("seed", range(6))
def test_answers_and_interruptions_are_timed(seed: int) -> None:
    told = scene(seed)
    talk = talked(told.received, told.sent)
    assert talk is not None
    # 240 of 240 over other seeds; what is played waits for 10 ms in the mean.
    assert talk.turns.response == pytest.approx(told.responses, abs=20)
    assert talk.turns.barge_in == pytest.approx(told.barge_ins, abs=40)
    assert talk.turns.turns == 10
    assert talk.turns.talk_over_ms == pytest.approx(sum(told.barge_ins), abs=60)


def test_the_same_however_it_is_cut() -> None:
    told = scene(1, turns=2)
    whole, frames = (talked(told.received, told.sent, rows_at_once=n) for n in (10_000, 1))
    assert whole == frames


def test_what_waits_at_the_far_end_counts_for_a_barge_in() -> None:
    """We send 400 ms ahead of time: the caller hears us for so much longer than we send."""
    bot, caller = said("de", 1, 0.5, 8), said("es", 1, 1.5, 8)
    bot[int(1.6 * 8000) :] = 0
    fold = Conversation()
    rows = len(bot) // FRAME
    even = 10**18 + np.arange(rows) * 20_000_000
    fold.receive(even, coded(caller + noise(8, -60, np.random.default_rng(1), 1.0)))
    fold.send(np.maximum(even - 400_000_000, 10**18), to_pcm(bot))
    fold.finish()
    talk = fold.result()
    assert talk is not None
    assert talk.turns.barge_in == pytest.approx([100], abs=40)


def test_a_pause_in_which_nobody_speaks_is_dead_air() -> None:
    talk = talked(coded(said("de", 3, 1, 14)), to_pcm(said("es", 3, 10, 14)))
    assert talk is not None
    silent_ms = 9000 - len(sentence("de", 3, 165, 45)) / 8
    assert talk.turns.dead_air_longest_ms == pytest.approx(silent_ms, abs=40)
    assert talk.turns.dead_air_total_ms == talk.turns.dead_air_longest_ms


def test_a_word_broken_off_while_nobody_speaks_is_a_false_barge_in() -> None:
    bot = said("de", 1, 4, 9)
    frames = (bot[32_000:48_000].reshape(-1, FRAME) ** 2).mean(axis=1)
    bot[32_000 + (int(frames.argmax()) + 1) * FRAME :] = 0  # in the loudest vowel
    natural = talked(coded(said("es", 3, 1, 9)), to_pcm(said("de", 1, 4, 9)))
    broken = talked(coded(said("es", 3, 1, 9)), to_pcm(bot))
    assert natural is not None
    assert broken is not None
    assert (natural.turns.false_barge_ins, broken.turns.false_barge_ins) == (0, 1)


def test_in_a_mix_nobody_knows_who_spoke() -> None:
    told = scene(2, turns=2)
    talk = talked(told.received, told.sent, is_mix=True)
    assert talk is not None
    fields = talk.as_fields()
    assert fields["untold"] == MIX
    assert [fields[name] for name in ("turns", "response_ms", "barge_in_ms")] == [None] * 3
    assert fields["dead_air_ms"]["longest"] >= 0


def test_without_two_who_sound_there_is_no_conversation() -> None:
    speech, silence = talker("de", 6, 1), np.zeros(48_000, np.int16)
    assert talked(speech, silence) is None
    assert talked(silence, speech) is None


def test_music_on_hold_is_no_talker() -> None:
    talk = talked(hold_music(6, 1), talker("de", 6, 1))
    assert talk is not None
    assert talk.untold == MUSIC
    assert talk.as_fields()["turns"] is None


def test_our_own_voice_is_no_caller() -> None:
    bot = talker("de", 14, 1).astype(float)
    back = np.concatenate([np.zeros(2400), bot[:-2400]]) * 0.3
    received = coded(back + noise(14, -62, np.random.default_rng(3), 1.0))
    talk = talked(received, to_pcm(bot))
    assert talk is not None
    assert talk.echo is not None
    # 300 ms at the phone, and 20 until the frame that brings it back is full.
    assert talk.echo.delay_ms == pytest.approx(320, abs=2)
    assert talk.untold == OWN_VOICE
    assert talk.as_fields()["barge_in_ms"] is None
    assert talk.turns.response == ()


@pytest.mark.parametrize("voice", VOICES)
def test_speakers_who_do_not_hear_each_other_have_no_echo(voice: str) -> None:
    talk = talked(talker(voice, 14, 5), talker("en-us", 14, 6))
    assert talk is not None
    assert talk.echo is None
    assert talk.untold == APART
    assert talk.as_fields()["response_ms"] is None
    assert talk.as_fields()["talk_over_ms"] > 3000


def test_music_with_a_beat_is_no_talker() -> None:
    """Its drums begin as loud as a word, but what sounds goes on before and behind them."""
    talk = talked(coded(music(2, 12)), talker("de", 12, 1))
    assert talk is not None
    assert talk.untold == MUSIC


def test_while_music_plays_nobody_waits_in_dead_air() -> None:
    """We speak, are put on hold for six seconds, and somebody comes."""
    waiting = np.concatenate([np.zeros(24_000), hold_music(6, 2), said("de", 3, 0.5, 5)])
    talk = talked(coded(waiting), to_pcm(said("es", 0, 0, 14)))
    assert talk is not None
    assert talk.turns.dead_air_longest_ms == 0


@pytest.mark.parametrize("noise_dbfs", [-50, -44])
def test_noise_that_we_send_between_words_is_no_speech_of_ours(noise_dbfs: float) -> None:
    told = scene(3, turns=2)
    seconds = len(told.sent) / 8000
    under = noise(seconds, noise_dbfs, np.random.default_rng(9), 1.0)
    talk = talked(told.received, to_pcm(told.sent + under))
    assert talk is not None
    assert talk.turns.response == pytest.approx(told.responses, abs=20)
    assert talk.turns.false_barge_ins == 0


def test_a_word_that_the_end_of_the_call_cuts_was_not_broken_off() -> None:
    bot = said("de", 1, 4, 9)
    frames = (bot[32_000:48_000].reshape(-1, FRAME) ** 2).mean(axis=1)
    end = 32_000 + (int(frames.argmax()) + 1) * FRAME
    talk = talked(coded(said("es", 3, 1, 9)[:end]), to_pcm(bot[:end]))
    assert talk is not None
    assert talk.turns.false_barge_ins == 0
