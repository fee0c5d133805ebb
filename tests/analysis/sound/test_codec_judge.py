from __future__ import annotations

import numpy as np
import pytest

from voipbin_cli.analysis.messages import TimedMessage, from_messages
from voipbin_cli.analysis.metrics import Measured
from voipbin_cli.analysis.stream import StreamFold
from voipbin_cli.codec import codecs
from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.codec.reading import SHIFTED, Reading
from voipbin_cli.simulator.talker import speech

SECONDS = 16
CHANGE = 400
TEXT = b'{"type":"status","text":"the quick brown fox jumps over the lazy dog"} ' * 3


def spoken(codec: Codec, loudness: float = 1.0) -> list[bytes]:
    """Speech in frames of 20 ms."""
    sound = (speech(3, SECONDS) * loudness).astype("<i2").tobytes()
    data, size = codecs.encode(codec, sound), 160 * codec.sample_bytes
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


def test_each_change_is_told() -> None:
    mulaw, alaw = spoken(Codec.MULAW), spoken(Codec.ALAW)
    told = measured(mulaw[:200] + alaw[200:400] + mulaw[400:])
    assert [(change.before.codec, change.after.codec) for change in told.changes] == [
        (Codec.MULAW, Codec.ALAW),
        (Codec.ALAW, Codec.MULAW),
    ]


def test_samples_that_slip_by_a_byte_are_a_change_at_their_block() -> None:
    sound = b"".join(spoken(Codec.S16LE))
    slipped = sound[: CHANGE * 320] + sound[CHANGE * 320 + 1 :]
    told = measured([slipped[at : at + 320] for at in range(0, len(slipped), 320)])
    (change,) = told.changes
    assert (change.before, change.after) == (Reading(Codec.S16LE), SHIFTED)
    assert CHANGE - 25 < change.frame <= CHANGE + 25
    assert told.reading == SHIFTED


@pytest.mark.parametrize("reading", [Reading(Codec.S16BE), SHIFTED], ids=str)
def test_a_shift_that_comes_out_late_is_no_change(reading: Reading) -> None:
    """In noise of -24 dBFS it takes a second or two; until then they are taken for swapped."""
    noise = np.random.default_rng(4).normal(size=SECONDS * 8000) * 32768 * 10 ** (-24 / 20)
    sound = np.clip(speech(3, SECONDS) + noise, -32768, 32767).astype("<i2")
    data = sound.tobytes()[1:] + b"\0" if reading.shifted else sound.byteswap().tobytes()
    told = measured([data[at : at + 320] for at in range(0, len(data), 320)])
    assert (told.reading, told.is_settled, told.changes) == (reading, True, ())


def test_what_settles_nothing_is_heard_for_a_minute_and_then_each_ten_seconds() -> None:
    rng = np.random.default_rng(6)
    told = measured([rng.bytes(160) for _ in range(5 * 3000)])
    # Blocks of half a second: 120 of the first minute, then one in 20 of the other 480.
    assert (told.heard_blocks, told.is_settled) == (120 + 24, False)


def test_text_behind_sound_is_counted_by_the_block() -> None:
    told = measured(spoken(Codec.MULAW)[:CHANGE] + [TEXT[:160]] * 250)
    assert told.text_blocks == 10
