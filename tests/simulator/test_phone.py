from __future__ import annotations

import struct
import wave
from pathlib import Path

import pytest

from voipbin_cli.errors import MachineError
from voipbin_cli.simulator.phone import HeardFile, mix


def _tick(value: int) -> bytes:
    return struct.pack("<h", value) * 160


def _read(path: Path) -> bytes:
    with wave.open(str(path), "rb") as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
        return file.readframes(file.getnframes())


def test_nobody_plays_silence_and_one_plays_himself() -> None:
    assert mix([]) == mix([None]) == bytes(320)
    assert mix([None, _tick(5), None]) == _tick(5)


def test_two_are_added_and_do_not_wrap() -> None:
    assert mix([_tick(5), _tick(-7)]) == _tick(-2)
    assert mix([_tick(30000), _tick(30000)]) == _tick(32767)
    assert mix([_tick(-30000), _tick(-30000), None]) == _tick(-32768)


def test_the_file_can_be_read_while_it_grows_but_for_the_last_fifth_of_a_second(
    tmp_path: Path,
) -> None:
    heard = HeardFile(tmp_path / "heard.wav")
    assert _read(heard.path) == b""
    for number in range(25):
        heard(_tick(number))
        assert len(_read(heard.path)) >= (number + 1) * 320 - 3200
    heard.close()
    assert _read(heard.path) == b"".join(_tick(number) for number in range(25))


def test_a_file_that_cannot_be_made_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="nowhere"):
        HeardFile(tmp_path / "nowhere" / "heard.wav")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_said_plainly() -> None:
    with pytest.raises(MachineError, match="space"):
        HeardFile(Path("/dev/full"))
