from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.media import witnesses
from voipbin_cli.media.audio_writer import AudioWriter, open_writer
from voipbin_cli.media.kept_file import KeptFile, Moved

FIRST, SECOND = b"\1\0" * 800, b"\2\0" * 800


def written(path: Path, told: list[Moved]) -> AudioWriter:
    """A recording that is under way, brought to the disk once."""
    path.parent.mkdir(exist_ok=True)
    writer = open_writer(str(path), moved=told.append)
    writer.write(FIRST)
    writer.flush(sync=True)
    return writer


def go_on(writer: AudioWriter) -> None:
    writer.flush(sync=True)
    writer.write(SECOND)
    writer.close()


def test_where_nothing_happens_nothing_is_said(tmp_path: Path) -> None:
    told: list[Moved] = []
    go_on(written(tmp_path / "a.wav", told))
    assert told == []


def test_a_file_that_is_renamed_goes_on_under_its_new_name(tmp_path: Path) -> None:
    told: list[Moved] = []
    path, elsewhere = tmp_path / "a.wav", tmp_path / "b.wav"
    writer = written(path, told)
    path.rename(elsewhere)
    go_on(writer)
    assert told == [
        Moved(f"{path} was renamed or moved: it goes on as {elsewhere}", str(elsewhere))
    ]
    assert witnesses.by_stdlib_wave(elsewhere) == FIRST + SECOND
    assert not path.exists()


@pytest.mark.parametrize("suffix", ["wav", "raw", "flac"])
def test_a_file_that_is_removed_is_made_again(tmp_path: Path, suffix: str) -> None:
    told: list[Moved] = []
    path = tmp_path / f"a.{suffix}"
    writer = written(path, told)
    path.unlink()
    go_on(writer)
    assert told == [
        Moved(f"{path} was removed: all of it is in {path}, where it goes on", str(path))
    ]
    kept = path.read_bytes() if suffix == "raw" else witnesses.by_libsndfile(path)
    assert kept == FIRST + SECOND


def test_a_file_that_is_replaced_leaves_the_other_alone(tmp_path: Path) -> None:
    told: list[Moved] = []
    path, other = tmp_path / "a.wav", tmp_path / "other"
    writer = written(path, told)
    other.write_bytes(b"not ours")
    other.replace(path)
    go_on(writer)
    (moved,) = told
    assert moved.path == str(tmp_path / "a-2.wav")
    assert witnesses.by_stdlib_wave(Path(moved.path)) == FIRST + SECOND
    assert path.read_bytes() == b"not ours"


def test_a_directory_that_is_gone_has_the_file_go_on_where_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Moved] = []
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    path = tmp_path / "gone" / "a.wav"
    writer = written(path, told)
    path.unlink()
    path.parent.rmdir()
    go_on(writer)
    assert [moved.path for moved in told] == ["a.wav"]
    assert witnesses.by_stdlib_wave(here / "a.wav") == FIRST + SECOND


def test_a_file_that_is_removed_in_its_last_moment_is_there_at_the_end(tmp_path: Path) -> None:
    told: list[Moved] = []
    path = tmp_path / "a.wav"
    writer = written(path, told)
    path.unlink()
    writer.close()
    assert len(told) == 1
    assert witnesses.by_stdlib_wave(path) == FIRST


def test_an_empty_file_goes_when_it_is_closed_but_no_link_and_no_other(tmp_path: Path) -> None:
    target, link, full = tmp_path / "target", tmp_path / "link", tmp_path / "full"
    link.symlink_to(target)
    for path in (link, full, tmp_path / "empty", tmp_path / "taken"):
        file = KeptFile(str(path)) if path is not link else KeptFile(str(path), "wb+")
        file.write(b"x" if path is full else b"")
        if path.name == "taken":
            path.rename(tmp_path / "away")
            path.touch()
        file.close()
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"away", "full", "link", "target", "taken"}


def test_the_directory_is_synced_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []

    def fsync(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))

    monkeypatch.setattr(os, "fsync", fsync)
    go_on(written(tmp_path / "a.wav", []))
    assert synced == [str(tmp_path)]
