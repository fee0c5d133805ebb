"""What an archive is made of: files by path, glob or list, members of tar and zip, objects by URL.

An item is small and can be sent to another machine; opening it there gives a file on that machine.
"""

from __future__ import annotations

import contextlib
import glob
import os
import re
import sys
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any, Literal, TypeAlias, cast

from voipbin_cli.errors import UsageError, VoipbinError
from voipbin_cli.offline.compressed import decompressed
from voipbin_cli.transport.secret_masking import bare_url

MEMBER = "!"
"""Stands between the name of an archive and that of its member."""
_MOST_BYTES = 64 << 30
_COPY_BYTES = 1 << 20
# POSIX 1003.1 ustar; bzip2 and xz are unpacked by tarfile, and hold no capture that we read.
_TAR_MAGIC, _TAR_MAGIC_AT = b"ustar", 257
_OF_TARFILE = (b"BZh", b"\xfd7zXZ\0")
_URL = re.compile(r"\w+://[^\s'\"]+")
_DAMAGES = (OSError, EOFError, tarfile.TarError, zipfile.BadZipFile, zlib.error, VoipbinError)


@dataclass(frozen=True, slots=True)
class Item:
    """A file on this machine, and on any other that shares its paths, or an object by its URL.

    `bytes` is its size, where that is known without opening it.
    """

    path: str
    bytes: int | None = None

    @property
    def name(self) -> str:
        """What its rows call it: a URL without what it may hold of secrets."""
        return bare_url(self.path) if is_url(self.path) else self.path


def is_url(path: str) -> bool:
    """Whether it is an address, and no path."""
    return "://" in path


def items(paths: Iterable[str]) -> Iterator[Item]:
    """All files that `paths` name, in order: directories with all that is below, globs, URLs.

    Hidden files and folders below a directory are left out. Raises UsageError for what is not
    there.
    """
    for path in paths:
        if is_url(path):
            yield from _objects(path)
        elif os.path.isdir(path):
            yield from _below(path)
        elif os.path.exists(path):
            yield Item(path, os.path.getsize(path))
        elif found := sorted(glob.iglob(path, recursive=True)):
            yield from items(found)
        else:
            raise UsageError(f"{path} is not there", hint="give a file, a directory or a glob")


def listed(path: str) -> Iterator[str]:
    """The names in a file, or standard input (`-`), a line each. Raises UsageError."""
    try:
        with open(path, encoding="utf-8") if path != "-" else sys.stdin as file:
            yield from filter(None, map(str.strip, cast("IO[str]", file)))
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read {path}: {error}", hint="a list is a name a line") from error


def _below(folder: str) -> Iterator[Item]:
    for at, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = os.path.join(at, name)
            if not name.startswith(".") and os.path.isfile(path):
                yield Item(path, os.path.getsize(path))


def _fsspec() -> Any:
    try:
        import fsspec
    except ImportError as error:
        raise UsageError(
            "a URL wants fsspec, which is not installed", hint="pip install 'voipbin[archive]'"
        ) from error
    return fsspec


def _objects(url: str) -> Iterator[Item]:
    """What a URL names: an object, all objects of a pattern, all below a prefix."""
    try:
        system, path = _fsspec().core.url_to_fs(url)
        scheme = url.partition("://")[0]
        if scheme in ("http", "https"):
            yield Item(url)
            return
        found = system.glob(path) if glob.has_magic(path) else system.find(path)
        for each in sorted(found):
            yield Item(system.unstrip_protocol(each), system.size(each))
    except Exception as error:  # each kind of store has errors of its own
        raise UsageError(
            f"cannot list {bare_url(url)}: {_first_line(error)}",
            hint="is the address right, and are the package and the credentials of its store here?",
        ) from error


def contents(item: Item) -> Iterator[tuple[str, str]]:
    """Each file that an item holds: the name for its rows, and a path that is good until the next.

    An archive (tar, compressed or not, or zip) holds its members, anything else itself. Raises
    OSError where it cannot be had; an archive that is damaged ends so, too, behind what it gave.
    """
    with tempfile.TemporaryDirectory(prefix="voipbin-") as folder:
        path = _fetched(item.path, folder) if is_url(item.path) else item.path
        members = _members(path)
        if members is None:
            yield item.name, path
            return
        try:
            for name, member in members:
                copied = _copied(member, folder, name)
                yield f"{item.name}{MEMBER}{name}", copied
                os.unlink(copied)
        except _DAMAGES as error:
            raise OSError(f"the archive is cut or damaged: {error}") from error


def _fetched(url: str, folder: str) -> str:
    try:
        with _fsspec().open(url, "rb") as source:
            return _copied(source, folder, url.partition("?")[0])
    except Exception as error:  # each kind of store has errors of its own
        raise OSError(_first_line(error)) from error


def _first_line(error: Exception) -> str:
    """What it says, without the secrets that the URLs in it may hold."""
    said = str(error).strip() or type(error).__name__
    return _URL.sub(lambda found: bare_url(found[0]), said.splitlines()[0])


def _copied(source: IO[bytes], folder: str, name: str) -> str:
    """Copy it to a file whose suffix is that of `name`: it tells what bare samples are.

    A few compressed bytes can claim to be any number of them: the copy is bounded.
    """
    path = os.path.join(folder, "item" + os.path.splitext(name)[1][:16].replace("/", ""))
    left = _MOST_BYTES
    with open(path, "wb") as copy:
        while block := source.read(min(_COPY_BYTES, left)):
            copy.write(block)
            left -= len(block)
    return path


_Members: TypeAlias = Iterator[tuple[str, IO[bytes]]]


def _members(path: str) -> _Members | None:
    """The members of an archive, None of anything else."""
    if zipfile.is_zipfile(path):
        return _of_zip(path)
    with open(path, "rb") as file:
        if file.peek(8).startswith(_OF_TARFILE):
            return _of_tar(path, "r|*")
        with contextlib.suppress(*_DAMAGES):
            head = decompressed(file).read(_TAR_MAGIC_AT + len(_TAR_MAGIC))
            return _of_tar(path) if head.endswith(_TAR_MAGIC) else None
    return None


def _of_tar(path: str, mode: Literal["r|", "r|*"] = "r|") -> _Members:
    with open(path, "rb") as file:
        source = decompressed(file) if mode == "r|" else file
        with tarfile.open(fileobj=source, mode=mode) as archive:
            for member in archive:
                if member.isfile() and (content := archive.extractfile(member)):
                    yield member.name, content


def _of_zip(path: str) -> _Members:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if not member.is_dir():
                with archive.open(member) as content:
                    yield member.filename, content
