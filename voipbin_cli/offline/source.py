"""Opens what a person names: a file or standard input, and says what kind of file it is."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple, NoReturn

from voipbin_cli.capture.formats import MAGIC_BYTES
from voipbin_cli.capture.window import Window
from voipbin_cli.codec.encapsulation import Encapsulation
from voipbin_cli.codec.known_files import foreign
from voipbin_cli.codec.lookalikes import is_text
from voipbin_cli.errors import DecodeError, NothingToJudge, UsageError
from voipbin_cli.offline.compressed import decompressed
from voipbin_cli.offline.file_kind import (
    HEAD_BYTES,
    FileKind,
    named_as,
    recording_name,
    sniff,
)
from voipbin_cli.standard_streams import open_stdin

STDIN = "-"
CAPTURES = "captures are pcap, pcapng or snoop"
_DUMPS = {
    FileKind.RTPDUMP: "an rtpdump",
    FileKind.AUDIOSOCKET: "AudioSocket frames",
    FileKind.RTP_PACKET: "one RTP packet",
}


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
        yield decompressed(open_stdin())
        return
    try:
        file = open(path, "rb")  # noqa: SIM115 - closed below; only opening it is wrong usage
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot read {path}: {reason}", hint=hint) from error
    with file:
        yield decompressed(file)


class Hints(NamedTuple):
    """What to do with a file that is not read: one that is known, a dump, bare bytes or text."""

    known: str
    dump: str
    bare: str


def refuse(path: str, source: OpenedFile, hints: Hints) -> NoReturn:
    """Say why this file is not read as a stream: raises UsageError, or NothingToJudge if empty."""
    name, head = source_name(path), source.head
    if source.kind is FileKind.RECORDING:
        message = f"{name} is {recording_name(head)}, no stream"
        raise UsageError(message, hint="voipbin stream diagnose judges recordings")
    if source.kind is FileKind.FOREIGN and (known := foreign(head)) is not None:
        remedy = known.remedy.replace("FILE", shlex.quote(path)) if path != STDIN else ""
        raise UsageError(f"{name} is {known.name}", hint=remedy or hints.known)
    if source.kind in _DUMPS:
        raise UsageError(f"{name} is {_DUMPS[source.kind]}, no capture", hint=hints.dump)
    if not head:
        raise NothingToJudge(f"{name} is empty", hint=hints.known)
    if len(head) < MAGIC_BYTES:
        raise UsageError(f"{name} is too short to be a capture", hint=hints.known)
    if (promised := named_as(path)) is not None:
        raise UsageError(f"{name} is named as {promised}, and holds none", hint=hints.bare)
    if is_text(head):
        raise UsageError(f"{name} is text", hint=hints.bare)
    raise UsageError(
        f"{name} is neither a capture nor a dump that is known by its bytes", hint=hints.bare
    )


def refuse_encapsulation(path: str, asked: Encapsulation | None) -> None:
    """Raise UsageError where another than RTP is asked of what was captured on a network."""
    if asked not in (None, Encapsulation.RTP):
        raise UsageError(
            f"-e {asked} is not for {source_name(path)}, a capture of a network",
            hint="leave it out: what a stream is framed in is found by itself",
        )


def source_name(path: str) -> str:
    """What a source is called in a message."""
    return "standard input" if path == STDIN else path
