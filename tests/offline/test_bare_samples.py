"""Bare samples are cut as they sound."""

from __future__ import annotations

import io

import pytest

from tests.support.hextext import vector
from voipbin_cli.capture.window import Window
from voipbin_cli.offline import bare_samples
from voipbin_cli.offline.bare_samples import frame_bytes, sample_frames


@pytest.mark.parametrize(("name", "size"), [("sln-deployed", 160), ("sln-linear", 320)])
def test_samples_are_cut_by_what_they_sound_like(
    name: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = b"".join(vector(name))
    assert frame_bytes(data) == size
    monkeypatch.setattr(bare_samples, "_PIECE_BYTES", 700)
    window = Window(io.BytesIO(data))
    window.data = data[:2000]
    pieces = list(sample_frames(window))
    assert len(pieces) > 5
    assert sum(len(frames) for frames in pieces) == 50
    assert {int(length) for frames in pieces for length in frames.length} == {size}


def test_what_is_left_at_the_end_is_a_shorter_frame() -> None:
    pieces = list(sample_frames(Window(io.BytesIO(bytes(320 * 3 + 7)))))
    assert [length for frames in pieces for length in frames.length.tolist()] == [320] * 3 + [7]


@pytest.mark.parametrize(("byte", "size"), [(0xFF, 160), (0xD5, 160), (0x00, 320)])
def test_silence_is_cut_by_its_byte(byte: int, size: int) -> None:
    assert frame_bytes(bytes([byte]) * 3200) == size
