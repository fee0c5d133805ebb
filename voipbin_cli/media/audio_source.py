"""Audio files and pipes of any form, read as blocks of 20 ms: 8 kHz, mono, s16le."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Sequence
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from voipbin_cli.errors import UsageError
from voipbin_cli.media.resample import Resampler, Samples
from voipbin_cli.media.sound_file import OpenSound, misnamed_words, missing_words, open_sound
from voipbin_cli.media.wav_reader import WavReader
from voipbin_cli.standard_streams import open_stdin

RATE_HZ = 8000
BLOCK_SAMPLES = 160
BLOCK_BYTES = 2 * BLOCK_SAMPLES
MAX_GAIN_DB = 60
_READS_A_SECOND = 10
# Samples read at a time at the most (4 MiB), whatever rate and channels a header claims.
_MAX_READ_SAMPLES = 1 << 20
_FULL_SCALE = 1 << 15


class _Input(Protocol):
    """One open file."""

    rate_hz: int
    channels: int

    def read(self, frames: int) -> npt.NDArray[np.float32]:
        """(frames, channels), fewer or none at the end."""


class AudioSource:
    """Audio files one after the other, without a gap, each read while it is played.

    Args:
        paths: file names; `-` is standard input (WAV, or raw when `raw_stdin` is set). Named
            pipes are read as standard input is.
        loop: how often all of them are played; 0 is for ever.
        gain_db: applied after mixing; what goes beyond full scale is held there and counted.
        raw_rate_hz, raw_channels: of raw s16le (`.raw`, `.pcm`, `.sln`, standard input).

    `damages` has a sentence for each file that was played and held less than it promised, `doubts`
    one for each that sounds like other codes than its name says.

    Raises:
        UsageError: a file cannot be read, is no audio or holds none. All are looked at here, so
            that nothing fails in the middle of a call.
    """

    def __init__(
        self,
        paths: Sequence[str],
        *,
        loop: int = 1,
        gain_db: float = 0.0,
        raw_stdin: bool = False,
        raw_rate_hz: int = RATE_HZ,
        raw_channels: int = 1,
    ) -> None:
        self._paths = list(paths)
        self._loop = loop
        self._raw = (raw_rate_hz, raw_channels)
        self._raw_stdin = raw_stdin
        self.duration_s: float | None = None
        self.damages: dict[str, str] = {}
        self.doubts: list[str] = []
        if not -MAX_GAIN_DB <= gain_db <= MAX_GAIN_DB:
            raise UsageError(
                f"a gain of {gain_db:g} dB is beyond ±{MAX_GAIN_DB} dB",
                hint="20 dB is ten times as loud",
            )
        if loop < 0:
            raise UsageError("nothing can be played less than never")
        pipes = [path for path in self._paths if is_pipe(path)]
        if len(pipes) > len(set(pipes)) or (pipes and loop != 1):
            raise UsageError("a pipe can be played once only", hint="give the name of a file")
        self._gain = np.float32(10 ** (gain_db / 20) * _FULL_SCALE)
        self._check()

    def blocks(self) -> Iterator[bytes]:
        """Blocks of 320 bytes; the last is filled up with silence. To be asked once."""
        pending = bytearray()
        for samples in self._all_samples():
            pending += self._to_s16le(samples)
            whole = len(pending) // BLOCK_BYTES * BLOCK_BYTES
            for at in range(0, whole, BLOCK_BYTES):
                yield bytes(pending[at : at + BLOCK_BYTES])
            del pending[:whole]
        if pending:
            yield bytes(pending.ljust(BLOCK_BYTES, b"\0"))

    def _check(self) -> None:
        """Open each file once; add up how long they are."""
        seconds = 0.0
        for path in self._paths:
            if is_pipe(path):
                seconds = float("inf")
                continue
            file = self._open_file(path)
            seconds += float("inf") if file.frames is None else file.frames / file.rate_hz
            file.close()
            if file.frames == 0:
                raise _no_audio(path)
            if (doubt := misnamed_words(path)) is not None and doubt not in self.doubts:
                self.doubts.append(doubt)
        if self._loop and seconds < float("inf"):
            self.duration_s = seconds * self._loop

    def _all_samples(self) -> Iterator[Samples]:
        played = 0
        while self._loop == 0 or played < self._loop:
            for path in self._paths:
                with _told_as_unreadable(path), contextlib.ExitStack() as stack:
                    file = _Counted(self._open(path, stack))
                    count = 0
                    for samples in _mono_at_8k(file):
                        count += len(samples)
                        yield samples
                    self._note_missing(path, file.file, file.frames)
                    # Whether a pipe holds any audio is known at its end only.
                    if not count and is_pipe(path):
                        raise _no_audio(_pipe_name(path))
            played += 1

    def _to_s16le(self, samples: Samples) -> bytes:
        with np.errstate(over="ignore", invalid="ignore"):
            scaled = np.nan_to_num(np.rint(samples * self._gain), nan=0.0)
        kept = np.clip(scaled, -_FULL_SCALE, _FULL_SCALE - 1)
        pcm: bytes = kept.astype("<i2").tobytes()
        return pcm

    def _open(self, path: str, stack: contextlib.ExitStack) -> _Input:
        if not is_pipe(path):
            file = self._open_file(path)
            stack.callback(file.close)
            return file
        pipe = open_stdin() if path == "-" else open(path, "rb")  # noqa: SIM115
        stack.callback(pipe.close)
        if self._raw_stdin:
            return _RawPipe(pipe, *self._raw)
        return WavReader(pipe, _pipe_name(path))

    def _open_file(self, path: str) -> OpenSound:
        return open_sound(path, self._raw)

    def _note_missing(self, path: str, file: _Input | OpenSound, frames: int) -> None:
        """Say once of each file that it held less than it promised."""
        if is_pipe(path) or path in self.damages:
            return
        words = missing_words(path, cast(OpenSound, file), frames)
        if words is not None:
            self.damages[path] = words


class _Counted:
    """An input, and how many frames of it were read."""

    def __init__(self, file: _Input) -> None:
        self.file = file
        self.rate_hz, self.channels = file.rate_hz, file.channels
        self.frames = 0

    def read(self, frames: int) -> npt.NDArray[np.float32]:
        samples = self.file.read(frames)
        self.frames += len(samples)
        return samples


class _RawPipe:
    """s16le from a pipe."""

    def __init__(self, file: Any, rate_hz: int, channels: int) -> None:
        self._file = file
        self.rate_hz = rate_hz
        self.channels = channels

    def read(self, frames: int) -> npt.NDArray[np.float32]:
        data = self._file.read(frames * self.channels * 2)
        whole = len(data) // (2 * self.channels) * self.channels
        samples = np.frombuffer(data, "<i2", whole).astype(np.float32) / np.float32(_FULL_SCALE)
        return samples.reshape(-1, self.channels)


def is_pipe(path: str) -> bool:
    """Whether it is standard input, a named pipe or a device: what can be read once."""
    if path == "-":
        return True
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)


@contextlib.contextmanager
def _told_as_unreadable(path: str) -> Iterator[None]:
    """Say of what the system does not let be read that it is the input's fault."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"cannot read {_pipe_name(path)}: {reason}") from error


def _pipe_name(path: str) -> str:
    return "standard input" if path == "-" else path


def _no_audio(name: str) -> UsageError:
    return UsageError(f"{name} holds no audio", hint="check what wrote it")


def _mono_at_8k(file: _Input) -> Iterator[Samples]:
    """The mean of the channels, which never clips, at 8 kHz."""
    resampler = Resampler(file.rate_hz, RATE_HZ)
    frames = max(1, min(file.rate_hz // _READS_A_SECOND, _MAX_READ_SAMPLES // file.channels))
    while len(samples := file.read(frames)):
        mono = samples[:, 0] if file.channels == 1 else samples.mean(axis=1, dtype=np.float32)
        yield resampler.process(mono)
    yield resampler.process(np.empty(0, np.float32), last=True)
