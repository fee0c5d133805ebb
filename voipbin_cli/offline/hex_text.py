"""Messages written as hexadecimal text, one a line or as hex dumps print them: read, and judged."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO, NamedTuple

from voipbin_cli.analysis.messages import (
    NO_TIME,
    Gathering,
    Messages,
    TimedMessage,
    from_messages,
)
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
_PAIRS = re.compile(r"(?:0x|\\x)?([0-9a-f]{2})", re.IGNORECASE)
# Of characters in a line, and of bytes in a message.
_MAX_LINE = 1 << 20
# More than anybody reads; further ones are judged and counted.
_MAX_EXPLAINED = 1000
# So many are judged at once from there on, or so many bytes.
_PIECE_MESSAGES = 10_000
_PIECE_BYTES = 1 << 22


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
            messages = hex_messages(file)
            for number, data in enumerate(islice(messages, _MAX_EXPLAINED)):
                yield ExplainedMessage(number, data, dissect(self._encapsulation, data))
                self.explained = number + 1
                yield from validator.add(self._direction, from_messages([TimedMessage(data)]))
                if validator.is_full:
                    break
            while not validator.is_full and len(piece := _piece(messages)):
                yield from validator.add(self._direction, piece)
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
    dump = bytearray()
    for number, text in enumerate(_lines(file), 1):
        if _PLAIN_LINE.fullmatch(text):
            yield bytes.fromhex(text)
            continue
        offset = _OFFSET_LINE.fullmatch(text)
        place = int(offset[1], 16) if offset else 0
        if offset and (dump or place == 0):
            if place == 0 and dump:
                yield bytes(dump)
                dump.clear()
            dump += _dump_bytes(offset[2], number)
            if len(dump) > _MAX_LINE:
                raise UsageError(f"line {number}: a message of more than {_MAX_LINE} bytes")
        elif text:
            yield _line_bytes(text, number)
    if dump:
        yield bytes(dump)


def _piece(messages: Iterator[bytes]) -> Messages:
    """The next of them, some thousands or a few megabytes."""
    piece, size = Gathering(), 0
    for data in islice(messages, _PIECE_MESSAGES):
        piece.add(data, NO_TIME)
        size += len(data)
        if size >= _PIECE_BYTES:
            break
    return piece.frames()


def _lines(file: BinaryIO) -> Iterator[str]:
    """Lines without what is around their bytes; remarks are empty."""
    while line := file.readline(_MAX_LINE):
        text = line.decode("ascii", "replace").strip().removeprefix("b'").rstrip("'")
        yield "" if text.startswith("#") else text


def _line_bytes(text: str, number: int) -> bytes:
    if not _HEX_LINE.fullmatch(text.removeprefix("\\x")):
        raise _no_hex(number)
    return bytes.fromhex("".join(_PAIRS.findall(text)))


def _dump_bytes(text: str, number: int) -> bytes:
    """The bytes of a line of xxd, hexdump -C or tshark -x, without the text beside them."""
    # hexdump has a gap in the middle of its bytes, and bars around the text.
    octets = text.split("|")[0] if "|" in text else re.split(r"\s{2,}", text)[0]
    words = octets.split()
    if not all(re.fullmatch(r"(?:[0-9a-fA-F]{2})+", word) for word in words):
        raise _no_hex(number)
    return bytes.fromhex("".join(words))


def _no_hex(number: int) -> UsageError:
    return UsageError(
        f"line {number} is no hex text",
        hint="one message a line, such as 8060 0001 000000a0 …, or a hex dump",
    )
