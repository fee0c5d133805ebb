"""The same sound twice in a row, and what only looks like it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.analysis.sounds import listen
from tests.corpus.unusual import UNUSUAL
from tests.sounds.faults import concealed, each_frame_twice, repeated_frames
from tests.sounds.streams import pcm
from tests.sounds.talkers import dtmf, in_room, noise, organ, tone
from voipbin_cli.analysis.sound.repetition import RepetitionFold
from voipbin_cli.analysis.sound.stretches import StretchFold
from voipbin_cli.codec.codecs import Codec, encode, samples

CODECS = (Codec.S16LE, Codec.MULAW, Codec.ALAW)
SECONDS = 8


def repeats(sound, codec=Codec.S16LE, cuts=()):
    fold = RepetitionFold()
    stretches = StretchFold(fold.hear)
    listen(stretches, *np.split(samples(codec, encode(codec, pcm(sound))), cuts))
    stretches.finish()
    return fold.result()


def speech(seed):
    return in_room("pulses", seed, SECONDS, -20, -60)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("nth", [2, 5, 10, 25])
def test_each_nth_frame_or_half_of_it(nth, codec):
    """Those in pauses do not count: between a third and all of them are found."""
    for seed in range(2):
        due = SECONDS * 50 // nth
        whole = repeats(repeated_frames(speech(seed), nth), codec)
        assert due / 3 < whole.repeats <= due
        assert whole.piece_ms == 20
        assert whole.repeated_ms == pytest.approx(whole.repeats * 20, rel=0.05)
        half = repeats(repeated_frames(speech(seed), nth, 80), codec)
        assert due / 3 < half.repeats <= due
        assert half.piece_ms == 10


def test_each_frame_twice():
    got = repeats(each_frame_twice(speech(1)))
    assert got.piece_ms == 20
    assert got.repeated_ms > 0.5 * SECONDS * 1000 / 2


@pytest.mark.parametrize("offset", [0, 37])
@pytest.mark.parametrize("packet", [160, 240, 320, 512])
def test_lost_packets_that_are_played_again_wherever_they_begin(packet, offset):
    got = repeats(concealed(speech(3), 0.1, 3, packet, offset))
    assert got.repeats >= 3
    assert got.piece_ms == packet / 8


@pytest.mark.parametrize("codec", CODECS)
def test_speech_does_not_repeat_itself(codec):
    for seed in range(6):
        assert repeats(speech(seed), codec).repeats == 0


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    "made",
    [
        lambda: np.zeros(SECONDS * 8000),
        lambda: noise("white", 1, SECONDS, -72),
        lambda: tone(1000, SECONDS, -3.2),
        lambda: tone(425, SECONDS, -12),
        lambda: tone(350, SECONDS, -16) + tone(440, SECONDS, -16),
        lambda: np.sign(tone(100, SECONDS, 0)) * 3000,
        lambda: np.tile(np.repeat(np.sign(np.sin(np.arange(800) * np.pi / 8)), 1) * 4000, 80),
        lambda: dtmf(1, SECONDS, 50, 50),
        lambda: dtmf(2, SECONDS, 100, 100),
        lambda: organ(1, SECONDS),
    ],
    ids=[
        "silence",
        "quiet",
        "milliwatt",
        "dial",
        "dial-us",
        "square",
        "beep",
        "d50",
        "d100",
        "org",
    ],
)
def test_what_is_periodic_by_nature_is_no_repetition(made, codec):
    assert repeats(made(), codec).repeats < 3


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize(
    "name", ["V.21", "V.21 flags", "Bell 202", "500 Hz", "buzzer", "chip tune", "drum machine"]
)
def test_bits_beats_and_notes_that_come_again_are_no_repetition(name, codec):
    for seed in (52, 54):
        assert repeats(UNUSUAL[name](float(SECONDS), seed), codec).repeats < 3


def test_any_cut_gives_identical_figures():
    sound = repeated_frames(in_room("pulses", 1, 25, -20, -60), 10)
    assert repeats(sound, cuts=[7, 90_000, 170_123]) == repeats(sound)
