"""The run before, to compare with: what `--json` printed, or a file that is judged now."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from voipbin_cli.errors import UsageError, VoipbinError
from voipbin_cli.events import json_line
from voipbin_cli.offline.earlier_run import earlier_summary

SUMMARY = {"verdict": "ok", "metrics": {"frames": 3}}


def kept(path: Path, *lines: str) -> str:
    path.write_text("".join(f"{line}\n" for line in lines))
    return str(path)


def test_the_last_summary_of_json_lines_is_the_one(tmp_path: Path) -> None:
    lines = [json_line("open", {"connection": 1}), json_line("summary", {"metrics": {}})]
    path = kept(tmp_path / "a.json", *lines, json_line("summary", SUMMARY))
    assert earlier_summary(path)["metrics"] == {"frames": 3}


def test_a_summary_that_somebody_laid_out_is_one_as_well(tmp_path: Path) -> None:
    laid_out = json.dumps(json.loads(json_line("summary", SUMMARY)), indent=2)
    assert earlier_summary(kept(tmp_path / "a.json", laid_out))["verdict"] == "ok"


def test_a_recording_is_judged_now(tmp_path: Path) -> None:
    path = str(tmp_path / "a.wav")
    soundfile.write(path, np.zeros(16000, np.int16), 8000, subtype="PCM_16")
    assert earlier_summary(path)["recording"]["sample_rate_hz"] == 8000


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"event": "summary", "schema": 1, "count": 3}', "holds no summary of a diagnosis"),
        ('{"event": "open", "schema": 1}', "holds no summary of a diagnosis"),
        ('{"event": "summary", "schema": 2, "metrics": {}}', "is of schema 2, not 1"),
        ("{nonsense", "holds no summary of a diagnosis"),
        ("nonsense", "neither a capture nor a dump"),
        ("", "too short"),
    ],
)
def test_what_is_no_earlier_run_is_told(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(VoipbinError, match=words):
        earlier_summary(kept(tmp_path / "a.json", text))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        earlier_summary(str(tmp_path / "none.json"))
