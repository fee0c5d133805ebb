"""Opens what a person names: a file or standard input, and says what kind of file it is."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, NoReturn, cast

from voipbin_cli.capture.window import Window
from voipbin_cli.errors import DecodeError, NothingToJudge, UsageError
from voipbin_cli.offline.compressed import decompressed
from voipbin_cli.offline.file_kind import HEAD_BYTES, FileKind, foreign_name, sniff

STDIN = "-"


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """An open file: its first bytes, by which its kind is told, and the window on all of it."""

    window: Window
    head: bytes
    kind: FileKind


@contextmanager
def opened(path: str, *, hint: str = "", hint_if_damaged: str = "") -> Iterator[OpenedFile]:
    """Open a file, or standard input (`-`), to read it from its beginning.

    Raises UsageError for a file that cannot be read, and in place of a DecodeError of the body.
    """
    with opened_bytes(path, hint=hint) as file:
        try:
            window = Window(file)
            head = window.data[:HEAD_BYTES]
            yield OpenedFile(window, head, sniff(head))
        except DecodeError as error:
            message = f"cannot read {source_name(path)}: {error.message}"
            raise UsageError(message, hint=hint_if_damaged) from error


@contextmanager
def opened_bytes(path: str, *, hint: str = "") -> Iterator[BinaryIO]:
    """Open a file, or standard input, which stays open; what is compressed is unpacked on the way.

    Raises UsageError where that fails.
    """
    if path == STDIN:
        yield decompressed(cast(io.BufferedReader, sys.stdin.buffer))
        return
    try:
        file = open(path, "rb")  # noqa: SIM115 - closed below; only opening it is wrong usage
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot read {path}: {reason}", hint=hint) from error
    with file:
        yield decompressed(file)


def refuse(path: str, source: OpenedFile, hint: str) -> NoReturn:
    """Say why this file is not read as a stream: raises UsageError, or NothingToJudge if empty."""
    name = source_name(path)
    if source.kind is FileKind.FOREIGN:
        raise UsageError(f"{name} is {foreign_name(source.head)}", hint=hint)
    if not source.head:
        raise NothingToJudge(f"{name} is empty", hint=hint)
    raise UsageError(
        f"{name} is neither a capture nor a dump that is known by its bytes", hint=hint
    )


def source_name(path: str) -> str:
    """What a source is called in a message."""
    return "standard input" if path == STDIN else path
