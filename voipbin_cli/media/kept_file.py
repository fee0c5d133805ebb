"""A file that is written, whatever becomes of its name meanwhile: moved, replaced, removed."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from itertools import count, islice
from pathlib import Path
from typing import NamedTuple

from voipbin_cli.errors import MachineError

_sync_data: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)
"""Puts a descriptor's data on the disk (macOS and Windows have only the wider fsync)."""
_COPIED_BYTES = 1 << 20
_MOST_NAMES = 100


class Moved(NamedTuple):
    """What to say of a file that is not where it was; its `path` from now on, unless that is so."""

    message: str
    path: str | None = None


def ignore(_moved: Moved) -> None:
    """Whoever did not ask is told nothing."""


class KeptFile(io.FileIO):
    """An unbuffered file that is followed where it is renamed, and made again where it is removed.

    Each `sync` looks where it is; `moved` is told, in the thread that syncs. Others can tell by an
    advisory lock (flock) that it is still written. `mode` as of `open`, binary.
    """

    def __init__(self, path: str, mode: str = "xb+", moved: Callable[[Moved], None] = ignore):
        super().__init__(path, mode)
        self.path = path
        self._moved = moved
        self._is_new = True
        # What has no name of its own, a pipe or what such a name never led to, is not followed.
        self._is_followed = self.filesystem is not None and self._is_at(path)
        _claim(self.fileno())

    @property
    def filesystem(self) -> int | None:
        """The file system that a regular file is on; None for anything else."""
        status = os.fstat(self.fileno())
        return status.st_dev if stat.S_ISREG(status.st_mode) else None

    def sync(self) -> None:
        """Bring it to the disk, with its name where that is new; see first where it is.

        Raises OSError where the disk refuses.
        """
        if self._is_followed:
            self._follow()
        _sync_data(self.fileno())
        if self._is_new:
            _sync_directory(self.path)
            self._is_new = False

    def close(self) -> None:
        """Close it, and remove it where nothing could be written: no other of its name, no link."""
        if self.closed:
            return
        status = os.fstat(self.fileno())
        is_void = self._is_followed and not status.st_size and self._is_at(self.path)
        super().close()
        with contextlib.suppress(OSError):
            if is_void and stat.S_ISREG(os.lstat(self.path).st_mode):
                os.unlink(self.path)

    def _is_at(self, path: str) -> bool:
        """Whether `path` leads here; also where that cannot be told now."""
        try:
            return os.path.samestat(os.stat(path), os.fstat(self.fileno()))
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:
            return True

    def _follow(self) -> None:
        if self._is_at(self.path):
            return
        if not os.fstat(self.fileno()).st_nlink:
            self._make_again()
            return
        path = _name_of(self.fileno())
        self._is_followed = path is not None
        self._tell(f"{self.path} was renamed or moved: it goes on as {path or 'that'}", path)

    def _make_again(self) -> None:
        """Copy a file that has no name any more into one that has."""
        mode = stat.S_IMODE(os.fstat(self.fileno()).st_mode)
        descriptor, path = _new_beside(self.path, mode)
        try:
            _copy(self.fileno(), descriptor)
            place = os.lseek(self.fileno(), 0, os.SEEK_CUR)
            os.dup2(descriptor, self.fileno(), inheritable=False)
            os.lseek(self.fileno(), place, os.SEEK_SET)
        except OSError:
            os.unlink(path)
            raise
        finally:
            os.close(descriptor)
        _claim(self.fileno())
        self._is_new = True
        self._tell(f"{self.path} was removed: all of it is in {path}, where it goes on", path)

    def _tell(self, message: str, path: str | None) -> None:
        self.path = path or self.path
        self._moved(Moved(message, self.path))


def _copy(source: int, target: int) -> None:
    at = 0
    while data := os.pread(source, _COPIED_BYTES, at):
        at += len(data)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(target, rest) :]


def _new_beside(path: str, mode: int) -> tuple[int, str]:
    """Make a file of that name, or one like it, as near to its place as can be written.

    Raises OSError where there is no such place.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
    error: OSError | None = None
    for candidate in _places(path):
        try:
            return os.open(candidate, flags, mode), candidate
        except OSError as refused:
            error = error or refused
    assert error is not None
    raise error


def _places(path: str) -> Iterator[str]:
    name = Path(path)
    for directory in (name.parent, Path(), Path(tempfile.gettempdir())):
        yield str(directory / name.name)
        for number in islice(count(2), _MOST_NAMES):
            yield str(directory / f"{name.stem}-{number}{name.suffix}")


def _name_of(descriptor: int) -> str | None:
    """What an open file is called now, None where this system does not tell."""
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        return None


def _claim(descriptor: int) -> None:
    """Let others know that it is written, where this system and its disk have such locks."""
    with contextlib.suppress(ImportError, OSError):
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_written(path: str) -> bool:
    """Whether a process writes it now; False where this system has no way to tell."""
    with contextlib.suppress(ImportError, FileNotFoundError, PermissionError):
        import fcntl

        with open(path, "rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError as error:
                return error.errno == errno.EWOULDBLOCK
    return False


def _sync_directory(path: str) -> None:
    """Have the disk keep the name of a new file, where a directory can be synced."""
    with contextlib.suppress(OSError):
        directory = os.open(os.path.dirname(path) or ".", os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def disk_error(path: str, error: OSError) -> MachineError:
    """The one wording for a disk that refuses, with what to do about it."""
    reason = error.strerror or str(error)
    return MachineError(
        f"cannot write {path}: {reason}",
        hint="free some space or write elsewhere; what was written so far is complete and readable",
    )
