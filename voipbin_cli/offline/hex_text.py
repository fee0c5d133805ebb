"""Messages written as hexadecimal text, one a line or as hex dumps print them: read, and judged."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from voipbin_cli.analysis.messages import TimedMessage, from_messages
from voipbin_cli.analysis.validation.dissect import Field, dissect
from voipbin_cli.analysis.validation.judge import Part
from voipbin_cli.analysis.validation.scope import Scope
from voipbin_cli.analysis.validation.tally import Group
from voipbin_cli.codec.encapsulation import Direction, Encapsulation
from voipbin_cli.errors import UsageError
from voipbin_cli.offline.source import opened_bytes

_HEX_LINE = re.compile(r"(?:0x)?[0-9a-f]{2}(?:[\s:,;.-]*(?:0x|\\x)?[0-9a-f]{2})*", re.IGNORECASE)
_OFFSET_LINE = re.compile(r"\s*([0-9a-f]{4,16})(?::|\s{2,})\s*(.*)", re.IGNORECASE)
_PAIRS = re.compile(r"(?:0x|\\x)?([0-9a-f]{2})", re.IGNORECASE)
# Of characters in a line, and of bytes in a message.
_MAX_LINE = 1 << 20


class ExplainedMessage(NamedTuple):
    """One message and what its bytes mean; `number` counts from 0."""

    number: int
    data: bytes
    fields: list[Field]


class HexValidation:
    """Explains and judges hex text, of a file or of standard input (`-`)."""

    def __init__(
        self, path: str, scope: Scope, encapsulation: Encapsulation = Encapsulation.RTP
    ) -> None:
        self._path = path
        self._direction = scope.direction or Direction.IN
        self._encapsulation = encapsulation
        self._validator = scope.validator(encapsulation)

    def steps(self) -> Iterator[ExplainedMessage | Part]:
        """Yield each message explained, and each part that is judged by then; to be asked once.

        Raises UsageError for what cannot be read or holds no message.
        """
        validator = self._validator
        with opened_bytes(self._path, hint="- is stdin") as file:
            for number, data in enumerate(hex_messages(file)):
                yield ExplainedMessage(number, data, dissect(self._encapsulation, data))
                yield from validator.add(self._direction, from_messages([TimedMessage(data)]))
                if validator.is_full:
                    break
        yield from validator.finish()
        if not self.summary["frames"]:
            raise UsageError("there is no hex text", hint="one message a line")

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
