from __future__ import annotations

import pytest

from voipbin_cli.analysis.messages import TimedMessage, from_messages
from voipbin_cli.analysis.metrics import Measured
from voipbin_cli.analysis.sound.judging import Reading
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.codec import pcm
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.codec.pcm import Codec
from voipbin_cli.simulator.talker import speech

SECONDS = 16
CHANGE = 400
TEXT = b'{"type":"status","text":"the quick brown fox jumps over the lazy dog"} ' * 3


def spoken(codec: Codec, loudness: float = 1.0) -> list[bytes]:
    """Speech in frames of 20 ms."""
    sound = (speech(3, SECONDS) * loudness).astype("<i2").tobytes()
    data, size = pcm.encode(codec, sound), 160 * codec.sample_bytes
    return [data[at : at + size] for at in range(0, len(data), size)]


def measured(payloads: list[bytes]) -> Measured:
    """As bare signed-linear messages, all at once: what is settled is passed over calmly."""
    fold = StreamFold(Encapsulation.SLN)
    fold.add(from_messages([TimedMessage(data, n * 20_000_000) for n, data in enumerate(payloads)]))
    fold.flush()
    return fold.measured()


@pytest.mark.parametrize("loudness", [0.02, 1.0])
def test_a_change_of_law_is_told_at_its_block(loudness: float) -> None:
    """Neither is noise in the other's reading: soft speech costs 5 bits a byte, loud speech 7.4."""
    before, after = spoken(Codec.MULAW, loudness), spoken(Codec.ALAW, loudness)
    (change,) = measured(before[:CHANGE] + after[CHANGE:]).changes
    assert (change.before, change.after) == (Reading(Codec.MULAW), Reading(Codec.ALAW))
    assert CHANGE - 25 < change.frame <= CHANGE + 25


def test_text_behind_sound_is_counted_by_the_block() -> None:
    told = measured(spoken(Codec.MULAW)[:CHANGE] + [TEXT[:160]] * 250)
    assert told.text_blocks == 10
