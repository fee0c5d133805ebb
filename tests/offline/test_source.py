"""Files and standard input are opened alike, and what cannot be read is said."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from voipbin_cli.errors import DecodeError, UsageError
from voipbin_cli.offline.file_kind import FileKind
from voipbin_cli.offline.source import opened


def test_a_file_is_seen_from_its_beginning_and_closed(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"#!rtpplay1.0 x\n" + bytes(100_000))
    with opened(str(path)) as source:
        assert source.kind is FileKind.RTPDUMP
        assert len(source.head) == 65_536
        assert len(source.window.data) == 100_015
    with pytest.raises(ValueError, match="closed"):
        source.window.advance(0)


def test_standard_input_is_read_on_and_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = io.BufferedReader(io.BytesIO(b"samples"))
    monkeypatch.setattr("voipbin_cli.offline.source.open_stdin", lambda: pipe)
    with opened("-") as source:
        assert source.window.data == b"samples"
    assert not pipe.closed


@pytest.mark.parametrize("name", ["none", ".", "a\0b"])
def test_what_cannot_be_read_is_wrong_usage(tmp_path: Path, name: str) -> None:
    source = opened(str(tmp_path / name), hint="try")
    with pytest.raises(UsageError, match="cannot read") as caught, source:
        pass
    assert caught.value.hint == "try"


def test_damage_is_said_with_the_name_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x")
    with pytest.raises(UsageError) as caught, opened(str(path), hint_if_damaged="try") as _:
        raise DecodeError("truncated", "it is cut off")
    assert caught.value.message == f"cannot read {path}: it is cut off"
    assert caught.value.hint == "try"
