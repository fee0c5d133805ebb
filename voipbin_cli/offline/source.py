"""Opens what a person names: a file or standard input, and says what kind of file it is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from voipbin_cli.capture.window import Window
from voipbin_cli.errors import DecodeError, UsageError
from voipbin_cli.offline.file_kind import HEAD_BYTES, FileKind, sniff

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
    """Open a file, or standard input, which stays open. Raises UsageError where that fails."""
    if path == STDIN:
        yield sys.stdin.buffer
        return
    try:
        file = open(path, "rb")  # noqa: SIM115 - closed below; only opening it is wrong usage
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot read {path}: {reason}", hint=hint) from error
    with file:
        yield file


def source_name(path: str) -> str:
    """What a source is called in a message."""
    return "standard input" if path == STDIN else path
