"""Both channels of a stereo recording together: the conversation, and an echo of either."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.analysis.conversation.scenes import scene
from tests.corpus.sounds import VOICES, Pcm, prompts, talker, to_pcm
from voipbin_cli.offline.diagnose import FileDiagnosis, diagnose_file

DELAY_MS = 180


def diagnosed(path: Path, *channels: Pcm) -> FileDiagnosis:
    soundfile.write(path, np.stack(channels, axis=1), 8000)
    return diagnose_file(str(path))


def with_echo(of: Pcm, into: Pcm, level_db: float) -> Pcm:
    sound = into.astype(float)
    sound[8 * DELAY_MS :] += of[: -8 * DELAY_MS] * 10 ** (level_db / 20)
    return to_pcm(sound)


def echoes(found: FileDiagnosis) -> list[tuple[int, float]]:
    """In which channel each is, and its delay."""
    told = [f["evidence"] for f in found.summary["findings"] if f["id"] == "echo"]
    return [(evidence["in_channel"], evidence["delay_ms"]) for evidence in told]


def test_answers_are_timed_by_the_places_in_the_file(tmp_path: Path) -> None:
    told = scene(5)
    found = diagnosed(tmp_path / "a.wav", told.received, told.sent)
    talk = found.summary["conversation"]
    assert talk["turns"] == 10
    assert talk["response_ms"]["min"] == pytest.approx(min(told.responses), abs=20)
    assert talk["response_ms"]["max"] == pytest.approx(max(told.responses), abs=20)
    assert talk["barge_in_ms"]["max"] == pytest.approx(max(told.barge_ins), abs=40)
    assert echoes(found) == []


def test_an_echo_of_either_channel_in_the_other_is_told(tmp_path: Path) -> None:
    one, other = talker("de", 14, 5), prompts(14, 6)[: 14 * 8000]
    here = diagnosed(tmp_path / "a.wav", with_echo(other, one, -25), other)
    assert echoes(here) == [(1, pytest.approx(DELAY_MS, abs=1))]
    there = diagnosed(tmp_path / "b.wav", one, with_echo(one, other, -20))
    assert echoes(there) == [(2, pytest.approx(DELAY_MS, abs=1))]
    assert there.summary["conversation"]["talk_over_ms"] is None


@pytest.mark.parametrize("seed", range(3))
def test_of_two_who_speak_by_themselves_there_is_none(tmp_path: Path, seed: int) -> None:
    one, other = talker(VOICES[seed], 14, seed), talker(VOICES[seed + 1], 14, seed + 9)
    found = diagnosed(tmp_path / "a.wav", one, other)
    assert echoes(found) == []
    # Nobody says which channel is whose: nobody's answers are slow.
    ids = {f["id"] for f in found.summary["findings"]}
    assert not ids & {"slow-response", "slow-barge-in"}


def test_two_channels_of_one_sound_are_no_conversation(tmp_path: Path) -> None:
    sound = talker("es", 12, 1)
    found = diagnosed(tmp_path / "a.wav", sound, sound)
    assert found.summary["conversation"] is None
    assert found.summary["recording"]["channels_are_same"]
    assert found.summary["findings"] == []
