"""Digits and speech in what is heard."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.session.test_play import Told
from tests.support.cli import voipbin
from voipbin_cli.analysis.sound.dtmf import tones
from voipbin_cli.codec.codecs import Codec
from voipbin_cli.codec.dialect import AudioFrame
from voipbin_cli.codec.encapsulation import Unit
from voipbin_cli.session.sound_events import SoundEvents

# A second of silence, half a second that swells and fades as syllables do, a second of silence.
_SWELLS = 0.55 + 0.45 * np.sin(np.arange(4000) / 8000 * 2 * np.pi * 4)
_NOISE = (np.random.default_rng(1).standard_normal(4000) * 5000 * _SWELLS).astype("<i2").tobytes()
SPOKEN = bytes(16_000) + _NOISE + bytes(16_000)


def frame(pcm: bytes) -> AudioFrame:
    return AudioFrame(pcm, 0, Unit(pcm, None, None), Codec.S16LE, 8000)


@pytest.mark.parametrize("piece", [2, 320, 1000, 100_000])
def test_digits_are_told_with_their_place(piece: int) -> None:
    told = Told()
    events = SoundEvents(told, speech=False)
    pcm = bytes(8000) + tones("1#")
    for at in range(0, len(pcm), piece):
        events.hear_frames([frame(pcm[at : at + piece])])
    assert [fields["digit"] for fields in told.of("dtmf")] == ["1", "#"]
    assert [fields["at_ms"] for fields in told.of("dtmf")] == pytest.approx([500, 700], abs=15)
    assert told.of("speech") == []


def test_speech_is_told_when_it_starts_and_when_it_ends() -> None:
    told = Told()
    events = SoundEvents(told)
    for at in range(0, len(SPOKEN), 320):
        events.hear_frames([frame(SPOKEN[at : at + 320])])
    started, ended = told.of("speech")
    assert (started["speaking"], ended["speaking"]) == (True, False)
    assert started["at_ms"] == pytest.approx(1000, abs=20)
    assert ended["at_ms"] == pytest.approx(1500, abs=20)


def test_record_tells_the_digits_it_hears(tmp_path: Path) -> None:
    result = voipbin(
        "stream", "record", "sim:clean,source=dtmf:159#", "-d", "2", "--json", cwd=tmp_path
    )
    digits = [event["digit"] for event in result.events if event["event"] == "dtmf"]
    assert "".join(digits)[:4] == "159#"
