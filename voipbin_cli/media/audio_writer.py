"""One opener for every audio file that is written: the format follows the suffix."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import stat
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from voipbin_cli.errors import MachineError, UsageError, VoipbinError
from voipbin_cli.media.journal import Journal, JournaledWriter, journal_of
from voipbin_cli.media.kept_file import KeptFile, Moved, disk_error, ignore
from voipbin_cli.media.wav_writer import WavWriter, streaming_header


class ByteWriter(Protocol):
    """Writes bytes to a file: s16le samples to an audio file, whole blocks to a capture."""

    @property
    def filesystem(self) -> int | None:
        """The file system it is on; None for a pipe or a device, where a write may block."""

    def write(self, data: bytes, /) -> None:
        """Append."""

    def flush(self, sync: bool = False) -> None:
        """Make what was written readable for others; with `sync`, also bring it to the disk."""

    def close(self) -> None:
        """Finish the file. Closing twice is no error."""


AudioWriter = ByteWriter
"""A `ByteWriter` whose bytes are interleaved s16le samples."""


class AppendFile:
    """Bytes as they come, in a regular file; a write that does not fit leaves no part of it."""

    def __init__(self, file: KeptFile) -> None:
        self.filesystem = file.filesystem
        self._file = file
        self._size_bytes = 0

    def write(self, data: bytes, /) -> None:
        """Append all of `data`, or nothing and raise MachineError."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            with contextlib.suppress(OSError):
                self._file.truncate(self._size_bytes)
                self._file.seek(self._size_bytes)
            raise disk_error(self._file.path, error) from error
        self._size_bytes += len(data)

    def flush(self, sync: bool = False) -> None:
        """Nothing is held back here; `sync` brings it to the disk."""
        if not sync:
            return
        try:
            self._file.sync()
        except OSError as error:
            raise disk_error(self._file.path, error) from error

    def close(self) -> None:
        """Sync and close. Twice is no error."""
        if self._file.closed:
            return
        try:
            self.flush(sync=True)
        finally:
            self._file.close()


class PipeWriter:
    """Samples into something that cannot seek. `BrokenPipeError` passes through as it is.

    `owned` is closed at the end; standard output stays its owner's. A named pipe in place of a
    descriptor is opened by the first `write`, which waits until somebody reads from it.
    """

    filesystem = None

    def __init__(self, to: int | str, header: bytes = b"", owned: KeptFile | None = None) -> None:
        self._to = to
        self._header = header
        self._owned = owned

    def _opened(self) -> int:
        if isinstance(self._to, str):
            self._owned = open_new(self._to)
            self._to = self._owned.fileno()
        return self._to

    def write(self, data: bytes, /) -> None:
        """Write all, waiting where the descriptor is non-blocking and its reader is slow."""
        fd = self._opened()
        rest = memoryview(self._header + data)
        self._header = b""
        while rest:
            try:
                rest = rest[os.write(fd, rest) :]
            except BlockingIOError:
                select.select([], [fd], [])
            except BrokenPipeError:
                raise
            except OSError as error:
                raise disk_error("the pipe", error) from error

    def flush(self, sync: bool = False) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Send the header if no sample came."""
        try:
            if self._header:
                self.write(b"")
        finally:
            if self._owned is not None:
                self._owned.close()


# The disk is full, or what one user may have of it.
_FULL = (errno.ENOSPC, errno.EDQUOT)


class _EncodedFile:
    """What libsndfile writes and seeks in. It hides what a disk refuses; this keeps it.

    From the first `error` on nothing is written any more: the encoder finishes into nowhere.
    """

    def __init__(self, file: KeptFile) -> None:
        self.error: OSError | None = None
        self.make_room: Callable[[], bool] = lambda: False
        self.read = file.read
        self._file = file

    def write(self, data: bytes, /) -> int:
        """Write all of it, or keep the error; libsndfile is told that all is well."""
        rest = memoryview(data)
        while rest and self.error is None:
            try:
                rest = rest[self._file.write(rest) :]
            except OSError as error:
                if not (error.errno in _FULL and self.make_room()):
                    self.error = error
        return len(data)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """As of a file."""
        return self._file.seek(offset, whence) if self.error is None else 0

    def tell(self) -> int:
        """As of a file."""
        return self._file.tell() if self.error is None else 0


class LibsndfileWriter:
    """A compressed format. After a crash all but what its encoder still held is readable.

    FLAC holds up to 4096 samples (0.5 s at 8 kHz), Opus a second and more, Ogg a page of some six
    seconds. A FLAC file has its length when it is closed: until then some readers take none.
    So a `JournaledWriter` keeps a WAV beside it. `make_room` is called where the disk is full,
    and says whether there may be room now.
    """

    def __init__(
        self, file: KeptFile, container: str, subtype: str, *, rate_hz: int, channels: int
    ) -> None:
        import soundfile

        self.filesystem = file.filesystem
        self._file = file
        self._encoded = _EncodedFile(file)
        self._whole_bytes = self._frames = 0
        self._frame_bytes = 2 * channels
        self._errors = (soundfile.SoundFileError, AssertionError)
        self._sound = self._guard(
            lambda: soundfile.SoundFile(
                self._encoded, "w", rate_hz, channels, subtype, None, container
            )
        )

    def write(self, data: bytes, /) -> None:
        """Encode and append; MachineError when the disk refuses."""
        self._guard(lambda: self._sound.buffer_write(data, dtype="int16"))
        self._frames += len(data) // self._frame_bytes
        self._whole_bytes = os.fstat(self._file.fileno()).st_size

    def flush(self, sync: bool = False) -> None:
        """What was encoded is written at once; `sync` brings it to the disk."""
        if sync:
            self._guard(self._file.sync)

    def close(self) -> None:
        """Finish the stream, sync, read it back, close. Twice is no error."""
        if self._file.closed:
            return
        try:
            if self._encoded.error is None:
                self._guard(self._finish)
                self._read_back()
            else:
                self._sound.close()  # into nowhere
        finally:
            self._file.close()

    @property
    def make_room(self) -> Callable[[], bool]:
        """What is called where the disk is full."""
        return self._encoded.make_room

    @make_room.setter
    def make_room(self, make_room: Callable[[], bool]) -> None:
        self._encoded.make_room = make_room

    def _finish(self) -> None:
        self._sound.close()
        self._file.sync()

    def _read_back(self) -> None:
        """Raise MachineError where the file does not hold what was written."""
        import soundfile

        if not self._file.readable():
            return
        self._file.seek(0)
        try:
            frames = soundfile.info(self._file).frames
        except self._errors:
            frames = 0
        if frames != self._frames:
            raise MachineError(f"{self._file.path} holds {frames} of {self._frames} samples")

    def _guard(self, action: Callable[[], Any]) -> Any:
        """Return what `action` does; cut the file after its last whole packet where it cannot."""
        error: Exception | None = None
        try:
            result = action()
        except (*self._errors, OSError) as raised:
            error = raised
        error = self._encoded.error or error
        if error is None:
            return result
        with contextlib.suppress(OSError):
            self._file.truncate(self._whole_bytes)
            self._file.sync()
        cause = error if isinstance(error, OSError) else OSError(0, "the encoder refused")
        self._encoded.error = cause
        raise disk_error(self._file.path, cause) from error


_COMPRESSED = {
    "flac": ("FLAC", "PCM_16"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
}
_RAW = ("raw", "pcm", "sln")
_EXISTS = "{} exists already"
_EXISTS_HINT = "choose another name, or give --overwrite"
_LEFT_HINT = "it holds what a recording that was killed had; move it away, or give --overwrite"
_APART_HINT = "give each a file of its own"
_IN_IT = "name a file in it"
_PLACE_HINT = "check that the directory exists and is yours"
FORMATS = ("wav", *_RAW, *_COMPRESSED)
"""Suffixes that `open_writer` knows."""


def open_writer(
    path: str,
    *,
    overwrite: bool = False,
    audio_format: str | None = None,
    rate_hz: int = 8000,
    channels: int = 1,
    moved: Callable[[Moved], None] = ignore,
) -> AudioWriter:
    """Open `path` for s16le audio; `-` is standard output (WAV there unless asked otherwise).

    Args:
        path: file name, or `-`.
        overwrite: replace an existing file.
        audio_format: one of `FORMATS`; None: by the suffix.
        moved: as `open_new` has it.

    Raises:
        UsageError: unknown suffix, or the file exists and `overwrite` is not set.
        MachineError: this machine cannot write there.
    """
    name = _format_of(path, audio_format)
    if path == "-":
        return PipeWriter(sys.stdout.fileno(), _pipe_header(name, rate_hz, channels))
    if _is_fifo(path):
        return PipeWriter(path, _pipe_header(name, rate_hz, channels))
    if name in _COMPRESSED and not _is_special(path):
        return _journaled(name, path, overwrite, rate_hz, channels, moved)
    file = open_new(path, overwrite=overwrite, moved=moved)
    if file.filesystem is None:
        return PipeWriter(file.fileno(), _pipe_header(name, rate_hz, channels), file)
    return _file_writer(name, file, rate_hz, channels)


def _journaled(
    name: str,
    path: str,
    overwrite: bool,
    rate_hz: int,
    channels: int,
    moved: Callable[[Moved], None],
) -> AudioWriter:
    """Open a compressed file behind its journal: a kill at any time leaves one that opens."""
    journal: Journal | None = None
    try:
        beside = open_new(journal_of(path), overwrite=overwrite, moved=lambda m: moved(Moved(m[0])))
        journal = Journal(beside, moved, rate_hz=rate_hz, channels=channels)
    except VoipbinError as error:
        moved(Moved(f"{error.message}: a kill may cost the recording its end"))
    try:
        file = open_new(path, overwrite=overwrite, moved=moved)
        encoder = _file_writer(name, file, rate_hz, channels)
    except VoipbinError:
        if journal is not None:
            journal.remove()
        raise
    assert isinstance(encoder, LibsndfileWriter)
    return encoder if journal is None else JournaledWriter(encoder, journal)


def _file_writer(name: str, file: KeptFile, rate_hz: int, channels: int) -> AudioWriter:
    try:
        if name == "wav":
            return WavWriter(file, rate_hz=rate_hz, channels=channels)
        if name in _RAW:
            return AppendFile(file)
        return LibsndfileWriter(file, *_COMPRESSED[name], rate_hz=rate_hz, channels=channels)
    except MachineError:
        file.close()
        raise


def check_output(path: str, *, audio_format: str | None = None, overwrite: bool = False) -> None:
    """Refuse now what `open_writer` would refuse later; makes and changes nothing.

    Raises:
        UsageError, MachineError: as `open_writer`.
    """
    name = _format_of(path, audio_format)
    if path == "-":
        return
    if name in _COMPRESSED and os.path.lexists(journal_of(path)) and not overwrite:
        raise UsageError(_EXISTS.format(journal_of(path)), hint=_LEFT_HINT)
    if os.path.isdir(path):
        raise UsageError(f"{path} is a directory", hint="give the name of a file")
    if os.path.lexists(path) and not overwrite and not _is_special(path):
        raise UsageError(_EXISTS.format(path), hint=_EXISTS_HINT)
    directory = os.path.dirname(path) or "."
    place = path if os.path.exists(path) else directory
    if not os.path.isdir(directory):
        raise MachineError(f"cannot write {path}: no directory {directory}", hint=_PLACE_HINT)
    if not os.access(place, os.W_OK):
        raise MachineError(f"cannot write {path}: {place} is not writable", hint=_PLACE_HINT)


def check_apart(outputs: Sequence[str | None], inputs: Sequence[str] = ()) -> None:
    """Refuse to write two things into one file, or into one that is read; `-` is a standard stream.

    Files are told apart by what they are: one may have several names, by links or `/dev/stdout`.

    Raises:
        UsageError: two of them are the same, other than /dev/null.
    """
    read = {_identity(path, stream=0) for path in inputs}
    written: set[object] = set()
    for path in outputs:
        if path is None or (identity := _identity(path, stream=1)) == _identity(os.devnull):
            continue
        if identity in read:
            raise UsageError(f"{path} is read, and cannot be written to", hint=_APART_HINT)
        if identity in written:
            raise UsageError(f"{path} cannot take two outputs", hint=_APART_HINT)
        written.add(identity)


def _identity(path: str, stream: int = 1) -> object:
    """What is one and the same file under all its names."""
    try:
        status = os.fstat(stream) if path == "-" else os.stat(path)
    except (OSError, ValueError):
        return os.path.realpath(path)
    return status.st_dev, status.st_ino


def _is_special(path: str) -> bool:
    """Whether it is there to be written to, such as a named pipe or a device."""
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)


def _is_fifo(path: str) -> bool:
    return os.path.exists(path) and stat.S_ISFIFO(os.stat(path).st_mode)


def open_bytes(
    path: str, *, overwrite: bool = False, moved: Callable[[Moved], None] = ignore
) -> ByteWriter:
    """Open `path` for whole blocks of bytes; a named pipe waits for its reader in the thread.

    Raises as `open_new`, which says what `moved` is.
    """
    if _is_fifo(path):
        return PipeWriter(path)
    file = open_new(path, overwrite=overwrite, moved=moved)
    return PipeWriter(file.fileno(), owned=file) if file.filesystem is None else AppendFile(file)


def refuse_directory(path: str) -> None:
    """Raise UsageError for a directory, where a file is to be written."""
    if os.path.isdir(path):
        raise UsageError(f"{path} is a directory", hint=_IN_IT)


def open_new(
    path: str, *, overwrite: bool = False, moved: Callable[[Moved], None] = ignore
) -> KeptFile:
    """Create `path`, unbuffered, without a moment in which another's file could be lost.

    `moved` is told, in the thread that writes, where it is once it is not there any more.

    Raises:
        UsageError: it exists (and `overwrite` is not set), or is a directory.
        MachineError: this machine cannot write there.
    """
    try:
        return KeptFile(path, _mode_for(path, overwrite=overwrite), moved)
    except FileExistsError as error:
        refuse_directory(path)
        raise UsageError(_EXISTS.format(path), hint=_EXISTS_HINT) from error
    except IsADirectoryError as error:
        raise UsageError(f"{path} is a directory", hint=_IN_IT) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise MachineError(f"cannot write {path}: {reason}", hint=_PLACE_HINT) from error


def _mode_for(path: str, *, overwrite: bool) -> str:
    """What is ours can be read again, too, where it has to be copied; a pipe is written only."""
    if _is_special(path) or (overwrite and os.path.exists(path) and not os.access(path, os.R_OK)):
        return "wb"
    return "wb+" if overwrite else "xb+"


def _format_of(path: str, audio_format: str | None) -> str:
    refuse_directory(path)
    suffix = "wav" if path == "-" else Path(path).suffix[1:].lower()
    name = audio_format or suffix
    if name not in FORMATS:
        raise UsageError(
            f"no audio format is called {name!r}" if name else f"{path} has no suffix",
            hint="use one of: " + ", ".join(f".{known}" for known in FORMATS),
        )
    return name


def _pipe_header(name: str, rate_hz: int, channels: int) -> bytes:
    if name == "wav":
        return streaming_header(rate_hz, channels)
    if name in _RAW:
        return b""
    raise UsageError(f"{name} cannot be written to a pipe", hint="use wav or raw")
