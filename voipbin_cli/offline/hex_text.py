"""Messages written as hexadecimal text, one a line or as hex dumps print them: read, and judged."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from itertools import chain, islice
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from voipbin_cli.analysis.messages import Messages, TimedMessage, from_columns, from_messages
from voipbin_cli.analysis.validation.dissect import Field, dissect
from voipbin_cli.analysis.validation.judge import Part
from voipbin_cli.analysis.validation.scope import Scope
from voipbin_cli.analysis.validation.tally import Group
from voipbin_cli.codec.encapsulation import Direction, Encapsulation
from voipbin_cli.errors import UsageError
from voipbin_cli.offline.source import opened_bytes

_HEX_LINE = re.compile(r"(?:0x)?[0-9a-f]{2}(?:[\s:,;.-]*(?:0x|\\x)?[0-9a-f]{2})*", re.IGNORECASE)
# As most are written.
_PLAIN_LINE = re.compile(r"(?:[0-9a-f]{2})+", re.IGNORECASE)
_OFFSET_LINE = re.compile(r"\s*([0-9a-f]{4,16})(?::|\s{2,})\s*(.*)", re.IGNORECASE)
_GAP = re.compile(r"\s{2,}")
_PAIRS = re.compile(r"(?:0x|\\x)?([0-9a-f]{2})", re.IGNORECASE)
# Of characters in a line, and of bytes in a message.
_MAX_LINE = 1 << 20
# More than anybody reads; further ones are judged and counted.
_MAX_EXPLAINED = 1000
# From there on so many characters are judged at once, and the rest of the last line.
_PIECE_CHARACTERS = 1 << 18
# Lines of bytes as most are written; four digits and a colon, or two blanks, are an offset.
_PLAIN_LINES = re.compile(
    rb"(?:(?:[0-9a-f]{2}(?: ?[0-9a-f]{2})*|[0-9a-f]{2}(?::[0-9a-f]{2})*) ?\r?\n)+", re.IGNORECASE
)
_BLANK = bytes.maketrans(b":", b" ")


class ExplainedMessage(NamedTuple):
    """One message and what its bytes mean; `number` counts from 0."""

    number: int
    data: bytes
    fields: list[Field]


class HexValidation:
    """Judges hex text, of a file or of standard input (`-`), and explains the first messages."""

    def __init__(
        self, path: str, scope: Scope, encapsulation: Encapsulation = Encapsulation.RTP
    ) -> None:
        self._path = path
        self._direction = scope.direction or Direction.IN
        self._encapsulation = encapsulation
        self._validator = scope.validator(encapsulation)
        self.explained = 0

    def steps(self) -> Iterator[ExplainedMessage | Part]:
        """Yield the first thousand explained, and each part that is judged by then.

        To be asked once. Raises UsageError for what cannot be read or holds no message.
        """
        validator = self._validator
        with opened_bytes(self._path, hint="- is stdin") as file:
            text = HexText()
            first = chain(text.messages(file), text.rest())
            for number, data in enumerate(islice(first, _MAX_EXPLAINED)):
                yield ExplainedMessage(number, data, dissect(self._encapsulation, data))
                self.explained = number + 1
                yield from validator.add(self._direction, from_messages([TimedMessage(data)]))
                if validator.is_full:
                    break
            while not validator.is_full and (piece := _piece(file)):
                yield from validator.add(self._direction, text.columns(piece))
            yield from validator.add(self._direction, from_messages(map(TimedMessage, text.rest())))
        yield from validator.finish()
        if not self.frames:
            raise UsageError("there is no hex text", hint="one message a line")

    @property
    def frames(self) -> int:
        """How many were judged."""
        return self._validator.frames[self._direction]

    @property
    def summary(self) -> dict[str, Any]:
        """The fields of the summary."""
        return {"target": None, **self._validator.summary()}

    @property
    def groups(self) -> list[Group]:
        """What was found."""
        return self._validator.tally.groups


def hex_messages(file: BinaryIO) -> Iterator[bytes]:
    """The messages of hex text: one a line, or dumps with offsets, which begin at 0.

    Raises UsageError for a line that is neither.
    """
    text = HexText()
    yield from text.messages(file)
    yield from text.rest()


class HexText:
    """Hex text on its way to messages, one by one or many at once.

    A dump is whole where the next one begins, or with the text.
    """

    def __init__(self) -> None:
        self._lines = 0
        self._dump = bytearray()

    def messages(self, file: BinaryIO) -> Iterator[bytes]:
        """The messages in what is left of a file; raises UsageError for a line that is none."""
        for line in iter(partial(file.readline, _MAX_LINE), b""):
            self._lines += 1
            if message := self._message(_without_frills(line)):
                yield message

    def columns(self, piece: bytes) -> Messages:
        """The messages in some lines; raises UsageError as `messages` does."""
        if self._dump or not _PLAIN_LINES.fullmatch(piece):
            return from_messages(map(TimedMessage, self.messages(BytesIO(piece))))
        blank = piece.translate(_BLANK)
        octets = np.frombuffer(blank, np.uint8)
        ends = np.cumsum(octets > ord(" "))[octets == ord("\n")] // 2
        self._lines += len(ends)
        # It passes over what is blank between bytes, ends of lines included.
        data = bytes.fromhex(blank.decode("ascii"))
        offset = np.append(0, ends[:-1])
        return from_columns(data, offset, ends - offset)

    def rest(self) -> Iterator[bytes]:
        """The last dump: the text is over."""
        if self._dump:
            yield bytes(self._dump)
            self._dump.clear()

    def _message(self, text: str) -> bytes:
        """What is whole with this line; nothing where nothing is."""
        if _PLAIN_LINE.fullmatch(text):
            return bytes.fromhex(text)
        offset = _OFFSET_LINE.fullmatch(text)
        place = int(offset[1], 16) if offset else 0
        if not offset or (place and not self._dump):
            return _line_bytes(text, self._lines) if text else b""
        before = bytes(self._dump) if place == 0 else b""
        if before:
            self._dump.clear()
        self._dump += _dump_bytes(offset[2], self._lines)
        if len(self._dump) > _MAX_LINE:
            raise UsageError(f"line {self._lines}: a message of more than {_MAX_LINE} bytes")
        return before


def _piece(file: BinaryIO) -> bytes:
    """Some whole lines; none at the end."""
    return file.read(_PIECE_CHARACTERS) + file.readline(_MAX_LINE)


def _without_frills(line: bytes) -> str:
    """A line without what is around its bytes; remarks are empty."""
    text = line.decode("ascii", "replace").strip().removeprefix("b'").rstrip("'")
    return "" if text.startswith("#") else text


def _line_bytes(text: str, number: int) -> bytes:
    if not _HEX_LINE.fullmatch(text.removeprefix("\\x")):
        raise _no_hex(number)
    return bytes.fromhex("".join(_PAIRS.findall(text)))


def _dump_bytes(text: str, number: int) -> bytes:
    """The bytes of a line of xxd, hexdump -C or tshark -x, without the text beside them."""
    # hexdump has a gap in the middle of its bytes, and bars around the text.
    octets = text.split("|")[0] if "|" in text else _GAP.split(text, 1)[0]
    try:
        return bytes.fromhex(octets)
    except ValueError:
        raise _no_hex(number) from None


def _no_hex(number: int) -> UsageError:
    return UsageError(
        f"line {number} is no hex text",
        hint="one message a line, such as 8060 0001 000000a0 …, or a hex dump",
    )
