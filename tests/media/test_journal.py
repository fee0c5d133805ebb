from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.media import witnesses
from tests.media.conftest import SMALL_DISK_BYTES
from voipbin_cli.errors import MachineError, UsageError
from voipbin_cli.media.audio_writer import LibsndfileWriter, check_output, open_writer
from voipbin_cli.media.journal import journal_of, left_behind
from voipbin_cli.media.kept_file import Moved

COMPRESSED = ["flac", "ogg", "opus", "mp3"]
TONE = b"\0\1\0\2" * 4000


@pytest.mark.parametrize("suffix", COMPRESSED)
def test_a_kill_leaves_all_that_was_flushed_beside_the_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    code = (
        "import os, signal, sys\n"
        "from voipbin_cli.media.audio_writer import open_writer\n"
        "writer = open_writer(sys.argv[1])\n"
        f"writer.write({TONE!r})\n"
        "writer.flush()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code, path], check=False)
    assert ended.returncode == -signal.SIGKILL
    (left,) = left_behind(str(tmp_path))
    assert left == journal_of(str(path))
    for read in witnesses.ALL.values():
        assert read(Path(left)) == TONE
    with pytest.raises(UsageError, match="exists already"):
        check_output(str(path.with_name(f"a.{suffix}")), overwrite=False)


def test_it_goes_once_the_file_is_whole_and_is_not_left_behind_before(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    writer = open_writer(str(path))
    writer.write(TONE)
    writer.flush()
    assert Path(journal_of(str(path))).exists()
    assert left_behind(str(tmp_path)) == []
    writer.close()
    writer.close()
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.flac"]
    assert witnesses.by_libsndfile(path) == TONE


def test_what_a_kill_left_is_not_written_over_unasked(tmp_path: Path) -> None:
    path = str(tmp_path / "a.flac")
    Path(journal_of(path)).write_bytes(b"all of it")
    with pytest.raises(UsageError, match=r"a\.flac\.partial\.wav exists already"):
        check_output(path)
    told: list[Moved] = []
    writer = open_writer(path, moved=told.append)  # it came after the check
    writer.write(TONE)
    writer.close()
    assert len(told) == 1
    assert Path(journal_of(path)).read_bytes() == b"all of it"
    open_writer(path, overwrite=True).close()
    assert not Path(journal_of(path)).exists()


def test_it_makes_room_for_the_file_where_the_disk_is_full(small_disk: Path) -> None:
    told: list[Moved] = []
    path = small_disk / "a.mp3"
    writer = open_writer(str(path), moved=told.append)
    for _ in range(SMALL_DISK_BYTES // len(TONE)):  # as a WAV that would be all of the disk
        writer.write(TONE)
    writer.close()
    assert [moved.path for moved in told] == [None]
    assert [entry.name for entry in small_disk.iterdir()] == ["a.mp3"]
    samples = len(TONE) // 2 * (SMALL_DISK_BYTES // len(TONE))
    assert len(witnesses.by_libsndfile(path)) == 2 * samples


def test_it_stays_where_the_file_does_not_hold_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.flac"
    writer = open_writer(str(path))
    writer.write(TONE)

    def fail(_encoder: LibsndfileWriter) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(LibsndfileWriter, "_finish", fail)
    with pytest.raises(MachineError, match="Input/output error") as raised:
        writer.close()
    left = journal_of(str(path))
    assert left in raised.value.hint
    assert witnesses.by_stdlib_wave(Path(left)) == TONE


def test_a_file_is_read_back_before_it_counts_as_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    writer = open_writer(str(path))
    writer.write(TONE)
    writer.flush()
    writer._encoder._frames += 1  # type: ignore[attr-defined]
    with pytest.raises(MachineError, match="holds 8000 of 8001 samples"):
        writer.close()
