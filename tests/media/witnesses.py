"""Readers from outside: what they read out of a file is what it holds."""

from __future__ import annotations

import subprocess
import wave
from pathlib import Path

import soundfile

from tests.support.needs import need


def _run(*command: str) -> subprocess.CompletedProcess[bytes]:
    need(command[0])
    return subprocess.run(command, capture_output=True, check=True)


def by_sox(path: Path) -> bytes:
    """s16le samples as sox reads them; any warning of sox is a failure."""
    done = _run("sox", str(path), "-t", "raw", "-e", "signed-integer", "-b", "16", "-L", "-")
    assert done.stderr == b"", done.stderr
    return done.stdout


def by_stdlib_wave(path: Path) -> bytes:
    with wave.open(str(path), "rb") as reader:
        pcm = reader.readframes(reader.getnframes())
        assert len(pcm) == reader.getnframes() * reader.getsampwidth() * reader.getnchannels()
        return pcm


def by_libsndfile(path: Path) -> bytes:
    """In blocks: an unfinished FLAC does not say how long it is."""
    blocks = []
    with soundfile.SoundFile(str(path)) as file:
        while len(block := file.read(8192, dtype="int16", always_2d=True)):
            blocks.append(block.astype("<i2").tobytes())
    return b"".join(blocks)


def by_ffmpeg(path: Path) -> bytes:
    done = _run("ffmpeg", "-v", "error", "-i", str(path), "-f", "s16le", "-")
    assert done.stderr == b"", done.stderr
    return done.stdout


def duration_by_ffprobe(path: Path) -> float:
    done = _run(
        "ffprobe", "-v", "error", "-show_entries", "stream=duration", "-of", "csv=p=0", str(path)
    )
    assert done.stderr == b"", done.stderr
    return float(done.stdout)


ALL = {"sox": by_sox, "wave": by_stdlib_wave, "libsndfile": by_libsndfile, "ffmpeg": by_ffmpeg}
RF64 = {name: read for name, read in ALL.items() if name != "wave"}
